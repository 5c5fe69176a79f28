//! Recipes that only judge: without an editor and without a search.

use editscale_config::{JudgeRecipe, Recipe, Report};
use insta::assert_snapshot;
use proptest::prelude::*;

use crate::generate::valid_apart;
use crate::{catalogue, parse, recipe, report, with_search};

fn judging(text: &str) -> Result<(JudgeRecipe, Report), Report> {
    JudgeRecipe::parse(text.as_bytes(), &catalogue())
}

fn mistakes(text: &str) -> String {
    judging(text).map_or_else(|errors| errors, |(_, warnings)| warnings).render("recipe.yaml", text.as_bytes())
}

const JUDGES: &str = "version: 1
rewards:
  - {model: {photometric: {}}, weight: 2}
  - {model: {photometric: {}}, name: other}
gates: [{reward: other, at_least: 0.5}]
budget: {reward_calls: 100}
rollout: {columns: {source: before}}
";

#[test]
fn rewards_are_enough_to_judge() {
    let (recipe, warnings) = judging(JUDGES).unwrap();
    assert!(warnings.is_empty() && recipe.only_judges(), "{warnings:?}");
    assert_eq!(recipe.rewards().len(), 2);
    assert_eq!((recipe.budget().reward_calls, recipe.rollout().columns.source.as_deref()), (Some(100), Some("before")));
    assert_snapshot!(recipe.to_yaml(), @r"
    version: 1
    rewards:
      - {model: {photometric: {}}, weight: 2.0, name: photometric}
      - {model: {photometric: {}}, weight: 1.0, name: other}
    combine: {weighted: {}}
    gates: [{reward: other, at_least: 0.5}]
    budget: {reward_calls: 100}
    retry: {attempts: 3, base_delay_secs: 0.5, max_delay_secs: 30.0}
    rollout:
      columns: {source: before, keep: []}
      repeats: 1
      advantage: {grpo: {floor: 0.0001}}
      flat_below: 1e-6
      resample: 0
      export: {parquet: true, webdataset: false, trajectories: true, groups_per_shard: 64}
    ");
}

#[test]
fn to_edit_they_are_not() {
    assert_snapshot!(report(JUDGES), @r"
    error: the recipe lacks the key `editor`
     --> recipe.yaml:1:1
      |
    1 | version: 1
      | ^^^^^^^
      = hint: a first one is `editor: {darkroom: {}}`; what only judges needs neither it nor `search`

    error: the recipe lacks the key `search`
     --> recipe.yaml:1:1
      |
    1 | version: 1
      | ^^^^^^^
      = hint: a first one is `search: {best_of_n: {samples: 8}}`
    ");
}

/// What editing needs is left out of the resolved recipe, so that recipes that judge alike are equal.
#[test]
fn any_recipe_judges() {
    let texts = ["{best_of_n: {samples: 8}}", "{beam: {width: 2, children: 2, depth: 2}}"].map(with_search);
    let [first, second] = texts.each_ref().map(|text| judging(text).unwrap().0);
    assert_eq!(first, second);
    assert!(!first.only_judges());
    assert_eq!(recipe(&texts[0]).judging(), first);
    assert_ne!(judging(&texts[0].replace("photometric: {}}", "photometric: {}}, name: a")).unwrap().0, first);
}

#[test]
fn what_is_there_must_be_right() {
    assert_snapshot!(mistakes("version: 1
editor: {darkrom: {}}
search: {best_of_n: {}}
rewards: [{model: {photometric: {}}, weight: 0}]
gates: [{reward: judge, at_least: 0}]
"), @r"
    error: `darkrom` is not an editor
     --> recipe.yaml:2:10
      |
    2 | editor: {darkrom: {}}
      |          ^^^^^^^
      = hint: did you mean `darkroom`?

    error: `best_of_n` lacks the key `samples`
     --> recipe.yaml:3:10
      |
    3 | search: {best_of_n: {}}
      |          ^^^^^^^^^
      = hint: add `samples: …` (candidates in all)

    error: every reward has the weight 0
     --> recipe.yaml:4:1
      |
    4 | rewards: [{model: {photometric: {}}, weight: 0}]
      | ^^^^^^^
      = hint: give one of them another weight

    error: the recipe has no reward `judge`
     --> recipe.yaml:5:18
      |
    5 | gates: [{reward: judge, at_least: 0}]
      |                  ^^^^^
      = hint: its rewards are `photometric`
    ");
    assert_snapshot!(mistakes("version: 1\neditor: {darkroom: {}}\n"), @r"
    error: the recipe lacks the key `rewards`
     --> recipe.yaml:1:1
      |
    1 | version: 1
      | ^^^^^^^
      = hint: a first one is `rewards: [{model: {photometric: {}}}]`
    ");
}

/// The weights of an editor that is not there, and money that no reward costs.
#[test]
fn what_is_said_of_editing_alone_is_no_mistake() {
    assert_eq!(mistakes(&JUDGES.replace("before}}", "before}, policy: {version: a, editor: b}}")), "");
    assert_snapshot!(mistakes(&JUDGES.replace("reward_calls: 100", "usd: 1")), @r"
    warning: `usd` limits nothing: no editor, reward or critic has `prices`
     --> recipe.yaml:6:10
      |
    6 | budget: {usd: 1}
      |          ^^^
      = hint: give `prices` to what is paid for, or leave `usd` out
    ");
}

proptest! {
    #[test]
    fn editors_and_a_search_make_no_difference((judges, editing) in valid_apart()) {
        let (alone, _) = judging(&judges).unwrap();
        prop_assert!(alone.only_judges());
        let both = format!("{judges}{editing}");
        prop_assert_eq!(&judging(&both).unwrap().0, &alone);
        prop_assert_eq!(&parse(both.as_bytes()).unwrap().0.judging(), &alone);
        let resolved = alone.to_yaml();
        let (again, _) = judging(&resolved).unwrap();
        prop_assert_eq!(&again, &alone);
        prop_assert_eq!(again.to_yaml(), resolved);
        prop_assert_eq!(again.objective().revision(), alone.objective().revision());
        prop_assert!(Recipe::parse(judges.as_bytes(), &catalogue()).is_err());
    }
}
