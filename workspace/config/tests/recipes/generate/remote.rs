//! What is told of everything behind HTTP.

use proptest::prelude::*;

use super::text::{field_value, map, option, path, word};

/// What every editor and judge behind HTTP is told; some can also be told whether a call is sent again.
pub(super) fn remote(repeats: bool) -> Vec<BoxedStrategy<String>> {
    let secret = prop_oneof![
        Just(String::new()),
        "[A-Z_][A-Z0-9_]{0,20}".prop_map(|name| format!(", secret_env: {name:?}")),
        (path(), "[a-z-]{1,20}")
            .prop_map(|(file, header)| format!(", secret_file: {file:?}, secret_header: {header:?}")),
    ];
    let pace = prop::option::of((1u32..=1_000_000, 1u32..=1000))
        .prop_map(|pace| pace.map_or(String::new(), |(rate, burst)| format!(", per_minute: {rate}, burst: {burst}")));
    let server = ("[a-z0-9.-]{0,20}", secret, 1u32..=4096, pace).prop_map(|(host, secret, concurrency, pace)| {
        (host.clone(), format!("{{url: \"https://a{host}/v1\"{secret}, concurrency: {concurrency}{pace}}}"))
    });
    let servers = prop::collection::vec(server, 1..4).prop_map(|servers| {
        let different: std::collections::BTreeMap<String, String> = servers.into_iter().collect();
        format!("servers: [{}]", different.into_values().collect::<Vec<_>>().join(", "))
    });
    let calls = (1u32..=20, 0.001f64..86_400.0)
        .prop_map(|(attempts, answer)| format!("calls: {{attempts: {attempts}, answer_secs: {answer:?}}}"));
    let prices = (0u64..=1_000_000_000_000, prop::option::of(1u64..=100_000_000)).prop_map(|(micros, most)| {
        let most = most.map_or(String::new(), |most| format!(", most_input_tokens: {most}"));
        format!("prices: {{picture: {:?}{most}}}", micros as f64 / 1e6)
    });
    let repeat = repeats.then(|| option("repeat", word(&["never", "harmless", "keyed"])));
    let told = vec![servers.boxed(), calls.boxed(), prices.boxed(), option("revision", path())];
    told.into_iter().chain(repeat).collect()
}

/// The options that editors behind HTTP share.
pub(super) fn remote_editor() -> Vec<BoxedStrategy<String>> {
    let sizes = prop_oneof![
        Just("any".to_owned()),
        (1u32..=4096).prop_map(|step| step.to_string()),
        prop::collection::vec((1u32..=16_384, 1u32..=16_384), 1..4).prop_map(|sizes| {
            let sizes: Vec<String> = sizes.iter().map(|(width, height)| format!("{width}x{height}")).collect();
            format!("[{}]", sizes.join(", "))
        }),
    ];
    let fields = prop::collection::btree_map("field_[a-z]{1,8}", field_value(), 0..3);
    let knobs = (0u32..10, 10u32..20, any::<bool>()).prop_map(|(low, high, whole)| {
        format!("knobs: {{guidance: {{low: {low}, high: {high}, default: {high}, whole: {whole}}}}}")
    });
    vec![
        prop::option::of(sizes)
            .prop_map(|sizes| sizes.map_or(String::new(), |sizes| format!("sizes: {sizes}")))
            .boxed(),
        option("nfe", 0u32..=1_000_000),
        fields.prop_map(|fields| format!("fields: {}", map(&fields))).boxed(),
        knobs.boxed(),
    ]
}

pub(super) fn polls() -> BoxedStrategy<String> {
    (0.001f64..1.0, 1.0f64..10.0, 10.0f64..604_800.0)
        .prop_map(|(first, longest, deadline)| {
            format!(
                "polls: {{first_wait_secs: {first:?}, longest_wait_secs: {longest:?}, deadline_secs: {deadline:?}}}"
            )
        })
        .boxed()
}
