//! Records written as Parquet and read back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::missing_panics_doc, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use editscale_curate::table::{Completion, Layout, ScoreFiles, Share, encode};
use editscale_curate::{PictureFacts, Record, Value};
use editscale_rollout::queue::Sharding;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn record(row: u64, candidate: u32) -> Record {
    Record {
        row,
        place: format!("0:{row}"),
        row_id: format!("row-{row}"),
        candidate,
        instruction: "make it warmer".to_owned(),
        source: None,
        edited: None,
        score: Some(0.25),
        sigma: None,
        said: BTreeMap::new(),
        failure: None,
        extra: serde_json::Map::new(),
    }
}

fn write(out: &Path, share: Share, number: u64, records: &[Record]) {
    let mut layout = Layout::of_rewards(["quality"]);
    records.iter().for_each(|record| layout.grow(record));
    let path = share.file(out, number);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, encode(&layout, records).unwrap()).unwrap();
}

fn read(out: &Path) -> Vec<Record> {
    ScoreFiles::find(out).unwrap().records().collect::<Result<_, _>>().unwrap()
}

fn number() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("finite", |number| number.is_finite())
}

fn facts() -> impl Strategy<Value = PictureFacts> {
    ("[0-9a-f]{64}", any::<u64>(), any::<u32>(), any::<u32>(), proptest::option::of(".{0,12}"))
        .prop_map(|(digest, hash, width, height, name)| PictureFacts { digest, hash, width, height, name })
}

fn extra() -> impl Strategy<Value = serde_json::Map<String, Json>> {
    let value = prop_oneof![
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        number().prop_map(Json::from),
        ".{0,12}".prop_map(Json::from),
        proptest::collection::vec(".{0,4}", 0..3).prop_map(|texts| json!({"list": texts})),
    ];
    let key = prop_oneof!["[a-c]", "(extra\\.){0,2}score", Just("quality.mean".to_owned()), ".{1,6}"];
    proptest::collection::btree_map(key, value, 0..4).prop_map(|map| map.into_iter().collect())
}

prop_compose! {
    fn records()(
        (row, candidate, place, row_id, instruction) in (any::<u64>(), any::<u32>(), ".{0,20}", ".{0,12}", ".{0,40}"),
        (source, edited) in (proptest::option::of(facts()), proptest::option::of(facts())),
        (score, sigma, failure) in (proptest::option::of(number()), proptest::option::of(number()), proptest::option::of(".{0,20}")),
        said in proptest::collection::btree_map(
            prop_oneof![Just("quality".to_owned()), Just("quality.likeness".to_owned()), "[a-z.]{1,8}"],
            (number(), proptest::option::of(number())).prop_map(|(mean, sigma)| Value { mean, sigma }),
            0..4,
        ),
        extra in extra(),
    ) -> Record {
        Record { row, place, row_id, candidate, instruction, source, edited, score, sigma, said, failure, extra }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a record holds comes back as it was, and equal records give equal bytes.
    #[test]
    fn records_come_back_as_they_were(records in proptest::collection::vec(records(), 0..8)) {
        let out = tempfile::tempdir().unwrap();
        let share = Share::new(None);
        write(out.path(), share, 0, &records);
        prop_assert_eq!(read(out.path()), records.clone());
        let first = std::fs::read(share.file(out.path(), 0)).unwrap();
        write(out.path(), share, 0, &records);
        prop_assert_eq!(first, std::fs::read(share.file(out.path(), 0)).unwrap());
    }
}

#[test]
fn files_of_several_shares_are_one_list_in_row_order() {
    let out = tempfile::tempdir().unwrap();
    let share = |index: u32| Share::new(Some(format!("{index}/2").parse::<Sharding>().unwrap()));
    write(out.path(), share(0), 0, &[record(0, 0), record(0, 1), record(2, 0)]);
    write(out.path(), share(0), 1, &[record(4, 0)]);
    write(out.path(), share(1), 0, &[record(1, 0), record(3, 0), record(5, 0)]);
    let order: Vec<_> = read(out.path()).iter().map(|record| (record.row, record.candidate)).collect();
    assert_eq!(order, [(0, 0), (0, 1), (1, 0), (2, 0), (3, 0), (4, 0), (5, 0)]);
    let found = ScoreFiles::find(out.path()).unwrap();
    assert_eq!((found.count(share(0)), found.count(share(1)), found.count(Share::new(None))), (2, 1, 0));
    assert!(!found.are_complete(Some(2), "it").unwrap());
    let definition = editscale_study::curation::key_of(b"it");
    let complete = Completion { version: 1, files: 2, rows: 3, records: 4, scored: 4, definition };
    complete.write(out.path(), share(0)).unwrap();
    assert!(!found.are_complete(Some(2), "it").unwrap());
    Completion { files: 1, ..complete }.write(out.path(), share(1)).unwrap();
    assert!(found.are_complete(Some(2), "it").unwrap());
    assert_eq!(Completion::read(out.path(), share(0)).unwrap(), Some(complete));
}

#[test]
fn columns_only_ever_grow_and_keep_their_form() {
    let mut layout = Layout::of_rewards(["quality"]);
    let with = |value: Json| Record { extra: [("licence".to_owned(), value)].into_iter().collect(), ..record(0, 0) };
    let texts = [with(json!("CC-BY")), with(Json::Null)];
    texts.iter().for_each(|record| layout.grow(record));
    let text = layout.clone();
    layout.grow(&with(json!(7)));
    assert_ne!(text, layout, "no texts any more");
    let json = layout.clone();
    texts.iter().for_each(|record| layout.grow(record));
    assert_eq!(json, layout);
}

#[test]
fn columns_of_the_data_set_are_never_taken_for_one_another() {
    let out = tempfile::tempdir().unwrap();
    let extra = [("extra.score", 1), ("extra.extra.score", 2), ("score", 3)];
    let extra = extra.map(|(name, value)| (name.to_owned(), json!(value))).into_iter().collect();
    let records = [Record { extra, ..record(0, 0) }];
    write(out.path(), Share::new(None), 0, &records);
    assert_eq!(read(out.path()), records);
}

#[test]
fn what_is_no_table_of_scores_is_told_by_name() {
    let out = tempfile::tempdir().unwrap();
    assert_eq!(read(out.path()), []);
    let path = Share::new(None).file(out.path(), 0);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, b"no parquet").unwrap();
    let error = ScoreFiles::find(out.path()).unwrap().records().next().unwrap().unwrap_err().to_string();
    assert!(error.contains("scores-00000.parquet"), "{error}");
}

/// The library of Parquet panics at some of these, which is an error like any other.
#[test]
fn a_damaged_table_is_read_or_refused() {
    let desk = tempfile::tempdir().unwrap();
    let share = Share::new(None);
    write(desk.path(), share, 0, &[record(0, 0), record(1, 0)]);
    let path = share.file(desk.path(), 0);
    let whole = std::fs::read(&path).unwrap();
    let mut refused = 0;
    for (at, change) in (0..whole.len()).flat_map(|at| [(at, 0x01), (at, 0x80)]) {
        let mut damaged = whole.clone();
        damaged[at] ^= change;
        std::fs::write(&path, damaged).unwrap();
        let Ok(files) = ScoreFiles::find(desk.path()) else { continue };
        let mut records = files.records().take(100);
        refused += usize::from(records.any(|record| record.is_err()));
        assert!(records.next().is_none(), "something comes after the error, byte {at}");
    }
    assert!(refused > whole.len() / 10, "of {} bytes {refused} mattered", whole.len());
}
