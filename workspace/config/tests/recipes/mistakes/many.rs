//! Several mistakes in one file, all told, in the order of their places.

use insta::assert_snapshot;

use crate::report;

#[test]
#[expect(clippy::too_many_lines, reason = "one report, whole")]
fn many_mistakes() {
    assert_snapshot!(report(r#"# A recipe in which everything is wrong.
version: 1
edtior: {darkroom: {partail: yes}}
rewards:
  - {model: {photometric: {}}, weight: .nan}
  - {model: {photometric: {}}, wieght: 2}
gates:
  - {reward: photometrc, at_least: high}
search:
  beam:
    width: 0
    children: -3
    depth: 1.5
    edges: {re_edit: 1, edit_off_edit: 1}
stop: {target_score: .inf, patience: 0}
budget: {edits: "32", wall: 120}
retain: best
output: {format: gif, quality: 0}
seed: 7
"#), @r#"
    error: unknown key `edtior` in the recipe
     --> recipe.yaml:3:1
      |
    3 | edtior: {darkroom: {partail: yes}}
      | ^^^^^^
      = hint: did you mean `editor`?

    error: unknown key `partail` in `darkroom`
     --> recipe.yaml:3:21
      |
    3 | edtior: {darkroom: {partail: yes}}
      |                     ^^^^^^^
      = hint: did you mean `partial`?

    error: `partial` cannot be the text `yes`: expected `true` or `false`
     --> recipe.yaml:3:30
      |
    3 | edtior: {darkroom: {partail: yes}}
      |                              ^^^
      = hint: write `true`

    error: `weight` cannot be `.nan`: expected a number from -1,000,000 to 1,000,000
     --> recipe.yaml:5:40
      |
    5 |   - {model: {photometric: {}}, weight: .nan}
      |                                        ^^^^

    error: there are two rewards called `photometric`
     --> recipe.yaml:6:6
      |
    6 |   - {model: {photometric: {}}, wieght: 2}
      |      ^^^^^
      = hint: give one of them another `name`

    error: unknown key `wieght` in a reward
     --> recipe.yaml:6:32
      |
    6 |   - {model: {photometric: {}}, wieght: 2}
      |                                ^^^^^^
      = hint: did you mean `weight`?

    error: the recipe has no reward `photometrc`
     --> recipe.yaml:8:14
      |
    8 |   - {reward: photometrc, at_least: high}
      |              ^^^^^^^^^^
      = hint: did you mean `photometric`?

    error: `at_least` cannot be the text `high`: expected a finite number
     --> recipe.yaml:8:36
      |
    8 |   - {reward: photometrc, at_least: high}
      |                                    ^^^^

    error: `width` cannot be 0: expected a whole number from 1 to 1000
      --> recipe.yaml:11:12
       |
    11 |     width: 0
       |            ^

    error: `children` cannot be -3: expected a whole number from 1 to 1000
      --> recipe.yaml:12:15
       |
    12 |     children: -3
       |               ^^

    error: `depth` cannot be `1.5`: expected a whole number from 1 to 1000
      --> recipe.yaml:13:12
       |
    13 |     depth: 1.5
       |            ^^^

    error: unknown key `edit_off_edit` in `edges`
      --> recipe.yaml:14:25
       |
    14 |     edges: {re_edit: 1, edit_off_edit: 1}
       |                         ^^^^^^^^^^^^^
       = hint: did you mean `edit_of_edit`?

    error: `target_score` cannot be `.inf`: expected a finite number
      --> recipe.yaml:15:22
       |
    15 | stop: {target_score: .inf, patience: 0}
       |                      ^^^^

    error: `patience` cannot be 0: expected a whole number from 1 to 1000
      --> recipe.yaml:15:38
       |
    15 | stop: {target_score: .inf, patience: 0}
       |                                      ^

    error: `edits` cannot be the text `32`: expected a whole number from 1 to 9,007,199,254,740,991
      --> recipe.yaml:16:17
       |
    16 | budget: {edits: "32", wall: 120}
       |                 ^^^^
       = hint: write `32` without quotation marks

    error: unknown key `wall` in `budget`
      --> recipe.yaml:16:23
       |
    16 | budget: {edits: "32", wall: 120}
       |                       ^^^^
       = hint: its keys are `edits`, `nfe`, `reward_calls`, `tokens`, `usd`, `wall_secs`

    error: `retain` cannot be the text `best`: expected a choice of images with its options
      --> recipe.yaml:17:9
       |
    17 | retain: best
       |         ^^^^
       = hint: write `retain: {best: {count: …}}`

    error: `format` cannot be the text `gif`: expected one of `png`, `jpeg`, `webp`
      --> recipe.yaml:18:18
       |
    18 | output: {format: gif, quality: 0}
       |                  ^^^

    error: `quality` cannot be 0: expected a whole number from 1 to 100
      --> recipe.yaml:18:32
       |
    18 | output: {format: gif, quality: 0}
       |                                ^

    error: unknown key `seed` in the recipe
      --> recipe.yaml:19:1
       |
    19 | seed: 7
       | ^^^^
       = hint: its keys are `version`, `editor`, `editors`, `rewards`, `critics`, `combine`, `gates`, `search`, `select`, `finalists`, `stop`, `budget`, `retain`, `retry`, `output`, `rollout`, `curate`
    "#);
}

#[test]
fn json() {
    assert_snapshot!(report("{\"version\": 1, \"editor\": {\"darkroom\": {\"partial\": \"no\"}}, \"rewards\": [{\"model\": {\"photometric\": {}}, \"weight\": null}], \"search\": {\"best_of_n\": {\"samples\": 1e2}}}\n"), @r#"
    error: `partial` cannot be the text `no`: expected `true` or `false`
     --> recipe.yaml:1:51
      |
    1 | …: 1, "editor": {"darkroom": {"partial": "no"}}, "rewards": [{"model": {"photometric": {}}, "weight":…
      |                                          ^^^^
      = hint: write `false`

    error: `weight` has no value: expected a number from -1,000,000 to 1,000,000
     --> recipe.yaml:1:112
      |
    1 | …"model": {"photometric": {}}, "weight": null}], "search": {"best_of_n": {"samples": 1e2}}}
      |                                          ^^^^
      = hint: leave the key out to have its default

    error: `samples` cannot be `1e2`: expected a whole number from 1 to 100,000
     --> recipe.yaml:1:156
      |
    1 | …}], "search": {"best_of_n": {"samples": 1e2}}}
      |                                          ^^^
      = hint: write `100`
    "#);
}

#[test]
fn windows_line_ends() {
    assert_snapshot!(report("version: 1\r\neditor: {darkroom: {}}\r\nrewards: [{model: {photometric: {}}}]\r\nsearch: {best_of_n: {sampels: 8}}\r\n"), @r"
    error: unknown key `sampels` in `best_of_n`
     --> recipe.yaml:4:22
      |
    4 | search: {best_of_n: {sampels: 8}}
      |                      ^^^^^^^
      = hint: did you mean `samples`?
    ");
}

#[test]
fn wide_characters_before_the_place() {
    assert_snapshot!(report(r#"version: 1
editor: { darkroom: {}}
rewards: [{name: "картина 画像 é", model: {photometric: {}}, wight: 1}]
search: {best_of_n: {samples: 8}}
"#), @r#"
    error: `name` cannot be the text `картина 画像 é`: expected a name of 1 to 64 of a-z, A-Z, 0-9, `_`, `-`, `.` that begins with a letter or digit
     --> recipe.yaml:3:18
      |
    3 | rewards: [{name: "картина 画像 é", model: {photometric: {}}, wight: 1}]
      |                  ^^^^^^^^^^^^^^^^

    error: unknown key `wight` in a reward
     --> recipe.yaml:3:60
      |
    3 | rewards: [{name: "картина 画像 é", model: {photometric: {}}, wight: 1}]
      |                                                              ^^^^^
      = hint: did you mean `weight`?
    "#);
}

#[test]
fn a_very_wide_line() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8,                                                                                                                                                       rond: 3,                                                                                                                                                       x: 1}}
"), @r"
    error: unknown key `rond` in `best_of_n`
     --> recipe.yaml:4:184
      |
    4 | …                                        rond: 3,                                                    …
      |                                          ^^^^
      = hint: did you mean `round`?

    error: unknown key `x` in `best_of_n`
     --> recipe.yaml:4:343
      |
    4 | …                                        x: 1}}
      |                                          ^
      = hint: its keys are `samples`, `round`
    ");
}
