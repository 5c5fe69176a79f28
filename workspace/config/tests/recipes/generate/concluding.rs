//! What is done when the search ends.

use proptest::prelude::*;

use super::text::{line, option, perhaps_map, tagged};

/// What is drawn already is not drawn again; what is drawn for a last round, not for its own sake.
fn select(draws: bool, with_finalists: bool) -> impl Strategy<Value = String> {
    let weighting = prop_oneof![
        (1e-9f64..1e6).prop_map(|value| format!("temperature: {value:?}")),
        (1.0f64..100_000.0).prop_map(|value| format!("target_ess: {value:?}")),
        (0.0f64..100.0).prop_map(|value| format!("target_kl: {value:?}")),
    ];
    let most = if with_finalists { 1 } else { 100_000 };
    let amount = |absolute: &'static str, relative: &'static str| {
        prop_oneof![option(absolute, 1e-9f64..1e9), option(relative, 1e-9f64..1e9)].boxed()
    };
    let own = tagged("best", Vec::new());
    let other = prop_oneof![
        tagged("best", Vec::new()),
        tagged("soft", vec![weighting.boxed(), option("draw", 1u32..=most)]),
        tagged("pessimistic", vec![amount("beta", "relative_beta")]),
        tagged("regularised", vec![amount("strength", "relative_strength")]),
    ];
    if draws { own } else { other.boxed() }
}

/// What is done when the search ends.
pub(super) fn conclusion(search: &str, names: &[String]) -> impl Strategy<Value = String> + use<> {
    let draws = search.contains("reward_weighted") || search.contains("keep: draw");
    let rewards = prop::option::of(prop::sample::subsequence(names.to_vec(), 1..=names.len()))
        .prop_map(|names| names.map_or(String::new(), |names| format!("rewards: {names:?}")));
    let options = vec![option("count", 2u32..=1000), option("votes", 1u32..=1000), rewards.boxed()];
    let finalists = perhaps_map("finalists", options);
    finalists.prop_flat_map(move |finalists| {
        let finalists = if finalists.is_empty() { finalists } else { finalists + "\n" };
        line("select", select(draws, !finalists.is_empty())).prop_map(move |select| select + &finalists)
    })
}
