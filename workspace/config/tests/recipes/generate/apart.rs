//! What has a process of its own: plugins and commands.

use proptest::prelude::*;

use super::text::{field_value, map, option, path, tagged, word};

/// How long and how often something with a process of its own is put up with.
fn put_up_with() -> Vec<BoxedStrategy<String>> {
    vec![
        prop::collection::vec("[A-Z_][A-Z0-9_]{0,9}", 0..3)
            .prop_map(|names| if names.is_empty() { String::new() } else { format!("environment: {names:?}") })
            .boxed(),
        option("start_secs", 1e-3f64..1e6),
        option("call_secs", 1e-3f64..1e6),
        option("silence_secs", 1e-3f64..1e6),
        option("crashes", 1u32..=100),
        option("restarts", 0u32..=1_000_000),
    ]
}

pub(super) fn plugin() -> BoxedStrategy<String> {
    let run = prop::collection::vec(path(), 1..4).prop_map(|run| format!("run: {run:?}"));
    let config = prop::collection::btree_map("field_[a-z]{1,8}", field_value(), 0..3);
    let own = vec![run.boxed(), config.prop_map(|config| format!("config: {}", map(&config))).boxed()];
    let memory = vec![option("memory_mib", 1u64..=1 << 30)];
    tagged("plugin", [own, memory, put_up_with()].concat())
}

fn command(own: Vec<BoxedStrategy<String>>) -> BoxedStrategy<String> {
    let run = prop_oneof![Just("./do {source}"), Just("a | b \"{instruction}\"; echo 1")];
    let shared = vec![
        run.prop_map(|run| format!("run: {run:?}")).boxed(),
        option("slots", 1u32..=256),
        option("revision", path()),
    ];
    tagged("command", [shared, own, put_up_with()].concat())
}

pub(super) fn command_reward() -> BoxedStrategy<String> {
    let range = prop::option::of((-1e9f64..0.0, 1.0f64..1e9))
        .prop_map(|range| range.map_or(String::new(), |(low, high)| format!("range: [{low:?}, {high:?}]")));
    command(vec![option("score", "[a-z]{1,9}"), range.boxed(), option("gives_sigma", any::<bool>())])
}

pub(super) fn command_editor() -> BoxedStrategy<String> {
    command(vec![option("seeds", any::<bool>()), option("output", word(&["png", "jpg", "webp"]))])
}
