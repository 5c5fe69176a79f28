//! Pairs and ratings of one's own, in any form that data sets have.

use editscale_benchmarks::layouts::{Benchmark, Named, Part, Reading};
use editscale_benchmarks::{Human, Preset};
use editscale_study::judges::Preference;
use serde_json::json;

use crate::desk::{Desk, assert_each, held, images, open, png, read, refusal, texts};

const FIRST: Human = Human::Preferred(Preference::First);
const TIE: Human = Human::Preferred(Preference::Tie);
const SECOND: Human = Human::Preferred(Preference::Second);

#[test]
fn the_same_pairs_in_every_form_give_the_same_cases() {
    let desk = Desk::new();
    let csv = "source,instruction,edited_a,edited_b,preference,group,model_a\n\
               s.png,add a hat,a.png,b.png,a,one,x\ns.png,add a hat,a.png,c.png,tie,one,x\ns.png,add a hat,b.png,c.png,b,two,y\n";
    let row = |a: &str, b: &str, preference: serde_json::Value| json!({"source": "s.png", "instruction": "add a hat", "edited_a": a, "edited_b": b, "preference": preference});
    let rows = [row("a.png", "b.png", json!(1)), row("a.png", "c.png", json!(0)), row("b.png", "c.png", json!(-1))];
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let files = [
        desk.write("csv/pairs.csv", csv),
        desk.write("tsv/pairs.tsv", csv.replace(',', "\t")),
        desk.write("jsonl/pairs.jsonl", lines),
        desk.json("json/pairs.json", &json!(rows)),
        desk.parquet(
            "parquet/pairs.parquet",
            &[
                ("source", images(&[png(1), png(1), png(1)])),
                ("instruction", texts(&["add a hat"; 3])),
                ("edited_a", images(&[png(2), png(2), png(3)])),
                ("edited_b", images(&[png(3), png(4), png(4)])),
                ("preference", texts(&["A>B", "A=B", "B>A"])),
            ],
        ),
    ];
    for path in files {
        let (cases, problems) = read(&open(Preset::Pairs, &path).unwrap());
        assert_each(&problems, &[]);
        let told: Vec<_> =
            cases.iter().map(|case| (case.part.as_str(), case.id.as_str(), case.human.clone())).collect();
        assert_eq!(told, [("pairwise", "0", FIRST), ("pairwise", "1", TIE), ("pairwise", "2", SECOND)], "{path:?}");
        // A folder with one file is that file.
        let folder = open(Preset::Pairs, path.parent().unwrap()).unwrap();
        assert_eq!(folder.fingerprint(), open(Preset::Pairs, &path).unwrap().fingerprint());
    }
    let (cases, _) = read(&open(Preset::Pairs, &desk.path("csv/pairs.csv")).unwrap());
    let told: Vec<_> = cases.iter().map(|case| (case.group.as_deref(), case.candidates[0].model.as_deref())).collect();
    assert_eq!(told, [(Some("one"), Some("x")), (Some("one"), Some("x")), (Some("two"), Some("y"))]);
}

#[test]
fn ratings_stand_for_a_preference() {
    let desk = Desk::new();
    let path = desk.write(
        "pairs.csv",
        "source,instruction,edited_a,edited_b,rating_a,rating_b\ns.png,x,a.png,b.png,3,2.5\ns.png,x,a.png,b.png,1,1\n\
         s.png,x,a.png,b.png,1,\n",
    );
    let (cases, problems) = read(&open(Preset::Pairs, &path).unwrap());
    assert_eq!(cases.iter().map(|case| case.human.clone()).collect::<Vec<_>>(), [FIRST, TIE]);
    assert_each(&problems, &["expected a rating of both pictures, found one"]);
}

#[test]
fn the_chosen_one_is_preferred() {
    let desk = Desk::new();
    let columns = |number: u8| {
        [
            ("source", images(&[png(number)])),
            ("instruction", texts(&["add a hat"])),
            ("chosen", images(&[png(20 + number)])),
            ("rejected", images(&[png(40 + number)])),
            ("margin", texts(&["0.5"])),
        ]
    };
    desk.parquet("pairs/00000.parquet", &columns(1));
    desk.parquet("pairs/00001.parquet", &columns(2));
    let (cases, problems) = read(&open(Preset::Pairs, &desk.path("pairs")).unwrap());
    assert_each(&problems, &[]);
    let told: Vec<_> = cases.iter().map(|case| (held(&case.candidates[0].picture), case.human.clone())).collect();
    assert_eq!(told, [(&*png(21), FIRST), (&*png(22), FIRST)]);
}

#[test]
fn columns_may_be_named() {
    let desk = Desk::new();
    let path = desk.write("pairs.csv", "before,wish,left,right,who,source\ns.png,x,a.png,b.png,right,camera\n");
    let said = refusal(Preset::Pairs, &path);
    assert!(said.contains("no column for instruction") && said.contains("`before`, `wish`"), "{said}");
    let name = |named: &[(Part, &str)]| Reading {
        named: named.iter().map(|(part, name)| (*part, (*name).to_owned())).collect::<Named>(),
        images: None,
    };
    let all = [
        (Part::Source, "before"),
        (Part::Instruction, "wish"),
        (Part::EditedA, "left"),
        (Part::EditedB, "right"),
        (Part::Preference, "who"),
    ];
    let (cases, problems) = read(&Benchmark::open(Preset::Pairs, &path, &name(&all)).unwrap());
    assert_each(&problems, &[]);
    assert_eq!(cases[0].human, SECOND);
    assert_eq!(cases[0].source.name().as_deref(), Some("s.png"));

    let refused = |named: &[(Part, &str)]| Benchmark::open(Preset::Pairs, &path, &name(named)).unwrap_err().to_string();
    let wrong = refused(&[all.as_slice(), &[(Part::ModelA, "nowhere")]].concat());
    assert!(wrong.contains("no column for model_a"), "{wrong}");
    let foreign = refused(&[(Part::Comparison, "who")]);
    assert!(foreign.contains("pairs has no part `comparison`"), "{foreign}");
}

#[test]
fn bad_rows_are_told_and_the_others_are_read() {
    let desk = Desk::new();
    let lines = [
        r#"{"source": "s.png", "instruction": "x", "edited_a": "a.png", "edited_b": "b.png", "preference": "a"}"#,
        r#"{"source": "s.png", "instruction": "x", "edited_a": "a.png", "edited_b": "b.png", "preference": null}"#,
        r#"{"source": "s.png", "instruction": "x", "edited_a": "a.png", "edited_b": "", "preference": "a"}"#,
        r#"{"source": "s.png", "instruction": "", "edited_a": "a.png", "edited_b": "b.png", "preference": "a"}"#,
        r#"{"source": "s.png", "#,
        r#"{"source": "s.png", "instruction": "x", "edited_a": "a.png", "edited_b": "b.png", "preference": "b"}"#,
    ];
    let path = desk.write("pairs.jsonl", lines.join("\n"));
    let (cases, problems) = read(&open(Preset::Pairs, &path).unwrap());
    assert_eq!(cases.iter().map(|case| case.human.clone()).collect::<Vec<_>>(), [FIRST, SECOND]);
    assert_eq!(problems.len(), 4, "{problems:#?}");
    for (problem, line) in problems.iter().zip(2..) {
        assert!(problem.contains(&format!("line {line}")), "{problem}");
    }
}

#[test]
fn ratings_are_read() {
    let desk = Desk::new();
    let path = desk.write(
        "ratings.csv",
        "id,source,instruction,edited,rating,model\nq,s.png,x,a.png,3.5,m\nq,s.png,x,b.png,NaN,m\nq,s.png,x,c.png,1,\n",
    );
    let (cases, problems) = read(&open(Preset::Ratings, &path).unwrap());
    let told: Vec<_> = cases.iter().map(|case| (case.id.as_str(), case.candidates[0].rating)).collect();
    // Ids that are there twice are told apart.
    assert_eq!(told, [("q", Some(3.5)), ("q#2", Some(1.0))]);
    assert_each(&problems, &["expected a number in `rating` (rating), found \"NaN\""]);
    let said = refusal(Preset::Ratings, &desk.path("absent"));
    assert!(said.contains("source, instruction, edited and rating"), "{said}");
}
