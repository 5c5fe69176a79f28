//! What a curation kept, from the file of its last choice.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray, UInt32Array, UInt64Array};
use editscale_benchmarks::KeptRecords;
use editscale_curate::Record;
use parquet::arrow::ArrowWriter;

/// Three records, two of them kept; the last column has this name.
fn write(folder: &Path, last: &str) {
    let columns: [(&str, ArrayRef); 3] = [
        ("row", Arc::new(UInt64Array::from(vec![0, 0, 3]))),
        ("candidate", Arc::new(UInt32Array::from(vec![0, 1, 0]))),
        (last, Arc::new(StringArray::from(vec!["train", "dropped", "validation"]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    fs::create_dir_all(folder.join("choice")).unwrap();
    let file = File::create(folder.join("choice/choice.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn record(row: u64, candidate: u32) -> Record {
    Record {
        row,
        candidate,
        place: String::new(),
        row_id: String::new(),
        instruction: String::new(),
        source: None,
        edited: None,
        score: None,
        sigma: None,
        said: std::collections::BTreeMap::new(),
        failure: None,
        extra: serde_json::Map::new(),
    }
}

#[test]
fn train_and_validation_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(KeptRecords::find(folder.path()).unwrap(), None);
    write(folder.path(), "fate");
    let kept = KeptRecords::find(folder.path()).unwrap().unwrap();
    let holds = [(0, 0), (0, 1), (3, 0), (3, 1)].map(|(row, candidate)| kept.holds(&record(row, candidate)));
    assert_eq!((kept.count(), holds), (2, [true, false, true, false]));
    write(folder.path(), "destiny");
    let error = KeptRecords::find(folder.path()).unwrap_err().to_string();
    assert!(error.contains("choice.parquet") && error.contains("row, candidate and fate"), "{error}");
}
