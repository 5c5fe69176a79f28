//! Sections that are right in themselves and wrong together.

use insta::assert_snapshot;

use crate::{recipe, report, with_search};

#[test]
fn gate_on_an_unknown_reward() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
gates: [{reward: photometrik, at_least: 0.5}]
"), @r"
    error: the recipe has no reward `photometrik`
     --> recipe.yaml:5:18
      |
    5 | gates: [{reward: photometrik, at_least: 0.5}]
      |                  ^^^^^^^^^^^
      = hint: did you mean `photometric`?
    ");
}

#[test]
fn gate_on_a_reward_by_its_kind() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}, name: look}]
search: {best_of_n: {samples: 8}}
gates: [{reward: photometric, at_least: 0.5}]
"), @r"
    error: the recipe has no reward `photometric`
     --> recipe.yaml:5:18
      |
    5 | gates: [{reward: photometric, at_least: 0.5}]
      |                  ^^^^^^^^^^^
      = hint: its rewards are `look`
    ");
}

#[test]
fn two_rewards_of_one_name() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}, {model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: there are two rewards called `photometric`
     --> recipe.yaml:3:40
      |
    3 | rewards: [{model: {photometric: {}}}, {model: {photometric: {}}}]
      |                                        ^^^^^
      = hint: give one of them another `name`
    ");
}

#[test]
fn weights_that_are_all_zero() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}, weight: 0}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: every reward has the weight 0
     --> recipe.yaml:3:1
      |
    3 | rewards: [{model: {photometric: {}}, weight: 0}]
      | ^^^^^^^
      = hint: give one of them another weight
    ");
}

#[test]
fn target_with_ranks() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
combine: {mean_rank: {}}
stop: {target_score: 0.95}
"), @r"
    warning: `mean_rank` of one reward orders candidates as that reward does
     --> recipe.yaml:5:11
      |
    5 | combine: {mean_rank: {}}
      |           ^^^^^^^^^
      = hint: leave `combine` out

    error: `target_score` cannot be reached with `mean_rank`: ranks are not scores
     --> recipe.yaml:6:8
      |
    6 | stop: {target_score: 0.95}
      |        ^^^^^^^^^^^^
      = hint: use `patience`, or write `combine: {weighted: {}}`
    ");
}

#[test]
fn weights_with_ranks() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards:
  - {model: {photometric: {}}, weight: 2, name: a}
  - {model: {photometric: {}}, name: b}
search: {best_of_n: {samples: 8}}
combine: {mean_rank: {}}
"), @r"
    error: `weight` has no meaning with `mean_rank`, which counts all rewards alike
     --> recipe.yaml:4:32
      |
    4 |   - {model: {photometric: {}}, weight: 2, name: a}
      |                                ^^^^^^
      = hint: leave `weight` out, or write `combine: {weighted: {}}`
    ");
}

#[test]
fn edges_without_a_share() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {beam: {width: 2, children: 2, depth: 1, edges: {fresh: 0}}}
"), @r"
    error: `edges` gives no edge a share
     --> recipe.yaml:4:50
      |
    4 | search: {beam: {width: 2, children: 2, depth: 1, edges: {fresh: 0}}}
      |                                                  ^^^^^
      = hint: set one of its keys above 0
    ");
}

#[test]
fn near_copies_by_no_measure() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {beam: {width: 2, children: 2, depth: 1, deduplicate: {}}}
"), @r"
    error: `deduplicate` names no measure
     --> recipe.yaml:4:50
      |
    4 | search: {beam: {width: 2, children: 2, depth: 1, deduplicate: {}}}
      |                                                  ^^^^^^^^^^^
      = hint: set `bits`, for example to 6, or `cosine`
    ");
}

#[test]
fn beam_of_too_many() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {beam: {width: 1000, children: 1000, depth: 1}}
"), @r"
    error: `depth` is 1, which makes 2000000 candidates: expected at most 100000 candidates in all
     --> recipe.yaml:4:46
      |
    4 | search: {beam: {width: 1000, children: 1000, depth: 1}}
      |                                              ^^^^^
    ");
}

#[test]
fn more_drawn_than_made() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {reward_weighted: {samples: 4, draw: 5, target_ess: 9}}
"), @r"
    error: `draw` cannot be 5: there are only 4 samples
     --> recipe.yaml:4:40
      |
    4 | search: {reward_weighted: {samples: 4, draw: 5, target_ess: 9}}
      |                                        ^^^^
      = hint: lower `draw` or raise `samples`

    error: `target_ess` cannot be 9: there are only 4 samples
     --> recipe.yaml:4:49
      |
    4 | search: {reward_weighted: {samples: 4, draw: 5, target_ess: 9}}
      |                                                 ^^^^^^^^^^
      = hint: an effective sample size is between 1 and the number of samples
    ");
}

#[test]
fn no_temperature() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {reward_weighted: {samples: 4}}
"), @r"
    error: `reward_weighted` does not say how sharply to draw
     --> recipe.yaml:4:10
      |
    4 | search: {reward_weighted: {samples: 4}}
      |          ^^^^^^^^^^^^^^^
      = hint: add one of `temperature`, `target_ess`, `target_kl`; `target_ess: 2.0` suits any reward
    ");
}

#[test]
fn two_temperatures() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {reward_weighted: {samples: 4, temperature: 0.1, target_kl: 1}}
"), @r"
    error: `temperature` and `target_kl` cannot both be given
     --> recipe.yaml:4:58
      |
    4 | search: {reward_weighted: {samples: 4, temperature: 0.1, target_kl: 1}}
      |                                                          ^^^^^^^^^
      = hint: each of them decides the temperature; leave one
    ");
}

#[test]
fn particles_with_two_strengths_and_two_methods() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {particles: {particles: 4, strength: 1, relative_strength: 2, preset: das, ess: 0.3}}
"), @r"
    error: `strength` and `relative_strength` cannot both be given
     --> recipe.yaml:4:49
      |
    4 | search: {particles: {particles: 4, strength: 1, relative_strength: 2, preset: das, ess: 0.3}}
      |                                                 ^^^^^^^^^^^^^^^^^
      = hint: each of them decides λ; leave one

    error: `ess` and `preset` cannot both be given
     --> recipe.yaml:4:84
      |
    4 | search: {particles: {particles: 4, strength: 1, relative_strength: 2, preset: das, ess: 0.3}}
      |                                                                                    ^^^
      = hint: a preset decides it: leave one of them out
    ");
}

#[test]
fn checkpoints_that_are_none() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {particles: {particles: 4, resample_at: [0.5, 0.2], tempering: constant, gamma: 1}}
"), @r"
    error: `resample_at` holds something else than ascending shares of the steps
     --> recipe.yaml:4:55
      |
    4 | search: {particles: {particles: 4, resample_at: [0.5, 0.2], tempering: constant, gamma: 1}}
      |                                                       ^^^
      = hint: write numbers above 0 and below 1, such as `[0.2, 0.4, 0.6, 0.8]`, or `{every: 5, from: 5, to: 20}`

    error: `gamma` has a meaning with `tempering: increasing` only
     --> recipe.yaml:4:82
      |
    4 | search: {particles: {particles: 4, resample_at: [0.5, 0.2], tempering: constant, gamma: 1}}
      |                                                                                  ^^^^^
      = hint: leave `gamma` out
    ");
}

#[test]
fn delays_in_the_wrong_order() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
retry: {base_delay_secs: 60}
"), @r"
    error: `base_delay_secs` is 60, and `max_delay_secs` only 30
     --> recipe.yaml:5:9
      |
    5 | retry: {base_delay_secs: 60}
      |         ^^^^^^^^^^^^^^^
      = hint: the longest wait cannot be shorter than the first
    ");
}

#[test]
fn ranks_with_everything_wrong() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}, weight: x}]
search: {best_of_n: {samples: 8}}
combine: {mean_rank: {}}
stop: {target_score: 1, patience: -1}
"), @r"
    error: `weight` has no meaning with `mean_rank`, which counts all rewards alike
     --> recipe.yaml:3:38
      |
    3 | rewards: [{model: {photometric: {}}, weight: x}]
      |                                      ^^^^^^
      = hint: leave `weight` out, or write `combine: {weighted: {}}`

    error: `weight` cannot be the text `x`: expected a number from -1,000,000 to 1,000,000
     --> recipe.yaml:3:46
      |
    3 | rewards: [{model: {photometric: {}}, weight: x}]
      |                                              ^

    warning: `mean_rank` of one reward orders candidates as that reward does
     --> recipe.yaml:5:11
      |
    5 | combine: {mean_rank: {}}
      |           ^^^^^^^^^
      = hint: leave `combine` out

    error: `target_score` cannot be reached with `mean_rank`: ranks are not scores
     --> recipe.yaml:6:8
      |
    6 | stop: {target_score: 1, patience: -1}
      |        ^^^^^^^^^^^^
      = hint: use `patience`, or write `combine: {weighted: {}}`

    error: `patience` cannot be -1: expected a whole number from 1 to 1000
     --> recipe.yaml:6:35
      |
    6 | stop: {target_score: 1, patience: -1}
      |                                   ^^
    ");
}

#[test]
fn budget_for_no_candidate() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards:
  - {model: {photometric: {}}, name: a}
  - {model: {photometric: {}}, name: b}
search: {best_of_n: {samples: 8}}
budget: {reward_calls: 1}
"), @r"
    error: the budget does not allow to judge one candidate by 2 rewards
     --> recipe.yaml:7:10
      |
    7 | budget: {reward_calls: 1}
      |          ^^^^^^^^^^^^
      = hint: raise `reward_calls` to at least 2
    ");
}

#[test]
fn budget_for_half_a_round() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
budget: {edits: 5}
"), @r"
    warning: the budget ends the first round of `best_of_n` after 5 of 8 candidates
     --> recipe.yaml:5:10
      |
    5 | budget: {edits: 5}
      |          ^^^^^
      = hint: raise `edits` to 8 or more
    ");
}

#[test]
fn budget_for_half_a_round_of_beam() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {beam: {width: 2, children: 3, depth: 2}}
budget: {edits: 100, reward_calls: 4}
"), @r"
    warning: the budget ends the first round of `beam` after 4 of 6 candidates
     --> recipe.yaml:5:22
      |
    5 | budget: {edits: 100, reward_calls: 4}
      |                      ^^^^^^^^^^^^
      = hint: raise `reward_calls` to 6 or more
    ");
}

#[test]
fn ranks_of_one_reward() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
combine: {mean_rank: {}}
"), @r"
    warning: `mean_rank` of one reward orders candidates as that reward does
     --> recipe.yaml:5:11
      |
    5 | combine: {mean_rank: {}}
      |           ^^^^^^^^^
      = hint: leave `combine` out
    ");
}

#[test]
fn costs_are_said_once_and_weighed_against_scores() {
    let adaptive = |options: &str| with_search(&format!("{{adaptive: {{{options}}}}}"));
    for (text, message) in [
        (adaptive("most: 8"), "`adaptive` does not say what a candidate costs"),
        (adaptive("cost: {edit: 0.1}, worth: {per_usd: 1}"), "`cost` and `worth` cannot both be given"),
        (adaptive("cost: {}"), "`cost` says that nothing costs anything"),
        (adaptive("most: 3, probe: 4, cost: {edit: 0.1}"), "`probe` cannot be 4: there are at most 3 candidates"),
        (adaptive("worth: {per_second: 0.1}"), "`per_second` is measured by what is left of `wall_secs`"),
        (
            format!("{}combine: {{mean_rank: {{}}}}\n", adaptive("cost: {edit: 0.1}")),
            "`adaptive` weighs scores against costs, and this `combine` gives ranks",
        ),
        (with_search("{preview_pruning: {samples: 8, most: 4}}"), "`most` cannot be 4: 8 are begun together"),
        (
            with_search("{preview_pruning: {samples: 8, checkpoints: [0.5, 1.5]}}"),
            "a checkpoint is a number above 0 and below 1, or a step from 1",
        ),
        (with_search("{preview_pruning: {samples: 8, preview: {reward: look}}}"), "the recipe has no reward `look`"),
    ] {
        let found = report(&text);
        assert!(found.contains("error") && found.contains(message), "{message} is not in:\n{found}");
    }
    let gates = report(with_search("{preview_pruning: {samples: 8, preview: {gates: [{}, {min: 0.5}]}}}"));
    assert_eq!(gates.matches("error: a gate lacks the key `reward`").count(), 2, "{gates}");
    let timed = adaptive("worth: {per_second: 0.1}") + "budget: {wall_secs: 60}\n";
    assert_eq!(report(timed), "");
    let short = recipe(&adaptive("most: 3, cost: {edit: 0.1}")).to_yaml();
    assert!(short.contains("probe: 3"), "a probe that nobody named is no longer than all of it:\n{short}");
}
