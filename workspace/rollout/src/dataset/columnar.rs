//! Parquet: a file or shards, as Hugging Face `datasets` and others write them.

use std::collections::VecDeque;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex};

use arrow_array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::ParquetMetaData;

use super::arrow::{cell, unreadable};
use super::cell::{Cell, Cells, dig, plain};
use super::columns::{Chosen, Found, listed};
use super::files::{Files, lock};
use super::footer;
use super::place::{index, numbers, place};
use super::reader::{Reader, Rows, foreign};
use super::subset::columnar::Table;
use super::subset::{Copier, CopyError};
use super::{DatasetError, Listed};
use crate::{Columns, Place, RowProblem};

/// Bytes that are decoded at once, by what the file says of its rows.
const BATCH_BYTES: u64 = 8 << 20;
/// Rows that are decoded at once.
const BATCH_ROWS: u64 = 256;
/// Decoded bytes that are kept.
const KEPT_BYTES: usize = 64 << 20;
/// Half-read row groups that are kept.
const CURSORS: usize = 4;
/// Footers that are kept.
const FOOTERS: usize = 8;

/// A reader of Parquet files. The last decoded batches are kept, and half-read row groups too, so that rows in rising order,
/// or nearly so, are decoded once.
#[derive(Debug)]
pub(super) struct Columnar {
    files: Files,
    chosen: Chosen,
    footers: Mutex<VecDeque<(usize, Arc<Footer>)>>,
    batches: Mutex<VecDeque<Arc<Batch>>>,
    cursors: Mutex<VecDeque<Cursor>>,
}

/// What a file says of itself.
#[derive(Debug)]
struct Footer {
    metadata: ArrowReaderMetadata,
    /// Rows of each group.
    groups: Vec<u64>,
    /// The columns that are read.
    mask: ProjectionMask,
    /// The columns that it has not.
    lacking: Vec<String>,
}

/// Decoded rows.
#[derive(Debug)]
struct Batch {
    file: usize,
    group: usize,
    first: u64,
    rows: RecordBatch,
    bytes: usize,
}

impl Batch {
    fn holds(&self, spot: Spot) -> bool {
        let rows = self.first..self.first + self.rows.num_rows() as u64;
        (self.file, self.group) == (spot.file, spot.group) && rows.contains(&spot.row)
    }
}

/// A row group that is read up to a row.
struct Cursor {
    file: usize,
    group: usize,
    next: u64,
    reader: ParquetRecordBatchReader,
}

impl std::fmt::Debug for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cursor({}:{}:{})", self.file, self.group, self.next)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spot {
    file: usize,
    group: usize,
    row: u64,
}

/// The names of the columns.
pub(super) fn names(files: &Files) -> Result<Vec<String>, DatasetError> {
    let broken = |reason| DatasetError::Broken { path: files.path(0).to_owned(), reason };
    let metadata = read_footer(files.path(0)).map_err(broken)?;
    Ok(metadata.schema().fields().iter().map(|field| field.name().clone()).collect())
}

impl Columnar {
    pub(super) fn open(path: &Path, files: Files, columns: &Columns) -> Result<Self, DatasetError> {
        let broken = |reason| DatasetError::Broken { path: files.path(0).to_owned(), reason };
        let metadata = read_footer(files.path(0)).map_err(broken)?;
        let schema = metadata.schema();
        let names = schema.fields().iter().map(|field| field.name().clone()).collect();
        let chosen = Found::new(path, names).choose(columns)?;
        for name in chosen.names() {
            let Some(field) = schema.fields().iter().find(|field| field.name() == root(schema, name)) else { continue };
            if let Some(found) = unreadable(field.data_type()) {
                let reason = format!("the column `{name}` cannot be read: its type is {found}");
                return Err(DatasetError::Columns { path: path.to_owned(), reason });
            }
        }
        Ok(Self { files, chosen, footers: Mutex::default(), batches: Mutex::default(), cursors: Mutex::default() })
    }

    /// What a file says of itself.
    pub(super) fn metadata(&self, file: usize) -> Result<ArrowReaderMetadata, String> {
        Ok(self.footer(file)?.metadata.clone())
    }

    /// The cells of a row, by what each column holds.
    pub(super) fn cells_by(&self, get: impl FnMut(&str) -> Result<Option<Cell>, String>) -> Result<Cells, String> {
        Cells::gather(&self.chosen, get)
    }

    fn footer(&self, file: usize) -> Result<Arc<Footer>, String> {
        let known = lock(&self.footers).iter().find(|(known, _)| *known == file).map(|(_, footer)| Arc::clone(footer));
        if let Some(footer) = known {
            return Ok(footer);
        }
        let footer = Arc::new(Footer::new(read_footer(self.files.path(file))?, &self.chosen)?);
        let mut footers = lock(&self.footers);
        footers.push_front((file, Arc::clone(&footer)));
        footers.truncate(FOOTERS);
        Ok(footer)
    }

    /// The batch that holds a row.
    fn batch(&self, spot: Spot, footer: &Footer) -> Result<Arc<Batch>, String> {
        let kept = || lock(&self.batches).iter().find(|batch| batch.holds(spot)).cloned();
        if let Some(batch) = kept() {
            return Ok(batch);
        }
        let mut cursors = lock(&self.cursors);
        // Whoever held the cursors may have decoded it meanwhile.
        if let Some(batch) = kept() {
            return Ok(batch);
        }
        let size = footer.batch_rows(spot.group);
        let at = cursors.iter().position(|cursor| cursor.is_before(spot, size));
        let cursor = match at.and_then(|at| cursors.remove(at)) {
            Some(cursor) => Ok(cursor),
            None => self.cursor(Spot { row: spot.row - spot.row % size, ..spot }, footer, size),
        };
        match cursor.and_then(|cursor| self.read_to(spot, cursor)) {
            Ok((cursor, batch)) => {
                cursors.push_front(cursor);
                cursors.truncate(CURSORS);
                Ok(batch)
            }
            // A row beside it may be at fault: alone, this one may be read.
            Err(_) if size > 1 => self.read_to(spot, self.cursor(spot, footer, 1)?).map(|(_, batch)| batch),
            Err(reason) => Err(reason),
        }
    }

    fn cursor(&self, spot: Spot, footer: &Footer, size: u64) -> Result<Cursor, String> {
        let file = File::open(self.files.path(spot.file)).map_err(|error| error.to_string())?;
        let metadata = footer.metadata.clone();
        let reader = guarded(|| {
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata)
                .with_projection(footer.mask.clone())
                .with_row_groups(vec![spot.group])
                .with_offset(index(spot.row))
                .with_batch_size(index(size))
                .build()
                .map_err(|error| error.to_string())
        })?;
        Ok(Cursor { file: spot.file, group: spot.group, next: spot.row, reader })
    }

    /// Decodes up to a row, and keeps what is decoded.
    fn read_to(&self, spot: Spot, mut cursor: Cursor) -> Result<(Cursor, Arc<Batch>), String> {
        loop {
            let rows = guarded(|| cursor.reader.next().transpose().map_err(|error| error.to_string()))?;
            let rows = rows.filter(|rows| rows.num_rows() > 0).ok_or("the row group ends before this row")?;
            let (first, bytes) = (cursor.next, rows.get_array_memory_size());
            cursor.next += rows.num_rows() as u64;
            let batch = Arc::new(Batch { file: cursor.file, group: cursor.group, first, rows, bytes });
            self.keep(Arc::clone(&batch));
            if batch.holds(spot) {
                return Ok((cursor, batch));
            }
        }
    }

    fn keep(&self, batch: Arc<Batch>) {
        let mut batches = lock(&self.batches);
        batches.push_front(batch);
        while batches.len() > 1 && batches.iter().map(|batch| batch.bytes).sum::<usize>() > KEPT_BYTES {
            batches.pop_back();
        }
    }
}

impl Cursor {
    /// Whether going on from here to a row is less work than to begin at the row.
    fn is_before(&self, spot: Spot, size: u64) -> bool {
        let near = self.next..=self.next.saturating_add(size.saturating_mul(4));
        (self.file, self.group) == (spot.file, spot.group) && near.contains(&spot.row)
    }
}

impl Footer {
    fn new(metadata: ArrowReaderMetadata, chosen: &Chosen) -> Result<Self, String> {
        let schema = metadata.schema();
        let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let roots: Vec<&str> = chosen.names().into_iter().map(|name| root(schema, name)).collect();
        let lacking = roots.iter().filter(|root| !names.iter().any(|name| name == *root));
        let lacking = lacking.map(|root| (*root).to_owned()).collect();
        let wanted = names.iter().enumerate().filter(|(_, name)| roots.contains(&name.as_str())).map(|(at, _)| at);
        let mask = ProjectionMask::roots(metadata.parquet_schema(), wanted.collect::<Vec<_>>());
        let groups = metadata.metadata().row_groups().iter();
        let groups: Vec<u64> = groups
            .map(|group| u64::try_from(group.num_rows()).map_err(|_| "a row group has fewer than no rows".to_owned()))
            .collect::<Result<_, _>>()?;
        Ok(Self { metadata, groups, mask, lacking })
    }

    /// Rows of a group that are decoded at once.
    fn batch_rows(&self, group: usize) -> u64 {
        rows_at_once(self.metadata.metadata(), group, |leaf| self.mask.leaf_included(leaf))
    }
}

/// Rows of a group that are decoded at once, with these of its columns.
pub(super) fn rows_at_once(metadata: &ParquetMetaData, group: usize, is_read: impl Fn(usize) -> bool) -> u64 {
    let Some(group) = metadata.row_groups().get(group) else { return 1 };
    let columns = group.columns().iter().enumerate().filter(|(at, _)| is_read(*at));
    let bytes: u64 = columns.map(|(_, column)| u64::try_from(column.uncompressed_size()).unwrap_or(0)).sum();
    let rows = u64::try_from(group.num_rows()).unwrap_or(1).max(1);
    (BATCH_BYTES / (bytes / rows).max(1)).clamp(1, BATCH_ROWS)
}

/// The column of the table that a name begins in.
fn root<'a>(schema: &arrow_schema::Schema, name: &'a str) -> &'a str {
    match name.split_once('.') {
        Some((outer, _)) if schema.field_with_name(name).is_err() => outer,
        _ => name,
    }
}

fn read_footer(path: &Path) -> Result<ArrowReaderMetadata, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    // Without the writer's own schema all kinds of texts are one, and so are all kinds of bytes.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    footer::read_footer(&file, options)
}

/// A damaged file must cost its rows and nothing else, also where the decoder panics.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|_| Err("the Parquet file is damaged: its decoder gave up".to_owned()))
}

/// What a column holds in a row of a batch.
pub(super) fn find(batch: &RecordBatch, row: usize, name: &str) -> Result<Option<Cell>, String> {
    if let Some(column) = batch.column_by_name(name) {
        return cell(column.as_ref(), row).map(Some).map_err(|reason| format!("`{name}`: {reason}"));
    }
    let Some((outer, inner)) = name.split_once('.') else { return Ok(None) };
    let Some(column) = batch.column_by_name(outer) else { return Ok(None) };
    let outer = plain(cell(column.as_ref(), row).map_err(|reason| format!("`{name}`: {reason}"))?);
    Ok(outer.as_object().and_then(|fields| dig(fields, inner)).cloned().map(Cell::Value))
}

impl Reader for Columnar {
    fn format(&self) -> &'static str {
        "Parquet"
    }

    fn files(&self) -> &Files {
        &self.files
    }

    fn chosen(&self) -> &Chosen {
        &self.chosen
    }

    fn list(self: Arc<Self>) -> Rows {
        let count = self.files.count();
        let per_file = move |file: usize| match self.footer(file) {
            Ok(footer) => rows_of(Arc::clone(&self), file, &footer),
            Err(reason) => {
                let path = self.files.path(file).to_owned();
                Box::new(std::iter::once(Err(DatasetError::Broken { path, reason })))
            }
        };
        Box::new((0..count).flat_map(per_file))
    }

    fn spot(&self, place: &Place) -> String {
        let Some([file, group, row]) = numbers(place) else { return place.to_string() };
        let name = self.files.name(index(file));
        match self.footer(index(file)) {
            Ok(footer) => {
                let before: u64 = footer.groups.iter().take(index(group)).sum();
                format!("{name}, row {}", before + row)
            }
            Err(_) => format!("{name}, row {row} of group {group}"),
        }
    }

    fn cells(&self, place: &Place) -> Result<Cells, String> {
        let [file, group, row] = numbers(place).ok_or_else(|| foreign(place))?;
        let spot = Spot { file: index(file), group: index(group), row };
        if spot.file >= self.files.count() {
            return Err(foreign(place));
        }
        let footer = self.footer(spot.file)?;
        if footer.groups.get(spot.group).is_none_or(|rows| row >= *rows) {
            return Err(foreign(place));
        }
        if !footer.lacking.is_empty() {
            return Err(lacking(&footer));
        }
        let batch = self.batch(spot, &footer)?;
        let row = index(row - batch.first);
        self.cells_by(|name| find(&batch.rows, row, name))
    }

    fn copier(self: Arc<Self>, file: usize, created: File) -> Result<Box<dyn Copier>, CopyError> {
        Ok(Box::new(Table::new(self, file, created)?))
    }
}

fn lacking(footer: &Footer) -> String {
    format!("the file has no column {}, which the first file has", listed(&footer.lacking))
}

fn rows_of(columnar: Arc<Columnar>, file: usize, footer: &Footer) -> Rows {
    let groups: Vec<u64> = footer.groups.clone();
    let problem = (!footer.lacking.is_empty()).then(|| lacking(footer));
    let rows = groups.into_iter().enumerate().flat_map(|(group, rows)| (0..rows).map(move |row| (group as u64, row)));
    Box::new(rows.map(move |(group, row)| {
        let place = place([file as u64, group, row]);
        let problem = problem.clone().map(|reason| RowProblem { place: columnar.spot(&place), reason });
        Ok(Listed { place, problem })
    }))
}
