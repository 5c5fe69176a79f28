//! The rewards of a recipe, their calibrations, and what becomes of their scores.

use proptest::prelude::*;

use super::asking::{chat_judge, comparing};
use super::scoring::numbers;
use super::text::{line, name, option, path, tagged, word};

/// The names of the rewards, with their lines.
pub(super) fn rewards() -> impl Strategy<Value = (Vec<String>, String)> {
    let model = prop_oneof![Just("{photometric: {}}".to_owned()), chat_judge(), comparing(), numbers()];
    let reward = (prop::option::of(0.001f64..10.0), model, calibration());
    prop::collection::btree_map(name(), reward, 1..4).prop_map(|rewards| {
        let one = |(name, (weight, model, calibration)): (&String, &(Option<f64>, String, String))| {
            let weight = weight.map_or(String::new(), |weight| format!(", weight: {weight:?}"));
            format!("  - {{model: {model}{weight}, name: {name:?}{calibration}}}\n")
        };
        let lines: Vec<String> = rewards.iter().map(one).collect();
        (rewards.keys().cloned().collect(), format!("rewards:\n{}", lines.concat()))
    })
}

/// A calibration with the comma before it, or nothing.
fn calibration() -> impl Strategy<Value = String> {
    let knots = prop::collection::vec((1e-3f64..1e3, 0.0f64..10.0), 2..5).prop_map(|steps| {
        let (mut score, mut value) = (-1e3, -5.0);
        let knots = steps.iter().map(|(right, up)| {
            (score, value) = (score + right, value + up);
            format!("[{score:?}, {value:?}]")
        });
        format!("knots: [{}]", knots.collect::<Vec<_>>().join(", "))
    });
    let rest = (option("between", word(&["line", "step"])), option("revision", path()));
    let here = (knots, rest).prop_map(|(knots, (between, revision))| {
        let keys: Vec<String> = [knots, between, revision].into_iter().filter(|key| !key.is_empty()).collect();
        format!(", calibration: {{{}}}", keys.join(", "))
    });
    prop_oneof![3 => Just(String::new()), 1 => path().prop_map(|path| format!(", calibration: {path:?}")), 1 => here]
}

/// How scores become one, where no reward counts against.
pub(super) fn combine() -> impl Strategy<Value = String> {
    let between = (-1e9f64..0.0, 1e-3f64..1e9).prop_map(|(low, high)| format!("low: {low:?}, high: {high:?}"));
    line(
        "combine",
        prop_oneof![
            tagged("weighted", Vec::new()),
            tagged("lower_bound", vec![option("kappa", 0.0f64..=100.0), option("assumed_sigma", 0.0f64..1e9)]),
            tagged("conjunctive", vec![between.boxed()]),
        ],
    )
}

/// Up to two gates on rewards of these names.
pub(super) fn few_gates(names: Vec<String>) -> impl Strategy<Value = String> {
    let gate =
        (prop::sample::select(names), prop::option::of(name()), -1e9f64..1e9).prop_map(|(reward, part, at_least)| {
            let part = part.map_or(String::new(), |part| format!(", part: {part:?}"));
            format!("{{reward: {reward:?}{part}, at_least: {at_least:?}}}")
        });
    prop::collection::vec(gate, 0..3).prop_map(|gates| format!("[{}]", gates.join(", ")))
}

pub(super) fn gates(names: Vec<String>) -> impl Strategy<Value = String> {
    line("gates", few_gates(names))
}
