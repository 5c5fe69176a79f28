//! Judges that ask chat models.

use proptest::prelude::*;

use super::remote::remote;
use super::text::{name, option, path, tagged, word};

pub(super) fn chat_judge() -> BoxedStrategy<String> {
    let own = vec![
        path().prop_map(|model| format!("model: {model:?}")).boxed(),
        (1u32..=64)
            .prop_flat_map(|votes| (Just(votes), 1..=votes))
            .prop_map(|(votes, least)| format!("votes: {votes}, least_votes: {least}"))
            .boxed(),
        option("combination", word(&["geometric_mean", "mean", "least"])),
        prop_oneof![
            path().prop_map(|file| format!("prompts: {{quality: {file:?}}}")),
            (name(), path(), word(&["both", "candidate"])).prop_map(|(part, file, pictures)| {
                format!("questions: [{{part: {part:?}, prompt: {file:?}, scores: [a, \"b c\"], pictures: {pictures}}}]")
            }),
        ]
        .boxed(),
        (0.0f64..1.0, 1.0f64..100.0).prop_map(|(low, high)| format!("low: {low:?}, high: {high:?}")).boxed(),
        option("temperature", 0.0f64..=2.0),
        option("max_tokens", 1u32..=1_000_000),
        option("structured", word(&["schema", "object", "prompt"])),
        option("sends_seed", any::<bool>()),
        option("counts_reasoning", any::<bool>()),
        option("pixel_budget", 1u64..=1 << 40),
    ];
    tagged("chat_judge", [own, remote(true)].concat())
}

/// The judges that compare.
pub(super) fn comparing() -> BoxedStrategy<String> {
    let shared = || {
        vec![
            path().prop_map(|model| format!("model: {model:?}")).boxed(),
            option("prompt", path()),
            option("shows_source", any::<bool>()),
            option("most_candidates", 1u32..=64),
            option("prior_sigma", 0.1f64..=10.0),
            option("temperature", 0.0f64..=2.0),
            option("structured", word(&["schema", "schema_without_range", "object", "prompt"])),
        ]
    };
    let neighbours = (1u32..=32).prop_map(|half| format!("neighbours: {}", half * 2)).boxed();
    let pairwise = vec![neighbours, option("finalists", 0u32..=16), option("votes", 1u32..=16)];
    let listwise = vec![option("most_pictures", 2u32..=64), option("orders", 1u32..=16)];
    prop_oneof![
        tagged("pairwise_judge", [pairwise, shared(), remote(true)].concat()),
        tagged("listwise_judge", [listwise, shared(), remote(true)].concat()),
    ]
    .boxed()
}
