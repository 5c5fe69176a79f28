//! Maps, lists and alternatives of the wrong shape.

use insta::assert_snapshot;

use crate::report;

#[test]
fn editor_as_text() {
    assert_snapshot!(report(r"version: 1
editor: darkroom
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: `editor` cannot be the text `darkroom`: expected an editor with its options
     --> recipe.yaml:2:9
      |
    2 | editor: darkroom
      |         ^^^^^^^^
      = hint: write `editor: {darkroom: {}}`
    ");
}

#[test]
fn editor_as_a_list() {
    assert_snapshot!(report(r"version: 1
editor: [darkroom]
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: `editor` cannot be a list: expected an editor with its options
     --> recipe.yaml:2:9
      |
    2 | editor: [darkroom]
      |         ^^^^^^^^^^
      = hint: write `editor: {darkroom: {}}`, or another one of `darkroom`, `instruct_pix2pix`, `flux_kontext`, `qwen_image_edit`, `step1x_edit`, `plugin`, `command`, `openai_images`, `sdcpp_jobs`, `submit_poll`, `comfyui`, `gemini`, `ark`, `sglang_rollout`
    ");
}

#[test]
fn editor_without_options() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: }
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: `darkroom` has no value: expected a map of keys and values
     --> recipe.yaml:2:10
      |
    2 | editor: {darkroom: }
      |          ^^^^^^^^
      = hint: write `{}`, or give it keys: `partial`, `workers`
    ");
}

#[test]
fn editor_options_as_text() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: partial}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: `darkroom` cannot be a single value: expected a map of keys and values
     --> recipe.yaml:2:20
      |
    2 | editor: {darkroom: partial}
      |                    ^^^^^^^
      = hint: write `{}`, or give it keys: `partial`, `workers`
    ");
}

#[test]
fn editor_without_value() {
    assert_snapshot!(report(r"version: 1
editor:
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: `editor` has no value: expected an editor with its options
     --> recipe.yaml:2:1
      |
    2 | editor:
      | ^^^^^^
      = hint: write `editor: {darkroom: {}}`, or another one of `darkroom`, `instruct_pix2pix`, `flux_kontext`, `qwen_image_edit`, `step1x_edit`, `plugin`, `command`, `openai_images`, `sdcpp_jobs`, `submit_poll`, `comfyui`, `gemini`, `ark`, `sglang_rollout`
    ");
}

#[test]
fn unknown_editor() {
    assert_snapshot!(report(r"version: 1
editor: {lightroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: `lightroom` is not an editor
     --> recipe.yaml:2:10
      |
    2 | editor: {lightroom: {}}
      |          ^^^^^^^^^
      = hint: expected one of `darkroom`, `instruct_pix2pix`, `flux_kontext`, `qwen_image_edit`, `step1x_edit`, `plugin`, `command`, `openai_images`, `sdcpp_jobs`, `submit_poll`, `comfyui`, `gemini`, `ark`, `sglang_rollout`
    ");
}

#[test]
fn unknown_editor_without_a_neighbour() {
    assert_snapshot!(report(r"version: 1
editor: {sdxl: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: `sdxl` is not an editor
     --> recipe.yaml:2:10
      |
    2 | editor: {sdxl: {}}
      |          ^^^^
      = hint: expected one of `darkroom`, `instruct_pix2pix`, `flux_kontext`, `qwen_image_edit`, `step1x_edit`, `plugin`, `command`, `openai_images`, `sdcpp_jobs`, `submit_poll`, `comfyui`, `gemini`, `ark`, `sglang_rollout`
    ");
}

#[test]
fn editor_and_editors() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
editors: {fast: {darkroom: {}}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: `editor` and `editors` cannot both be given
     --> recipe.yaml:3:1
      |
    3 | editors: {fast: {darkroom: {}}}
      | ^^^^^^^
      = hint: put the one editor among the several, under a name
    ");
}

#[test]
fn no_editors() {
    assert_snapshot!(report(r"version: 1
editors: {}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: `editors` has 0 editors: expected 1 to 100
     --> recipe.yaml:2:10
      |
    2 | editors: {}
      |          ^^
      = hint: write `editors: {mine: {darkroom: {}}}`
    ");
}

#[test]
fn editors_as_a_list() {
    assert_snapshot!(report(r"version: 1
editors: [{darkroom: {}}]
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: `editors` must be a map from names to editors
     --> recipe.yaml:2:10
      |
    2 | editors: [{darkroom: {}}]
      |          ^^^^^^^^^^^^^^^^
      = hint: write `editors: {mine: {darkroom: {}}}`
    ");
}

#[test]
fn rewards_as_a_map() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: {photometric: {}}
search: {best_of_n: {samples: 8}}
"), @r"
    error: `rewards` must be a list
     --> recipe.yaml:3:10
      |
    3 | rewards: {photometric: {}}
      |          ^^^^^^^^^^^^^^^^^
      = hint: begin each item with `- ` in a line of its own, or put all in `[…]`
    ");
}

#[test]
fn no_rewards() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: []
search: {best_of_n: {samples: 8}}
"), @r"
    error: `rewards` is empty: expected at least one reward
     --> recipe.yaml:3:10
      |
    3 | rewards: []
      |          ^^
      = hint: a first one is `rewards: [{model: {photometric: {}}}]`
    ");
}

#[test]
fn reward_as_text() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [photometric]
search: {best_of_n: {samples: 8}}
"), @r"
    error: a reward cannot be a single value: expected a map of keys and values
     --> recipe.yaml:3:11
      |
    3 | rewards: [photometric]
      |           ^^^^^^^^^^^
      = hint: write `{model: …}`
    ");
}

#[test]
fn model_as_text() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: photometric}]
search: {best_of_n: {samples: 8}}
"), @r"
    error: `model` cannot be the text `photometric`: expected a reward with its options
     --> recipe.yaml:3:19
      |
    3 | rewards: [{model: photometric}]
      |                   ^^^^^^^^^^^
      = hint: write `model: {photometric: {}}`
    ");
}

#[test]
fn two_policies() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}, beam: {width: 0, children: 2, depth: 1}}
"), @r"
    error: `search` names 2 alternatives at once
     --> recipe.yaml:4:35
      |
    4 | search: {best_of_n: {samples: 8}, beam: {width: 0, children: 2, depth: 1}}
      |                                   ^^^^
      = hint: keep one of `best_of_n`, `beam`

    error: `width` cannot be 0: expected a whole number from 1 to 1000
     --> recipe.yaml:4:49
      |
    4 | search: {best_of_n: {samples: 8}, beam: {width: 0, children: 2, depth: 1}}
      |                                                 ^
    ");
}

#[test]
fn no_policy() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {}
"), @r"
    error: `search` is empty: expected a policy with its options
     --> recipe.yaml:4:9
      |
    4 | search: {}
      |         ^^
      = hint: write `search: {best_of_n: {samples: …}}`, or another one of `best_of_n`, `adaptive`, `beam`, `diverse_trees`, `noise_search`, `particles`, `path_search`, `preview_pruning`, `reflection`, `reward_weighted`, `thompson`
    ");
}

#[test]
fn unknown_policy() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_m: {samples: 8}}
"), @r"
    error: `best_of_m` is not a policy
     --> recipe.yaml:4:10
      |
    4 | search: {best_of_m: {samples: 8}}
      |          ^^^^^^^^^
      = hint: did you mean `best_of_n`?
    ");
}

#[test]
fn policy_as_text() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: best_of_n
"), @r"
    error: `search` cannot be the text `best_of_n`: expected a policy with its options
     --> recipe.yaml:4:9
      |
    4 | search: best_of_n
      |         ^^^^^^^^^
      = hint: write `search: {best_of_n: {samples: …}}`
    ");
}

#[test]
fn retain_as_text() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
retain: all
"), @r"
    error: `retain` cannot be the text `all`: expected a choice of images with its options
     --> recipe.yaml:5:9
      |
    5 | retain: all
      |         ^^^
      = hint: write `retain: {all: {}}`
    ");
}

#[test]
fn retain_with_a_number() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
retain: {best: 4}
"), @r"
    error: `best` cannot be a single value: expected a map of keys and values
     --> recipe.yaml:5:16
      |
    5 | retain: {best: 4}
      |                ^
      = hint: write `{count: …}`
    ");
}

#[test]
fn stop_as_a_number() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
stop: 0.95
"), @r"
    error: `stop` cannot be a single value: expected a map of keys and values
     --> recipe.yaml:5:7
      |
    5 | stop: 0.95
      |       ^^^^
      = hint: write `{}`, or give it keys: `target_score`, `patience`
    ");
}

#[test]
fn stop_without_value() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 8}}
stop:
"), @r"
    error: `stop` has no value: expected a map of keys and values
     --> recipe.yaml:5:1
      |
    5 | stop:
      | ^^^^
      = hint: write `{}`, or give it keys: `target_score`, `patience`
    ");
}

#[test]
fn edges_as_a_list() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {beam: {width: 2, children: 2, depth: 1, edges: [fresh]}}
"), @r"
    error: `edges` cannot be a list: expected a map of keys and values
     --> recipe.yaml:4:57
      |
    4 | search: {beam: {width: 2, children: 2, depth: 1, edges: [fresh]}}
      |                                                         ^^^^^^^
      = hint: write `{}`, or give it keys: `re_edit`, `edit_of_edit`, `fresh`
    ");
}

#[test]
fn keys_inside_a_choice_that_stand_beside_it() {
    assert_snapshot!(report(r"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}, weight: 2}}]
critics: [{model: {darkroom_critic: {}, name: own}}]
search: {reflection: {samples: 2, rounds: 2}}
"), @r"
    error: `weight` is not a reward
     --> recipe.yaml:3:37
      |
    3 | rewards: [{model: {photometric: {}, weight: 2}}]
      |                                     ^^^^^^
      = hint: it stands beside `model`: write `{model: …, weight: …}`

    error: `name` is not a critic
     --> recipe.yaml:4:41
      |
    4 | critics: [{model: {darkroom_critic: {}, name: own}}]
      |                                         ^^^^
      = hint: it stands beside `model`: write `{model: …, name: …}`
    ");
}
