//! What a curation, a benchmark and a rollout have written down: any bytes are read or refused, and records and groups come back
//! from their files as they were.
//!
//! The first byte chooses the file.

#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use bytes::Bytes;
use editscale_benchmarks::measures::{self, MeasureRules};
use editscale_benchmarks::{JUDGED, JUDGED_HEAD, KeptRecords, Preset, read_judged};
use editscale_curate::Record;
use editscale_curate::results::{CHOICE_TABLE, ChoiceFolder};
use editscale_curate::review::Log;
use editscale_curate::table::{Completion, Layout, ScoreFiles, Share, encode};
use editscale_fuzz::end_at_our_own_panics;
use editscale_rollout::export::{BestWorstRules, ExportRules, Exporter, SftRules, read_summary};
use editscale_rollout::pack::Pack;
use editscale_rollout::pairs::PairRules;
use libfuzzer_sys::fuzz_target;

/// What stands between two files.
const BETWEEN: &[u8] = b"\n====\n";
/// The one picture that a group can name.
const PICTURE: &[u8] = b"picture";

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| tempfile::tempdir().expect("a folder").keep());

fn put(name: &str, bytes: &[u8]) -> PathBuf {
    let path = FOLDER.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(&path, bytes).expect("a file is written");
    path
}

fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.windows(BETWEEN.len()).position(|window| window == BETWEEN);
    end.map_or((bytes, &[][..]), |end| (&bytes[..end], &bytes[end + BETWEEN.len()..]))
}

/// A table of scores as it lies on the disk.
fn table(bytes: &[u8]) {
    put("scores/scores-00000.parquet", bytes);
    let files = ScoreFiles::find(&FOLDER).expect("a folder");
    let _: Result<_, _> = files.last_layout(Share::new(None));
    let mut records = Vec::new();
    for record in files.records().take(256) {
        match record {
            Ok(record) => records.push(record),
            Err(_) => return,
        }
    }
    come_back(records);
}

/// Records of JSON lines, through a table and back.
fn records(bytes: &[u8]) {
    let records: Result<Vec<Record>, _> = bytes.split(|byte| *byte == b'\n').map(serde_json::from_slice).collect();
    if let Ok(records) = records {
        come_back(records);
    }
}

fn come_back(mut records: Vec<Record>) {
    let mut layout = Layout::default();
    for record in &mut records {
        // Nothing and no column are the same.
        record.extra.retain(|_, value| !value.is_null());
        layout.grow(record);
    }
    let Ok(bytes) = encode(&layout, &records) else { return };
    put("scores/scores-00000.parquet", &bytes);
    let again: Result<Vec<Record>, _> = ScoreFiles::find(&FOLDER).expect("a folder").records().collect();
    let again = again.expect("what was written can be read");
    records.sort_by_key(|record| (record.row, record.candidate));
    let order: Vec<(u64, u32)> = again.iter().map(|record| (record.row, record.candidate)).collect();
    if order.is_sorted() && records.len() == again.len() {
        assert_eq!(again, records, "records come back as others");
    }
}

fn judged(bytes: &[u8]) {
    let (head, lines) = split(bytes);
    put(JUDGED_HEAD, head);
    put(JUDGED, lines);
    let Ok((_, cases)) = read_judged(&FOLDER) else { return };
    let rules = MeasureRules { resamples: 20, ..MeasureRules::default() };
    for preset in Preset::ALL {
        if let Ok(measured) = measures::measure(preset, &cases, &rules) {
            measured.to_json().expect("measures are numbers");
        }
    }
    for said in measures::said_in(&cases) {
        let _: Result<_, _> = measures::calibrate(&cases, &said, &rules);
    }
    let _: Result<_, _> = measures::agreement(&cases, &cases, &rules);
}

fn choice(bytes: &[u8]) {
    let name = ChoiceFolder::of(Path::new("")).join(CHOICE_TABLE);
    put(&name.to_string_lossy(), bytes);
    if let Ok(Some(kept)) = KeptRecords::find(&FOLDER) {
        assert!(kept.count() < 1 << 24);
    }
}

fn review(bytes: &[u8]) {
    let path = put("review.jsonl", bytes);
    if let Ok(reviews) = Log::read(&path) {
        drop(reviews.overrides());
        reviews.words().for_each(drop);
        reviews.compared().for_each(drop);
    }
}

/// A group's JSON, in a pack that is right but for it.
fn group(json: &[u8]) {
    let digest = blake3::hash(PICTURE);
    let mut file = b"edscpack".to_vec();
    for number in [1_u32, 1, 0] {
        file.extend(number.to_le_bytes());
    }
    file.extend((json.len() as u64).to_le_bytes());
    file.extend(digest.as_bytes());
    file.extend((PICTURE.len() as u64).to_le_bytes());
    file.extend(json);
    let checksum = blake3::hash(&file);
    file.extend(PICTURE);
    file.extend(checksum.as_bytes());
    let Ok(pack) = Pack::decode(Bytes::from(file)) else { return };
    let again = Pack::decode(Bytes::from(pack.encode().expect("what was read can be written")));
    assert_eq!(again.expect("what was written can be read"), pack, "a group comes back as another");
    let out = FOLDER.join("export");
    fs::remove_dir_all(&out).ok();
    let rules = ExportRules {
        webdataset: true,
        pairs: Some(PairRules::default()),
        best_worst: Some(BestWorstRules { k: 1 }),
        sft: Some(SftRules { temperature: 0.1, most: None }),
        ..ExportRules::default()
    };
    let mut writer = Exporter::open(&out, rules).expect("good rules").begin().expect("a shard");
    if writer.group(pack).is_ok() {
        writer.finish().expect("a shard with a group can be ended");
    }
}

fuzz_target!(init: end_at_our_own_panics(), |bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else { return };
    match kind % 9 {
        0 => table(rest),
        1 => records(rest),
        2 => judged(rest),
        3 => choice(rest),
        4 => review(rest),
        5 => group(rest),
        6 => drop(Pack::decode(Bytes::copy_from_slice(rest))),
        7 => {
            put("scores/scores-complete.json", rest);
            let _: Result<_, _> = Completion::read(&FOLDER, Share::new(None));
        }
        _ => drop(read_summary(&put("summary.json", rest))),
    }
});
