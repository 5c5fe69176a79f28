//! Policies whose candidates stop half way.

use proptest::prelude::*;

use super::policies::price;
use super::rewards::few_gates;
use super::text::{given, option, perhaps_map, tagged};

/// By what previews are judged: one of these rewards or all, with gates or without.
fn preview(names: Vec<String>) -> BoxedStrategy<String> {
    let gates = few_gates(names.clone()).prop_map(|gates| format!("gates: {gates}")).boxed();
    let gates = prop_oneof![Just(String::new()), gates].boxed();
    perhaps_map("preview", vec![option("reward", prop::sample::select(names)), gates])
}

pub(super) fn preview_pruning(names: Vec<String>) -> BoxedStrategy<String> {
    let counts =
        (1u32..=1000, 0u32..=1000).prop_map(|(samples, more)| format!("samples: {samples}, most: {}", samples + more));
    let checkpoint = prop_oneof![
        (0.001f64..0.999).prop_map(|share| format!("{share:?}")),
        (1u32..=1000).prop_map(|step| step.to_string()),
    ];
    let checkpoints =
        prop::collection::vec(checkpoint, 1..5).prop_map(|all| format!("checkpoints: [{}]", all.join(", ")));
    let prior =
        (0.0f64..0.99, option("spread", 0.0f64..1e3), 1.01f64..1e3).prop_map(|(correlation, spread, strength)| {
            let spread = if spread.is_empty() { spread } else { format!("{spread}, ") };
            format!("prior: {{correlation: {correlation:?}, {spread}strength: {strength:?}}}")
        });
    let maybe = |text: BoxedStrategy<String>| prop_oneof![Just(String::new()), text].boxed();
    let options = vec![
        counts.boxed(),
        maybe(checkpoints.boxed()),
        option("keep", 0.01f64..1.0),
        option("margin", 0.0f64..1e3),
        option("round", 1u32..=1000),
        maybe(price().boxed()),
        maybe(prior.boxed()),
        preview(names),
    ];
    tagged("preview_pruning", options)
}

pub(super) fn particles() -> impl Strategy<Value = String> {
    let at = prop_oneof![
        Just(String::new()),
        prop::collection::btree_set(1u32..1000, 1..6).prop_map(|shares| {
            let shares: Vec<String> =
                shares.into_iter().map(|share| format!("{:?}", f64::from(share) / 1000.0)).collect();
            format!(", resample_at: [{}]", shares.join(", "))
        }),
        (1u32..=50, 1u32..=50, 50u32..=100)
            .prop_map(|(every, from, to)| format!(", resample_at: {{every: {every}, from: {from}, to: {to}}}")),
    ];
    let strength = prop_oneof![
        Just(String::new()),
        (1e-9f64..1e6).prop_map(|value| format!(", strength: {value:?}")),
        (1e-9f64..1e6).prop_map(|value| format!(", relative_strength: {value:?}")),
    ];
    let tempering = prop_oneof![
        Just(String::new()),
        Just(", tempering: constant".to_owned()),
        Just(", tempering: infinite".to_owned()),
        (1e-9f64..100.0).prop_map(|gamma| format!(", tempering: increasing, gamma: {gamma:?}")),
    ];
    let potential = prop::sample::select(vec!["current", "difference", "max", "sum"]);
    let resampling = prop::sample::select(vec!["multinomial", "systematic", "residual", "stratified", "ssp"]);
    let own = (tempering, potential, resampling, 1e-9f64..=1.0).prop_map(|(tempering, potential, resampling, ess)| {
        format!("{tempering}, potential: {potential}, resampling: {resampling}, ess: {ess:?}")
    });
    let preset =
        prop::sample::select(vec!["feynman_kac", "das", "svdd"]).prop_map(|preset| format!(", preset: {preset}"));
    let method = prop_oneof![Just(String::new()), own, preset];
    let rest = (
        prop::option::of(1u32..=10_000),
        prop::sample::select(vec!["", ", keep: best", ", keep: draw", ", renoise: 3"]),
    );
    (1u32..=500, at, strength, method, rest).prop_map(|(particles, at, strength, method, (steps, rest))| {
        let steps = steps.map_or(String::new(), |steps| format!(", steps: {steps}"));
        format!("{{particles: {{particles: {particles}{at}{strength}{method}{steps}{rest}}}}}")
    })
}

pub(super) fn path_search() -> impl Strategy<Value = String> {
    let first = prop::option::of(0.01f64..0.99).prop_map(|first| given("first", first));
    let shares = prop::option::of((0.01f64..0.5, 0.02f64..0.4)).prop_map(|shares| {
        shares.map_or(String::new(), |(back, more)| format!(", back: {back:?}, forward: {:?}", back + more))
    });
    (1u32..=40, 1u32..=40, first, shares).prop_map(|(paths, children, first, shares)| {
        format!("{{path_search: {{paths: {paths}, children: {children}{first}{shares}}}}}")
    })
}
