//! Preference pairs of several edited pictures.

use std::convert::Infallible;

use editscale_curate::Record;
use editscale_curate::choice::{Override, Overrides, Preference, PreferenceRules, PreferredBy, preferences};
use editscale_study::curation::{PairRule, Pairing};

use crate::record;

fn edits(row: u64, scores: &[f64]) -> Vec<Record> {
    let of = |(candidate, score): (u32, &f64)| Record { candidate, ..record(row, *score) };
    (0..).zip(scores).map(of).collect()
}

fn pairs(records: &[Record], rules: &PreferenceRules, overrides: &Overrides) -> Vec<Preference> {
    preferences(records.iter().cloned().map(Ok::<_, Infallible>), rules, overrides).unwrap().collect()
}

fn names(pairs: &[Preference]) -> Vec<((u64, u32), (u64, u32))> {
    pairs.iter().map(|pair| (pair.chosen, pair.rejected)).collect()
}

#[test]
fn rows_with_several_make_pairs_in_their_order() {
    let records = [edits(4, &[1.0, 3.0, 2.0]), edits(5, &[1.0]), edits(2, &[0.5, 0.5]), edits(1, &[0.0, 4.0])].concat();
    let mut rules = PreferenceRules::default();
    let found = pairs(&records, &rules, &Overrides::new());
    assert_eq!(names(&found), [((1, 1), (1, 0)), ((4, 1), (4, 0))], "equal scores are no pair");
    assert_eq!((found[1].margin, found[1].confidence, found[1].by), (Some(2.0), None, PreferredBy::Rewards));
    rules.pairs = PairRule { pairing: Pairing::All, margin: 1.5, confidence: 0.0 };
    assert_eq!(names(&pairs(&records, &rules, &Overrides::new())), [((1, 1), (1, 0)), ((4, 1), (4, 0))]);
    rules.pairs.margin = 0.0;
    assert_eq!(pairs(&records, &rules, &Overrides::new()).len(), 4);
}

#[test]
fn rows_of_one_source_and_instruction_go_together() {
    let mut records = vec![record(0, 1.0), record(1, 2.0), record(2, 5.0)];
    for row in [1, 2] {
        records[row].source = records[0].source.clone();
    }
    records[1].instruction = format!(" {}\n", records[0].instruction);
    let apart = PreferenceRules::default();
    assert!(pairs(&records, &apart, &Overrides::new()).is_empty());
    let together = PreferenceRules { across_rows: true, ..apart };
    assert_eq!(names(&pairs(&records, &together, &Overrides::new())), [((1, 0), (0, 0))]);
}

#[test]
fn people_decide_over_rewards() {
    let mut records = edits(0, &[1.0, 2.0, 3.0]);
    let said = Overrides::from([((0, 0), Override::Keep), ((0, 2), Override::Drop)]);
    let rules =
        PreferenceRules { pairs: PairRule { pairing: Pairing::All, ..PairRule::default() }, across_rows: false };
    let found = pairs(&records, &rules, &said);
    assert_eq!(names(&found), [((0, 0), (0, 2))], "2 is never chosen, and 0 never rejected");
    assert_eq!((found[0].margin, found[0].by), (Some(-2.0), PreferredBy::Person));
    records[0].score = None;
    let found = pairs(&records, &rules, &said);
    assert_eq!((names(&found), found[0].margin), (vec![((0, 0), (0, 2))], None));
    let agreed = Overrides::from([((0, 2), Override::Keep), ((0, 1), Override::Drop)]);
    assert_eq!(names(&pairs(&records, &rules, &agreed)), [((0, 2), (0, 1))], "one pair, and not two");
}
