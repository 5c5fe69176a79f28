//! Single values that their keys cannot have.

use insta::assert_snapshot;

use crate::report;

#[test]
fn text_for_a_count() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: many}}
"), @r"
    error: `samples` cannot be the text `many`: expected a whole number from 1 to 100,000
     --> recipe.yaml:4:31
      |
    4 | search: {best_of_n: {samples: many}}
      |                               ^^^^
    ");
}

#[test]
fn count_in_quotes() {
    assert_snapshot!(report(r#"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: "8"}}
"#), @r#"
    error: `samples` cannot be the text `8`: expected a whole number from 1 to 100,000
     --> recipe.yaml:4:31
      |
    4 | search: {best_of_n: {samples: "8"}}
      |                               ^^^
      = hint: write `8` without quotation marks
    "#);
}

#[test]
fn fraction_for_a_count() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8.5}}
"), @r"
    error: `samples` cannot be `8.5`: expected a whole number from 1 to 100,000
     --> recipe.yaml:4:31
      |
    4 | search: {best_of_n: {samples: 8.5}}
      |                               ^^^
    ");
}

#[test]
fn count_with_a_point() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8.0}}
"), @r"
    error: `samples` cannot be `8.0`: expected a whole number from 1 to 100,000
     --> recipe.yaml:4:31
      |
    4 | search: {best_of_n: {samples: 8.0}}
      |                               ^^^
      = hint: write `8`
    ");
}

#[test]
fn zero_count() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 0}}
"), @r"
    error: `samples` cannot be 0: expected a whole number from 1 to 100,000
     --> recipe.yaml:4:31
      |
    4 | search: {best_of_n: {samples: 0}}
      |                               ^
    ");
}

#[test]
fn negative_count() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: -8}}
"), @r"
    error: `samples` cannot be -8: expected a whole number from 1 to 100,000
     --> recipe.yaml:4:31
      |
    4 | search: {best_of_n: {samples: -8}}
      |                               ^^
    ");
}

#[test]
fn huge_count() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 99999999999999999999999999999999999999999999}}
"), @r"
    error: `samples` cannot be `99999999999999999999999999999999999999999999`: expected a whole number from 1 to 100,000
     --> recipe.yaml:4:31
      |
    4 | search: {best_of_n: {samples: 99999999999999999999999999999999999999999999}}
      |                               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    ");
}

#[test]
fn count_beyond_its_range() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 100001}}
"), @r"
    error: `samples` cannot be 100001: expected a whole number from 1 to 100,000
     --> recipe.yaml:4:31
      |
    4 | search: {best_of_n: {samples: 100001}}
      |                               ^^^^^^
    ");
}

#[test]
fn count_with_separators() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 1_000}}
"), @r"
    error: `samples` cannot be the text `1_000`: expected a whole number from 1 to 100,000
     --> recipe.yaml:4:31
      |
    4 | search: {best_of_n: {samples: 1_000}}
      |                               ^^^^^
      = hint: write digits only, with a `.` before decimals
    ");
}

#[test]
fn list_for_a_count() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: [8]}}
"), @r"
    error: `samples` cannot be a list: expected a whole number from 1 to 100,000
     --> recipe.yaml:4:31
      |
    4 | search: {best_of_n: {samples: [8]}}
      |                               ^^^
    ");
}

#[test]
fn map_for_a_count() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: {n: 8}}}
"), @r"
    error: `samples` cannot be a map: expected a whole number from 1 to 100,000
     --> recipe.yaml:4:31
      |
    4 | search: {best_of_n: {samples: {n: 8}}}
      |                               ^^^^^^
    ");
}

#[test]
fn flag_for_a_count() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: true}}
"), @r"
    error: `samples` cannot be `true`: expected a whole number from 1 to 100,000
     --> recipe.yaml:4:31
      |
    4 | search: {best_of_n: {samples: true}}
      |                               ^^^^
    ");
}

#[test]
fn null_for_a_required_key() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: }}
"), @r"
    error: `samples` has no value: expected a whole number from 1 to 100,000
     --> recipe.yaml:4:22
      |
    4 | search: {best_of_n: {samples: }}
      |                      ^^^^^^^
    ");
}

#[test]
fn null_for_an_optional_key() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8, round: null}}
"), @r"
    error: `round` has no value: expected a whole number from 1 to 100,000
     --> recipe.yaml:4:41
      |
    4 | search: {best_of_n: {samples: 8, round: null}}
      |                                         ^^^^
      = hint: leave the key out to have its default
    ");
}

#[test]
fn yes_for_a_flag() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {partial: yes}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: `partial` cannot be the text `yes`: expected `true` or `false`
     --> recipe.yaml:2:30
      |
    2 | editor: {darkroom: {partial: yes}}
      |                              ^^^
      = hint: write `true`
    ");
}

#[test]
fn off_for_a_flag() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {partial: off}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: `partial` cannot be the text `off`: expected `true` or `false`
     --> recipe.yaml:2:30
      |
    2 | editor: {darkroom: {partial: off}}
      |                              ^^^
      = hint: write `false`
    ");
}

#[test]
fn count_for_a_flag() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {partial: 1}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: `partial` cannot be 1: expected `true` or `false`
     --> recipe.yaml:2:30
      |
    2 | editor: {darkroom: {partial: 1}}
      |                              ^
    ");
}

#[test]
fn flag_in_quotes() {
    assert_snapshot!(report(r#"version: 1
editor: {darkroom: {partial: "true"}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"#), @r#"
    error: `partial` cannot be the text `true`: expected `true` or `false`
     --> recipe.yaml:2:30
      |
    2 | editor: {darkroom: {partial: "true"}}
      |                              ^^^^^^
      = hint: write `true`
    "#);
}

#[test]
fn not_a_number() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
stop: {target_score: .nan}
"), @r"
    error: `target_score` cannot be `.nan`: expected a finite number
     --> recipe.yaml:5:22
      |
    5 | stop: {target_score: .nan}
      |                      ^^^^
    ");
}

#[test]
fn infinite() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
stop: {target_score: .inf}
"), @r"
    error: `target_score` cannot be `.inf`: expected a finite number
     --> recipe.yaml:5:22
      |
    5 | stop: {target_score: .inf}
      |                      ^^^^
    ");
}

#[test]
fn infinite_when_read() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
stop: {target_score: 1e999}
"), @r"
    error: `target_score` cannot be `1e999`: expected a finite number
     --> recipe.yaml:5:22
      |
    5 | stop: {target_score: 1e999}
      |                      ^^^^^
    ");
}

#[test]
fn percent() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
stop: {target_score: 95%}
"), @r"
    error: `target_score` cannot be the text `95%`: expected a finite number
     --> recipe.yaml:5:22
      |
    5 | stop: {target_score: 95%}
      |                      ^^^
      = hint: write `0.95`
    ");
}

#[test]
fn decimal_comma() {
    assert_snapshot!(report(r#"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
stop: {target_score: "0,95"}
"#), @r#"
    error: `target_score` cannot be the text `0,95`: expected a finite number
     --> recipe.yaml:5:22
      |
    5 | stop: {target_score: "0,95"}
      |                      ^^^^^^
      = hint: write digits only, with a `.` before decimals
    "#);
}

#[test]
fn unit_in_the_value() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
budget: {wall_secs: 120s}
"), @r"
    error: `wall_secs` cannot be the text `120s`: expected a number from 0.001 to 2,592,000
     --> recipe.yaml:5:21
      |
    5 | budget: {wall_secs: 120s}
      |                     ^^^^
      = hint: write the number alone: the unit is in the key's name or on its page
    ");
}

#[test]
fn currency_in_the_value() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
budget: {usd: 1.50 USD}
"), @r"
    error: `usd` cannot be the text `1.50 USD`: expected a number from 0.000001 to 1,000,000
     --> recipe.yaml:5:15
      |
    5 | budget: {usd: 1.50 USD}
      |               ^^^^^^^^
      = hint: write the number alone: the unit is in the key's name or on its page
    ");
}

#[test]
fn negative_seconds() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
budget: {wall_secs: -1}
"), @r"
    error: `wall_secs` cannot be -1: expected a number from 0.001 to 2,592,000
     --> recipe.yaml:5:21
      |
    5 | budget: {wall_secs: -1}
      |                     ^^
    ");
}

#[test]
fn no_seconds() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
budget: {wall_secs: 0}
"), @r"
    error: `wall_secs` cannot be 0: expected a number from 0.001 to 2,592,000
     --> recipe.yaml:5:21
      |
    5 | budget: {wall_secs: 0}
      |                     ^
    ");
}

#[test]
fn no_money() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
budget: {usd: 0.0000001}
"), @r"
    error: `usd` cannot be `0.0000001`: expected a number from 0.000001 to 1,000,000
     --> recipe.yaml:5:15
      |
    5 | budget: {usd: 0.0000001}
      |               ^^^^^^^^^
    ");
}

#[test]
fn zero_budget() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
budget: {edits: 0}
"), @r"
    error: `edits` cannot be 0: expected a whole number from 1 to 9,007,199,254,740,991
     --> recipe.yaml:5:17
      |
    5 | budget: {edits: 0}
      |                 ^
    ");
}

#[test]
fn name_with_a_blank() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}, name: my reward}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: `name` cannot be the text `my reward`: expected a name of 1 to 64 of a-z, A-Z, 0-9, `_`, `-`, `.` that begins with a letter or digit
     --> recipe.yaml:3:44
      |
    3 | rewards: [{model: {photometric: {}}, name: my reward}]
      |                                            ^^^^^^^^^
    ");
}

#[test]
fn name_like_a_number() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}, name: 1.5}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: `name` cannot be `1.5`: expected a name of 1 to 64 of a-z, A-Z, 0-9, `_`, `-`, `.` that begins with a letter or digit
     --> recipe.yaml:3:44
      |
    3 | rewards: [{model: {photometric: {}}, name: 1.5}]
      |                                            ^^^
      = hint: put it in quotation marks if it is a name
    ");
}

#[test]
fn name_that_climbs() {
    assert_snapshot!(report(r"version: 1
editors: {../up: {darkroom: {}}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: `../up` cannot name an editor: expected a name of 1 to 64 of a-z, A-Z, 0-9, `_`, `-`, `.` that begins with a letter or digit
     --> recipe.yaml:2:11
      |
    2 | editors: {../up: {darkroom: {}}}
      |           ^^^^^
    ");
}

#[test]
fn unknown_word() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
output: {format: jpg}
"), @r"
    error: `format` cannot be the text `jpg`: expected one of `png`, `jpeg`, `webp`
     --> recipe.yaml:5:18
      |
    5 | output: {format: jpg}
      |                  ^^^
      = hint: did you mean `jpeg`?
    ");
}

#[test]
fn unknown_word_without_a_neighbour() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
output: {format: tiff}
"), @r"
    error: `format` cannot be the text `tiff`: expected one of `png`, `jpeg`, `webp`
     --> recipe.yaml:5:18
      |
    5 | output: {format: tiff}
      |                  ^^^^
    ");
}

#[test]
fn count_for_a_word() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
output: {format: 1}
"), @r"
    error: `format` cannot be 1: expected one of `png`, `jpeg`, `webp`
     --> recipe.yaml:5:18
      |
    5 | output: {format: 1}
      |                  ^
    ");
}

#[test]
fn quality_beyond_its_range() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
output: {format: jpeg, quality: 101}
"), @r"
    error: `quality` cannot be 101: expected a whole number from 1 to 100
     --> recipe.yaml:5:33
      |
    5 | output: {format: jpeg, quality: 101}
      |                                 ^^^
    ");
}

#[test]
fn escape_sequences_in_a_value() {
    assert_snapshot!(report(r#"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
output: {format: "\e[31mred\u202e"}
"#), @r#"
    error: `format` cannot be the text `\u{1b}[31mred\u{202e}`: expected one of `png`, `jpeg`, `webp`
     --> recipe.yaml:5:18
      |
    5 | output: {format: "\e[31mred\u202e"}
      |                  ^^^^^^^^^^^^^^^^^
    "#);
}
