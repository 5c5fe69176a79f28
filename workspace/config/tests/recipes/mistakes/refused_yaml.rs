//! YAML that recipes do not use.

use insta::assert_snapshot;

use crate::report;

#[test]
fn anchor_and_alias() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: &n 8, round: *n}}
"), @r"
    error: anchor `&n`: anchors and aliases are not part of recipes
     --> recipe.yaml:4:31
      |
    4 | search: {best_of_n: {samples: &n 8, round: *n}}
      |                               ^^
      = hint: write the value out where it is used

    error: alias: anchors and aliases are not part of recipes
     --> recipe.yaml:4:44
      |
    4 | search: {best_of_n: {samples: &n 8, round: *n}}
      |                                            ^^
      = hint: write the value out where it is used
    ");
}

#[test]
fn alias_of_nothing() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: *nothing
"), @r"
    error: alias: anchors and aliases are not part of recipes
     --> recipe.yaml:4:9
      |
    4 | search: *nothing
      |         ^^^^^^^^
      = hint: write the value out where it is used
    ");
}

#[test]
fn merge_key() {
    assert_snapshot!(report(r"version: 1
base: &base {samples: 8}
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {<<: *base}}
"), @r"
    error: unknown key `base` in the recipe
     --> recipe.yaml:2:1
      |
    2 | base: &base {samples: 8}
      | ^^^^
      = hint: its keys are `version`, `editor`, `editors`, `rewards`, `critics`, `combine`, `gates`, `search`, `select`, `finalists`, `stop`, `budget`, `retain`, `retry`, `output`, `rollout`, `curate`

    error: anchor `&base`: anchors and aliases are not part of recipes
     --> recipe.yaml:2:7
      |
    2 | base: &base {samples: 8}
      |       ^^^^^
      = hint: write the value out where it is used

    error: `best_of_n` lacks the key `samples`
     --> recipe.yaml:5:10
      |
    5 | search: {best_of_n: {<<: *base}}
      |          ^^^^^^^^^
      = hint: add `samples: …` (candidates in all)

    error: merge keys are not part of recipes
     --> recipe.yaml:5:22
      |
    5 | search: {best_of_n: {<<: *base}}
      |                      ^^
      = hint: write the keys out where they are used

    error: alias: anchors and aliases are not part of recipes
     --> recipe.yaml:5:26
      |
    5 | search: {best_of_n: {<<: *base}}
      |                          ^^^^^
      = hint: write the value out where it is used
    ");
}

#[test]
fn tag() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: !!int 8}}
"), @r"
    error: tags are not part of recipes
     --> recipe.yaml:4:31
      |
    4 | search: {best_of_n: {samples: !!int 8}}
      |                               ^^^^^
      = hint: leave it out: the key decides the type
    ");
}

#[test]
fn own_tag() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: !policy {best_of_n: {samples: 8}}
"), @r"
    error: tags are not part of recipes
     --> recipe.yaml:4:9
      |
    4 | search: !policy {best_of_n: {samples: 8}}
      |         ^^^^^^^
      = hint: leave it out: the key decides the type
    ");
}

#[test]
fn list_as_a_key() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
? [a, b]
: 1
"), @r"
    error: a list or map cannot be a key
     --> recipe.yaml:5:3
      |
    5 | ? [a, b]
      |   ^^^^^^
    ");
}

#[test]
fn map_as_a_key() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
{a: 1}: 1
"), @r"
    error: a list or map cannot be a key
     --> recipe.yaml:5:1
      |
    5 | {a: 1}: 1
      | ^^^^^^
    ");
}

#[test]
fn duplicate_key() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
stop: {patience: 2}
stop: {patience: 3}
"), @r"
    error: duplicate key `stop`
     --> recipe.yaml:6:1
      |
    6 | stop: {patience: 3}
      | ^^^^
      = hint: it is already given in line 5
    ");
}

#[test]
fn duplicate_key_in_quotes() {
    assert_snapshot!(report(r#"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8, "samples": 9}}
"#), @r#"
    error: duplicate key `samples`
     --> recipe.yaml:4:34
      |
    4 | search: {best_of_n: {samples: 8, "samples": 9}}
      |                                  ^^^^^^^^^
      = hint: it is already given in line 4
    "#);
}
