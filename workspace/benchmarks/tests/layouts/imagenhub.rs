//! `ImagenHub`: raters' tables beside the museum's folder, and a JSON list.

use editscale_benchmarks::Preset;
use editscale_rollout::RowPicture;
use serde_json::json;

use crate::desk::{Desk, assert_each, open, read, refusal};

#[test]
fn raters_tables_are_averaged() {
    let desk = Desk::new();
    let folder = "eval/human_ratings/Text-Guided_IE";
    let first = "uid\tMagicBrush\tSDEdit\nsample_1_1.jpg\t[0.5, 0.5]\t[0,1]\nsample_2_1.jpg\t[1, 1]\t[oops]\n";
    let second = "uid\tMagicBrush\tSDEdit\nsample_1_1.jpg\t[1, 0.25]\t[1,1]\nsample_2_1.jpg\t[1,1]\t[1,1]\n";
    desk.write(&format!("{folder}/Text-Guided_IE_rater1.tsv"), first);
    desk.write(&format!("{folder}/Text-Guided_IE_rater2.tsv"), second);
    // Another task is not read.
    desk.write("eval/human_ratings/Mask-Guided_IE/Mask-Guided_IE_rater1.tsv", "uid\tX\na.jpg\t[1,1]\n");
    let said = refusal(Preset::Imagenhub, desk.path("").as_path());
    assert!(said.contains("dataset_lookup.json") && said.contains("chromaica.github.io"), "{said}");

    let museum = "results/ImagenHub_Text-Guided_IE";
    let lookup = json!({"sample_1_1.jpg": {"instruction": "add a hat"}, "sample_2_1.jpg": {"instruction": "a boat"}});
    desk.json(&format!("{museum}/dataset_lookup.json"), &lookup);
    let benchmark = open(Preset::Imagenhub, desk.path("").as_path()).unwrap();
    let (cases, problems) = read(&benchmark);
    let told: Vec<_> = cases.iter().map(|case| (case.id.as_str(), case.candidates[0].rating)).collect();
    let expected = [
        ("MagicBrush/sample_1_1.jpg", Some(0.5)),
        ("SDEdit/sample_1_1.jpg", Some(0.5)),
        ("MagicBrush/sample_2_1.jpg", Some(1.0)),
    ];
    assert_eq!(told, expected);
    assert_each(&problems, &["expected [SC, PQ] from 0 to 1, found `[oops]`"]);
    assert_eq!(cases[0].source, RowPicture::File(desk.path(&format!("{museum}/input/sample_1_1.jpg"))));
    assert_eq!(cases[1].candidates[0].picture, RowPicture::File(desk.path(&format!("{museum}/SDEdit/sample_1_1.jpg"))));
}

#[test]
fn a_row_that_a_rater_lacks_is_told() {
    let desk = Desk::new();
    let tables = ["uid\tX\na.jpg\t[1,1]\nb.jpg\t[1,1]\n", "uid\tX\na.jpg\t[0.25,1]\n"];
    for (rater, table) in tables.iter().enumerate() {
        desk.write(&format!("Text-Guided_IE_rater{rater}.tsv"), table);
    }
    let lookup = json!({"a.jpg": {"instruction": "add a hat"}, "b.jpg": {"instruction": "a boat"}});
    desk.json("results/ImagenHub_Text-Guided_IE/dataset_lookup.json", &lookup);
    let (cases, problems) = read(&open(Preset::Imagenhub, desk.path("").as_path()).unwrap());
    let told: Vec<_> = cases.iter().map(|case| (case.id.as_str(), case.candidates[0].rating)).collect();
    assert_eq!(told, [("X/a.jpg", Some(0.75))]);
    assert_each(&problems, &["expected a rating in each of 2 raters' tables, found 1"]);
}

#[test]
fn a_json_list_is_read() {
    let desk = Desk::new();
    let row = |model: &str, score: f64| json!({"input_path": "i.jpg", "output_path": "o.jpg", "instruction": "add a hat", "model": model, "score": score});
    let path = desk.json("valid_imagenhub_processed.json", &json!([row("MagicBrush", 0.5), row("SDEdit", 0.0)]));
    let (cases, problems) = read(&open(Preset::Imagenhub, &path).unwrap());
    assert_each(&problems, &[]);
    let told: Vec<_> = cases.iter().map(|case| (case.part.as_str(), case.candidates[0].rating)).collect();
    assert_eq!(told, [("pointwise", Some(0.5)), ("pointwise", Some(0.0))]);
}
