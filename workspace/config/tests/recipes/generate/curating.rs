//! Texts of what recipes keep of data sets.

use proptest::prelude::*;

use super::text::{map, name, option, path, perhaps, perhaps_map, tagged, word};

/// What is kept of whole data sets, by gates on rewards of these names.
pub(super) fn curate(names: Vec<String>) -> impl Strategy<Value = String> {
    let list = |key: &'static str| {
        prop::option::of(prop::collection::vec(path(), 0..3))
            .prop_map(move |names| names.map_or(String::new(), |names| format!("{key}: {names:?}")))
            .boxed()
    };
    let columns = vec![
        path().prop_map(|category| format!("category: {category:?}")).boxed(),
        option("source", path()),
        option("instruction", path()),
        option("id", path()),
        list("edited"),
        list("keep"),
    ];
    let whose = prop::option::of((prop::sample::select(names), prop::option::of(name()))).prop_map(|whose| {
        let part = |part: Option<String>| part.map_or(String::new(), |part| format!("part: {part:?}, "));
        whose.map_or(String::new(), |(reward, named)| format!("reward: {reward:?}, {}", part(named)))
    });
    let bounds = prop_oneof![
        (-1e9f64..1e9).prop_map(|least| format!("at_least: {least:?}")),
        (-1e9f64..0.0, 0.0f64..1e9).prop_map(|(least, most)| format!("at_least: {least:?}, at_most: {most:?}")),
    ];
    let gates = prop::collection::vec((whose, bounds).prop_map(|(whose, bounds)| format!("{{{whose}{bounds}}}")), 0..3);
    let by = || word(&["instruction", "edit_category", "category"]);
    let share_out = prop_oneof![
        Just(String::new()),
        word(&["free", "proportional", "equal"]).prop_map(|quota| format!("quota: {quota}")),
        (1u32..).prop_map(|least| format!("each_at_least: {least}")),
        prop::collection::btree_map(path(), 0.01f64..0.3, 1..4).prop_map(|shares| {
            let shares = shares.into_iter().map(|(name, share)| (name, format!("{share:?}")));
            format!("shares: {}", map(&shares.collect()))
        }),
    ];
    let count = prop_oneof![
        (1u32..).prop_map(|top| format!("top: {top}")),
        (0.001f64..=1.0).prop_map(|share| format!("share: {share:?}")),
    ];
    let most =
        |by: BoxedStrategy<&'static str>| (by, 1u32..).prop_map(|(by, most)| format!("by: {by}, most: {most}")).boxed();
    let given = vec![
        // Strata by `category` need the column, and those that share out need to know what.
        perhaps(tagged("columns", columns), true),
        perhaps(tagged("keep", vec![count.boxed(), option("at_least", -1e9f64..1e9)]), true),
        gates.prop_map(|gates| format!("gates: [{}]", gates.join(", "))).boxed(),
        option("kappa", 0.0f64..=100.0),
        option("without_sigma", word(&["drop", "certain"])),
        option("per_row", word(&["best", "all"])),
        option("instruction_similarity", 0.01f64..=1.0),
        option("examples", 0u32..=100),
        perhaps_map("near_duplicates", vec![option("radius", 0u32..=15)]),
        perhaps(tagged("diversity", vec![most(prop_oneof![by(), Just("source")].boxed())]), false),
        perhaps_map("strata", vec![option("by", by()), option("largest", 1u32..=10_000), share_out.boxed()]),
        perhaps_map(
            "split",
            vec![option("validation", 0.0f64..=1.0), option("salt", 0u32..), option("radius", 0u32..=15)],
        ),
        perhaps_map(
            "preferences",
            vec![
                option("pairing", word(&["best_against_worst", "best_against_rest", "all"])),
                option("margin", 0.0f64..1e9),
                option("confidence", 0.0f64..=1.0),
                option("across_rows", any::<bool>()),
            ],
        ),
    ];
    perhaps_map("curate", given).prop_map(|map| if map.is_empty() { map } else { map + "\n" })
}
