//! Mistakes in what is kept of data sets.

use insta::assert_snapshot;

use crate::{report, with_search};

fn of(curate: &str) -> String {
    report(format!("{}curate: {curate}\n", with_search("{best_of_n: {samples: 8}}")))
}

#[test]
fn columns() {
    assert_snapshot!(of("{columns: {edited: after, keep: [1], category: ''}}"));
    assert_snapshot!(of("{strata: {by: category}, diversity: {by: category, most: 1}}"));
}

#[test]
fn gates() {
    assert_snapshot!(of("{gates: [{reward: photometrics, at_least: 1}, {part: following, at_least: 1}]}"));
    assert_snapshot!(of("{gates: [{reward: photometric}, {at_least: 2, at_most: 1}, 7]}"));
}

#[test]
fn numbers_and_words() {
    assert_snapshot!(of("{kappa: -1, without_sigma: unknown, per_row: 2, instruction_similarity: 0, examples: 101}"));
    assert_snapshot!(of("{near_duplicates: {radius: 16}, diversity: {by: sources}, split: {validation: 2}}"));
    assert_snapshot!(of("{preferences: {pairing: best, margin: -1, confidence: 1.5, across_rows: maybe}}"));
}

#[test]
fn how_many_are_kept() {
    assert_snapshot!(of("{keep: {top: 0, at_least: all}}"));
    assert_snapshot!(of("{keep: {top: 10, share: 0.5}}"));
    assert_snapshot!(of("{keep: 20000}"));
}

#[test]
fn how_it_is_shared_out() {
    assert_snapshot!(of("{strata: {quota: equal}}"));
    assert_snapshot!(of("{strata: {quota: equal, shares: {add: 0.5}}, keep: {top: 9}}"));
    assert_snapshot!(of("{strata: {shares: {add: 0.75, remove: 0.5}}, keep: {top: 9}}"));
    assert_snapshot!(of("{strata: {shares: {add: 0, remove: lots}}, keep: {top: 9}}"));
    assert_snapshot!(of("{strata: {shares: [add]}, keep: {top: 9}}"));
    assert_snapshot!(of("{strata: {by: source}}"));
}
