//! What became of every record, as Parquet.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt32Array, UInt64Array};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::rows::side_word;
use super::{ResultsError, io, parquet};
use crate::choice::{Chosen, Fate, Fated, Overrides};
use crate::table::ScoreFiles;

/// What the table is called in the folder of a choice.
pub const CHOICE_TABLE: &str = "choice.parquet";

/// What `fate` says of records that were not kept.
pub const DROPPED: &str = "dropped";

/// Rows that are in memory at a time.
const ROWS: usize = 8192;

/// Writes a row for each record, in record order: `row` and `candidate`, which join it to the scores; `row_id` and
/// `instruction`; `score`, `bound`, `stratum`; `side` of the split, kept or not; `fate` (`train`, `validation` or `dropped`),
/// `reason` where it was dropped, and `person` (`keep` or `drop`) where somebody said so. Blocking.
pub fn write_fates(
    (chosen, files): (&Chosen, &ScoreFiles),
    overrides: &Overrides,
    path: &Path,
) -> Result<(), ResultsError> {
    let failed = parquet(path);
    let file = File::create_new(path).map_err(io(path))?;
    let schema = batch(chosen, overrides, (&[], &[])).map_err(|error| failed(&error))?.schema();
    let properties = WriterProperties::builder()
        .set_created_by(concat!("editscale version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()));
    let writer = ArrowWriter::try_new(file, schema, Some(properties.build()));
    let mut writer = writer.map_err(|error| failed(&error))?;
    let mut records = files.records();
    for fated in chosen.fated.chunks(ROWS) {
        let of: Vec<[String; 2]> = records
            .by_ref()
            .take(fated.len())
            .map(|record| record.map(|record| [record.row_id, record.instruction]))
            .collect::<Result<_, _>>()?;
        let batch = batch(chosen, overrides, (fated, &of)).map_err(|error| failed(&error))?;
        writer.write(&batch).map_err(|error| failed(&error))?;
    }
    let file = writer.into_inner().map_err(|error| failed(&error))?;
    file.sync_all().map_err(io(path))
}

fn batch(
    chosen: &Chosen,
    overrides: &Overrides,
    (fated, texts): (&[Fated], &[[String; 2]]),
) -> Result<RecordBatch, arrow_schema::ArrowError> {
    let stratum = |fated: &Fated| chosen.strata.get(fated.stratum as usize).map(String::as_str);
    let fate = |fated: &Fated| match &fated.fate {
        Fate::Kept(side) => side_word(*side),
        Fate::Dropped(_) => DROPPED,
    };
    let reason = |fated: &Fated| match &fated.fate {
        Fate::Kept(_) => None,
        Fate::Dropped(reason) => Some(reason.to_string()),
    };
    let person = |fated: &Fated| overrides.get(&(fated.row, fated.candidate)).map(|said| said.word());
    let text = |place: usize| -> ArrayRef { Arc::new(texts.iter().map(|of| of.get(place)).collect::<StringArray>()) };
    let columns: [(&str, ArrayRef, bool); 11] = [
        ("row", Arc::new(fated.iter().map(|fated| fated.row).collect::<UInt64Array>()), false),
        ("candidate", Arc::new(fated.iter().map(|fated| fated.candidate).collect::<UInt32Array>()), false),
        ("row_id", text(0), true),
        ("instruction", text(1), true),
        ("score", Arc::new(fated.iter().map(|fated| fated.score).collect::<Float64Array>()), true),
        ("bound", Arc::new(fated.iter().map(|fated| fated.bound).collect::<Float64Array>()), true),
        ("stratum", Arc::new(fated.iter().map(stratum).collect::<StringArray>()), true),
        ("side", Arc::new(fated.iter().map(|fated| Some(side_word(fated.side))).collect::<StringArray>()), false),
        ("fate", Arc::new(fated.iter().map(|fated| Some(fate(fated))).collect::<StringArray>()), false),
        ("reason", Arc::new(fated.iter().map(reason).collect::<StringArray>()), true),
        ("person", Arc::new(fated.iter().map(person).collect::<StringArray>()), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns)
}
