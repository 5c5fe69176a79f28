//! A choice written down and read again: kept rows, fates, and pairs with their pictures.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{Array as _, RecordBatch};
use editscale_curate::choice::{Keep, Override, Overrides, PreferenceRules, Rules, SplitRule, choose, preferences};
use editscale_curate::results::{
    ChoiceFolder, PairSource, ResultsError, write_fates, write_kept, write_kept_of_several, write_labels, write_pairs,
};
use editscale_curate::review::Label;
use editscale_curate::table::{Layout, ScoreFiles, Share, encode};
use editscale_curate::{PictureFacts, Record};
use editscale_rollout::dataset::{Dataset, Pictures};
use editscale_rollout::{Columns, Edited};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// Scores of the edited pictures of each row; the rows of one letter have the same source.
const ROWS: [(&str, &[f64]); 5] =
    [("a", &[0.9, 0.1]), ("b", &[0.2]), ("a", &[0.5, 0.8, 0.7]), ("c", &[0.95]), ("b", &[0.3])];

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    /// A data set with its pictures, and its scores below `out`.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("pictures")).unwrap();
        let desk = Self { folder };
        let (mut lines, mut records) = (String::new(), Vec::new());
        let mut offset = 0;
        for (row, (source, scores)) in ROWS.iter().enumerate() {
            let edited: Vec<String> = (0..scores.len()).map(|at| format!("pictures/{row}-{at}.png")).collect();
            let source = format!("pictures/{source}.png");
            edited.iter().chain([&source]).for_each(|name| desk.write(name));
            let line =
                serde_json::json!({"source": source, "edited_images": edited, "instruction": format!("edit {row}")});
            let line = line.to_string() + "\n";
            let place = format!("0:{}:{offset}:{}", row + 1, line.len());
            offset += line.len();
            lines.push_str(&line);
            for (candidate, score) in scores.iter().enumerate() {
                records.push(record(row, candidate, *score, (&place, &source)));
            }
        }
        fs::write(desk.path("rows.jsonl"), lines).unwrap();
        fs::create_dir_all(desk.path("out/scores")).unwrap();
        let mut layout = Layout::default();
        records.iter().for_each(|record| layout.grow(record));
        fs::write(Share::new(None).file(&desk.path("out"), 0), encode(&layout, &records).unwrap()).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a picture is does not matter here: its name is its content.
    fn write(&self, name: &str) {
        fs::write(self.path(name), name).unwrap();
    }

    fn dataset(&self) -> Dataset {
        Dataset::open(&self.path("rows.jsonl"), &Columns { edited: Edited::Usual, ..Columns::default() }).unwrap()
    }

    fn files(&self) -> ScoreFiles {
        ScoreFiles::find(&self.path("out")).unwrap()
    }
}

fn record(row: usize, candidate: usize, score: f64, (place, source): (&str, &str)) -> Record {
    let facts = |name: &str| PictureFacts {
        digest: editscale_engine::digest_of(name.as_bytes()).to_string(),
        hash: 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(name.bytes().map(u64::from).sum::<u64>() + row as u64 * 31),
        width: 8,
        height: 8,
        name: Some(name.to_owned()),
    };
    Record {
        row: row as u64,
        place: place.to_owned(),
        row_id: row.to_string(),
        candidate: candidate as u32,
        instruction: format!("edit {row}"),
        source: Some(facts(source)),
        edited: Some(facts(&format!("pictures/{row}-{candidate}.png"))),
        score: Some(score),
        sigma: None,
        said: BTreeMap::new(),
        failure: None,
        extra: serde_json::Map::new(),
    }
}

fn rules(keep: Keep, validation: f64) -> Rules {
    Rules { keep, split: SplitRule { validation, salt: 3, ..SplitRule::default() }, ..Rules::default() }
}

fn table(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap().build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    assert_eq!(batches.len(), 1);
    batches.into_iter().next().unwrap()
}

fn texts(batch: &RecordBatch, name: &str) -> Vec<String> {
    let column = batch.column_by_name(name).unwrap().as_string::<i32>();
    (0..column.len()).map(|at| if column.is_null(at) { "-".to_owned() } else { column.value(at).to_owned() }).collect()
}

#[test]
fn kept_rows_and_fates_say_the_same() {
    let desk = Desk::new();
    let (dataset, files) = (desk.dataset(), desk.files());
    let overrides = Overrides::from([((3, 0), Override::Drop)]);
    let chosen = choose(files.records(), &rules(Keep::Top(2), 0.0), &overrides).unwrap();
    let folder = ChoiceFolder::begin(&desk.path("out")).unwrap();
    let kept = write_kept((&dataset, &files), (&chosen, false), &folder.path()).unwrap();
    assert_eq!((kept.train.rows, kept.train.linked + kept.train.copied, kept.validation), (2, 6, None));
    write_fates((&chosen, &files), &overrides, &folder.path().join("choice.parquet")).unwrap();
    let place = folder.publish().unwrap();
    let lines = fs::read_to_string(place.join("kept/rows.jsonl")).unwrap();
    let all = fs::read_to_string(desk.path("rows.jsonl")).unwrap();
    let all: Vec<&str> = all.lines().collect();
    assert_eq!(lines.lines().collect::<Vec<_>>(), [all[0], all[2]]);
    assert_eq!(fs::read_to_string(place.join("kept/pictures/2-1.png")).unwrap(), "pictures/2-1.png");
    let fates = table(&place.join("choice.parquet"));
    assert_eq!(texts(&fates, "fate").join(" "), "train dropped dropped dropped train dropped dropped dropped");
    assert_eq!(texts(&fates, "side"), ["train"; 8]);
    assert_eq!(texts(&fates, "row_id").join(" "), "0 0 1 2 2 2 3 4");
    assert_eq!(texts(&fates, "person").join(" "), "- - - - - - drop -");
    assert_eq!(texts(&fates, "reason")[6], "rejected by a person");
}

#[test]
fn both_sides_of_a_split_are_the_data_set() {
    let desk = Desk::new();
    let (dataset, files) = (desk.dataset(), desk.files());
    let chosen = choose(files.records(), &rules(Keep::All, 0.5), &Overrides::new()).unwrap();
    let out = desk.path("sides");
    let kept = write_kept((&dataset, &files), (&chosen, true), &out).unwrap();
    let validation = kept.validation.unwrap();
    assert_eq!(kept.train.rows + validation.rows, ROWS.len() as u64);
    let sources = |side: &str| {
        let text = fs::read_to_string(out.join(side).join("rows.jsonl")).unwrap_or_default();
        let source = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["source"].to_string();
        text.lines().map(source).collect::<Vec<_>>()
    };
    assert!(sources("train").iter().all(|source| !sources("validation").contains(source)));
}

#[test]
fn scores_that_changed_meanwhile_are_told() {
    let desk = Desk::new();
    let (dataset, files) = (desk.dataset(), desk.files());
    let mut chosen = choose(files.records(), &rules(Keep::All, 0.0), &Overrides::new()).unwrap();
    chosen.fated.pop();
    let error = write_kept((&dataset, &files), (&chosen, false), &desk.path("x")).unwrap_err();
    assert!(matches!(error, ResultsError::Changed { .. }), "{error}");
}

#[tokio::test]
async fn pairs_have_their_pictures() {
    let desk = Desk::new();
    let (dataset, files) = (desk.dataset(), desk.files());
    let overrides = Overrides::from([((0, 1), Override::Keep), ((0, 0), Override::Drop)]);
    let chosen = choose(files.records(), &rules(Keep::All, 0.0), &overrides).unwrap();
    let made = preferences(files.records(), &PreferenceRules::default(), &overrides).unwrap();
    let pairs: Vec<_> = made.collect();
    let pictures = Pictures::new(editscale_picture::Limits::default(), editscale_fetch::Patience::default());
    let source = PairSource { dataset: &dataset, files: &files, chosen: &chosen, pictures: &pictures };
    let path = desk.path("pairs.parquet");
    assert_eq!(write_pairs(source, &pairs, &path).await.unwrap(), 2);
    let table = table(&path);
    let shown = |name: &str| {
        let column = table.column_by_name(name).unwrap().as_struct();
        let bytes = column.column(0).as_binary::<i32>();
        (0..bytes.len()).map(|at| String::from_utf8(bytes.value(at).to_vec()).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(shown("source"), ["pictures/a.png", "pictures/a.png"]);
    assert_eq!(shown("chosen"), ["pictures/0-1.png", "pictures/2-1.png"]);
    assert_eq!(shown("rejected"), ["pictures/0-0.png", "pictures/2-0.png"]);
    assert_eq!(texts(&table, "preferred_by"), ["person", "rewards"]);
    assert_eq!(texts(&table, "side"), ["train", "train"]);
    assert_eq!(table.column_by_name("row").unwrap().as_primitive::<Int64Type>().values(), &[0, 2]);
    let several = desk.path("several.parquet");
    assert_eq!(write_kept_of_several(source, &several).await.unwrap(), 2);
    let kept = self::table(&several);
    assert_eq!(kept.column_by_name("candidate").unwrap().as_primitive::<Int64Type>().values(), &[1, 1]);
    let edited = kept.column_by_name("edited").unwrap().as_struct();
    assert_eq!(edited.column(0).as_binary::<i32>().value(0), b"pictures/0-1.png");
    let label = Label { of: (3, 0), is_desirable: false, who: "me".to_owned(), score: Some(0.95) };
    let labels = desk.path("labels.parquet");
    assert_eq!(write_labels(source, &[label], &labels).await.unwrap(), 1);
    assert!(!self::table(&labels).column_by_name("label").unwrap().as_boolean().value(0));
    fs::write(desk.path("pictures/2-0.png"), "something else").unwrap();
    let error = write_pairs(source, &pairs, &desk.path("changed.parquet")).await.unwrap_err().to_string();
    assert!(error.contains("2-0.png is another picture than the one that was scored"), "{error}");
    fs::remove_file(desk.path("pictures/2-0.png")).unwrap();
    let error = write_pairs(source, &pairs, &desk.path("again.parquet")).await.unwrap_err().to_string();
    assert!(error.contains("a picture of row 2 cannot be read again") && error.contains("2-0.png"), "{error}");
}
