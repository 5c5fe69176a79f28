//! JSONL: spellings of lines and pictures, bad rows, packed files.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use editscale_rollout::{Columns, RowPicture};
use serde_json::json;

use crate::desk::{Desk, assert_each, held, open, png, refusal, rows, told, told_with};

#[test]
fn lines_are_read_however_they_are_spelt() {
    let desk = Desk::new();
    let first = r#"{"image": "a.png", "instruction": "one"}"#;
    let second = r#"{"image": "b.png", "instruction": "two\nlines – année"}"#;
    let expected = ["0: one", "1: two\nlines – année"];
    for (name, text) in [
        ("plain.jsonl", format!("{first}\n{second}\n")),
        ("unended.jsonl", format!("{first}\n{second}")),
        ("carriage.ndjson", format!("{first}\r\n{second}\r\n")),
        ("blank.jsonl", format!("\n\n{first}\n  \n\r\n{second}\n\n")),
        ("mark.jsonl", format!("\u{feff}{first}\n{second}")),
        ("no-extension", format!("{first}\n{second}")),
        ("misleading.csv", format!("{first}\n{second}")),
    ] {
        assert_eq!(told(&desk.write(name, text)), expected, "{name}");
    }
}

#[test]
fn pictures_are_read_however_they_are_named() {
    let desk = Desk::new();
    let picture = png(9, 7);
    let packed = STANDARD.encode(&picture);
    let broken: String =
        packed.as_bytes().chunks(40).map(|line| format!("{}\n", std::str::from_utf8(line).unwrap())).collect();
    let bytes = [
        json!(packed),
        json!(packed.trim_end_matches('=')),
        json!(broken),
        json!(URL_SAFE_NO_PAD.encode(&picture)),
        json!(format!("data:image/png;base64,{packed}")),
        json!({"bytes": packed, "path": "x.png"}),
        json!([packed]),
        json!([{"bytes": packed}]),
    ];
    let text: String = bytes.iter().map(|image| json!({"image": image, "prompt": "x"}).to_string() + "\n").collect();
    let found = rows(&open(&desk.write("bytes.jsonl", text)).unwrap());
    for (row, image) in found.iter().zip(&bytes) {
        assert_eq!(held(&row.as_ref().unwrap().source), picture, "{image}");
    }
    let folder = desk.path("");
    for (image, expected) in [
        (json!("in/a.png"), RowPicture::File(folder.join("in/a.png"))),
        (json!("../a.png"), RowPicture::File(folder.join("../a.png"))),
        (json!("/tmp/a.png"), RowPicture::File("/tmp/a.png".into())),
        (json!("file:///tmp/a.png"), RowPicture::File("/tmp/a.png".into())),
        (json!({"bytes": null, "path": "a.png"}), RowPicture::File(folder.join("a.png"))),
        (json!("https://example.org/a.png"), RowPicture::Address("https://example.org/a.png".to_owned())),
        (json!({"url": "http://example.org/a"}), RowPicture::Address("http://example.org/a".to_owned())),
    ] {
        let path = desk.write("named.jsonl", json!({"image": image, "prompt": "x"}).to_string());
        let row = rows(&open(&path).unwrap()).remove(0).unwrap();
        assert_eq!(row.source, expected, "{image}");
    }
}

#[test]
fn bad_rows_are_told_and_the_next_is_read() {
    let desk = Desk::new();
    let good = r#"{"image": "a.png", "instruction": "fine"}"#;
    let packed = STANDARD.encode(png(9, 7));
    let damaged = format!("{}!{}", &packed[..70], &packed[70..]);
    let cases = [
        (good.to_owned(), "0: fine"),
        (
            r#"{"image": "a.png""#.to_owned(),
            "rows.jsonl, line 2: expected a JSON object, found what is not JSON at column",
        ),
        ("[1, 2]".to_owned(), "line 3: expected a JSON object, found [1,2]"),
        (
            json!({"image": "a.png"}).to_string(),
            "line 4: expected `instruction` (what to do to the picture), found no such column",
        ),
        (
            json!({"instruction": "x", "other": 1}).to_string(),
            "found no such column in this row; it has `instruction`, `other`",
        ),
        (json!({"image": null, "instruction": "x"}).to_string(), "expected the picture to edit in `image`, found null"),
        (json!({"image": 7, "instruction": "x"}).to_string(), "`image`: expected a path, an address, base64"),
        (
            json!({"image": "a.png", "instruction": ["a", "b"]}).to_string(),
            "expected a text in `instruction`, found a list of 2",
        ),
        (json!({"image": "a.png", "instruction": " "}).to_string(), "in `instruction`, found the text ` `"),
        (
            json!({"image": ["a", "b"], "instruction": "x"}).to_string(),
            "`image`: expected one picture, found a list of 2",
        ),
        (json!({"image": damaged, "instruction": "x"}).to_string(), "`image`: not base64"),
        (json!({"image": "s3://a/b.png", "instruction": "x"}).to_string(), "found one of s3"),
        (json!({"image": "data:text/plain,x", "instruction": "x"}).to_string(), "expected data:TYPE;base64"),
        (json!({"image": "x".repeat(5000), "instruction": "x"}).to_string(), "found 5000 bytes that begin with"),
        (
            json!({"image": "a.png", "instruction": 1}).to_string(),
            "line 15: expected a text in `instruction`, found the number 1",
        ),
        (good.to_owned(), "15: fine"),
    ];
    let text: String = cases.iter().map(|(line, _)| format!("{line}\n")).collect();
    let expected: Vec<&str> = cases.iter().map(|(_, expected)| *expected).collect();
    assert_each(&told(&desk.write("rows.jsonl", text)), &expected);
    let mut bytes = good.as_bytes().to_vec();
    bytes.extend_from_slice(b"\n{\"image\": \"a\xff\", \"instruction\": \"x\"}\n");
    assert_each(&told(&desk.write("latin.jsonl", bytes)), &["0: fine", "line 2: expected a JSON object"]);
}

#[test]
fn a_line_over_the_limit_costs_itself() {
    let desk = Desk::new();
    let good = r#"{"image": "a.png", "instruction": "fine"}"#;
    let long = format!(r#"{{"image": "a.png", "instruction": "{}"}}"#, "x".repeat((64 << 20) + 1));
    let path = desk.write("rows.jsonl", format!("{good}\n{long}\n{good}\n"));
    assert_each(&told(&path), &["0: fine", "line 2: expected a line of at most 67108864 bytes", "2: fine"]);
}

#[test]
fn columns_are_mapped_or_found() {
    let desk = Desk::new();
    let line = json!({
        "image": "result.png", "source_image": "a.png", "Prompt": "one", "key": 17, "seed": 5, "mask": "",
        "meta": {"task": {"name": "t"}, "words": "two"}
    });
    let path = desk.write("rows.jsonl", line.to_string());
    let row = rows(&open(&path).unwrap()).remove(0).unwrap();
    assert_eq!((row.id.as_str(), row.instruction.as_str(), row.seed, row.mask), ("17", "one", Some(5), None));
    assert_eq!(row.source, RowPicture::File(desk.path("a.png")));
    let columns = Columns {
        source: Some("image".to_owned()),
        instruction: Some("meta.words".to_owned()),
        keep: vec!["meta.task".to_owned(), "key".to_owned()],
        ..Columns::default()
    };
    let row = rows(&editscale_rollout::dataset::Dataset::open(&path, &columns).unwrap()).remove(0).unwrap();
    assert_eq!((row.source, row.instruction.as_str()), (RowPicture::File(desk.path("result.png")), "two"));
    assert_eq!(serde_json::Value::Object(row.extra), json!({"meta.task": {"name": "t"}, "key": 17}));
}

#[test]
fn what_cannot_be_opened_says_why() {
    let desk = Desk::new();
    for (name, text, expected) in [
        ("none.jsonl", "", "the data set has no rows"),
        ("blank.jsonl", "\n \n", "the data set has no rows"),
        ("bad.jsonl", "nonsense\n", "bad.jsonl, line 1: expected a JSON object"),
        (
            "other.jsonl",
            r#"{"a": 1, "b": 2}"#,
            "the columns are `a`, `b`. Say in the recipe which is which: rollout: {columns: {source:",
        ),
        (
            "half.jsonl",
            r#"{"image": "a.png", "b": 2}"#,
            "no column has a usual name of what to do to the picture (instruction)",
        ),
        ("wide.jsonl", "\u{ff}", "names no columns"),
    ] {
        let name = if name == "wide.jsonl" { "wide.txt" } else { name };
        let found = refusal(&desk.write(name, text));
        assert!(found.contains(expected), "{name}: {found}");
    }
    let found = refusal(&desk.write("utf16.jsonl", b"\xff\xfe{\0}\0"));
    assert!(found.contains("text in UTF-16: save it as UTF-8"), "{found}");
    let path = desk.write("rows.jsonl", r#"{"image": "a.png", "prompt": "x"}"#);
    let columns = Columns { source: Some("picture".to_owned()), ..Columns::default() };
    let found = editscale_rollout::dataset::Dataset::open(&path, &columns).unwrap_err().to_string();
    assert!(found.contains("columns.source names `picture`, which is not a column"), "{found}");
    assert!(refusal(&desk.path("absent.jsonl")).contains("absent.jsonl"), "a missing file");
}

#[test]
fn ids_and_seeds_are_checked() {
    let desk = Desk::new();
    let base = |key: &str, value: serde_json::Value| {
        let mut line = json!({"image": "a.png", "prompt": "x", "id": "n", "seed": null});
        line[key] = value;
        line.to_string() + "\n"
    };
    let text = [
        base("id", json!(12)),
        base("id", json!(null)),
        base("id", json!("a\nb")),
        base("id", json!(1.5)),
        base("seed", json!(7.0)),
        base("seed", json!("9")),
        base("seed", json!(-1)),
        base("seed", json!(1_u64 << 53)),
    ];
    let expected = [
        "12: x",
        "1: x",
        "expected a line of at most 1024 bytes in `id`",
        "expected a text or a whole number in `id`, found the number 1.5",
        "n: x",
        "n: x",
        "expected a whole number below 2^53 in `seed`, found the number -1",
        "expected a whole number below 2^53 in `seed`",
    ];
    let path = desk.write("rows.jsonl", text.concat());
    assert_each(&told(&path), &expected);
    let seeds: Vec<_> = rows(&open(&path).unwrap()).into_iter().flatten().map(|row| row.seed).collect();
    assert_eq!(seeds, [None, None, Some(7), Some(9)]);
}

#[test]
fn packed_lines_are_read_in_any_order() {
    let desk = Desk::new();
    let words = |number: usize| format!("edit {number} {}", "abc ".repeat(number % 50));
    let line = |number: usize| json!({"image": format!("{number}.png"), "prompt": words(number)}).to_string() + "\n";
    let text: String = (0..2000).map(line).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    for (name, bytes) in
        [("rows.jsonl.gz", gzip.finish().unwrap()), ("rows.jsonl.zst", zstd::encode_all(text.as_bytes(), 1).unwrap())]
    {
        let dataset = open(&desk.write(name, &bytes)).unwrap();
        let places: Vec<_> = dataset.list().map(|listed| listed.unwrap().place).collect();
        assert_eq!(places.len(), 2000, "{name}");
        for number in [0, 1999, 3, 2, 1000, 999, 1500, 0] {
            assert_eq!(dataset.fetch(&places[number], 0).unwrap().instruction, words(number), "{name} {number}");
        }
        let cut = open(&desk.write(&format!("cut-{name}"), &bytes[..bytes.len() - 20])).unwrap();
        let found: Vec<_> = cut.list().collect();
        assert!(found.last().unwrap().is_err(), "{name}: a cut file is told");
        assert_eq!(found.iter().filter(|row| row.is_err()).count(), 1, "{name}");
    }
}

#[test]
fn fingerprints_tell_data_sets_apart_and_know_copies() {
    let desk = Desk::new();
    let text = |word: &str| json!({"image": "a.png", "prompt": word, "text": word}).to_string();
    let of = |name: &str, text: String, columns: &Columns| {
        editscale_rollout::dataset::Dataset::open(&desk.write(name, text), columns).unwrap().fingerprint()
    };
    let plain = Columns::default();
    let first = of("a/rows.jsonl", text("one"), &plain);
    assert_eq!(first, of("b/rows.jsonl", text("one"), &plain));
    let other = Columns { instruction: Some("text".to_owned()), ..Columns::default() };
    for different in [
        of("c/rows.jsonl", text("two"), &plain),
        of("d/others.jsonl", text("one"), &plain),
        of("e/rows.jsonl", text("one"), &other),
    ] {
        assert_ne!(first, different);
    }
}

#[test]
fn foreign_places_are_refused() {
    let desk = Desk::new();
    let path = desk.write("rows.jsonl", json!({"image": "a.png", "prompt": "x"}).to_string());
    let dataset = open(&path).unwrap();
    for place in ["", "x", "0", "0:1:2", "9:1:0:5", "0:1:0:99999999999999", "0:1:18446744073709551615:5", "0:1:0:500"] {
        assert!(dataset.fetch(&editscale_rollout::Place(place.to_owned()), 0).is_err(), "{place}");
    }
    assert_eq!(told_with(&path, &Columns::default()), ["0: x"]);
}
