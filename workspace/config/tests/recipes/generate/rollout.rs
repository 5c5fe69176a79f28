//! What is done with whole data sets.

use proptest::prelude::*;

use super::text::{option, path, perhaps_map, tagged, word};

/// What is done with whole data sets.
pub(super) fn rollout() -> impl Strategy<Value = String> {
    let perhaps = || prop_oneof![path(), Just(String::new())];
    let keep = prop::option::of(prop::collection::vec(path(), 0..3))
        .prop_map(|names| names.map_or(String::new(), |names| format!("keep: {names:?}")));
    let columns = vec![
        option("source", path()),
        option("instruction", path()),
        option("mask", perhaps()),
        option("id", perhaps()),
        option("seed", perhaps()),
        keep.boxed(),
    ];
    let advantage = prop_oneof![
        tagged("grpo", vec![option("floor", 1e-12f64..1e6), option("clip", 1e-6f64..1e6)]),
        tagged("leave_one_out", Vec::new()),
        tagged("rank", Vec::new()),
    ];
    let flags = ["parquet", "webdataset", "trajectories"].map(|key| option(key, any::<bool>()));
    let views = vec![
        option("groups_per_shard", 1u32..=1_000_000),
        perhaps_map(
            "pairs",
            vec![option("choose", word(&["best_worst", "adjacent", "all"])), option("margin", 0.0f64..1e9)],
        ),
        perhaps_map("best_worst", vec![option("count", 1u32..=10_000)]),
        perhaps_map("sft", vec![option("temperature", 1e-9f64..1e9)]),
    ];
    let weights = prop_oneof![
        Just(String::new()),
        path().prop_map(|adapter| format!("adapter: {adapter:?}")),
        path().prop_map(|checkpoint| format!("checkpoint: {checkpoint:?}")),
    ];
    let policy = vec![
        path().prop_map(|version| format!("version: {version:?}")).boxed(),
        weights.boxed(),
        option("scale", 0.0f64..=100.0),
        option("follow", path()),
    ];
    let all = vec![
        perhaps_map("columns", columns),
        prop::option::of(advantage)
            .prop_map(|one| one.map_or(String::new(), |one| format!("advantage: {one}")))
            .boxed(),
        option("repeats", 1u32..=1_000_000),
        option("flat_below", 0.0f64..1e6),
        option("resample", 0u32..=100),
        perhaps_map("export", flags.into_iter().chain(views).collect()),
        perhaps_map("policy", policy),
    ];
    perhaps_map("rollout", all).prop_map(|map| if map.is_empty() { map } else { map + "\n" })
}
