//! GenAI-Bench: votes on pairs as Parquet, and scored pairs as a JSON list.

use editscale_benchmarks::layouts::{Benchmark, Reading};
use editscale_benchmarks::{Human, Preset};
use editscale_rollout::RowPicture;
use editscale_study::judges::Preference;
use serde_json::json;

use crate::desk::{Desk, assert_each, held, images, open, png, read, refusal, texts};

#[test]
fn votes_are_read() {
    let desk = Desk::new();
    let votes = ["leftvote", "rightvote", "tievote", "bothbad_vote", "undecided"];
    let pictures = |first: u8| images(&(first..first + 5).map(png).collect::<Vec<_>>());
    let columns = [
        ("source_prompt", texts(&["a cat"; 5])),
        ("target_prompt", texts(&["a dog"; 5])),
        ("instruct_prompt", texts(&["make it a dog"; 5])),
        ("source_image", pictures(0)),
        ("left_model", texts(&["MagicBrush"; 5])),
        ("left_output_image", pictures(10)),
        ("right_model", texts(&["SDEdit"; 5])),
        ("right_output_image", pictures(20)),
        ("vote_type", texts(&votes)),
    ];
    let path = desk.parquet("image_edition/test_v1-00000-of-00001.parquet", &columns);
    let (cases, problems) = read(&open(Preset::GenaiBench, &path).unwrap());
    let human: Vec<Human> = cases.iter().map(|case| case.human.clone()).collect();
    let expected = [Preference::First, Preference::Second, Preference::Tie, Preference::Tie].map(Human::Preferred);
    assert_eq!(human, expected);
    assert_each(
        &problems,
        &["`vote_type`: expected a verdict (a, b or tie; 1, -1 or 0; A>B, B>A or A=B), found `undecided`"],
    );
    assert!(problems[0].contains("test_v1-00000-of-00001.parquet"), "the place is told: {}", problems[0]);
    let case = &cases[1];
    assert_eq!((case.part.as_str(), case.id.as_str(), case.instruction.as_str()), ("pairwise", "1", "make it a dog"));
    assert_eq!(held(&case.source), png(1));
    let told: Vec<_> =
        case.candidates.iter().map(|candidate| (candidate.model.as_deref(), held(&candidate.picture))).collect();
    assert_eq!(told, [(Some("MagicBrush"), &*png(11)), (Some("SDEdit"), &*png(21))]);
}

#[test]
fn scored_pairs_are_read_from_the_scripts_json() {
    let desk = Desk::new();
    let row = |a: serde_json::Value, b: serde_json::Value| {
        json!({
            "prompt": "add sheep", "choice_dist": null, "path_src": "GenAI-Bench/s.jpg", "path1": "GenAI-Bench/a.jpg",
            "path2": "GenAI-Bench/b.jpg", "model1": "MagicBrush", "model2": "Pix2PixZero", "model1_dim1_score": a,
            "model2_dim1_score": b, "model1_overall_score": 0.9, "model2_overall_score": 0.1,
        })
    };
    let rows = json!([
        row(json!(4), json!(2)),
        row(json!(2), json!(2)),
        row(json!(1.5), json!(2)),
        row(json!(null), json!(2))
    ]);
    let path = desk.json("valid_dataset_1.json", &rows);
    let reading = Reading { images: Some("/data".into()), ..Reading::default() };
    let (cases, problems) = read(&Benchmark::open(Preset::GenaiBench, &path, &reading).unwrap());
    let human: Vec<Human> = cases.iter().map(|case| case.human.clone()).collect();
    assert_eq!(human, [Preference::First, Preference::Tie, Preference::Second].map(Human::Preferred));
    assert_each(&problems, &["expected a rating of both pictures, found one"]);
    assert_eq!(cases[0].source, RowPicture::File("/data/GenAI-Bench/s.jpg".into()));
    assert_eq!(cases[0].candidates[1].picture, RowPicture::File("/data/GenAI-Bench/b.jpg".into()));
    assert_eq!(
        cases[0].candidates.iter().map(|candidate| candidate.rating).collect::<Vec<_>>(),
        [Some(4.0), Some(2.0)]
    );
    let beside = read(&open(Preset::GenaiBench, &path).unwrap()).0;
    assert_eq!(beside[0].source, RowPicture::File(desk.path("GenAI-Bench/s.jpg")));
}

#[test]
fn what_is_lacking_is_named() {
    let desk = Desk::new();
    let path = desk
        .json("rows.json", &json!([{"source_image": "x.png", "instruct_prompt": "add", "left_output_image": "y.png"}]));
    let said = refusal(Preset::GenaiBench, &path);
    for words in
        ["edited_b (`right_output_image`)", "preference (`vote_type`)", "`left_output_image`", "--column PART=NAME"]
    {
        assert!(said.contains(words), "expected `{words}` in {said}");
    }
    let said = refusal(Preset::GenaiBench, &desk.path("absent"));
    assert!(said.contains("hf download TIGER-Lab/GenAI-Bench --repo-type dataset"), "{said}");
}
