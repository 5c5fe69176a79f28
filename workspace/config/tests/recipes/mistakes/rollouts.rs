//! Mistakes in what is said of whole data sets.

use insta::assert_snapshot;

use crate::{report, with_search};

fn of(rollout: &str) -> String {
    report(format!("{}rollout: {rollout}\n", with_search("{best_of_n: {samples: 8}}")))
}

#[test]
fn columns() {
    assert_snapshot!(of("{columns: {source: '', instruction: 7, mask: [a], id: ' ', keep: ['', 3, topic]}}"));
    assert_snapshot!(of("{columns: {sorce: before}}"));
    assert_snapshot!(of("{columns: {keep: topic}}"));
}

#[test]
fn numbers() {
    assert_snapshot!(of("{repeats: 0, flat_below: -1, resample: 101}"));
}

#[test]
fn advantages() {
    assert_snapshot!(of("{advantage: gpro}"));
    assert_snapshot!(of("{advantage: {gpro: {}}}"));
    assert_snapshot!(of("{advantage: {grpo: {floor: 0, clip: 0}}}"));
    assert_snapshot!(of("{advantage: {rank: {clip: 5}}}"));
}

#[test]
fn exports() {
    assert_snapshot!(of("{export: {parquet: no, groups_per_shard: 0, pairs: true}}"));
    assert_snapshot!(of("{export: {pairs: {choose: worst}, best_worst: {count: 0}, sft: {temperature: 0}}}"));
}

#[test]
fn policies() {
    assert_snapshot!(of("{policy: {}}"));
    assert_snapshot!(of("{policy: {version: a, adapter: b, checkpoint: c, scale: -1}}"));
    assert_snapshot!(of("{policy: {version: a, editor: darkrom}}"));
    assert_snapshot!(of("{policy: {version: a, editor: kontext}}"));
}
