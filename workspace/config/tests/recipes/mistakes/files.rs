//! Files that are no YAML document of their own kind.

use insta::assert_snapshot;

use crate::report;

#[test]
fn empty_file() {
    assert_snapshot!(report(""), @r"
    error: the recipe is empty
     --> recipe.yaml:1:1
      |
    1 | 
      | ^
      = hint: a recipe begins with `version: 1`; see `configs/quickstart.yaml` for a whole one
    ");
}

#[test]
fn blanks_only() {
    assert_snapshot!(report("  \n\n"), @r"
    error: the recipe is empty
     --> recipe.yaml:1:1
      |
    1 | 
      | ^
      = hint: a recipe begins with `version: 1`; see `configs/quickstart.yaml` for a whole one
    ");
}

#[test]
fn comments_only() {
    assert_snapshot!(report("# nothing yet\n"), @r"
    error: the recipe is empty
     --> recipe.yaml:1:1
      |
    1 | # nothing yet
      | ^
      = hint: a recipe begins with `version: 1`; see `configs/quickstart.yaml` for a whole one
    ");
}

#[test]
fn null() {
    assert_snapshot!(report("~\n"), @r"
    error: a recipe is a map of keys and values
     --> recipe.yaml:1:1
      |
    1 | ~
      | ^
      = hint: begin with the line `version: 1`
    ");
}

#[test]
fn a_text() {
    assert_snapshot!(report("make it warmer\n"), @r"
    error: a recipe is a map of keys and values
     --> recipe.yaml:1:1
      |
    1 | make it warmer
      | ^^^^^^^^^^^^^^
      = hint: begin with the line `version: 1`
    ");
}

#[test]
fn a_list() {
    assert_snapshot!(report("- version: 1\n"), @r"
    error: a recipe is a map of keys and values
     --> recipe.yaml:1:1
      |
    1 | - version: 1
      | ^^^^^^^^^^^^
      = hint: begin with the line `version: 1`
    ");
}

#[test]
fn several_documents() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
---
version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: a second document begins here
     --> recipe.yaml:5:1
      |
    5 | ---
      | ^^^
      = hint: put each recipe in a file of its own
    ");
}

#[test]
fn a_document_after_an_end() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
...
more: 1
"), @r"
    error: a second document begins here
     --> recipe.yaml:6:1
      |
    6 | more: 1
      | ^
      = hint: put each recipe in a file of its own
    ");
}

#[test]
fn a_directive() {
    assert_snapshot!(report(r"%YAML 1.2
---
version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: directives are not part of recipes
     --> recipe.yaml:1:1
      |
    1 | %YAML 1.2
      | ^
      = hint: delete the line that begins with `%`
    ");
}

#[test]
fn mark_inside() {
    assert_snapshot!(report("version: 1\n\u{feff}editor: {darkroom: {}}\n"), @r"
    error: a byte order mark inside the file
     --> recipe.yaml:2:1
      |
    2 | �editor: {darkroom: {}}
      | ^
      = hint: delete it: it is invisible, and only the first bytes may be one
    ");
}

#[test]
fn control_character() {
    assert_snapshot!(report("version: 1\u{7}\n"), @r"
    error: `\u{7}` cannot stand here
     --> recipe.yaml:1:10
      |
    1 | version: 1�
      |          ^
      = hint: put texts with special characters in quotation marks
    ");
}
