//! What recipes keep of data sets, and what it means.

use editscale_config::Curate;
use editscale_config::curate::{
    CurateColumns, CurateGate, Diversity, GroupBy, Kept, Pairing, PerRow, PreferencePairs, ShareOut, Split, Strata,
    WithoutSigma,
};
use editscale_core::{PartName, RewardName};
use insta::assert_snapshot;

use crate::{recipe, with_search};

fn with(curate: &str) -> String {
    format!("{}curate: {curate}\n", with_search("{best_of_n: {samples: 8}}"))
}

#[test]
fn everything_can_be_set() {
    let text = with(
        "
  columns: {source: before, instruction: ask, edited: [a, b], id: key, category: task, keep: [licence]}
  gates:
    - {reward: photometric, part: following, at_least: 0.5}
    - {at_most: 4}
  kappa: 1
  without_sigma: certain
  per_row: all
  near_duplicates: {radius: 4}
  diversity: {by: category, most: 3}
  strata: {by: category, largest: 8, shares: {add: 0.25, 'no': 0.5}}
  keep: {top: 20000, at_least: 1.5}
  split: {validation: 0.1, salt: 7, radius: 3}
  preferences: {pairing: best_against_rest, margin: 0.5, confidence: 0.9, across_rows: false}
  instruction_similarity: 0.7
  examples: 2",
    );
    let text_of = |text: &str| Some(text.to_owned());
    let gate = CurateGate {
        reward: RewardName::new("photometric").ok(),
        part: PartName::new("following").ok(),
        at_least: Some(0.5),
        at_most: None,
    };
    let expected = Curate {
        columns: CurateColumns {
            source: text_of("before"),
            instruction: text_of("ask"),
            edited: vec!["a".to_owned(), "b".to_owned()],
            id: text_of("key"),
            category: text_of("task"),
            keep: vec!["licence".to_owned()],
        },
        gates: vec![gate, CurateGate { reward: None, part: None, at_least: None, at_most: Some(4.0) }],
        kappa: 1.0,
        without_sigma: WithoutSigma::Certain,
        per_row: PerRow::All,
        near_duplicates: Some(4),
        diversity: Some(Diversity { by: GroupBy::Category, most: 3 }),
        strata: Strata {
            by: GroupBy::Category,
            largest: 8,
            share_out: ShareOut::Named(vec![("add".to_owned(), 0.25), ("no".to_owned(), 0.5)]),
        },
        keep: Kept { top: Some(20_000), share: None, at_least: Some(1.5) },
        split: Some(Split { validation: 0.1, salt: 7, radius: 3 }),
        preferences: PreferencePairs {
            pairing: Pairing::BestAgainstRest,
            margin: 0.5,
            confidence: 0.9,
            across_rows: false,
        },
        instruction_similarity: 0.7,
        examples: 2,
    };
    let recipe = recipe(&text);
    assert_eq!(recipe.curate(), expected);
    assert_eq!(crate::recipe(&recipe.to_yaml()), recipe);
}

#[test]
fn what_is_left_out_has_its_default() {
    let usual = recipe(&with_search("{best_of_n: {samples: 8}}"));
    let empty = recipe(&with("{}"));
    assert_eq!((usual.curate(), empty.curate()), (Curate::default(), Curate::default()));
    assert_snapshot!(empty.to_yaml().split_once("curate:").unwrap().1, @r"
    columns: {edited: [], keep: []}
    gates: []
    kappa: 0.0
    without_sigma: drop
    per_row: best
    strata: {by: edit_category, largest: 64, quota: free}
    keep: {}
    preferences: {pairing: best_against_worst, margin: 0.0, confidence: 0.0, across_rows: true}
    instruction_similarity: 0.6
    examples: 4
    ");
    let on = recipe(&with("{near_duplicates: {}, split: {}, keep: {share: 0.5}, strata: {each_at_least: 9}}")).curate();
    assert_eq!(on.near_duplicates, Some(6));
    assert_eq!(on.split, Some(Split { validation: 0.02, salt: 0, radius: 6 }));
    assert_eq!(on.strata.share_out, ShareOut::AtLeast(9));
}

#[test]
fn scores_do_not_depend_on_what_is_kept() {
    let usual = recipe(&with_search("{best_of_n: {samples: 8}}"));
    let curating = recipe(&with("{keep: {top: 5}}"));
    assert_ne!(curating, usual);
    assert_eq!(curating.judging_yaml(), usual.judging_yaml());
    assert_eq!(curating.clone().for_single_runs(), usual, "single runs look at nothing of it");
    assert_snapshot!(usual.judging_yaml(), @r"
    version: 1
    rewards: [{model: {photometric: {}}, weight: 1.0, name: photometric}]
    combine: {weighted: {}}
    gates: []
    ");
}
