//! Policies whose candidates are made whole.

use proptest::prelude::*;

use super::pausing::{particles, path_search, preview_pruning};
use super::remote::remote;
use super::text::{given, option, path, tagged, word};

/// A search, with the critics that it asks where it asks some.
pub(super) fn asking(names: Vec<String>) -> impl Strategy<Value = (String, String)> {
    let alone = search(names).prop_map(|search| (search, String::new()));
    prop_oneof![4 => alone, 1 => reflection()]
}

pub(super) fn search(names: Vec<String>) -> impl Strategy<Value = String> {
    prop_oneof![
        best_of_n().boxed(),
        refined().boxed(),
        noise_search().boxed(),
        path_search().boxed(),
        reward_weighted().boxed(),
        adaptive(),
        preview_pruning(names),
        particles().boxed(),
        thompson().boxed()
    ]
}

fn best_of_n() -> impl Strategy<Value = String> {
    (1u32..=100_000, prop::option::of(1u32..=100_000)).prop_map(|(samples, round)| {
        let round = given("round", round);
        format!("{{best_of_n: {{samples: {samples}{round}}}}}")
    })
}

/// Beams and diverse trees.
fn refined() -> impl Strategy<Value = String> {
    let share = || 0.0f64..10.0;
    let edges = prop::option::of((0.1f64..10.0, share(), share())).prop_map(|edges| {
        edges.map_or(String::new(), |(a, b, c)| {
            format!(", edges: {{re_edit: {a:?}, edit_of_edit: {b:?}, fresh: {c:?}}}")
        })
    });
    let near = prop_oneof![
        Just(String::new()),
        (0u32..=32).prop_map(|bits| format!(", deduplicate: {{bits: {bits}}}")),
        (0.01f64..=1.0).prop_map(|cosine| format!(", deduplicate: {{cosine: {cosine:?}}}")),
        (0u32..=32, 0.01f64..=1.0)
            .prop_map(|(bits, cosine)| format!(", deduplicate: {{bits: {bits}, cosine: {cosine:?}}}")),
    ];
    let ties = prop::option::of(0.0f64..10.0)
        .prop_map(|within| within.map_or(String::new(), |within| format!(", ties: {{centroid: {within:?}}}")));
    let count = || 1u32..=40;
    (any::<bool>(), count(), count(), count(), edges, near, ties).prop_map(
        |(is_beam, parents, children, depth, edges, near, ties)| {
            let (policy, wide) = if is_beam { ("beam", "width") } else { ("diverse_trees", "trees") };
            format!("{{{policy}: {{{wide}: {parents}, children: {children}, depth: {depth}{edges}{near}{ties}}}}}")
        },
    )
}

fn reward_weighted() -> impl Strategy<Value = String> {
    let weighting = prop_oneof![
        (1e-9f64..1e6).prop_map(|value| format!("temperature: {value:?}")),
        (1.0f64..8.0).prop_map(|value| format!("target_ess: {value:?}")),
        (0.0f64..100.0).prop_map(|value| format!("target_kl: {value:?}")),
    ];
    (8u32..=1000, 1u32..=8, weighting).prop_map(|(samples, draw, weighting)| {
        format!("{{reward_weighted: {{samples: {samples}, draw: {draw}, {weighting}}}}}")
    })
}

fn reflection() -> impl Strategy<Value = (String, String)> {
    let chat = tagged(
        "chat_critic",
        [
            vec![Just("model: m".to_owned()).boxed(), option("prompt", path()), option("rewrite_prompt", path())],
            remote(false),
        ]
        .concat(),
    );
    let critic = (prop_oneof![Just("{darkroom_critic: {}}".to_owned()), chat], "[a-z][a-z0-9_-]{0,9}");
    let start = prop_oneof![
        Just(String::new()),
        word(&["re_edit", "edit_of_edit", "mixed"]).prop_map(|start| format!(", start: {start}")),
        (0.0f64..=1.0).prop_map(|share| format!(", start: mixed, edit_of_edit: {share:?}")),
    ];
    (critic, 1u32..=1000, 0u32..1000, 1u32..=90, start, 0u32..=16, any::<[bool; 2]>()).prop_map(
        |((critic, name), samples, fewer, rounds, start, show, [is_named, rewrites])| {
            let width = samples.saturating_sub(fewer).max(1);
            let named = if is_named { format!(", critic: {name:?}") } else { String::new() };
            let first = if rewrites { ", rewrite_first: true" } else { "" };
            let critics = format!("critics: [{{model: {critic}, name: {name:?}}}]\n");
            let size =
                format!("samples: {samples}, width: {width}, rounds: {rounds}{start}, show: {show}{first}{named}");
            (format!("{{reflection: {{{size}}}}}"), critics)
        },
    )
}

fn noise_search() -> impl Strategy<Value = String> {
    let cosine = prop::option::of(0.0f64..0.9999).prop_map(|cosine| given("cosine", cosine));
    let narrowing = prop::option::of(0.01f64..1.0).prop_map(|narrowing| given("narrowing", narrowing));
    let count = |name, most| prop::option::of(1u32..=most).prop_map(move |count| given(name, count));
    let counts = (count("pivots", 1000), count("neighbours", 90), count("restart_after", 1000));
    (1u32..=1000, counts, cosine, narrowing).prop_map(|(rounds, (pivots, neighbours, restart), cosine, narrowing)| {
        format!("{{noise_search: {{rounds: {rounds}{pivots}{neighbours}{restart}{cosine}{narrowing}}}}}")
    })
}

fn adaptive() -> BoxedStrategy<String> {
    let prior = (option("mean", -1e3f64..1e3), 0.0f64..1e3, 1e-3f64..1e3).prop_map(|(mean, spread, strength)| {
        let mean = if mean.is_empty() { mean } else { format!("{mean}, ") };
        format!("prior: {{{mean}spread: {spread:?}, strength: {strength:?}}}")
    });
    let counts = (1u32..=1000, 1u32..=1000).prop_map(|(a, b)| format!("most: {}, probe: {}", a.max(b), a.min(b)));
    let options = vec![
        counts.boxed(),
        price().boxed(),
        option("round", 1u32..=1000),
        option("optimism", 0.0f64..10.0),
        prop_oneof![Just(String::new()), prior].boxed(),
    ];
    tagged("adaptive", options)
}

/// What a candidate costs.
pub(super) fn price() -> impl Strategy<Value = String> {
    let amount = || 1e-9f64..1e6;
    prop_oneof![
        (amount(), amount(), amount()).prop_map(|(edit, reward, preview)| {
            format!("cost: {{edit: {edit:?}, reward: {reward:?}, preview: {preview:?}}}")
        }),
        (amount(), amount()).prop_map(|(nfe, usd)| format!("worth: {{per_nfe: {nfe:?}, per_usd: {usd:?}}}")),
    ]
}

fn thompson() -> impl Strategy<Value = String> {
    let count = || prop::option::of(1u32..=1000);
    let cost = prop::sample::select(vec!["budget", "edits", "nfe", "tokens", "usd"]);
    (1u32..=100_000, count(), count(), count(), cost).prop_map(|(samples, round, least, drop_after, cost)| {
        let keys = [("round", round), ("least", least), ("drop_after", drop_after)];
        let keys: String = keys.into_iter().filter_map(|(name, count)| Some(format!(", {name}: {}", count?))).collect();
        format!("{{thompson: {{samples: {samples}{keys}, cost: {cost}}}}}")
    })
}
