//! Edited pictures of rows: which columns hold them, lists of them, rows that lack them, in every format.

use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use editscale_rollout::dataset::Dataset;
use editscale_rollout::{Columns, Edited, Row, RowPicture, RowProblem};
use parquet::file::properties::WriterProperties;
use serde_json::{Value, json};

use crate::columnar::{Image, images, lists, write};
use crate::desk::{Desk, held, png, rows};
use crate::samples::archive;

fn usual() -> Columns {
    Columns { edited: Edited::Usual, ..Columns::default() }
}

fn named(names: &[&str]) -> Columns {
    Columns { edited: Edited::Named(names.iter().map(ToString::to_string).collect()), ..Columns::default() }
}

fn all(path: &Path, columns: &Columns) -> Vec<Result<Row, RowProblem>> {
    rows(&Dataset::open(path, columns).unwrap_or_else(|error| panic!("{error}")))
}

/// File names without their endings: of the source, and of what was made of it.
fn told(row: Result<Row, RowProblem>) -> String {
    let stem = |picture: &RowPicture| picture.name().unwrap_or_default().split('.').next().unwrap().to_owned();
    match row {
        Ok(row) => format!("{} -> {}", stem(&row.source), row.edited.iter().map(stem).collect::<Vec<_>>().join(" ")),
        Err(problem) => problem.to_string(),
    }
}

/// A row whose pictures are called as their columns are.
fn line(names: &[&str]) -> Value {
    let fields = names.iter().map(|name| ((*name).to_owned(), json!(format!("{name}.png"))));
    let mut fields: serde_json::Map<String, Value> = fields.collect();
    fields.insert("instruction".to_owned(), json!("make it warmer"));
    Value::Object(fields)
}

/// Names of columns, and which of them are the source and the edited pictures.
const NAMED: [(&[&str], &str); 33] = [
    (&["candidate", "source", "image", "mask"], "source -> image"),
    (&["image", "edited"], "image -> edited"),
    (&["edited_image", "image"], "image -> edited_image"),
    (&["image", "edited_img", "result"], "image -> edited_img"),
    (&["input", "output"], "input -> output"),
    (&["image", "input", "output"], "input -> output"),
    (&["input", "output", "input_image", "output_image"], "input_image -> output_image"),
    (&["source", "target"], "source -> target"),
    (&["source", "image", "target_image"], "image -> target_image"),
    (&["image", "source", "target"], "source -> target"),
    (&["source_img", "target_img"], "source_img -> target_img"),
    (&["before", "after", "image"], "before -> after"),
    (&["original", "edited"], "original -> edited"),
    (&["original_path", "edited_path"], "original_path -> edited_path"),
    (&["input_url", "output_url"], "input_url -> output_url"),
    (&["image", "source_image"], "source_image -> image"),
    (&["image", "original_image"], "original_image -> image"),
    (&["image", "before"], "before -> image"),
    (&["input_image", "image_0", "image_1"], "input_image -> image_0 image_1"),
    (&["image", "winner", "loser", "result"], "image -> winner loser"),
    (&["image", "rejected", "chosen"], "image -> chosen rejected"),
    (&["image", "winner"], ""),
    (
        &["source_image", "left_output_image", "right_output_image"],
        "source_image -> left_output_image right_output_image",
    ),
    (&["image", "candidate_10", "candidate_2", "candidate_1"], "image -> candidate_1 candidate_2 candidate_10"),
    (&["image", "edited_1", "edited_2", "edited"], "image -> edited_1 edited_2"),
    (&["image", "output_2", "output"], "image -> output output_2"),
    (&["image", "output_0"], "image -> output_0"),
    (&["image", "edited_image2", "edited_image1"], "image -> edited_image1 edited_image2"),
    (&["image", "output_path_2", "output_path_1"], "image -> output_path_1 output_path_2"),
    (&["image", "output_1_path", "output_0_path"], "image -> output_0_path output_1_path"),
    (&["Image", "Edited_Image"], "Image -> Edited_Image"),
    (&["image", "edited_width", "output_format"], ""),
    (&["image"], ""),
];

#[test]
fn columns_are_found_by_their_names() {
    let desk = Desk::new();
    for (names, expected) in NAMED {
        let path = desk.write("rows.jsonl", line(names).to_string());
        let found = match Dataset::open(&path, &usual()) {
            Ok(dataset) => told(rows(&dataset).remove(0)),
            Err(error) => {
                assert!(
                    error.to_string().contains("no column has a usual name of an edited picture (edited)"),
                    "{error}"
                );
                String::new()
            }
        };
        assert_eq!(found, expected, "{names:?}");
    }
}

#[test]
fn columns_are_as_they_are_named() {
    let desk = Desk::new();
    let path =
        desk.write("rows.jsonl", line(&["image", "original", "edited", "candidate_2", "candidate_1"]).to_string());
    let with_source = |source: &str, edited: Edited| Columns { source: Some(source.into()), edited, ..usual() };
    for (columns, expected) in [
        (named(&["image"]), "original -> image"),
        (named(&["candidate_2", "candidate_1"]), "image -> candidate_2 candidate_1"),
        (with_source("edited", Edited::Usual), "edited -> candidate_1 candidate_2"),
        (with_source("original", Edited::Usual), "original -> edited"),
        (with_source("edited", Edited::Named(vec!["image".to_owned()])), "edited -> image"),
        (Columns::default(), "image -> "),
    ] {
        assert_eq!(told(all(&path, &columns).remove(0)), expected, "{columns:?}");
    }
    for (columns, expected) in [
        (named(&[]), "columns.edited names no column"),
        (named(&["nothing"]), "columns.edited names `nothing`, which is not a column; the columns are `candidate_1`"),
        (named(&["edited", "image", "edited"]), "columns.edited names `edited` twice"),
        (
            with_source("image", Edited::Named(vec!["image".to_owned()])),
            "columns.edited names `image`, which is the source",
        ),
    ] {
        let found = Dataset::open(&path, &columns).unwrap_err().to_string();
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn lists_hold_several() {
    let desk = Desk::new();
    for name in
        ["edited_images", "candidates", "paths_generated", "outputs", "output_image_paths", "edited", "target_images"]
    {
        let mut row = line(&["image"]);
        row[name] = json!(["a.png", {"path": "in/b.png"}, "https://example.org/c.png?d=e"]);
        let path = desk.write("rows.jsonl", row.to_string());
        assert_eq!(told(all(&path, &usual()).remove(0)), "image -> a b c", "{name}");
        let list = row[name].to_string().replace('"', "\"\"");
        let table =
            desk.write("rows.csv", format!("image,instruction,{name}\nimage.png,x,\"{list}\"\nimage.png,x,d.png\n"));
        let found: Vec<String> = all(&table, &usual()).into_iter().map(told).collect();
        assert_eq!(found, ["image -> a b c", "image -> d"], "{name}");
    }
}

#[test]
fn several_columns_of_lists_are_one_after_the_other() {
    let desk = Desk::new();
    let mut row = line(&["image", "edited"]);
    (row["first"], row["meta"]) = (json!(["a.png", "b.png"]), json!({"human": {"second": "c.png"}}));
    let path = desk.write("rows.jsonl", row.to_string());
    let columns = named(&["first", "meta.human.second", "edited"]);
    assert_eq!(told(all(&path, &columns).remove(0)), "image -> a b c edited");
    let dataset = Dataset::open(&path, &columns).unwrap();
    let described = dataset.describe();
    assert!(described.contains("edited = `first`, `meta.human.second`, `edited`"), "{described}");
    let others = [Columns::default(), usual(), named(&["first"]), named(&["edited", "meta.human.second", "first"])];
    for columns in others {
        assert_ne!(Dataset::open(&path, &columns).unwrap().fingerprint(), dataset.fingerprint(), "{columns:?}");
    }
}

#[test]
fn rows_that_lack_one_are_told() {
    let desk = Desk::new();
    let cases = [
        (json!({"image": "s.png", "instruction": "x", "edited_1": "a.png", "edited_2": "b.png"}), "s -> a b"),
        (
            json!({"image": "s.png", "instruction": "x", "edited_1": "a.png"}),
            "rows.jsonl, line 2: expected `edited_2` (an edited picture), found no such column in this row",
        ),
        (
            json!({"image": "s.png", "instruction": "x", "edited_1": null, "edited_2": "b.png"}),
            "expected an edited picture in `edited_1`, found null",
        ),
        (
            json!({"image": "s.png", "instruction": "x", "edited_1": "a.png", "edited_2": " "}),
            "expected an edited picture in `edited_2`, found the text ` `",
        ),
        (
            json!({"image": "s.png", "instruction": "x", "edited_1": [], "edited_2": "b.png"}),
            "`edited_1`: expected at least one picture, found an empty list",
        ),
        (
            json!({"image": "s.png", "instruction": "x", "edited_1": ["a.png", null], "edited_2": "b.png"}),
            "`edited_1`: picture 2 of 2: expected a path, an address, base64 or {bytes, path}, found null",
        ),
        (
            json!({"image": "s.png", "instruction": "x", "edited_1": 7, "edited_2": "b.png"}),
            "`edited_1`: expected a path, an address, base64 or {bytes, path}, found 7",
        ),
        (
            json!({"image": ["s.png", "t.png"], "instruction": "x", "edited_1": "a.png", "edited_2": "b.png"}),
            "`image`: expected one picture, found a list of 2: an edit begins with one picture",
        ),
    ];
    let text: String = cases.iter().map(|(row, _)| format!("{row}\n")).collect();
    let path = desk.write("rows.jsonl", text);
    for (found, (_, expected)) in all(&path, &usual()).into_iter().map(told).zip(&cases) {
        assert!(found.contains(expected), "expected `{expected}` in `{found}`");
    }
    let told: Vec<_> = all(&path, &Columns::default()).into_iter().filter(Result::is_err).collect();
    assert_eq!(told.len(), 1, "edited pictures are only looked at where they are wanted: {told:?}");
}

#[test]
fn parquet_has_them_in_columns_and_lists() {
    let desk = Desk::new();
    let image = |name: &str| -> Image { (Some(name.as_bytes().to_vec()), Some(format!("{name}.png"))) };
    let text: ArrayRef = Arc::new(StringArray::from(vec!["one", "two"]));
    let column = |names: [&str; 2]| images(&names.map(|name| Some(image(name))));
    let columns: [(&str, ArrayRef); 5] = [
        ("image", column(["s0", "s1"])),
        ("prompt", text),
        ("output_1", column(["b0", "b1"])),
        ("output_0", column(["a0", "a1"])),
        ("more", lists(&[vec![image("c0"), image("d0")], vec![image("c1")]])),
    ];
    let path = desk.path("rows.parquet");
    write(&path, &columns, WriterProperties::builder().build());
    let found: Vec<String> = all(&path, &usual()).into_iter().map(told).collect();
    assert_eq!(found, ["s0 -> a0 b0", "s1 -> a1 b1"]);
    let found = all(&path, &named(&["more"]));
    assert_eq!(held(&found[0].as_ref().unwrap().edited[1]), b"d0");
    assert_eq!(found.into_iter().map(told).collect::<Vec<_>>(), ["s0 -> c0 d0", "s1 -> c1"]);
}

/// Members of an archive: their names, and what they hold.
type Members<'a> = &'a [(&'a str, &'a [u8])];

#[test]
fn samples_have_them_as_members() {
    let desk = Desk::new();
    let sizes: Vec<Vec<u8>> = (1..6).map(|size| png(size, size)).collect();
    let fields = json!({"edited": ["e.png", "f.png"]}).to_string();
    let cases: [(Members<'_>, &str); 8] = [
        (&[("k.jpg", &sizes[0]), ("k.edited.png", &sizes[1]), ("k.txt", b"x")], "k -> 2"),
        (&[("k.output.jpg", &sizes[1]), ("k.input.jpg", &sizes[0]), ("k.txt", b"x")], "k -> 2"),
        (&[("k.source.png", &sizes[0]), ("k.png", &sizes[1]), ("k.txt", b"x")], "k -> 2"),
        (
            &[
                ("k.png", &sizes[0]),
                ("k.candidate_10.png", &sizes[2]),
                ("k.candidate_2.jpg", &sizes[1]),
                ("k.txt", b"x"),
            ],
            "k -> 2 3",
        ),
        (
            &[("k.png", &sizes[0]), ("k.output.1.png", &sizes[2]), ("k.output.0.png", &sizes[1]), ("k.txt", b"x")],
            "k -> 2 3",
        ),
        (&[("k.png", &sizes[0]), ("k.winner.png", &sizes[3]), ("k.loser.png", &sizes[4]), ("k.txt", b"x")], "k -> 4 5"),
        (&[("k.png", &sizes[0]), ("k.json", fields.as_bytes()), ("k.txt", b"x")], "k -> e f"),
        (&[("k.png", &sizes[0]), ("k.txt", b"x")], ""),
    ];
    let told = |row: Row| {
        let name = |picture: &RowPicture| match picture {
            RowPicture::Bytes { bytes, .. } => (sizes.iter().position(|size| size == bytes).unwrap() + 1).to_string(),
            other => other.name().unwrap().replace(".png", ""),
        };
        assert_eq!(held(&row.source), sizes[0]);
        format!("{} -> {}", row.id, row.edited.iter().map(name).collect::<Vec<_>>().join(" "))
    };
    for (members, expected) in cases {
        let path = desk.write("rows.tar", archive(members));
        let found = Dataset::open(&path, &usual()).map(|dataset| told(rows(&dataset).remove(0).unwrap()));
        assert_eq!(found.unwrap_or_default(), expected, "{members:?}");
    }
    let members: [(&str, &[u8]); 7] = [
        ("a.jpg", &sizes[0]),
        ("a.png", &sizes[1]),
        ("a.txt", b"x"),
        ("b.jpg", &sizes[0]),
        ("b.txt", b"x"),
        ("c.png", &sizes[0]),
        ("c.txt", b"x"),
    ];
    let found: Vec<String> = all(&desk.write("rows.tar", archive(&members)), &named(&["png"]))
        .into_iter()
        .map(|row| row.map_or_else(|problem| problem.to_string(), told))
        .collect();
    assert_eq!(found[0], "a -> 2");
    assert!(found[1].contains("sample b: expected a member `png`, found `jpg`, `txt`"), "{found:?}");
    assert!(found[2].contains("sample c: expected a member `jpg;jpeg;webp"), "{found:?}");
}
