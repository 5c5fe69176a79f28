//! Parquet: types of columns, layouts, many threads, damaged files.

use std::path::Path;
use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, ListBuilder, StringBuilder, StringDictionaryBuilder, StructBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, BinaryArray, BinaryViewArray, Float32Array, Int64Array, LargeBinaryArray, LargeStringArray, RecordBatch,
    StringArray, StringViewArray,
};
use arrow_schema::{DataType, Field, Fields, Schema};
use editscale_rollout::dataset::Dataset;
use editscale_rollout::{Columns, RowPicture};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterVersion};
use serde_json::json;

use crate::desk::{Desk, assert_each, held, keep_what_can_be, open, refusal, rows, told, told_with};

/// One picture of the image struct.
pub(crate) type Image = (Option<Vec<u8>>, Option<String>);

fn struct_fields() -> Fields {
    Fields::from(vec![Field::new("bytes", DataType::Binary, true), Field::new("path", DataType::Utf8, true)])
}

fn append(builder: &mut StructBuilder, image: Option<&Image>) {
    let (bytes, path) = image.cloned().unwrap_or_default();
    builder.field_builder::<BinaryBuilder>(0).unwrap().append_option(bytes);
    builder.field_builder::<StringBuilder>(1).unwrap().append_option(path);
    builder.append(image.is_some());
}

pub(crate) fn images(images: &[Option<Image>]) -> ArrayRef {
    let mut builder = StructBuilder::from_fields(struct_fields(), images.len());
    images.iter().for_each(|image| append(&mut builder, image.as_ref()));
    Arc::new(builder.finish())
}

pub(crate) fn lists(lists: &[Vec<Image>]) -> ArrayRef {
    let mut builder = ListBuilder::new(StructBuilder::from_fields(struct_fields(), 0));
    for list in lists {
        list.iter().for_each(|image| append(builder.values(), Some(image)));
        builder.append(true);
    }
    Arc::new(builder.finish())
}

pub(crate) fn write(path: &Path, columns: &[(&str, ArrayRef)], properties: WriterProperties) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let field = |(name, array): &(&str, ArrayRef)| Field::new(*name, array.data_type().clone(), true);
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    let arrays = columns.iter().map(|(_, array)| Arc::clone(array)).collect();
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), schema, Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn plain() -> WriterProperties {
    WriterProperties::builder().build()
}

fn texts(texts: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(texts.to_vec()))
}

#[test]
fn columns_of_all_kinds_are_read() {
    let desk = Desk::new();
    let bytes: [&[u8]; 2] = [b"first", b"second"];
    let image = |bytes: &[u8]| (Some(bytes.to_vec()), Some("x.png".to_owned()));
    let sources: [(&str, ArrayRef); 5] = [
        ("struct", images(&[Some(image(bytes[0])), Some((Some(bytes[1].to_vec()), None))])),
        ("binary", Arc::new(BinaryArray::from(bytes.to_vec()))),
        ("large", Arc::new(LargeBinaryArray::from(bytes.to_vec()))),
        ("view", Arc::new(BinaryViewArray::from(bytes.to_vec()))),
        ("list", lists(&[vec![image(bytes[0])], vec![image(bytes[1])]])),
    ];
    let mut dictionary = StringDictionaryBuilder::<Int32Type>::new();
    ["one", "two"].iter().for_each(|text| dictionary.append_value(text));
    let instructions: [(&str, ArrayRef); 4] = [
        ("string", texts(&["one", "two"])),
        ("large", Arc::new(LargeStringArray::from(vec!["one", "two"]))),
        ("view", Arc::new(StringViewArray::from(vec!["one", "two"]))),
        ("dictionary", Arc::new(dictionary.finish())),
    ];
    for (kind, source) in &sources {
        for (text, instruction) in &instructions {
            let path = desk.path(&format!("{kind}-{text}.parquet"));
            write(&path, &[("image", Arc::clone(source)), ("prompt", Arc::clone(instruction))], plain());
            let found = rows(&open(&path).unwrap());
            let found: Vec<_> = found.into_iter().map(Result::unwrap).collect();
            let words: Vec<&str> = found.iter().map(|row| row.instruction.as_str()).collect();
            assert_eq!(words, ["one", "two"], "{kind} {text}");
            assert_eq!(found.iter().map(|row| held(&row.source)).collect::<Vec<_>>(), bytes, "{kind} {text}");
        }
    }
}

#[test]
fn paths_addresses_and_kept_columns_are_read() {
    let desk = Desk::new();
    let path = desk.path("rows.parquet");
    let image = |path: &str| Some((None, Some(path.to_owned())));
    let columns: [(&str, ArrayRef); 5] = [
        ("image", images(&[image("in/a.png"), image("https://example.org/a")])),
        ("prompt", texts(&["one", "two"])),
        ("id", Arc::new(Int64Array::from(vec![Some(40), Some(41)]))),
        ("score", Arc::new(Float32Array::from(vec![Some(0.1), None]))),
        ("meta", images(&[image("kept"), None])),
    ];
    write(&path, &columns, plain());
    let keep = ["score", "meta.path"].map(ToOwned::to_owned).to_vec();
    let dataset = Dataset::open(&path, &Columns { keep, ..Columns::default() }).unwrap();
    let found: Vec<_> = rows(&dataset).into_iter().map(Result::unwrap).collect();
    assert_eq!(found[0].source, RowPicture::File(desk.path("in/a.png")));
    assert_eq!(found[1].source, RowPicture::Address("https://example.org/a".to_owned()));
    assert_eq!(found.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["40", "41"]);
    assert_eq!(json!(found[0].extra), json!({"score": 0.1, "meta.path": "kept"}));
    assert_eq!(json!(found[1].extra), json!({"score": null, "meta.path": null}));
}

#[test]
fn bad_rows_are_told() {
    let desk = Desk::new();
    let path = desk.path("rows.parquet");
    let good = || (Some(b"x".to_vec()), None);
    let columns: [(&str, ArrayRef); 2] = [
        ("image", images(&[Some(good()), None, Some((None, None)), Some((Some(Vec::new()), None)), Some(good())])),
        ("prompt", Arc::new(StringArray::from(vec![Some("fine"), Some("x"), Some("x"), Some("x"), None]))),
    ];
    write(&path, &columns, plain());
    let expected = [
        "0: fine",
        "rows.parquet, row 1: expected the picture to edit in `image`, found null",
        "row 2: expected the picture to edit in `image`",
        "row 3: `image`: expected the bytes of a picture, found none",
        "row 4: expected what to do to the picture in `prompt`, found null",
    ];
    assert_each(&told(&path), &expected);
    let two = lists(&[vec![good(), good()], vec![]]);
    write(&path, &[("image", two), ("prompt", texts(&["a", "b"]))], plain());
    assert_each(&told(&path), &["expected one picture, found a list of 2", "expected one picture, found a list of 0"]);
}

/// Many rows in many layouts, fetched in order, backwards, and by several threads at once.
#[test]
fn rows_are_fetched_in_any_order_from_any_layout() {
    let desk = Desk::new();
    let words: Vec<String> = (0..700).map(|number| format!("edit {number}")).collect();
    let sources: Vec<Option<Image>> =
        (0..700).map(|number| Some((Some(vec![number as u8; 50 + number]), None))).collect();
    let columns: [(&str, ArrayRef); 2] =
        [("image", images(&sources)), ("prompt", Arc::new(StringArray::from(words.clone())))];
    let zstd = Compression::ZSTD(ZstdLevel::default());
    for (packing, group, version) in [
        (Compression::SNAPPY, 100, WriterVersion::PARQUET_1_0),
        (zstd, 1, WriterVersion::PARQUET_2_0),
        (Compression::UNCOMPRESSED, 700, WriterVersion::PARQUET_1_0),
        (Compression::LZ4_RAW, 333, WriterVersion::PARQUET_2_0),
    ] {
        let properties = WriterProperties::builder()
            .set_compression(packing)
            .set_max_row_group_row_count(Some(group))
            .set_writer_version(version)
            .set_data_page_size_limit(500)
            .build();
        let path = desk.path(&format!("{packing}-{group}/rows.parquet"));
        write(&path, &columns, properties);
        let dataset = open(&path).unwrap();
        let places: Vec<_> = dataset.list().map(|listed| listed.unwrap().place).collect();
        assert_eq!(places.len(), 700);
        let check = |number: usize| {
            let row = dataset.fetch(&places[number], number as u64).unwrap();
            assert_eq!((row.instruction.as_str(), held(&row.source).len()), (words[number].as_str(), 50 + number));
        };
        (0..700).for_each(check);
        (0..700).rev().step_by(97).for_each(check);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || (thread..700).step_by(4).for_each(check));
            }
        });
    }
}

#[test]
fn shards_are_one_data_set() {
    let desk = Desk::new();
    for shard in 0..3 {
        let columns: [(&str, ArrayRef); 2] =
            [("image", texts(&["a.png"])), ("prompt", texts(&[["x", "y", "z"][shard]]))];
        write(&desk.path(&format!("data/train-{shard:05}-of-00003.parquet")), &columns, plain());
    }
    desk.write("README.md", "a card");
    assert_eq!(told(&desk.path("")), ["0: x", "1: y", "2: z"]);
    write(
        &desk.path("data/train-00001-of-00003.parquet"),
        &[("image", texts(&["a.png"])), ("text", texts(&["y"]))],
        plain(),
    );
    let expected = [
        "0: x",
        "train-00001-of-00003.parquet, row 0: the file has no column `prompt`, which the first file has",
        "2: z",
    ];
    assert_each(&told(&desk.path("")), &expected);
    write(
        &desk.path("data/test-00000-of-00001.parquet"),
        &[("image", texts(&["a.png"])), ("prompt", texts(&["t"]))],
        plain(),
    );
    let found = refusal(&desk.path(""));
    assert!(found.contains("more than one data set") && found.contains("test-00000-of-00001.parquet"), "{found}");
    assert_each(&told(&desk.path("data/test-*.parquet")), &["0: t"]);
}

#[test]
fn damaged_files_are_told() {
    let desk = Desk::new();
    let path = desk.path("rows.parquet");
    let sources: Vec<Option<Image>> = (0..40).map(|number| Some((Some(vec![number as u8; 60]), None))).collect();
    let words: Vec<String> = (0..40).map(|number| format!("edit {number}")).collect();
    let columns: [(&str, ArrayRef); 2] = [("image", images(&sources)), ("prompt", Arc::new(StringArray::from(words)))];
    write(&path, &columns, WriterProperties::builder().set_max_row_group_row_count(Some(10)).build());
    let whole = std::fs::read(&path).unwrap();
    // Whatever is damaged: the file is refused, or its rows come out or are told, and nothing panics.
    for at in (4..whole.len()).step_by(11) {
        for flip in [0xff, 0x01] {
            let mut damaged = whole.clone();
            damaged[at] ^= flip;
            let Ok(dataset) = open(&desk.write("damaged.parquet", damaged)) else { continue };
            for (number, listed) in dataset.list().take(100).enumerate() {
                let Ok(listed) = listed else { break };
                drop(dataset.fetch(&listed.place, number as u64));
            }
            let out = desk.path("out");
            keep_what_can_be(&dataset, &out);
            std::fs::remove_dir_all(out).unwrap();
        }
    }
    for cut in [4, 5, 100, whole.len() - 1] {
        let found = refusal(&desk.write("cut.parquet", &whole[..cut]));
        assert!(found.contains("cut.parquet"), "{found}");
    }
    desk.write("shards/a-0.parquet", &whole);
    desk.write("shards/a-1.parquet", &whole[..500]);
    let dataset = open(&desk.path("shards")).unwrap();
    let listed: Vec<_> = dataset.list().collect();
    assert_eq!((listed.len(), listed.last().unwrap().is_err()), (41, true), "a cut shard ends the list with an error");
}

/// A file of no rows with the usual columns, and one that lies so many levels deep.
fn nested(levels: u16) -> Vec<u8> {
    // A column: its type, how often it may be there, its name, how many children it has.
    let text = |name: &[u8]| [&[0x15, 0x0c, 0x25, 0x02, 0x18, name.len() as u8], name, &[0x25, 0x00, 0x00]].concat();
    let parent = |children: u8| [0x35, 0x02, 0x18, 0x01, b'a', 0x15, 2 * children, 0x00];
    let usual = [&parent(3)[..], &text(b"image"), &text(b"instruction")].concat();
    let columns = [usual, parent(1).repeat(levels.into()), text(b"z")].concat();
    // The version; the list of columns; no rows and no row groups.
    let count = [(levels + 4) as u8 | 0x80, ((levels + 4) >> 7) as u8];
    let footer = [&[0x15, 0x02, 0x19, 0xfc], &count[..], &columns, &[0x16, 0x00, 0x19, 0x0c, 0x00]].concat();
    let length = (footer.len() as u32).to_le_bytes();
    [&b"PAR1"[..], &footer, &length, b"PAR1"].concat()
}

#[test]
fn columns_nested_too_deep_are_refused() {
    let desk = Desk::new();
    let found = refusal(&desk.write("rows.parquet", nested(5000)));
    assert!(found.contains("at most 64 levels, found 5001"), "{found}");
    assert!(told(&desk.write("rows.parquet", nested(60))).is_empty());
}

#[test]
fn a_file_holds_the_rows_that_it_declares() {
    // A footer with the usual columns, and 2^62 rows in a group of ten bytes.
    let footer =
        b"\x15\x02\x19<H\x01s\x15\x04\x00\x15\x0c%\x02\x18\x05image%\x00\x00\x15\x0c%\x02\x18\x0binstruction%\x00\x00\
        \x16\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\x19\x1c\x19,&\x08\x1c\x15\x0c\x19\x15\x00\x19\x18\x05image\x15\
        \x00\x16\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\x16\x14\x16\x14&\x08\x00\x00&\x08\x1c\x15\x0c\x19\x15\x00\
        \x19\x18\x0binstruction\x15\x00\x16\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\x16\x14\x16\x14&\x08\x00\x00\x16\
        \x14\x16\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\x00\x00";
    let file = [&b"PAR1"[..], footer, &(footer.len() as u32).to_le_bytes(), b"PAR1"].concat();
    let found = refusal(&Desk::new().write("rows.parquet", file));
    assert!(found.contains("declares 4611686018427387904 rows"), "{found}");
}

#[test]
fn columns_that_cannot_be_read_are_refused() {
    let desk = Desk::new();
    let path = desk.path("rows.parquet");
    let columns: [(&str, ArrayRef); 3] = [
        ("image", texts(&["a.png"])),
        ("prompt", texts(&["x"])),
        ("length", Arc::new(arrow_array::Time64MicrosecondArray::from(vec![5]))),
    ];
    write(&path, &columns, plain());
    assert_eq!(told_with(&path, &Columns::default()), ["0: x"], "what is not asked for may be anything");
    let keep = Columns { keep: vec!["length".to_owned()], ..Columns::default() };
    let found = Dataset::open(&path, &keep).unwrap_err().to_string();
    assert!(found.contains("the column `length` cannot be read: its type is Time64"), "{found}");
}
