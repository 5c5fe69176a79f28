//! Keys that are missing, unknown or misspelt.

use insta::assert_snapshot;

use crate::report;

#[test]
fn version_missing() {
    assert_snapshot!(report(r"editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: the recipe lacks the key `version`
     --> recipe.yaml:1:1
      |
    1 | editor: {darkroom: {}}
      | ^^^^^^
      = hint: begin with the line `version: 1`
    ");
}

#[test]
fn version_unsupported() {
    assert_snapshot!(report(r"version: 2
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: this is a recipe of version 2: expected version 1
     --> recipe.yaml:1:10
      |
    1 | version: 2
      |          ^
      = hint: the version is that of the recipe format, and not yours
    ");
}

#[test]
fn version_as_text() {
    assert_snapshot!(report(r#"version: "1"
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"#), @r#"
    error: `version` cannot be the text `1`: expected `1`
     --> recipe.yaml:1:10
      |
    1 | version: "1"
      |          ^^^
      = hint: write `1` without quotation marks
    "#);
}

#[test]
fn everything_missing() {
    assert_snapshot!(report("version: 1\n"), @r"
    error: the recipe lacks the key `editor`
     --> recipe.yaml:1:1
      |
    1 | version: 1
      | ^^^^^^^
      = hint: a first one is `editor: {darkroom: {}}`; what only judges needs neither it nor `search`

    error: the recipe lacks the key `rewards`
     --> recipe.yaml:1:1
      |
    1 | version: 1
      | ^^^^^^^
      = hint: a first one is `rewards: [{model: {photometric: {}}}]`

    error: the recipe lacks the key `search`
     --> recipe.yaml:1:1
      |
    1 | version: 1
      | ^^^^^^^
      = hint: a first one is `search: {best_of_n: {samples: 8}}`
    ");
}

#[test]
fn empty_map() {
    assert_snapshot!(report("{}\n"), @r"
    error: the recipe lacks the key `version`
     --> recipe.yaml:1:1
      |
    1 | {}
      | ^^
      = hint: begin with the line `version: 1`

    error: the recipe lacks the key `editor`
     --> recipe.yaml:1:1
      |
    1 | {}
      | ^^
      = hint: a first one is `editor: {darkroom: {}}`; what only judges needs neither it nor `search`

    error: the recipe lacks the key `rewards`
     --> recipe.yaml:1:1
      |
    1 | {}
      | ^^
      = hint: a first one is `rewards: [{model: {photometric: {}}}]`

    error: the recipe lacks the key `search`
     --> recipe.yaml:1:1
      |
    1 | {}
      | ^^
      = hint: a first one is `search: {best_of_n: {samples: 8}}`
    ");
}

#[test]
fn editor_missing() {
    assert_snapshot!(report(r"version: 1
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: the recipe lacks the key `editor`
     --> recipe.yaml:1:1
      |
    1 | version: 1
      | ^^^^^^^
      = hint: a first one is `editor: {darkroom: {}}`; what only judges needs neither it nor `search`
    ");
}

#[test]
fn unknown_key_at_the_top() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
seed: 7
"), @r"
    error: unknown key `seed` in the recipe
     --> recipe.yaml:5:1
      |
    5 | seed: 7
      | ^^^^
      = hint: its keys are `version`, `editor`, `editors`, `rewards`, `critics`, `combine`, `gates`, `search`, `select`, `finalists`, `stop`, `budget`, `retain`, `retry`, `output`, `rollout`, `curate`
    ");
}

#[test]
fn misspelt_key_at_the_top() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
serach: {best_of_n: {samples: 8}}
"), @r"
    error: unknown key `serach` in the recipe
     --> recipe.yaml:4:1
      |
    4 | serach: {best_of_n: {samples: 8}}
      | ^^^^^^
      = hint: did you mean `search`?
    ");
}

#[test]
fn key_with_another_case() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {Samples: 8}}
"), @r"
    error: unknown key `Samples` in `best_of_n`
     --> recipe.yaml:4:22
      |
    4 | search: {best_of_n: {Samples: 8}}
      |                      ^^^^^^^
      = hint: did you mean `samples`?
    ");
}

#[test]
fn key_with_a_hyphen() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {reward_weighted: {samples: 8, target-ess: 2}}
"), @r"
    error: unknown key `target-ess` in `reward_weighted`
     --> recipe.yaml:4:40
      |
    4 | search: {reward_weighted: {samples: 8, target-ess: 2}}
      |                                        ^^^^^^^^^^
      = hint: did you mean `target_ess`?
    ");
}

#[test]
fn key_without_a_unit() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
budget: {wall: 120}
"), @r"
    error: unknown key `wall` in `budget`
     --> recipe.yaml:5:10
      |
    5 | budget: {wall: 120}
      |          ^^^^
      = hint: its keys are `edits`, `nfe`, `reward_calls`, `tokens`, `usd`, `wall_secs`
    ");
}

#[test]
fn options_where_none_are() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
combine: {weighted: {scale: 2}}
search: {best_of_n: {samples: 8}}
"), @r"
    error: unknown key `scale` in `weighted`
     --> recipe.yaml:4:22
      |
    4 | combine: {weighted: {scale: 2}}
      |                      ^^^^^
      = hint: it has no keys; write `{}`
    ");
}

#[test]
fn key_at_the_wrong_level() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {}, samples: 8}
"), @r"
    error: `best_of_n` lacks the key `samples`
     --> recipe.yaml:4:10
      |
    4 | search: {best_of_n: {}, samples: 8}
      |          ^^^^^^^^^
      = hint: add `samples: …` (candidates in all)

    error: `samples` is not a policy
     --> recipe.yaml:4:25
      |
    4 | search: {best_of_n: {}, samples: 8}
      |                         ^^^^^^^
      = hint: it is a key of `best_of_n`: write `best_of_n: {samples: …}`
    ");
}

#[test]
fn no_blank_after_the_colon() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples:8}}
"), @r"
    error: unknown key `samples:8` in `best_of_n`
     --> recipe.yaml:4:22
      |
    4 | search: {best_of_n: {samples:8}}
      |                      ^^^^^^^^^
      = hint: put a blank after the colon: `samples: 8`
    ");
}

#[test]
fn misspelt_keys_are_read_on() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {sampels: 0}}
budgte: {edits: none}
"), @r"
    error: unknown key `sampels` in `best_of_n`
     --> recipe.yaml:4:22
      |
    4 | search: {best_of_n: {sampels: 0}}
      |                      ^^^^^^^
      = hint: did you mean `samples`?

    error: `samples` cannot be 0: expected a whole number from 1 to 100,000
     --> recipe.yaml:4:31
      |
    4 | search: {best_of_n: {sampels: 0}}
      |                               ^

    error: unknown key `budgte` in the recipe
     --> recipe.yaml:5:1
      |
    5 | budgte: {edits: none}
      | ^^^^^^
      = hint: did you mean `budget`?

    error: `edits` cannot be the text `none`: expected a whole number from 1 to 9,007,199,254,740,991
     --> recipe.yaml:5:17
      |
    5 | budgte: {edits: none}
      |                 ^^^^
    ");
}

#[test]
fn two_misspellings_of_one_key() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
budget: {edit: 3, editz: 4}
"), @r"
    warning: the budget ends the first round of `best_of_n` after 3 of 8 candidates
     --> recipe.yaml:5:1
      |
    5 | budget: {edit: 3, editz: 4}
      | ^^^^^^
      = hint: raise `edits` to 8 or more

    error: unknown key `edit` in `budget`
     --> recipe.yaml:5:10
      |
    5 | budget: {edit: 3, editz: 4}
      |          ^^^^
      = hint: did you mean `edits`?

    error: unknown key `editz` in `budget`
     --> recipe.yaml:5:19
      |
    5 | budget: {edit: 3, editz: 4}
      |                   ^^^^^
      = hint: its keys are `edits`, `nfe`, `reward_calls`, `tokens`, `usd`, `wall_secs`
    ");
}

#[test]
fn model_missing() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{weight: 1.0}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: a reward lacks the key `model`
     --> recipe.yaml:3:11
      |
    3 | rewards: [{weight: 1.0}]
      |           ^
      = hint: write `model: {photometric: {}}`
    ");
}

#[test]
fn required_key_missing() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {beam: {width: 2}}
"), @r"
    error: `beam` lacks the key `children`
     --> recipe.yaml:4:10
      |
    4 | search: {beam: {width: 2}}
      |          ^^^^
      = hint: add `children: …` (candidates made from each of them in a round)

    error: `beam` lacks the key `depth`
     --> recipe.yaml:4:10
      |
    4 | search: {beam: {width: 2}}
      |          ^^^^
      = hint: add `depth: …` (rounds of children, after a first round from the source; a run makes width × children × (depth + 1) candidates, at most 100,000)
    ");
}

#[test]
fn count_of_best_missing() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
retain: {best: {}}
"), @r"
    error: `best` lacks the key `count`
     --> recipe.yaml:5:10
      |
    5 | retain: {best: {}}
      |          ^^^^
      = hint: add `count: …` (how many images are kept, the best first)
    ");
}
