//! EditReward-Bench: pairs of groups as rows, and ranked groups as a JSON list.

use std::path::PathBuf;

use editscale_benchmarks::Preset;
use serde_json::json;

use crate::desk::{Desk, assert_each, held, images, numbers, open, png, ranking, read, refusal, texts};

/// A row of a group.
#[derive(Clone)]
struct Pair {
    id: String,
    compared: &'static str,
    ranking: String,
    source: u8,
    sides: [u8; 2],
    instruction: &'static str,
}

fn pair(id: &str, compared: &'static str, ranking: &str) -> Pair {
    // Candidate B of group 7 is the picture 71.
    let group: u8 = id.split('_').next().unwrap().parse().unwrap();
    let side = |letter: u8| group * 10 + (letter - b'A');
    let letters = compared.as_bytes();
    let sides = [side(letters[0]), side(letters[3])];
    Pair { id: id.to_owned(), compared, ranking: ranking.to_owned(), source: group, sides, instruction: "add a hat" }
}

fn write(desk: &Desk, name: &str, rows: &[Pair]) -> PathBuf {
    let text = |of: &dyn Fn(&Pair) -> String| texts(&rows.iter().map(of).collect::<Vec<_>>());
    let picture = |of: &dyn Fn(&Pair) -> u8| images(&rows.iter().map(|row| png(of(row))).collect::<Vec<_>>());
    let columns = [
        ("id", text(&|row| row.id.clone())),
        ("instruction", text(&|row| row.instruction.to_owned())),
        ("source_image", picture(&|row| row.source)),
        ("candidate_1", picture(&|row| row.sides[0])),
        ("candidate_2", picture(&|row| row.sides[1])),
        ("ranking", text(&|row| row.ranking.clone())),
        ("comparison_type", text(&|row| row.compared.to_owned())),
        ("dataset", text(&|_| "gedit".to_owned())),
        ("score_1", numbers(&rows.iter().map(|row| f64::from(row.sides[0])).collect::<Vec<_>>())),
        ("score_2", numbers(&rows.iter().map(|row| f64::from(row.sides[1])).collect::<Vec<_>>())),
        ("model_1", text(&|row| format!("m{}", row.sides[0]))),
        ("model_2", text(&|row| format!("m{}", row.sides[1]))),
    ];
    desk.parquet(name, &columns)
}

/// All six rows of a group of four, of which the order is known.
fn four(id: &str, verdicts: [&str; 6]) -> Vec<Pair> {
    let compared = ["AvsB", "AvsC", "AvsD", "BvsC", "BvsD", "CvsD"];
    let rows = compared.into_iter().zip(verdicts).enumerate();
    rows.map(|(number, (compared, verdict))| pair(&format!("{id}_{number}"), compared, verdict)).collect()
}

#[test]
fn groups_are_put_together_of_rows_in_any_order() {
    let desk = Desk::new();
    write(
        &desk,
        "2pair/train-00000-of-00001.parquet",
        &[
            pair("1_x", "AvsB", "A>B"),
            pair("2_x", "AvsB", "A=B"),
            // The published script does not group rows of two.
            pair("2_y", "AvsB", "B>A"),
        ],
    );
    let mut rows = vec![pair("3_0", "BvsC", "C>B"), pair("4_0", "AvsB", "A=B")];
    rows.extend([pair("3_1", "AvsB", "A>B"), pair("4_1", "AvsC", "A>C")]);
    rows.extend([pair("4_2", "BvsC", "B>C"), pair("3_2", "AvsC", "C>A")]);
    write(&desk, "3pair/train-00000-of-00001.parquet", &rows);
    write(&desk, "4pair/train-00000-of-00001.parquet", &four("5", ["B>A", "A>C", "A=D", "B>C", "B>D", "D>C"]));

    let benchmark = open(Preset::EditRewardBench, desk.path("").as_path()).unwrap();
    let (cases, problems) = read(&benchmark);
    assert_each(&problems, &[]);
    let told: Vec<(&str, &str, &str)> =
        cases.iter().map(|case| (case.part.as_str(), case.id.as_str(), ranking(case))).collect();
    let expected = [
        ("2pair", "1_x", "A>B"),
        ("2pair", "2_x", "A=B"),
        ("2pair", "2_y", "B>A"),
        ("3pair", "4", "A=B>C"),
        ("3pair", "3", "C>A>B"),
        ("4pair", "5", "B>A=D>C"),
    ];
    assert_eq!(told, expected);
    for (case, group) in cases.iter().zip([1, 2, 2, 4, 3, 5_u8]) {
        assert_eq!(held(&case.source), png(group));
        assert_eq!((case.instruction.as_str(), case.dataset.as_deref()), ("add a hat", Some("gedit")));
        for (place, candidate) in (0_u8..).zip(&case.candidates) {
            let number = group * 10 + place;
            assert_eq!(held(&candidate.picture), png(number), "{} {place}", case.id);
            assert_eq!(
                (candidate.model.clone(), candidate.rating),
                (Some(format!("m{number}")), Some(f64::from(number)))
            );
        }
    }
    assert_eq!(cases.iter().map(|case| case.candidates.len()).collect::<Vec<_>>(), [2, 2, 2, 3, 3, 4]);
}

#[test]
fn a_file_elsewhere_tells_the_size_of_its_groups_itself() {
    let desk = Desk::new();
    let mut rows = four("2", ["A>B", "A>C", "A>D", "B>C", "B>D", "C>D"]);
    rows.push(pair("3_0", "AvsB", "B>A"));
    let path = write(&desk, "rows.parquet", &rows);
    let (cases, problems) = read(&open(Preset::EditRewardBench, &path).unwrap());
    assert_each(&problems, &[]);
    let told: Vec<_> = cases.iter().map(|case| (case.part.clone(), ranking(case).to_owned())).collect();
    let expected = [("4pair", "A>B>C>D"), ("2pair", "B>A")].map(|(part, text)| (part.to_owned(), text.to_owned()));
    assert_eq!(told, expected);
}

#[test]
fn groups_that_contradict_themselves_are_told() {
    let desk = Desk::new();
    let mut rows = vec![pair("1_0", "AvsB", "A>B"), pair("1_1", "BvsC", "B>C"), pair("1_2", "AvsC", "C>A")];
    // A tie that is none.
    rows.extend([pair("2_0", "AvsB", "A=B"), pair("2_1", "BvsC", "B=C"), pair("2_2", "AvsC", "A>C")]);
    // Another picture for B.
    rows.extend([pair("3_0", "AvsB", "A>B"), pair("3_1", "AvsC", "A>C")]);
    rows.push(Pair { sides: [99, 32], ..pair("3_2", "BvsC", "B>C") });
    // Another instruction, another source.
    rows.extend([pair("4_0", "AvsB", "A>B"), pair("4_1", "AvsC", "A>C")]);
    rows.push(Pair { instruction: "remove the hat", ..pair("4_2", "BvsC", "B>C") });
    rows.extend([pair("5_0", "AvsB", "A>B"), pair("5_1", "AvsC", "A>C")]);
    rows.push(Pair { source: 99, ..pair("5_2", "BvsC", "B>C") });
    // Letters of another pair; a row twice; a pair of a larger group; a row that is missing.
    rows.extend([pair("6_0", "AvsB", "B>C"), pair("6_1", "AvsC", "A>C"), pair("6_2", "BvsC", "B>C")]);
    rows.extend([pair("7_0", "AvsB", "A>B"), pair("7_1", "AvsB", "A>B"), pair("8_0", "AvsD", "A>D")]);
    let path = write(&desk, "3pair/rows.parquet", &rows);
    let (cases, problems) = read(&open(Preset::EditRewardBench, &path).unwrap());
    assert!(cases.is_empty(), "{cases:?}");
    assert_each(
        &problems,
        &[
            "the group `1` cannot be used: its verdicts contradict each other: A>B, C>A, B>C",
            "the group `2` cannot be used: its verdicts contradict each other",
            "the group `3` cannot be used: its rows have different pictures for B",
            "the group `4` cannot be used: its rows have different instructions",
            "the group `5` cannot be used: its rows have different sources",
            "the group `6` cannot be used: expected `A>B`, `B>A` or `A=B`, found `B>C`",
            "AvsB of the group `7` is there twice",
            "expected which two are compared, such as `AvsC`, found `AvsD`",
            "the group `7` cannot be used: it lacks AvsC, BvsC",
        ],
    );
}

#[test]
fn ranked_groups_are_read_from_the_scripts_json() {
    let desk = Desk::new();
    let group = |number: u32, count: usize, ranking: serde_json::Value| {
        let paths: Vec<String> = (0..count).map(|place| format!("out/{number}_{place}.png")).collect();
        json!({"prompt": "add a hat", "path_src": format!("in/{number}.png"), "paths_generated": paths, "human_vote": ranking})
    };
    desk.json(
        "EditReward_Bench_2pair.json",
        &json!([
            group(1, 2, json!({"ranking": "A=B=Good", "preference": "x"})),
            group(2, 2, json!({"ranking": "A>B"})),
        ]),
    );
    desk.json(
        "EditReward_Bench_3pair.json",
        &json!([
            group(3, 3, json!({"ranking": "C>A>B"})),
            group(4, 1, json!({"ranking": "A"})),
            group(5, 3, json!({"preference": "A"})),
            {"prompt": "add a hat", "path_src": "", "paths_generated": ["a.png"], "human_vote": {"ranking": "A"}},
        ]),
    );
    let benchmark = open(Preset::EditRewardBench, desk.path("").as_path()).unwrap();
    let (cases, problems) = read(&benchmark);
    let told: Vec<_> = cases.iter().map(|case| (case.part.as_str(), case.candidates.len(), ranking(case))).collect();
    assert_eq!(told, [("2pair", 2, "A=B=Good"), ("2pair", 2, "A>B"), ("3pair", 3, "C>A>B")]);
    assert_each(
        &problems,
        &[
            "expected from 2 to 26 pictures after, found 1",
            "expected a ranking such as `A>B` in `human_vote`, found none",
            "expected the picture to edit in `path_src`",
        ],
    );
}

#[test]
fn the_benchmark_of_the_same_name_is_recognised() {
    let desk = Desk::new();
    let path = desk.json(
        "rows.json",
        &json!([{
            "key": ["a", "b"], "input_image": "x.png", "output_images": ["y.png", "z.png"], "instruction": "add a hat",
            "task_type": "subject-add", "dimension": "overall",
        }]),
    );
    let said = refusal(Preset::EditRewardBench, &path);
    assert!(said.contains("EditScore/EditReward-Bench") && said.contains("TIGER-Lab/EditReward-Bench"), "{said}");
}
