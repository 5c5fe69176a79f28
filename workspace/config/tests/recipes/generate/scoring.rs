//! Judges behind HTTP that answer with numbers.

use proptest::prelude::*;

use super::apart::{command_reward, plugin};
use super::remote::remote;
use super::text::{field_value, map, option, path, tagged, word};

/// What every reward of numbers is told.
fn scores(own: Vec<BoxedStrategy<String>>) -> Vec<BoxedStrategy<String>> {
    let shared = vec![
        option("scale", prop_oneof![-1e9f64..-1e-9, 1e-9f64..1e9]),
        option("offset", -1e9f64..1e9),
        prop::option::of((-1e9f64..0.0, 1.0f64..1e9))
            .prop_map(|range| range.map_or(String::new(), |(low, high)| format!("low: {low:?}, high: {high:?}")))
            .boxed(),
        option("pixel_budget", 1u64..=1 << 40),
    ];
    [own, shared, remote(true)].concat()
}

/// The rewards behind HTTP that answer with numbers.
pub(super) fn numbers() -> BoxedStrategy<String> {
    let text = |key: &'static str| path().prop_map(move |text| format!("{key}: {text:?}")).boxed();
    let pictures = || option("pictures", word(&["both", "edited"]));
    let batch = || option("batch", 1u32..=1024);
    let conversation = || {
        let fields = prop::collection::btree_map("field_[a-z]{1,8}", field_value(), 0..3);
        vec![
            text("model"),
            option("prompt", path()),
            pictures(),
            option("use_activation", any::<bool>()),
            option("add_generation_prompt", any::<bool>()),
            fields.prop_map(|fields| format!("fields: {}", map(&fields))).boxed(),
        ]
    };
    let classify = scores([conversation(), vec![option("index", 0u32..=1_000_000)]].concat());
    let task = prop_oneof![
        (0u32..9).prop_map(|index| format!("task: embed, index: {index}")),
        Just("task: classify".to_owned()),
    ];
    let data = prop::collection::btree_map("field_[a-z]{1,8}", field_value(), 0..3);
    let vllm_plugin = vec![
        text("model"),
        data.prop_map(|data| format!("data: {}", map(&data))).boxed(),
        option("pointer", "/[a-z/0-9]{0,9}"),
        option("sigma", "/[a-z/0-9]{0,9}"),
    ];
    let metadata = prop::collection::btree_map("field_[a-z]{1,8}", field_value(), 0..3);
    let profile = prop_oneof![
        word(&["deqa", "unified_reward"]).prop_map(|profile| format!("profile: {profile}")),
        metadata.prop_map(|metadata| format!("profile: geneval, metadata: {}", map(&metadata))),
    ];
    let pickled = vec![profile.boxed(), option("scores", path()), option("only_jpeg", any::<bool>()), batch()];
    prop_oneof![
        tagged("vllm_classify", classify),
        tagged("vllm_pooling", scores([conversation(), vec![task.boxed()]].concat())),
        tagged("vllm_plugin", scores(vllm_plugin)),
        tagged("unirl_score", scores(vec![text("reward"), option("metric", path()), pictures(), batch()])),
        tagged("flow_factory", scores(vec![pictures(), batch()])),
        tagged("editscale", scores(vec![option("reward", path()), option("gives_sigma", any::<bool>()), batch()])),
        tagged("pickled_reward", scores(pickled)),
        plugin(),
        command_reward(),
    ]
    .boxed()
}
