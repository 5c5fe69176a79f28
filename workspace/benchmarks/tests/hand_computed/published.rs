//! Metrics as the published code itself computes them on a larger synthetic set: `published.json`, written by `published.py` from
//! `eval_bench.py` of TIGER-AI-Lab/EditReward at edb027e.

use editscale_benchmarks::layouts::Preset;
use editscale_benchmarks::measures::{Measured, measure};
use editscale_benchmarks::{Human, JudgedCase};
use editscale_study::judges::Preference;
use serde::Deserialize;
use serde_json::Value;

use crate::desk::{QUICK, case, edit, metric, near, ranked};

#[derive(Deserialize)]
struct File {
    groups: Groups,
    pairs: Vec<Pairs>,
    rated: Ratings,
}

#[derive(Deserialize)]
struct Groups {
    groups: Vec<Group>,
    published: Value,
}

#[derive(Deserialize)]
struct Group {
    ranking: String,
    scores: Vec<f64>,
}

#[derive(Deserialize)]
struct Pairs {
    pairs: Vec<Pair>,
    published: Value,
}

#[derive(Deserialize)]
struct Pair {
    human: f64,
    margin: f64,
}

#[derive(Deserialize)]
struct Ratings {
    rated: Vec<Rated>,
    published: Value,
}

#[derive(Deserialize)]
struct Rated {
    model: String,
    instruction: String,
    score: f64,
    rating: f64,
}

fn file() -> File {
    serde_json::from_str(include_str!("published.json")).unwrap()
}

fn published(measured: &Measured, section: &str, name: &str) -> Option<f64> {
    metric(measured, section, name).published.as_ref().and_then(|estimate| estimate.value)
}

#[test]
fn editreward_bench() {
    let Groups { groups, published: expected } = file().groups;
    let cases =
        groups.iter().enumerate().map(|(number, group)| ranked(&number.to_string(), &group.ranking, &group.scores));
    let measured = measure(Preset::EditRewardBench, &cases.collect::<Vec<_>>(), &QUICK).unwrap();
    for (section, of, pairwise) in [
        ("2 candidates", "2-Pair", "accuracy_with_ties"),
        ("3 candidates", "3-Pair", "accuracy_without_ties"),
        ("4 candidates", "4-Pair", "accuracy_without_ties"),
        ("comparisons", "overall", "accuracy_with_ties"),
    ] {
        near(published(&measured, section, pairwise), expected[of]["pairwise_accuracy"].as_f64(), of);
        near(published(&measured, section, "strict_accuracy"), expected[of]["strict_ranking_accuracy"].as_f64(), of);
    }
}

#[test]
fn genai_bench_and_aurora_bench() {
    for (set, Pairs { pairs, published: expected }) in file().pairs.into_iter().enumerate() {
        let judged = |(number, pair): (usize, &Pair)| -> JudgedCase {
            let candidates = vec![edit(None, None, Some(pair.margin)), edit(None, None, Some(0.0))];
            // In the order of the file, which the published code's value depends on.
            case(&format!("{number:03}"), Human::Preferred(Preference::of(pair.human, 0.0)), candidates)
        };
        let cases: Vec<JudgedCase> = pairs.iter().enumerate().map(judged).collect();
        for preset in [Preset::GenaiBench, Preset::AuroraBench] {
            let measured = measure(preset, &cases, &QUICK).unwrap();
            for (name, of) in [("accuracy_with_ties", "with_ties"), ("accuracy_without_ties", "without_ties")] {
                near(published(&measured, "comparisons", name), expected[of].as_f64(), &format!("set {set}: {of}"));
            }
        }
    }
}

#[test]
fn imagenhub_and_aurora_pointwise() {
    let Ratings { rated, published: expected } = file().rated;
    let judged = |(number, each): (usize, &Rated)| {
        let mut case =
            case(&number.to_string(), Human::Rated, vec![edit(Some(&each.model), Some(each.rating), Some(each.score))]);
        case.instruction = each.instruction.clone();
        case
    };
    let cases: Vec<JudgedCase> = rated.iter().enumerate().map(judged).collect();
    let imagenhub = measure(Preset::Imagenhub, &cases, &QUICK).unwrap();
    let second = &expected["imagenhub_v2"];
    near(published(&imagenhub, "ratings", "average_spearman"), expected["imagenhub"]["average"].as_f64(), "imagenhub");
    near(
        published(&imagenhub, "ratings", "per_instruction_spearman"),
        second["avg_per_prompt_spearman"].as_f64(),
        "first of v2",
    );
    near(
        published(&imagenhub, "ratings", "standardised_spearman"),
        second["overall_zscore_spearman"].as_f64(),
        "second of v2",
    );
    for model in ["model 0", "model 1", "model 2", "model 3"] {
        let rho = metric(&imagenhub, &format!("ratings of model {model}"), "spearman");
        near(rho.right.as_ref().unwrap().value, expected["imagenhub"][model].as_f64(), model);
    }
    let aurora = measure(Preset::AuroraBench, &cases, &QUICK).unwrap();
    near(published(&aurora, "ratings", "average_spearman"), expected["aurora_pointwise"]["average"].as_f64(), "aurora");
}
