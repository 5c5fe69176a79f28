//! Budgets, stop rules, and what is kept.

use proptest::prelude::*;

use super::text::line;

fn budget() -> impl Strategy<Value = String> {
    let count = || prop::option::of(10u64..(1 << 53));
    (
        count(),
        count(),
        count(),
        count(),
        prop::option::of(1u64..=1_000_000_000_000),
        prop::option::of(0.001f64..2_592_000.0),
    )
        .prop_map(|(edits, nfe, calls, tokens, micros, wall)| {
            let keys = [
                edits.map(|edits| format!("edits: {edits}")),
                nfe.map(|nfe| format!("nfe: {nfe}")),
                calls.map(|calls| format!("reward_calls: {calls}")),
                tokens.map(|tokens| format!("tokens: {tokens}")),
                micros.map(|micros| format!("usd: {:?}", micros as f64 / 1e6)),
                wall.map(|wall| format!("wall_secs: {wall:?}")),
            ];
            format!("{{{}}}", keys.into_iter().flatten().collect::<Vec<_>>().join(", "))
        })
}

fn stop() -> impl Strategy<Value = String> {
    (prop::option::of(any::<f64>().prop_filter("finite", |score| score.is_finite())), prop::option::of(1u32..=1000))
        .prop_map(|(target, patience)| {
            let target = target.map(|target| format!("target_score: {target:?}"));
            let patience = patience.map(|patience| format!("patience: {patience}"));
            format!("{{{}}}", target.into_iter().chain(patience).collect::<Vec<_>>().join(", "))
        })
}

pub(super) fn rest() -> impl Strategy<Value = String> {
    let retain = prop_oneof![
        Just("{all: {}}".to_owned()),
        Just("{winner: {}}".to_owned()),
        (1u32..=100_000).prop_map(|count| format!("{{best: {{count: {count}}}}}")),
    ];
    let retry = (1u32..=20, 0.0f64..100.0, 100.0f64..3600.0).prop_map(|(attempts, base, most)| {
        format!("{{attempts: {attempts}, base_delay_secs: {base:?}, max_delay_secs: {most:?}}}")
    });
    let output = (prop::sample::select(&["png", "jpeg", "webp"][..]), 1u32..=100, any::<bool>())
        .prop_map(|(format, quality, keep)| format!("{{format: {format}, quality: {quality}, keep_metadata: {keep}}}"));
    (
        line("stop", stop()),
        line("budget", budget()),
        line("retain", retain),
        line("retry", retry),
        line("output", output),
    )
        .prop_map(|(stop, budget, retain, retry, output)| [stop, budget, retain, retry, output].concat())
}
