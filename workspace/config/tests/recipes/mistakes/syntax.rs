//! Text that is not YAML.

use insta::assert_snapshot;

use crate::report;

#[test]
fn tab_as_indentation() {
    assert_snapshot!(report("version: 1\neditor:\n\tdarkroom: {}\n"), @r"
    error: a tab cannot indent
     --> recipe.yaml:3:2
      |
    3 |  darkroom: {}
      |  ^
      = hint: use blanks
    ");
    assert_snapshot!(report("version: 1\n\teditor: x\n"), @r"
    error: a tab cannot indent
     --> recipe.yaml:2:1
      |
    2 |  editor: x
      | ^
      = hint: use blanks
    ");
}

#[test]
fn keys_indented_differently() {
    assert_snapshot!(report(r"version: 1
editor:
    darkroom:
        partial: true
      workers: 2
"), @r"
    error: a key was expected here
     --> recipe.yaml:5:7
      |
    5 |       workers: 2
      |       ^
      = hint: indent keys of one map equally; write `key: value` with a blank after the colon
    ");
}

#[test]
fn key_at_a_wrong_level() {
    assert_snapshot!(report(r"version: 1
  editor: {darkroom: {}}
"), @r"
    error: a `:` cannot stand here
     --> recipe.yaml:2:9
      |
    2 |   editor: {darkroom: {}}
      |         ^
      = hint: put a blank after each colon, and begin each key in a line of its own, indented like its neighbours
    ");
}

#[test]
fn no_blank_after_the_colon() {
    assert_snapshot!(report(r"version:1
editor: {darkroom: {}}
"), @r"
    error: a `:` cannot stand here
     --> recipe.yaml:2:7
      |
    2 | editor: {darkroom: {}}
      |       ^
      = hint: put a blank after each colon, and begin each key in a line of its own, indented like its neighbours
    ");
}

#[test]
fn two_keys_in_one_line() {
    assert_snapshot!(report("version: 1 editor: {darkroom: {}}\n"), @r"
    error: a `:` cannot stand here
     --> recipe.yaml:1:18
      |
    1 | version: 1 editor: {darkroom: {}}
      |                  ^
      = hint: put a blank after each colon, and begin each key in a line of its own, indented like its neighbours
    ");
}

#[test]
fn brace_not_closed() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
stop: {target_score: 0.9
budget: {edits: 8}
"), @r"
    error: `,` or `}` was expected here
     --> recipe.yaml:6:7
      |
    6 | budget: {edits: 8}
      |       ^
      = hint: put `,` between keys and items; the bracket in line 5, column 7 is still open
    ");
}

#[test]
fn brace_not_closed_at_the_end() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
stop: {target_score: 0.9
"), @r"
    error: `{` is not closed
     --> recipe.yaml:5:7
      |
    5 | stop: {target_score: 0.9
      |       ^
      = hint: close it where the list or map ends
    ");
}

#[test]
fn bracket_closed_by_a_brace() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}]}
search: {best_of_n: {samples: 8}}
"), @r"
    error: `{` is closed by `]`
     --> recipe.yaml:3:11
      |
    3 | rewards: [{model: {photometric: {}}]}
      |           ^
      = hint: close brackets in the opposite order of opening them
    ");
}

#[test]
fn brace_too_many() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: a bracket that closes nothing
     --> recipe.yaml:2:23
      |
    2 | editor: {darkroom: {}}}
      |                       ^
      = hint: delete it, or look for the one that it should close
    ");
}

#[test]
fn comma_missing() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8 round: 2}}
"), @r"
    error: `,` or `}` was expected here
     --> recipe.yaml:4:38
      |
    4 | search: {best_of_n: {samples: 8 round: 2}}
      |                                      ^
      = hint: put `,` between keys and items; the bracket in line 4, column 21 is still open
    ");
}

#[test]
fn quotation_mark_not_closed() {
    assert_snapshot!(report(r#"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}, name: "a}]
search: {best_of_n: {samples: 8}}
"#), @r#"
    error: a quotation mark is not closed
     --> recipe.yaml:3:44
      |
    3 | rewards: [{model: {photometric: {}}, name: "a}]
      |                                            ^
      = hint: close it with the mark that opened it
    "#);
}

#[test]
fn text_after_a_quotation_mark() {
    assert_snapshot!(report(r#"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}, name: "a"b}]
search: {best_of_n: {samples: 8}}
"#), @r#"
    error: text follows a closed quotation mark
     --> recipe.yaml:3:47
      |
    3 | rewards: [{model: {photometric: {}}, name: "a"b}]
      |                                               ^
      = hint: put all of it inside the quotation marks
    "#);
}

#[test]
fn unknown_escape() {
    assert_snapshot!(report(r#"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}, name: "a\q"}]
search: {best_of_n: {samples: 8}}
"#), @r#"
    error: an unknown escape after `\`
     --> recipe.yaml:3:44
      |
    3 | rewards: [{model: {photometric: {}}, name: "a\q"}]
      |                                            ^
      = hint: use single quotation marks, or write `\\`
    "#);
}

#[test]
fn reserved_character() {
    assert_snapshot!(report(r"version: 1
editor: @darkroom
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: `@` cannot stand here
     --> recipe.yaml:2:9
      |
    2 | editor: @darkroom
      |         ^
      = hint: put texts with special characters in quotation marks
    ");
}

#[test]
fn list_item_after_a_key() {
    assert_snapshot!(report(r"version: 1
editor: - darkroom
"), @r"
    error: a list item cannot stand here
     --> recipe.yaml:2:9
      |
    2 | editor: - darkroom
      |         ^
      = hint: indent the `-` of all items of one list equally
    ");
}

#[test]
fn item_beside_keys() {
    assert_snapshot!(report(r"version: 1
- editor
"), @r"
    error: a key was expected here
     --> recipe.yaml:2:3
      |
    2 | - editor
      |   ^
      = hint: indent keys of one map equally; write `key: value` with a blank after the colon
    ");
}
