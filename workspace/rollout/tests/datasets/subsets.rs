//! Subsets: the kept rows in the data set's own format, and the pictures that they name.

use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, StringArray};
use editscale_rollout::dataset::{Dataset, SubsetError, SubsetSummary};
use editscale_rollout::{Columns, Edited, Place, Row};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::columnar::{images, lists, write};
use crate::desk::{Desk, open, png, rows};
use crate::samples::archive;

/// The subset of the rows with these numbers, written into a folder beside the data set.
fn keep(dataset: &Dataset, numbers: &[usize], out: &Path) -> SubsetSummary {
    let places: Vec<Place> = dataset.list().map(|listed| listed.unwrap().place).collect();
    let mut writer = dataset.subset(out).unwrap();
    numbers.iter().for_each(|number| writer.keep(&places[*number]).unwrap());
    writer.finish().unwrap()
}

/// The whole text of a subset's only file.
fn kept(desk: &Desk, name: &str, bytes: impl AsRef<[u8]>, numbers: &[usize]) -> Vec<u8> {
    let dataset = open(&desk.write(&format!("in/{name}"), bytes)).unwrap();
    let out = desk.path("out");
    let summary = keep(&dataset, numbers, &out);
    assert_eq!((summary.rows, summary.files), (numbers.len() as u64, u64::from(!numbers.is_empty())), "{name}");
    let found = std::fs::read(out.join(name)).unwrap_or_default();
    std::fs::remove_dir_all(out).unwrap();
    found
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut found = Vec::new();
    // No file is written for no rows.
    if !bytes.is_empty() {
        flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut found).unwrap();
    }
    found
}

/// Rows as they may be spelt, and how some of them are spelt on their own.
#[test]
fn texts_are_copied_byte_for_byte() {
    let desk = Desk::new();
    let [a, b, c] = [
        r#"{"image": "a.png",  "prompt": "\u00e9 \ud83d\ude00 { \" ]"}"#,
        r#"{"prompt":"b, b","image":"b.png","more":[{"x":[1,2,{}]},1.50]}"#,
        r#"{"image": "c.png", "prompt": "c", "prompt": "the last counts"}"#,
    ];
    let cases: [(&str, String, &[usize], String); 20] = [
        ("a.jsonl", format!("{a}\n\n{b}\r\n  {c}"), &[0, 2], format!("{a}\n  {c}")),
        ("b.jsonl", format!("{a}\n\n{b}\r\n{c}\n"), &[1], format!("{b}\r\n")),
        ("c.jsonl", format!("\u{feff}{a}\n{b}\n{c}"), &[0, 1], format!("\u{feff}{a}\n{b}\n")),
        ("d.jsonl", format!("\u{feff}{a}\n{b}\n{c}"), &[2], format!("\u{feff}{c}")),
        ("e.jsonl", format!("{a}\n{{\n{c}"), &[0, 1, 2], format!("{a}\n{{\n{c}")),
        ("f.jsonl", format!("{a}\n{b}\n"), &[], String::new()),
        ("a.json", format!("[{a}, {b},{c}]"), &[0, 2], format!("[{a}, {c}]")),
        ("b.json", format!("[\n  {a},\n  {b},\n  {c}\n]\n"), &[1, 2], format!("[\n  {b},\n  {c}\n]\n")),
        ("c.json", format!("\u{feff} [{a}\n,{b}]"), &[1], format!("\u{feff} [{b}]")),
        ("d.json", format!("[\r\n{a},{b}\r\n,{c}]"), &[0, 1], format!("[\r\n{a},\r\n{b}\n]\n")),
        ("e.json", format!("[{a}, 7, {b}, {c}"), &[1, 3], format!("[7, {c}]")),
        ("f.json", format!("[{}{a},{b}]", " ".repeat(5000)), &[0, 1], format!("[\n{a},\n{b}\n]\n")),
        ("g.json", format!("[{a},{b}]"), &[], String::new()),
        (
            "a.csv",
            "image,prompt\na,1\n\nb,\"2\n\"\"3\"\nc,4".to_owned(),
            &[1, 2],
            "image,prompt\nb,\"2\n\"\"3\"\nc,4".to_owned(),
        ),
        (
            "b.csv",
            "\u{feff}image;prompt\r\na;1\r\nb;2\r\n".to_owned(),
            &[1],
            "\u{feff}image;prompt\r\nb;2\r\n".to_owned(),
        ),
        ("c.csv", "image,prompt\na,1,2\nb,2\n".to_owned(), &[0], "image,prompt\na,1,2\n".to_owned()),
        ("d.csv", "\"image\" , prompt\na,1\n".to_owned(), &[], String::new()),
        ("e.tsv", "image\tprompt\na\t1\nb\t2\n".to_owned(), &[0], "image\tprompt\na\t1\n".to_owned()),
        (
            "g.csv",
            "image,prompt,\"in\ntwo\"\na,1,\nb,2,\n".to_owned(),
            &[1],
            "image,prompt,\"in\ntwo\"\nb,2,\n".to_owned(),
        ),
        ("f.csv", "image,prompt\n\"a\",1\n \"b\",2\n".to_owned(), &[1], "image,prompt\n \"b\",2\n".to_owned()),
    ];
    for (name, text, numbers, expected) in cases {
        let found = kept(&desk, name, &text, numbers);
        assert_eq!(String::from_utf8(found).unwrap(), expected, "{name}");
        let packed = kept(&desk, &format!("{name}.gz"), gzip(text.as_bytes()), numbers);
        assert_eq!(String::from_utf8(gunzip(&packed)).unwrap(), expected, "{name}.gz");
        let packed = kept(&desk, &format!("{name}.zst"), zstd::encode_all(text.as_bytes(), 1).unwrap(), numbers);
        let unpacked = if packed.is_empty() { packed } else { zstd::decode_all(packed.as_slice()).unwrap() };
        assert_eq!(String::from_utf8(unpacked).unwrap(), expected, "{name}.zst");
    }
}

#[test]
fn rows_that_would_spoil_the_others_are_refused_and_the_rest_is_kept() {
    // A file, the rows that are asked for, which of them is refused, and why.
    type Case<'a> = (&'a str, Vec<u8>, &'a [usize], usize, &'a str);
    let desk = Desk::new();
    let fine = json!({"image": "a.png", "prompt": "fine"}).to_string();
    let two = archive(&[
        ("a.png", b"1"),
        ("a.txt", b"x"),
        ("b.png", b"2"),
        ("b.txt", b"x"),
        ("a.png", b"3"),
        ("a.txt", b"x"),
    ]);
    let cases: [Case<'_>; 5] = [
        (
            "a.json",
            format!("[{fine}, {{\"image\": x}}, {fine}]").into_bytes(),
            &[0, 1, 2],
            1,
            "the element is not JSON",
        ),
        ("b.json", format!("[{fine}, {fine}, ").into_bytes(), &[0, 2], 2, "the element is not JSON"),
        (
            "a.csv",
            b"image,prompt\na,1\nb,\"2\nc,3\n".to_vec(),
            &[0, 1, 2],
            1,
            "a quote begins in it that is never closed",
        ),
        ("a.tar", two.clone(), &[0, 2], 2, "the row kept before it has the key `a` too"),
        ("b.tar", two[..two.len() - 1024 - 700].to_vec(), &[0, 1, 2], 2, "the archive ends within a header"),
    ];
    for (name, bytes, numbers, bad, expected) in cases {
        let dataset = open(&desk.write(&format!("in/{name}"), bytes)).unwrap();
        let places: Vec<Place> = dataset.list().map(|listed| listed.unwrap().place).collect();
        let out = desk.path(&format!("out-{name}"));
        let mut writer = dataset.subset(&out).unwrap();
        for number in numbers {
            match writer.keep(&places[*number]) {
                Ok(()) => assert_ne!(*number, bad, "{name}"),
                Err(SubsetError::Row(problem)) => {
                    assert_eq!(*number, bad, "{name}: {problem}");
                    assert!(
                        problem.to_string().contains(expected) && problem.place.contains(name),
                        "{name}: {problem}"
                    );
                }
                Err(error) => panic!("{name}: {error}"),
            }
        }
        assert_eq!(writer.finish().unwrap().rows, numbers.len() as u64 - 1, "{name}");
        let again: Vec<Row> = rows(&open(&out.join(name)).unwrap()).into_iter().map(Result::unwrap).collect();
        assert_eq!(again.len(), numbers.len() - 1, "{name}");
    }
}

#[test]
fn a_file_of_no_kept_rows_is_not_there() {
    let desk = Desk::new();
    let fine = json!({"image": "a.png", "prompt": "fine"}).to_string();
    desk.write("in/rows-0.json", format!("[{fine}, {{]"));
    desk.write("in/rows-1.json", format!("[{fine}]"));
    let dataset = open(&desk.path("in")).unwrap();
    let places: Vec<Place> = dataset.list().map(|listed| listed.unwrap().place).collect();
    let mut writer = dataset.subset(&desk.path("out")).unwrap();
    assert!(matches!(writer.keep(&places[1]), Err(SubsetError::Row(_))));
    writer.keep(&places[2]).unwrap();
    assert_eq!(writer.finish().unwrap(), SubsetSummary { rows: 1, files: 1, left: 1, ..SubsetSummary::default() });
    assert!(!desk.path("out/rows-0.json").exists() && desk.path("out/rows-1.json").is_file());
}

#[test]
fn places_come_in_the_order_of_the_listing() {
    let desk = Desk::new();
    let text: String =
        (0..4).map(|at| json!({"image": "a.png", "prompt": at.to_string()}).to_string() + "\n").collect();
    desk.write("in/rows-0.jsonl", &text);
    let dataset = open(desk.write("in/rows-1.jsonl", &text).parent().unwrap()).unwrap();
    let places: Vec<Place> = dataset.list().map(|listed| listed.unwrap().place).collect();
    let mut writer = dataset.subset(&desk.path("out")).unwrap();
    for number in [1, 1, 3, 3, 6] {
        writer.keep(&places[number]).unwrap();
    }
    for number in [5, 3, 0] {
        let found = writer.keep(&places[number]).unwrap_err();
        assert!(matches!(&found, SubsetError::Order { .. }), "{found}");
        assert!(found.to_string().contains("in the order of the listing"), "{found}");
    }
    for place in ["", "x", "7:1:0:5", "1:9"] {
        let found = writer.keep(&Place(place.to_owned())).unwrap_err();
        assert!(found.to_string().contains("is not a place in this data set"), "{place}: {found}");
    }
    let summary = writer.finish().unwrap();
    assert_eq!((summary.rows, summary.files), (3, 2), "what is refused costs nothing else");
    let found = std::fs::read_to_string(desk.path("out/rows-1.jsonl")).unwrap();
    assert_eq!(found, json!({"image": "a.png", "prompt": "2"}).to_string() + "\n");
}

#[test]
fn nothing_is_overwritten() {
    let desk = Desk::new();
    let path = desk.write("in/rows.jsonl", json!({"image": "in/a.png", "prompt": "x"}).to_string());
    desk.write("in/in/a.png", png(2, 2));
    let dataset = open(&path).unwrap();
    let place = dataset.list().next().unwrap().unwrap().place;
    for name in ["rows.jsonl", "in/a.png"] {
        let out = desk.path(&format!("out-{}", name.len()));
        let there = desk.write(&format!("out-{}/{name}", name.len()), "mine");
        let mut writer = dataset.subset(&out).unwrap();
        let found = writer.keep(&place).unwrap_err();
        assert!(matches!(&found, SubsetError::Disk { path, .. } if *path == there), "{found}");
        assert!(matches!(writer.finish(), Err(SubsetError::Spoiled)), "{name}");
        assert_eq!(std::fs::read(there).unwrap(), b"mine");
    }
    // Over the data set itself.
    let mut writer = dataset.subset(path.parent().unwrap()).unwrap();
    assert!(matches!(writer.keep(&place), Err(SubsetError::Disk { .. })));
    assert!(std::fs::read_to_string(&path).unwrap().contains("prompt"));
}

#[test]
fn pictures_come_along() {
    let desk = Desk::new();
    let line =
        |source: &str, edited: Value| json!({"image": source, "prompt": "x", "edited": edited, "mask": "masks/m.png"});
    let outside = desk.write("outside.png", png(9, 9));
    let lines = [
        line("in/a.png", json!(["in/b.png", {"path": "./in/../in/c.png"}])),
        line("in/a.png", json!("in/d.png")),
        line(
            "../outside.png",
            json!([outside.to_str().unwrap(), "https://example.org/a.png", "in/absent.png", "rows.jsonl"]),
        ),
        line("in/unkept.png", json!("in/e.png")),
        line("linked.png", json!("data:image/png;base64,iVBORw0KGgo=")),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let path = desk.write("set/rows.jsonl", text);
    for (size, name) in ["in/a", "in/b", "in/c", "in/d", "in/e", "in/unkept", "masks/m"].iter().enumerate() {
        desk.write(&format!("set/{name}.png"), png(size + 1, 2));
    }
    std::os::unix::fs::symlink("in/e.png", desk.path("set/linked.png")).unwrap();
    let columns = Columns { edited: Edited::Usual, ..Columns::default() };
    let dataset = Dataset::open(&path, &columns).unwrap();
    let out = desk.path("out");
    let summary = keep(&dataset, &[0, 1, 2, 4], &out);
    assert_eq!(summary, SubsetSummary { rows: 4, files: 1, linked: 6, copied: 0, left: 5 });
    let inode = |path: PathBuf| std::fs::metadata(path).unwrap().ino();
    for (name, from) in [
        ("in/a", "in/a"),
        ("in/b", "in/b"),
        ("in/c", "in/c"),
        ("in/d", "in/d"),
        ("masks/m", "masks/m"),
        ("linked", "in/e"),
    ] {
        let (found, from) = (out.join(format!("{name}.png")), desk.path(&format!("set/{from}.png")));
        assert_eq!(inode(found), inode(from), "{name}");
    }
    assert!(!out.join("in/unkept.png").exists() && !out.join("in/e.png").exists());
    let again = rows(&Dataset::open(&out, &columns).unwrap());
    assert_eq!(again.len(), 4);
    let unwanted = keep(&open(&path).unwrap(), &[0], &desk.path("unwanted"));
    assert_eq!(unwanted.linked, 2, "edited pictures come along where they are columns of the data set: {unwanted:?}");
}

/// `/dev/shm` is another file system on most machines; where it is not, or is not there, pictures are linked there too.
#[test]
fn pictures_that_cannot_be_linked_are_copied() {
    let desk = Desk::new();
    let line = |edited: &str| json!({"image": "in/a.png", "prompt": "x", "edited": edited}).to_string() + "\n";
    let path = desk.write("set/rows.jsonl", line("in/b.png") + &line("in/c.png"));
    for name in ["a", "b", "c"] {
        desk.write(&format!("set/in/{name}.png"), png(3, 3));
    }
    let columns = Columns { edited: Edited::Usual, ..Columns::default() };
    let dataset = Dataset::open(&path, &columns).unwrap();
    let Ok(other) = tempfile::tempdir_in("/dev/shm") else { return };
    let summary = keep(&dataset, &[0, 1], &other.path().join("out"));
    assert_eq!((summary.linked + summary.copied, summary.left), (3, 0));
    let is_other = std::fs::metadata(other.path()).unwrap().dev() != std::fs::metadata(&path).unwrap().dev();
    assert_eq!(summary.copied, if is_other { 3 } else { 0 });
    for name in ["a", "b", "c"] {
        assert_eq!(std::fs::read(other.path().join(format!("out/in/{name}.png"))).unwrap(), png(3, 3));
    }
}

#[test]
fn files_keep_their_places_in_folders() {
    let desk = Desk::new();
    let line = |image: &str| json!({"image": image, "prompt": "x"}).to_string() + "\n";
    desk.write("set/train/metadata.jsonl", line("a.png") + &line("../pictures/b.png"));
    desk.write("set/train/a.png", png(2, 2));
    desk.write("set/pictures/b.png", png(2, 2));
    for (opened, file, linked) in [("set", "train/metadata.jsonl", 2), ("set/train", "metadata.jsonl", 1)] {
        let out = desk.path(&format!("out-{linked}"));
        let summary = keep(&open(&desk.path(opened)).unwrap(), &[0, 1], &out);
        assert_eq!((summary.linked, summary.left), (linked, 2 - linked), "{opened}");
        assert!(out.join(file).is_file(), "{opened}");
        let found = rows(&open(&out).unwrap());
        assert_eq!(found.iter().flatten().count(), 2, "{opened}");
    }
    for name in ["a", "b"] {
        desk.write(&format!("parts/{name}/rows.jsonl"), line(&format!("{name}.png")));
        desk.write(&format!("parts/{name}/{name}.png"), png(2, 2));
    }
    let dataset = open(&desk.path("parts/{a,b}/rows.jsonl")).unwrap();
    assert_eq!(
        keep(&dataset, &[0, 1], &desk.path("out")),
        SubsetSummary { rows: 2, files: 2, linked: 2, copied: 0, left: 0 }
    );
    assert!(desk.path("out/b/rows.jsonl").is_file() && desk.path("out/b/b.png").is_file());
}

#[test]
fn members_are_copied_byte_for_byte() {
    let desk = Desk::new();
    let long = "k".repeat(150);
    let text = format!("{long}.txt");
    let picture = png(30, 20);
    let member = |name: &str, bytes: &[u8]| {
        let whole = archive(&[(name, bytes)]);
        whole[..whole.len() - 1024].to_vec()
    };
    let first = [member("a.png", &picture), member("a.txt", b"x"), member("a.unknown", b"more")].concat();
    let second = [member(&text, b"y"), member(&format!("{long}.png"), &picture)].concat();
    let third = [member("c.png", &picture), member("README", b"of no sample"), member("c.txt", b"z")].concat();
    let between = member("folder/notes", b"of no sample");
    let end = [0; 1024];
    let whole = [&first, &between, &second, &third, end.as_slice()].concat();
    for (numbers, parts) in [
        (vec![0, 2], vec![&first, &third]),
        (vec![1], vec![&second]),
        (vec![0, 1, 2], vec![&first, &second, &third]),
        (vec![], vec![]),
    ] {
        let mut expected: Vec<u8> = parts.into_iter().flatten().copied().collect();
        expected.extend_from_slice(if numbers.is_empty() { &[] } else { &end });
        assert!(kept(&desk, "rows.tar", &whole, &numbers) == expected, "{numbers:?}");
        let packed = kept(&desk, "rows.tar.gz", gzip(&whole), &numbers);
        assert!(gunzip(&packed) == expected, "{numbers:?}");
    }
    // The last member of an archive may not be filled up.
    let cut = [first.as_slice(), &third[..third.len() - 511]].concat();
    let expected = [&first, &third, end.as_slice()].concat();
    assert!(kept(&desk, "rows.tar", cut, &[0, 1]) == expected);
    let fields = json!({"edited": ["in/b.png", "/absolute.png"]}).to_string();
    let path =
        desk.write("named/rows.tar", archive(&[("a.png", &picture), ("a.txt", b"x"), ("a.json", fields.as_bytes())]));
    desk.write("named/in/b.png", &picture);
    let dataset = Dataset::open(&path, &Columns { edited: Edited::Usual, ..Columns::default() }).unwrap();
    let summary = keep(&dataset, &[0], &desk.path("out"));
    assert_eq!(summary, SubsetSummary { rows: 1, files: 1, linked: 1, copied: 0, left: 1 });
}

#[test]
fn parquet_keeps_its_columns_and_what_it_says_of_itself() {
    let desk = Desk::new();
    let image = |number: usize| Some((Some(png(number % 7 + 1, 3)), Some(format!("{number}.png"))));
    let list = |number: usize| (0..number % 3).map(|at| image(at).unwrap()).collect::<Vec<_>>();
    let all = 0..500_usize;
    let text: Vec<Option<String>> =
        all.clone().map(|number| (number % 5 > 0).then(|| format!("edit {number}"))).collect();
    let columns: [(&str, ArrayRef); 5] = [
        ("image", images(&all.clone().map(image).collect::<Vec<_>>())),
        ("prompt", Arc::new(StringArray::from(text))),
        ("more", lists(&all.clone().map(list).collect::<Vec<_>>())),
        ("count", Arc::new(Int64Array::from_iter_values(0..500))),
        ("when", Arc::new(arrow_array::Time64MicrosecondArray::from_iter_values(0..500))),
    ];
    let zstd = Compression::ZSTD(ZstdLevel::default());
    for (packing, group) in [(Compression::SNAPPY, 64), (zstd, 500), (Compression::UNCOMPRESSED, 7)] {
        let features = KeyValue::new("huggingface".to_owned(), "{\"info\": {\"features\": {}}}".to_owned());
        let properties = WriterProperties::builder()
            .set_compression(packing)
            .set_max_row_group_row_count(Some(group))
            .set_key_value_metadata(Some(vec![features]));
        let path = desk.path(&format!("{group}/rows.parquet"));
        write(&path, &columns, properties.build());
        let dataset = open(&path).unwrap();
        for numbers in [(0..500).collect::<Vec<_>>(), vec![499], (3..490).step_by(3).collect(), (100..300).collect()] {
            let out = desk.path("out");
            keep(&dataset, &numbers, &out);
            let read = |path: &Path| {
                let builder = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).unwrap()).unwrap();
                let (schema, metadata) = (Arc::clone(builder.schema()), Arc::clone(builder.metadata()));
                let batches: Vec<_> = builder.with_batch_size(500).build().unwrap().map(Result::unwrap).collect();
                assert_eq!(batches.len(), 1);
                (schema, metadata, batches.into_iter().next().unwrap())
            };
            let (schema, metadata, batch) = read(&path);
            let (found_schema, found, kept) = read(&out.join("rows.parquet"));
            assert_eq!(found_schema, schema);
            assert_eq!(found.file_metadata().schema_descr(), metadata.file_metadata().schema_descr());
            assert_eq!(found.file_metadata().key_value_metadata(), metadata.file_metadata().key_value_metadata());
            assert!(found.row_groups().iter().all(|found| found.num_rows() <= group as i64));
            for (found, column) in found.row_group(0).columns().iter().zip(metadata.row_group(0).columns()) {
                assert_eq!(found.compression_codec(), column.compression_codec());
            }
            assert_eq!(kept.num_rows(), numbers.len());
            for (at, number) in numbers.iter().enumerate() {
                assert_eq!(kept.slice(at, 1), batch.slice(*number, 1), "row {number} of {group}");
            }
            std::fs::remove_dir_all(out).unwrap();
        }
    }
}

#[test]
fn parquet_brings_its_pictures_along() {
    let desk = Desk::new();
    let image = |name: &str| Some((None, Some(name.to_owned())));
    let columns: [(&str, ArrayRef); 3] = [
        ("image", images(&[image("in/a.png"), image("in/b.png"), image("in/a.png")])),
        ("prompt", Arc::new(StringArray::from(vec!["one", "two", "three"]))),
        ("edited", Arc::new(StringArray::from(vec!["in/c.png", "in/d.png", "../e.png"]))),
    ];
    let path = desk.path("set/rows.parquet");
    write(&path, &columns, WriterProperties::builder().build());
    ["a", "b", "c", "d"].iter().for_each(|name| drop(desk.write(&format!("set/in/{name}.png"), png(2, 2))));
    let dataset = Dataset::open(&path, &Columns { edited: Edited::Usual, ..Columns::default() }).unwrap();
    let summary = keep(&dataset, &[0, 2], &desk.path("out"));
    assert_eq!(summary, SubsetSummary { rows: 2, files: 1, linked: 2, copied: 0, left: 1 });
    assert!(desk.path("out/in/a.png").is_file() && !desk.path("out/in/b.png").exists());
}

/// Random rows in every format, packed and not, in one file or several.
fn written(desk: &Desk, words: &[String], files: usize) -> Vec<PathBuf> {
    let line =
        |at: usize, word: &String| json!({"id": format!("r{at}"), "image": "a.png", "prompt": word, "more": [word]});
    let all: Vec<Value> = words.iter().enumerate().map(|(at, word)| line(at, word)).collect();
    let size = all.len().div_ceil(files);
    for (number, part) in all.chunks(size).enumerate() {
        let text: String = part.iter().map(|row| format!("{row}\n")).collect();
        desk.write(&format!("lines/rows-{number}.jsonl"), &text);
        desk.write(&format!("packed/rows-{number}.jsonl.gz"), gzip(text.as_bytes()));
        desk.write(&format!("lists/rows-{number}.json"), serde_json::to_string_pretty(part).unwrap());
        let mut table = csv::Writer::from_writer(Vec::new());
        table.write_record(["id", "image", "prompt"]).unwrap();
        let (mut members, mut columns) = (Vec::new(), [Vec::new(), Vec::new()]);
        for row in part {
            let (id, word) = (row["id"].as_str().unwrap(), row["prompt"].as_str().unwrap());
            table.write_record([id, "a.png", word]).unwrap();
            members.push((format!("{id}.png"), b"picture".to_vec()));
            members.push((format!("{id}.json"), json!({"prompt": word, "id": id}).to_string().into_bytes()));
            columns[0].push(id);
            columns[1].push(word);
        }
        desk.write(&format!("tables/rows-{number}.csv"), table.into_inner().unwrap());
        let members: Vec<(&str, &[u8])> =
            members.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
        desk.write(&format!("tars/rows-{number}.tar"), archive(&members));
        let text = |column: &[&str]| -> ArrayRef { Arc::new(StringArray::from(column.to_vec())) };
        let pictures: ArrayRef = text(&vec!["a.png"; part.len()]);
        let columns = [("id", text(&columns[0])), ("prompt", text(&columns[1])), ("image", pictures)];
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(1 + number * 3)).build();
        write(&desk.path(&format!("columns/rows-{number}.parquet")), &columns, properties);
    }
    ["lines", "packed", "lists", "tables", "tars", "columns"].map(|name| desk.path(name)).to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_subset_read_again_is_the_kept_rows(
        words in prop::collection::vec("[ -~\n\u{e0}-\u{ff}\u{4e00}-\u{4e10}]{0,30}[a-z]", 1..30),
        chosen in prop::collection::vec(any::<bool>(), 30),
        files in 1..4_usize,
    ) {
        let desk = Desk::new();
        for folder in written(&desk, &words, files) {
            let dataset = open(&folder).unwrap();
            let numbers: Vec<usize> = (0..words.len()).filter(|number| chosen[*number]).collect();
            let out = folder.with_extension("out");
            let summary = keep(&dataset, &numbers, &out);
            prop_assert_eq!(summary.rows, numbers.len() as u64);
            if numbers.is_empty() {
                prop_assert_eq!((summary.files, std::fs::read_dir(&out).unwrap().count()), (0, 0));
                continue;
            }
            let all: Vec<Row> = rows(&dataset).into_iter().map(Result::unwrap).collect();
            let found: Vec<Row> = rows(&open(&out).unwrap()).into_iter().map(Result::unwrap).collect();
            let named = |rows: &mut dyn Iterator<Item = &Row>| rows.map(|row| (row.id.clone(), row.instruction.clone())).collect::<Vec<_>>();
            let expected = named(&mut numbers.iter().map(|number| &all[*number]));
            prop_assert_eq!(named(&mut found.iter()), expected, "{}", folder.display());
        }
    }
}
