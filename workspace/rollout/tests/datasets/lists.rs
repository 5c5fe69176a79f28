//! JSON lists: how they are spelt, damaged elements, cut-off files, packed ones, and the layout of ShareGPT-4o-Image.

use std::io::Write;

use editscale_rollout::dataset::Dataset;
use editscale_rollout::{Columns, Edited, RowPicture};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::desk::{Desk, assert_each, open, refusal, rows, told, told_with};

fn row(instruction: &str) -> Value {
    json!({"image": "a.png", "instruction": instruction})
}

#[test]
fn lists_are_read_however_they_are_spelt() {
    let desk = Desk::new();
    let words = ["one", "two ] } , [ { \\ \" \n", "année \u{1f600}"];
    let all: Vec<Value> = words.iter().map(|word| row(word)).collect();
    let expected: Vec<String> = words.iter().enumerate().map(|(at, word)| format!("{at}: {word}")).collect();
    let compact = serde_json::to_string(&all).unwrap();
    let pretty = serde_json::to_string_pretty(&all).unwrap();
    let escaped = compact.replace('\u{1f600}', "\\ud83d\\ude00").replace('é', "\\u00e9").replace("\\\"", "\\u0022");
    let each: Vec<String> = all.iter().map(ToString::to_string).collect();
    for (name, text) in [
        ("compact.json", compact.clone()),
        ("pretty.json", pretty.clone()),
        ("escaped.json", escaped),
        ("mark.json", format!("\u{feff}\n {pretty}\n\n")),
        ("carriage.json", pretty.replace('\n', "\r\n")),
        ("lines.json", format!("[\n{}\n]", each.join(",\n"))),
        ("before.json", format!("[{}]", each.join("\n ,"))),
        ("last.json", format!("[{},]", each.join(", "))),
        ("misnamed.jsonl", compact.clone()),
        ("no-extension", pretty.clone()),
    ] {
        assert_eq!(told(&desk.write(name, text)), expected, "{name}");
    }
    let lines = format!("[1, 2]\n{}\n", row("fine"));
    assert_each(&told(&desk.write("rows.jsonl", lines)), &["line 1: expected a JSON object, found [1,2]", "1: fine"]);
}

#[test]
fn bad_elements_are_told_and_the_next_is_read() {
    let desk = Desk::new();
    let fine = row("fine").to_string();
    for (damaged, expected) in [
        ("7", "expected a JSON object, found 7"),
        ("\"a, b ] } \\\" c\"", "expected a JSON object, found \"a, b ] }"),
        ("[{\"image\": 1}, [2, {}]]", "expected a JSON object, found [{"),
        ("{\"image\": tru}", "found what is not JSON at column 14: expected ident"),
        ("{\"image\": \"a.png\",\n \"instruction\": x}", "found what is not JSON at line 2, column"),
        ("{\"image\": \"a.png\"", "found what is not JSON at column"),
        ("{\"image\": {\"path\": \"a.png\"", "found what is not JSON at column"),
        ("{\"image\": \"a.png}", "found what is not JSON at column"),
        ("{\"image\": [1, 2}", "found what is not JSON at column"),
        ("{\"image\": 1}}", "found what is not JSON at column"),
        ("{\"image\": \"\\ud83d\", \"instruction\": \"half a pair\"}", "found what is not JSON"),
        ("{\"image\": \"a.png\"} {\"b\": 2}", "found what is not JSON at column"),
        ("", "found nothing between two commas"),
        ("{\"instruction\": \"x\"}", "expected `image` (the picture to edit), found no such column"),
        (&format!("{}1{}", "[".repeat(9000), "]".repeat(9000)), "recursion limit"),
    ] {
        let path = desk.write("rows.json", format!("[{fine},\n{damaged},\n{fine},\n{fine}]"));
        let found = told(&path);
        assert!(found[1].starts_with("rows.json, element 1: expected"), "{damaged}: {found:?}");
        assert_each(&found, &["0: fine", expected, "2: fine", "3: fine"]);
    }
}

#[test]
fn a_cut_list_keeps_what_is_whole_and_is_told() {
    let desk = Desk::new();
    let words: Vec<String> = (0..4).map(|number| format!("edit {number} ] {{ \\\"")).collect();
    let all: Vec<Value> = words.iter().map(|word| row(word)).collect();
    let whole = serde_json::to_string_pretty(&all).unwrap();
    let ends: Vec<usize> = whole.match_indices("\n  }").map(|(at, found)| at + found.len()).collect();
    for cut in ends[0]..whole.len() - 1 {
        let found = told(&desk.write("rows.json", &whole[..cut]));
        let good = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(found.len(), good + 1, "cut at {cut}: {found:#?}");
        for (number, row) in found[..good].iter().enumerate() {
            assert_eq!(*row, format!("{number}: {}", words[number]), "cut at {cut}");
        }
        let last = &found[good];
        assert!(last.contains(&format!("element {good}: ")) && last.contains("cut off"), "cut at {cut}: {last}");
    }
    let after = told(&desk.write("rows.json", format!("{whole} {whole}")));
    assert!(after.len() == 5 && after[4].contains("expected the end of the file after the list's `]`"), "{after:?}");
}

#[test]
fn an_element_over_the_limit_costs_itself() {
    let desk = Desk::new();
    let fine = row("fine");
    let text = format!("[{fine},{},{fine}]", row(&"x".repeat((64 << 20) + 1)));
    let path = desk.write("rows.json", text);
    assert_each(&told(&path), &["0: fine", "element 1: expected an element of at most 67108864 bytes", "2: fine"]);
}

#[test]
fn lists_that_cannot_be_opened_say_why() {
    let desk = Desk::new();
    for (text, expected) in [
        ("[]", "the data set has no rows"),
        (" [ \n] ", "the data set has no rows"),
        ("[", "rows.json, element 0: expected another element or `]`, found the end of the file"),
        ("[1, 2]", "rows.json, element 0: expected a JSON object, found 1"),
        ("[{\"a\": 1}]", "the columns are `a`"),
    ] {
        let found = refusal(&desk.write("rows.json", text));
        assert!(found.contains(expected), "{text}: {found}");
    }
}

#[test]
fn packed_lists_are_read_in_any_order() {
    let desk = Desk::new();
    let words = |number: usize| format!("edit {number} {}", "abc ".repeat(number % 50));
    let all: Vec<Value> = (0..2000).map(|number| row(&words(number))).collect();
    let text = serde_json::to_vec_pretty(&all).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&text).unwrap();
    let zstd = zstd::encode_all(text.as_slice(), 1).unwrap();
    for (name, bytes) in [("rows.json", text), ("rows.json.gz", gzip.finish().unwrap()), ("rows.json.zst", zstd)] {
        let dataset = open(&desk.write(name, &bytes)).unwrap();
        let places: Vec<_> = dataset.list().map(|listed| listed.unwrap().place).collect();
        assert_eq!(places.len(), 2000, "{name}");
        for number in [0, 1999, 3, 2, 1000, 999, 1500, 0] {
            assert_eq!(dataset.fetch(&places[number], 0).unwrap().instruction, words(number), "{name} {number}");
        }
        if name != "rows.json" {
            let cut = open(&desk.write(&format!("cut-{name}"), &bytes[..bytes.len() - 20])).unwrap();
            assert!(cut.list().last().unwrap().is_err(), "{name}: a cut file is told");
        }
    }
}

#[test]
fn folders_with_a_list_are_data_sets() {
    let desk = Desk::new();
    desk.write("cards/dataset_info.json", "{\"features\": []}");
    desk.write("cards/rows.json", json!([row("one")]).to_string());
    assert_eq!(told(&desk.path("cards")), ["0: one"]);
    desk.write("cards/rows.jsonl", row("two").to_string());
    assert_eq!(told(&desk.path("cards")), ["0: two"], "other formats go before it");
    for number in 0..2 {
        desk.write(&format!("shards/rows-{number}.json"), json!([row(&format!("p{number}"))]).to_string());
    }
    assert_eq!(told(&desk.path("shards")), ["0: p0", "1: p1"]);
    desk.write("shards/other.json", json!([row("three")]).to_string());
    assert!(refusal(&desk.path("shards")).contains("more than one data set (`other.json`, `rows-0.json`"));
    desk.write("deep/words/vocabulary.json", "[1]");
    desk.write("deep/data/rows.jsonl", row("four").to_string());
    assert_eq!(told(&desk.path("deep")), ["0: four"]);
}

/// The layout of `text_and_image_to_image.json`, as <https://huggingface.co/datasets/FreedomIntelligence/ShareGPT-4o-Image>
/// has it: a list of input pictures, of which an edit has one.
#[test]
fn the_layout_of_sharegpt_4o_image_needs_no_columns() {
    let desk = Desk::new();
    let row = |words: &str, input: Value| json!({"input_prompt": words, "input_image": input, "output_image": "image/v2v_1.png"});
    let text = json!([
        row("one", json!(["image/a.png"])),
        row("two", json!("image/a.png")),
        row("three", json!(["image/a.png", "image/b.png"])),
        {"input_prompt": "four", "input_image": ["image/a.png"]},
    ]);
    let path = desk.write("text_and_image_to_image.json", text.to_string());
    let columns = Columns { edited: Edited::Usual, ..Columns::default() };
    let dataset = Dataset::open(&path, &columns).unwrap();
    let described = dataset.describe();
    let expected = "source = `input_image`, instruction = `input_prompt`, edited = `output_image`";
    assert!(described.starts_with("JSON list, ") && described.ends_with(expected), "{described}");
    let found = rows(&dataset);
    for row in &found[..2] {
        let row = row.as_ref().unwrap();
        assert_eq!(row.source, RowPicture::File(desk.path("image/a.png")));
        assert_eq!(row.edited, [RowPicture::File(desk.path("image/v2v_1.png"))]);
    }
    let expected = [
        "0: one",
        "1: two",
        "element 2: `input_image`: expected one picture, found a list of 2: an edit begins with one picture",
        "element 3: expected `output_image` (an edited picture), found no such column in this row",
    ];
    assert_each(&told_with(&path, &columns), &expected);
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[\\[\\]{},:\"\\\\ a\n\u{e9}\u{1f600}]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let key = "[\\[\\]{},:\"\\\\a]{0,4}";
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_list_of_objects_is_read(
        extra in prop::collection::vec((value(), "[\\[\\]{},:\"\\\\ a\n\u{e9}]{0,12}x"), 1..12),
        is_pretty in any::<bool>(),
        chunk in 1..4_usize,
    ) {
        let desk = Desk::new();
        let row = |(value, words): &(Value, String)| json!({"image": "a.png", "instruction": words, "more": value});
        let all: Vec<Value> = extra.iter().map(row).collect();
        let text = if is_pretty { serde_json::to_string_pretty(&all) } else { serde_json::to_string(&all) };
        // Blanks move the elements over the edges of what is read at once.
        let text = text.unwrap().replacen('[', &format!("[{}", " ".repeat(65_536 - 40 * chunk)), 1);
        let path = desk.write("rows.json", text);
        let columns = Columns { keep: vec!["more".to_owned()], ..Columns::default() };
        let found = rows(&Dataset::open(&path, &columns).unwrap());
        prop_assert_eq!(found.len(), all.len());
        for (row, (value, words)) in found.into_iter().zip(&extra) {
            let row = row.unwrap();
            prop_assert_eq!((&row.instruction, &row.extra["more"]), (words, value));
        }
    }

    #[test]
    fn no_list_panics_or_loses_its_first_elements(junk in "[\\[\\]{},:\"\\\\ a\n]{0,200}") {
        let desk = Desk::new();
        let path = desk.write("rows.json", format!("[{}, {}, {junk}", row("one"), row("two")));
        let dataset = open(&path).unwrap();
        let found = rows(&dataset);
        prop_assert_eq!(&found[0].as_ref().unwrap().instruction, "one");
        prop_assert_eq!(&found[1].as_ref().unwrap().instruction, "two");
        prop_assert!(found.len() < 210);
    }
}
