//! A part of a data set written in the data set's own format: the kept rows as they are, and the pictures that they name.
//!
//! Each input file with kept rows becomes one of the same name, packed in the same way. Lines, records, elements and members
//! are copied byte for byte; columns of Parquet keep their types, their compression and what the file says of them. Pictures
//! that a row names by a path within the data set's folder are put at the same path, by a hard link where that is possible.

pub(super) mod columnar;
mod output;
mod pictures;
pub(super) mod samples;
pub(super) mod spans;

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

pub(super) use self::output::Output;
use self::pictures::Companions;
use super::named::Mention;
use super::place::index;
use super::reader::{Reader, foreign};
use crate::{Place, RowProblem};

/// Why a subset cannot be written.
#[derive(Debug, Error)]
pub enum SubsetError {
    /// A place lies before the one that was kept last.
    #[error("rows are kept in the order of the listing: {place} lies before {last}, which is kept already")]
    Order {
        /// What was asked for.
        place: Place,
        /// What was kept last.
        last: Place,
    },
    /// The row cannot be copied. Nothing of it was written, and others can still be kept.
    #[error("{0}")]
    Row(RowProblem),
    /// A file of the data set cannot be read on.
    #[error("{}: {reason}", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file cannot be written.
    #[error("{}: {source}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An error came before, and what is written is of no use.
    #[error("the subset cannot be gone on with: writing it failed before")]
    Spoiled,
}

/// What a subset consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SubsetSummary {
    /// Rows that were kept.
    pub rows: u64,
    /// Files of rows that were written.
    pub files: u64,
    /// Pictures that were linked to.
    pub linked: u64,
    /// Pictures that were copied, because they lie on another file system or cannot be linked to.
    pub copied: u64,
    /// How often kept rows name a picture that was left where it is: one by an address or an absolute path, one outside the
    /// data set's folder, or one that is not there.
    pub left: u64,
}

/// Why a row was not copied.
pub(super) enum CopyError {
    /// It cannot be; nothing of it was written.
    Row(String),
    /// The input cannot be read on.
    Read(String),
    /// The output cannot be written.
    Write(io::Error),
}

impl From<io::Error> for CopyError {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

/// Copies rows of one file, in rising order, into another of the same format.
pub(super) trait Copier: Send {
    /// Copies a row, and tells which pictures it names.
    fn copy(&mut self, place: &Place) -> Result<Vec<Mention>, CopyError>;
    /// Ends the file, and sees to it that it is on the disk.
    fn finish(self: Box<Self>) -> Result<(), CopyError>;
}

/// Writes the kept rows of a data set. Blocking. What is written is whole once [`SubsetWriter::finish`] has come back, so
/// write into a folder that is renamed after that.
pub struct SubsetWriter {
    reader: Arc<dyn Reader>,
    /// The data set's own folder.
    root: PathBuf,
    out: PathBuf,
    companions: Companions,
    open: Option<Open>,
    last: Option<Place>,
    rows: u64,
    files: u64,
    is_spoiled: bool,
}

/// A file that rows are copied into.
struct Open {
    file: usize,
    copier: Box<dyn Copier>,
    /// Whether any was.
    has_rows: bool,
}

impl std::fmt::Debug for SubsetWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SubsetWriter({}, {} rows)", self.out.display(), self.rows)
    }
}

impl SubsetWriter {
    /// Begins in a folder, which is made where it is not there. No file in it is ever overwritten.
    pub(super) fn new(path: &Path, reader: Arc<dyn Reader>, out: &Path) -> Result<Self, SubsetError> {
        let disk = |source| SubsetError::Disk { path: out.to_owned(), source };
        std::fs::create_dir_all(out).map_err(disk)?;
        let root = root(path, &*reader);
        let files = reader.files();
        let data = (0..files.count()).filter_map(|file| Some(files.path(file).strip_prefix(&root).ok()?.to_owned()));
        let companions = Companions::new(out, data.collect());
        let (out, open, last) = (out.to_owned(), None, None);
        Ok(Self { reader, root, out, companions, open, last, rows: 0, files: 0, is_spoiled: false })
    }

    /// Keeps the row at a place. Places come in the order of the listing; the same place twice is kept once.
    pub fn keep(&mut self, place: &Place) -> Result<(), SubsetError> {
        if self.is_spoiled {
            return Err(SubsetError::Spoiled);
        }
        let Some(file) = self.in_order(place)? else { return Ok(()) };
        let kept = self.copy(file, place);
        self.is_spoiled = kept.as_ref().is_err_and(|error| !matches!(error, SubsetError::Row(_)));
        kept?;
        self.last = Some(place.clone());
        self.rows += 1;
        Ok(())
    }

    /// Ends all files, and sees to it that they are on the disk.
    pub fn finish(mut self) -> Result<SubsetSummary, SubsetError> {
        if self.is_spoiled {
            return Err(SubsetError::Spoiled);
        }
        self.close()?;
        let made = self.companions.sync();
        made.map_err(|(path, source)| SubsetError::Disk { path, source })?;
        let (rows, files) = (self.rows, self.files);
        Ok(SubsetSummary { rows, files, ..self.companions.counts })
    }

    /// The file of a place; none if it was kept last.
    fn in_order(&self, place: &Place) -> Result<Option<usize>, SubsetError> {
        let problem = || SubsetError::Row(RowProblem { place: place.to_string(), reason: foreign(place) });
        let numbers = |place: &Place| place.0.split(':').map(str::parse).collect::<Result<Vec<u64>, _>>().ok();
        let found = numbers(place).ok_or_else(problem)?;
        let file = found.first().map(|file| index(*file)).filter(|file| *file < self.reader.files().count());
        let file = file.ok_or_else(problem)?;
        match self.last.as_ref().map(|last| (last, numbers(last).unwrap_or_default())) {
            Some((_, last)) if found == last => Ok(None),
            Some((last, numbers)) if found < numbers => {
                Err(SubsetError::Order { place: place.clone(), last: last.clone() })
            }
            _ => Ok(Some(file)),
        }
    }

    fn copy(&mut self, file: usize, place: &Place) -> Result<(), SubsetError> {
        if self.open.as_ref().is_none_or(|open| open.file != file) {
            self.close()?;
            let copier = self.begin(file)?;
            self.open = Some(Open { file, copier, has_rows: false });
        }
        let Some(open) = &mut self.open else { return Err(SubsetError::Spoiled) };
        let copied = open.copier.copy(place);
        open.has_rows |= copied.is_ok();
        let mentions = copied.map_err(|error| match error {
            CopyError::Row(reason) => SubsetError::Row(RowProblem { place: self.reader.spot(place), reason }),
            error => self.failed(file, error),
        })?;
        let from = self.reader.files().folder(file);
        let within = from.strip_prefix(&self.root).unwrap_or(Path::new(""));
        for mention in mentions {
            let put = self.companions.put(&mention, from, within);
            put.map_err(|(path, source)| SubsetError::Disk { path, source })?;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), SubsetError> {
        let Some(Open { file, copier, has_rows }) = self.open.take() else { return Ok(()) };
        if has_rows {
            self.files += 1;
            return copier.finish().map_err(|error| self.failed(file, error));
        }
        // All that were asked for could not be copied.
        drop(copier);
        let path = self.target(file);
        std::fs::remove_file(&path).map_err(|source| SubsetError::Disk { path, source })
    }

    fn begin(&mut self, file: usize) -> Result<Box<dyn Copier>, SubsetError> {
        let path = self.target(file);
        let disk = |source| SubsetError::Disk { path: path.clone(), source };
        let folder = path.parent().unwrap_or(&self.out);
        self.companions.make_folder(folder).map_err(disk)?;
        let created = File::options().write(true).create_new(true).open(&path).map_err(disk)?;
        Arc::clone(&self.reader).copier(file, created).map_err(|error| self.failed(file, error))
    }

    fn target(&self, file: usize) -> PathBuf {
        let path = self.reader.files().path(file);
        self.out.join(path.strip_prefix(&self.root).unwrap_or(path.file_name().map_or(path, Path::new)))
    }

    fn failed(&self, file: usize, error: CopyError) -> SubsetError {
        match error {
            CopyError::Row(reason) | CopyError::Read(reason) => {
                SubsetError::Broken { path: self.reader.files().path(file).to_owned(), reason }
            }
            CopyError::Write(source) => SubsetError::Disk { path: self.target(file), source },
        }
    }
}

/// The folder that a data set is: what was opened, or what all of its files lie in.
fn root(path: &Path, reader: &dyn Reader) -> PathBuf {
    if path.is_dir() {
        return path.to_owned();
    }
    let files = reader.files();
    let folders: BTreeSet<&Path> = (0..files.count()).map(|file| files.folder(file)).collect();
    let mut folders = folders.into_iter();
    let first = folders.next().unwrap_or(Path::new(""));
    let common = |common: PathBuf, folder: &Path| {
        let both = common.components().zip(folder.components()).take_while(|(left, right)| left == right);
        both.map(|(component, _)| component).collect()
    };
    folders.fold(first.to_owned(), common)
}
