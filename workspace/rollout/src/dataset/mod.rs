//! Readers of data sets: they list rows in a fixed order without holding them, and fetch a row from its place.
//!
//! | format | rows | places |
//! |---|---|---|
//! | JSONL, also as `.gz` or `.zst` | a JSON object a line | file, line, offset, length |
//! | a JSON list, also packed | an object of the one array that the file is | file, number of the element, offset, length |
//! | CSV and TSV, also packed; `metadata.csv` of a folder of pictures | a record, quoted line breaks allowed | the same |
//! | Parquet, one file or shards | a row | file, row group, row |
//! | `WebDataset`, tar archives, also packed | members of one key, one after the other | file, offset of the first header |
//!
//! Of a packed file a row is reached by unpacking all that lies before it. What was unpacked last is kept, so rows in rising
//! order cost one pass; each leap back of more than some megabytes costs another.

mod arrow;
mod batches;
mod cell;
mod columnar;
mod columns;
mod edited;
mod elements;
mod error;
mod files;
mod find;
mod fingerprint;
mod footer;
mod json;
mod lines;
mod named;
mod nesting;
mod pictures;
mod place;
mod reader;
mod samples;
mod scanner;
mod sniff;
mod subset;
mod table;
mod tar;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use batches::Batches;
pub use error::DatasetError;
pub use pictures::{PictureBytes, PictureProblem, Pictures};
pub use subset::{SubsetError, SubsetSummary, SubsetWriter};

use self::columnar::Columnar;
use self::elements::Elements;
use self::files::Files;
use self::fingerprint::Known;
use self::lines::Lines;
use self::reader::{Reader, Rows};
use self::samples::Samples;
use self::sniff::{Kind, sniff};
use self::table::Table;
use crate::{Columns, Place, Row, RowProblem};

/// A row as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Where it lies.
    pub place: Place,
    /// Why it cannot be used, where that is seen without reading its picture.
    pub problem: Option<RowProblem>,
}

/// A data set of one of the formats. Cheap to clone; all methods may be called by many threads at once.
#[derive(Debug, Clone)]
pub struct Dataset {
    path: PathBuf,
    reader: Arc<dyn Reader>,
    fingerprint: String,
}

impl Dataset {
    /// Opens a file, a folder with one data set in it, or a pattern such as `shards/{000000..000012}.tar`. The format is told
    /// by what is there, not by the name alone.
    pub fn open(path: &Path, columns: &Columns) -> Result<Self, DatasetError> {
        let paths = find::find(path)?;
        let files = Files::new(paths).map_err(|(path, source)| DatasetError::Disk { path, source })?;
        let reader: Arc<dyn Reader> = match sniff(path, &files)? {
            Kind::Lines => Arc::new(Lines::open(path, files, columns)?),
            Kind::Elements => Arc::new(Elements::open(path, files, columns)?),
            Kind::Table => Arc::new(Table::open(path, files, columns)?),
            Kind::Columnar => Arc::new(Columnar::open(path, files, columns)?),
            Kind::Samples => Arc::new(Samples::open(path, files, columns)?),
        };
        let fingerprint = fingerprint(&*reader)?;
        Ok(Self { path: path.to_owned(), reader, fingerprint })
    }

    /// The names of the columns, keys or members of what [`Dataset::open`] would open there, in its order; of formats where rows
    /// may differ, those of the first rows. Blocking.
    pub fn column_names(path: &Path) -> Result<Vec<String>, DatasetError> {
        let paths = find::find(path)?;
        let files = Files::new(paths).map_err(|(path, source)| DatasetError::Disk { path, source })?;
        match sniff(path, &files)? {
            Kind::Elements => elements::sample(path, &files),
            Kind::Lines => lines::sample(path, &files),
            Kind::Table => Ok(table::common_header(path, &files)?.1),
            Kind::Columnar => columnar::names(&files),
            Kind::Samples => Ok(samples::survey(path, &files)?.names),
        }
    }

    /// Lists rows in a fixed order: files in name order, rows as they lie in them. Blocking. A row with a problem is listed with
    /// it. After an error there is nothing more.
    pub fn list(&self) -> impl Iterator<Item = Result<Listed, DatasetError>> + Send + use<> {
        let rows: Rows = Arc::clone(&self.reader).list();
        let mut is_over = false;
        rows.take_while(move |row| !std::mem::replace(&mut is_over, row.is_err()))
    }

    /// Fetches a row from its place; `number` is its number, which is its id where there is no id column. Blocking.
    pub fn fetch(&self, place: &Place, number: u64) -> Result<Row, RowProblem> {
        let cells = self.reader.cells(place);
        let file = place.0.split(':').next().and_then(|file| file.parse().ok()).unwrap_or(0);
        let row = cells.and_then(|cells| cells.row(self.reader.chosen(), self.reader.files().folder(file), number));
        row.map_err(|reason| RowProblem { place: self.reader.spot(place), reason })
    }

    /// Begins to write a part of the data set, in its own format, into the folder `out`: rows that are kept, byte for byte
    /// where the format allows it, and the pictures that they name by a path. `out` should be fresh, and is only of use once
    /// [`SubsetWriter::finish`] has come back. Blocking.
    pub fn subset(&self, out: &Path) -> Result<SubsetWriter, SubsetError> {
        SubsetWriter::new(&self.path, Arc::clone(&self.reader), out)
    }

    /// Where a row lies, for people: file and line, record or member. Blocking.
    pub fn spot(&self, place: &Place) -> String {
        self.reader.spot(place)
    }

    /// A digest of what the data set is: names, lengths and contents of its files, and the columns. It is the same for a copy
    /// elsewhere. Of large files only blocks are looked at.
    pub fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    /// A line for people: format, files, columns used.
    pub fn describe(&self) -> String {
        let (files, format) = (self.reader.files(), self.reader.format());
        let count = match files.count() {
            1 => files.name(0),
            count => format!("{count} files from {} to {}", files.name(0), files.name(count - 1)),
        };
        format!("{format}, {}: {count}; {}", self.path.display(), self.reader.chosen().describe())
    }
}

fn fingerprint(reader: &dyn Reader) -> Result<String, DatasetError> {
    let (format, files, chosen) = (reader.format(), reader.files(), reader.chosen());
    let made = fingerprint::fingerprint(&Known { format, files, chosen });
    made.map_err(|(file, source)| DatasetError::Disk { path: files.path(file).to_owned(), source })
}
