//! Random data sets, written in each format, come back row by row in their order.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::columnar::{images, write};
use crate::desk::{Desk, held, keep_what_can_be, open, png, rows};
use crate::samples::archive;

#[derive(Debug, Clone)]
struct Wanted {
    id: String,
    instruction: String,
    picture: Vec<u8>,
}

fn wanted() -> impl Strategy<Value = Vec<Wanted>> {
    let row = ("[a-z]{1,6}", "[ -~\n\u{e0}-\u{ff}\u{4e00}-\u{4e10}]{0,40}[a-z]", 1..9_usize, 1..9_usize);
    let row = row.prop_map(|(id, instruction, width, height)| (id, instruction, png(width, height)));
    prop::collection::vec(row, 1..30).prop_map(|rows| {
        let named = rows.into_iter().enumerate();
        named.map(|(at, (id, instruction, picture))| Wanted { id: format!("{id}{at}"), instruction, picture }).collect()
    })
}

fn object(row: &Wanted) -> Value {
    let image = json!({"bytes": STANDARD.encode(&row.picture), "path": null});
    json!({"id": row.id, "instruction": row.instruction, "image": image})
}

fn lines(desk: &Desk, wanted: &[Wanted]) -> PathBuf {
    desk.write("rows.jsonl", wanted.iter().map(|row| object(row).to_string() + "\n").collect::<String>())
}

fn list(desk: &Desk, wanted: &[Wanted]) -> PathBuf {
    desk.write("rows.json", Value::Array(wanted.iter().map(object).collect()).to_string())
}

fn table(desk: &Desk, wanted: &[Wanted]) -> PathBuf {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["id", "instruction", "image"]).unwrap();
    for row in wanted {
        let image = format!("data:image/png;base64,{}", STANDARD.encode(&row.picture));
        writer.write_record([&row.id, &row.instruction, &image]).unwrap();
    }
    desk.write("rows.csv", writer.into_inner().unwrap())
}

fn columnar(desk: &Desk, wanted: &[Wanted], group: usize) -> PathBuf {
    let text =
        |of: fn(&Wanted) -> &String| -> ArrayRef { Arc::new(StringArray::from_iter_values(wanted.iter().map(of))) };
    let pictures: Vec<_> = wanted.iter().map(|row| Some((Some(row.picture.clone()), None))).collect();
    let columns =
        [("id", text(|row| &row.id)), ("instruction", text(|row| &row.instruction)), ("image", images(&pictures))];
    let properties =
        WriterProperties::builder().set_max_row_group_row_count(Some(group)).set_compression(Compression::SNAPPY);
    let path = desk.path("rows.parquet");
    write(&path, &columns, properties.build());
    path
}

fn samples(desk: &Desk, wanted: &[Wanted]) -> PathBuf {
    let named = |row: &Wanted| {
        let fields = json!({"instruction": row.instruction}).to_string().into_bytes();
        [(format!("{}.png", row.id), row.picture.clone()), (format!("{}.json", row.id), fields)]
    };
    let members: Vec<(String, Vec<u8>)> = wanted.iter().flat_map(named).collect();
    let members: Vec<(&str, &[u8])> = members.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    desk.write("rows.tar", archive(&members))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_row_comes_back_in_its_order(wanted in wanted(), group in 1..12_usize) {
        let desk = Desk::new();
        let paths = [
            lines(&desk, &wanted),
            list(&desk, &wanted),
            table(&desk, &wanted),
            columnar(&desk, &wanted, group),
            samples(&desk, &wanted),
        ];
        for path in paths {
            let found = rows(&open(&path).unwrap());
            prop_assert_eq!(found.len(), wanted.len(), "{}", path.display());
            for (row, wanted) in found.iter().zip(&wanted) {
                let row = row.as_ref().unwrap();
                prop_assert_eq!(&row.id, &wanted.id, "{}", path.display());
                prop_assert_eq!(&row.instruction, &wanted.instruction, "{}", path.display());
                prop_assert_eq!(held(&row.source), wanted.picture.as_slice(), "{}", path.display());
            }
        }
    }

    #[test]
    fn nothing_that_lies_in_a_file_panics(bytes in prop::collection::vec(any::<u8>(), 0..3000), start in 0..6_usize) {
        let desk = Desk::new();
        let tar = archive(&[("a.png", b"x"), ("a.txt", b"x")]);
        let start: &[u8] = [&b"{"[..], b"[{", b"image,prompt\n", b"PAR1", &tar[..2048], b""][start];
        if let Ok(dataset) = open(&desk.write("rows", [start, &bytes].concat())) {
            for (number, listed) in dataset.list().take(5000).enumerate() {
                let Ok(listed) = listed else { break };
                drop(dataset.fetch(&listed.place, number as u64));
            }
            keep_what_can_be(&dataset, &desk.path("out"));
        }
    }
}
