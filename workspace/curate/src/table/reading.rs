//! A Parquet file to records, a few at a time.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrowPrimitiveType, PrimitiveArray, RecordBatch, StringArray};
use editscale_rollout::dataset::Batches;
use serde_json::Value as Json;

use super::layout::{EXTRA, FORM, KEY, KIND, SAID};
use super::{Layout, TableError};
use crate::{PictureFacts, Record, Value};

/// Records that are read at a time.
const BATCH: usize = 1024;

/// One open file.
pub(super) struct Reader {
    path: PathBuf,
    batches: Batches,
    read: std::vec::IntoIter<Record>,
    layout: Layout,
}

impl Reader {
    pub(super) fn open(path: &Path) -> Result<Self, TableError> {
        let file = File::open(path).map_err(|source| TableError::Io { path: path.to_owned(), source })?;
        let unreadable = |reason| TableError::Unreadable { path: path.to_owned(), reason };
        let batches = Batches::open(file, BATCH).map_err(unreadable)?;
        let layout = Layout::of_schema(batches.schema());
        Ok(Self { path: path.to_owned(), batches, read: Vec::new().into_iter(), layout })
    }

    /// The columns of the file.
    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    fn unreadable(&self, reason: String) -> TableError {
        TableError::Unreadable { path: self.path.clone(), reason }
    }
}

impl Iterator for Reader {
    type Item = Result<Record, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.read.next() {
                return Some(Ok(record));
            }
            let batch = self.batches.next()?;
            match batch.and_then(|batch| Batch(&batch).records()) {
                Ok(records) => self.read = records.into_iter(),
                Err(reason) => return Some(Err(self.unreadable(reason))),
            }
        }
    }
}

struct Batch<'a>(&'a RecordBatch);

/// The columns of one key of what was said.
struct Said<'a> {
    key: String,
    mean: &'a PrimitiveArray<Float64Type>,
    sigma: &'a PrimitiveArray<Float64Type>,
}

/// A carried column.
struct Extra<'a> {
    key: String,
    is_text: bool,
    cells: &'a StringArray,
}

/// The columns of one picture.
struct Picture<'a> {
    digest: &'a StringArray,
    hash: &'a StringArray,
    width: &'a PrimitiveArray<UInt32Type>,
    height: &'a PrimitiveArray<UInt32Type>,
    name: &'a StringArray,
}

impl<'a> Batch<'a> {
    fn column(&self, name: &str) -> Result<&'a dyn Array, String> {
        let column = self.0.column_by_name(name);
        column.map(AsRef::as_ref).ok_or_else(|| format!("expected a table of scores, found no column `{name}`"))
    }

    fn texts(&self, name: &str) -> Result<&'a StringArray, String> {
        self.column(name)?.as_string_opt::<i32>().ok_or_else(|| format!("expected texts in column `{name}`"))
    }

    fn numbers<T: ArrowPrimitiveType>(&self, name: &str) -> Result<&'a PrimitiveArray<T>, String> {
        let numbers = self.column(name)?.as_primitive_opt::<T>();
        numbers.ok_or_else(|| format!("expected {} in column `{name}`", T::DATA_TYPE))
    }

    fn picture(&self, name: &str) -> Result<Picture<'a>, String> {
        Ok(Picture {
            digest: self.texts(&format!("{name}_digest"))?,
            hash: self.texts(&format!("{name}_hash"))?,
            width: self.numbers(&format!("{name}_width"))?,
            height: self.numbers(&format!("{name}_height"))?,
            name: self.texts(&format!("{name}_name"))?,
        })
    }

    /// The columns that differ from table to table.
    fn others(&self) -> Result<(Vec<Said<'a>>, Vec<Extra<'a>>), String> {
        let (mut said, mut extra) = (Vec::new(), Vec::new());
        for field in self.0.schema_ref().fields() {
            let word = |name: &str| field.metadata().get(name).map(String::as_str);
            let Some(key) = word(KEY).map(str::to_owned) else { continue };
            match (word(KIND), word(FORM)) {
                (Some(SAID), Some("mean")) => {
                    let (mean, sigma) = (self.numbers(field.name())?, self.numbers(&format!("{key}.sigma"))?);
                    said.push(Said { key, mean, sigma });
                }
                (Some(EXTRA), form) => {
                    extra.push(Extra { key, is_text: form == Some("text"), cells: self.texts(field.name())? });
                }
                _ => {}
            }
        }
        Ok((said, extra))
    }

    fn records(&self) -> Result<Vec<Record>, String> {
        let (row, candidate) = (self.numbers::<UInt64Type>("row")?, self.numbers::<UInt32Type>("candidate")?);
        let (row_id, place, instruction) = (self.texts("row_id")?, self.texts("place")?, self.texts("instruction")?);
        let (source, edited) = (self.picture("source")?, self.picture("edited")?);
        let (score, sigma) = (self.numbers::<Float64Type>("score")?, self.numbers::<Float64Type>("sigma")?);
        let failure = self.texts("failure")?;
        let (said, extra) = self.others()?;
        let record = |at: usize| {
            Ok(Record {
                row: row.value(at),
                place: place.value(at).to_owned(),
                row_id: row_id.value(at).to_owned(),
                candidate: candidate.value(at),
                instruction: instruction.value(at).to_owned(),
                source: source.facts(at)?,
                edited: edited.facts(at)?,
                score: number(score, at),
                sigma: number(sigma, at),
                said: said.iter().filter_map(|said| said.value(at)).collect::<BTreeMap<_, _>>(),
                failure: text(failure, at).map(str::to_owned),
                extra: extra.iter().filter_map(|extra| extra.value(at)).collect::<Result<_, String>>()?,
            })
        };
        (0..self.0.num_rows()).map(record).collect()
    }
}

fn number<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, at: usize) -> Option<T::Native> {
    array.is_valid(at).then(|| array.value(at))
}

fn text(array: &StringArray, at: usize) -> Option<&str> {
    array.is_valid(at).then(|| array.value(at))
}

impl Said<'_> {
    fn value(&self, at: usize) -> Option<(String, Value)> {
        Some((self.key.clone(), Value { mean: number(self.mean, at)?, sigma: number(self.sigma, at) }))
    }
}

impl Extra<'_> {
    fn value(&self, at: usize) -> Option<Result<(String, Json), String>> {
        let cell = text(self.cells, at)?;
        let value = if self.is_text { Ok(Json::String(cell.to_owned())) } else { serde_json::from_str(cell) };
        let told = |error: serde_json::Error| format!("expected JSON in column `{}`: {error}", self.key);
        Some(value.map(|value| (self.key.clone(), value)).map_err(told))
    }
}

impl Picture<'_> {
    fn facts(&self, at: usize) -> Result<Option<PictureFacts>, String> {
        let Some(digest) = text(self.digest, at) else { return Ok(None) };
        let hash = text(self.hash, at).unwrap_or_default();
        let hash = u64::from_str_radix(hash, 16)
            .map_err(|_| format!("expected a hash of 16 hexadecimal digits, found `{hash}`"))?;
        Ok(Some(PictureFacts {
            digest: digest.to_owned(),
            hash,
            width: number(self.width, at).unwrap_or_default(),
            height: number(self.height, at).unwrap_or_default(),
            name: text(self.name, at).map(str::to_owned),
        }))
    }
}
