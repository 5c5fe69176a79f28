//! AURORA-Bench: JSON lists of pairs and of ratings.

use editscale_benchmarks::{Human, Preset};
use editscale_rollout::RowPicture;
use editscale_study::judges::Preference;
use serde_json::json;

use crate::desk::{Desk, assert_each, open, read, refusal};

#[expect(clippy::needless_pass_by_value, reason = "json! makes values")]
fn rating(model: &str, score: serde_json::Value) -> serde_json::Value {
    json!({
        "input": "human_ratings/in.jpg", "gen": format!("human_ratings/{model}.jpg"), "prompt": "move the cup", "model": model,
        "score": score, "task": "ag",
    })
}

#[test]
fn pairs_and_ratings_of_one_folder_are_two_parts() {
    let desk = Desk::new();
    desk.json(
        "human_ratings.json",
        &json!([rating("aurora", json!(1.5)), rating("magicbrush", json!(0)), rating("genhowto", json!("good")),]),
    );
    let pair = |winner: &str| {
        json!({
            "input": "human_ratings/in.jpg", "gens": ["human_ratings/a.jpg", "human_ratings/b.jpg"], "prompt": "move the cup",
            "models": ["aurora", "magicbrush"], "winner": winner,
        })
    };
    desk.json("human_ratings_pairwise.json", &json!([pair("magicbrush"), pair("tie"), pair("nobody")]));
    let benchmark = open(Preset::AuroraBench, desk.path("").as_path()).unwrap();
    let (cases, problems) = read(&benchmark);
    let told: Vec<_> = cases.iter().map(|case| (case.part.as_str(), case.id.as_str(), case.human.clone())).collect();
    let expected = [
        ("pointwise", "0", Human::Rated),
        ("pointwise", "1", Human::Rated),
        ("pairwise", "0", Human::Preferred(Preference::Second)),
        ("pairwise", "1", Human::Preferred(Preference::Tie)),
    ];
    assert_eq!(told, expected);
    assert_each(&problems, &["expected a number in `score` (rating), found \"good\"", "found `nobody`"]);
    let rated = &cases[0].candidates[0];
    assert_eq!((rated.model.as_deref(), rated.rating), (Some("aurora"), Some(1.5)));
    assert_eq!(rated.picture, RowPicture::File(desk.path("human_ratings/aurora.jpg")));
    assert_eq!(cases[0].dataset.as_deref(), Some("ag"));
    assert_eq!(cases[2].candidates[1].model.as_deref(), Some("magicbrush"));
}

#[test]
fn two_files_of_one_part_are_one_too_many() {
    let desk = Desk::new();
    desk.json("a.json", &json!([rating("aurora", json!(1))]));
    desk.json("b.json", &json!([rating("aurora", json!(2))]));
    let said = refusal(Preset::AuroraBench, desk.path("").as_path());
    assert!(said.contains("more than one file holds the part `pointwise`") && said.contains("b.json"), "{said}");
}

#[test]
fn two_files_of_a_later_part_are_one_too_many() {
    let desk = Desk::new();
    desk.json("a.json", &json!([rating("aurora", json!(1))]));
    let pair = json!({
        "input": "in.jpg", "gens": ["a.jpg", "b.jpg"], "prompt": "move the cup", "models": ["x", "y"], "winner": "tie",
    });
    desk.json("b.json", &json!([pair]));
    desk.json("c.json", &json!([pair]));
    let said = refusal(Preset::AuroraBench, desk.path("").as_path());
    assert!(said.contains("more than one file holds the part `pairwise`") && said.contains("c.json"), "{said}");
}

#[test]
fn files_of_other_kinds_are_passed_over_and_told() {
    let desk = Desk::new();
    desk.json("human_ratings.json", &json!([rating("aurora", json!(1))]));
    desk.json("notes.json", &json!([{"note": "hello"}]));
    let benchmark = open(Preset::AuroraBench, desk.path("").as_path()).unwrap();
    assert_each(benchmark.passed_over(), &["notes.json"]);
    assert_eq!(read(&benchmark).0.len(), 1);
}
