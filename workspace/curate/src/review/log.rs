//! `review.jsonl`: verdicts, each appended at once, by any number of reviewers and processes.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::verdict::{Reviews, Said, VERSION, Verdict};

/// Why verdicts cannot be read or written.
#[derive(Debug, Error)]
pub enum ReviewError {
    /// The system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line is no verdict.
    #[error("{}, line {line}: expected a verdict, found {reason}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing can be served there.
    #[error("cannot serve the review: {0}")]
    Serve(String),
}

/// The file of verdicts, and what has been read of it.
///
/// A line is written whole and on disk before anyone is told. A line that was cut off by a kill was never promised: it is
/// passed over, and the next one begins on a line of its own.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
    /// How far it has been read.
    read: u64,
    lines: usize,
    reviews: Reviews,
}

impl Log {
    /// Opens the file, and makes it where there is none. Fails on lines that are no verdicts.
    pub fn open(path: &Path) -> Result<Self, ReviewError> {
        let failed = |source| ReviewError::Io { path: path.to_owned(), source };
        let file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed)?;
        let mut log = Self { path: path.to_owned(), file, read: 0, lines: 0, reviews: Reviews::default() };
        log.catch_up()?;
        Ok(log)
    }

    /// What a file's verdicts come to; nothing was said where there is no file.
    pub fn read(path: &Path) -> Result<Reviews, ReviewError> {
        match File::open(path) {
            Ok(file) => {
                let mut log = Self { path: path.to_owned(), file, read: 0, lines: 0, reviews: Reviews::default() };
                log.catch_up()?;
                Ok(log.reviews)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Reviews::default()),
            Err(source) => Err(ReviewError::Io { path: path.to_owned(), source }),
        }
    }

    /// Reads what others have written since.
    pub fn catch_up(&mut self) -> Result<(), ReviewError> {
        let path = self.path.clone();
        let failed = |source| ReviewError::Io { path: path.clone(), source };
        if self.file.metadata().map_err(failed)?.len() < self.read {
            // An editor that saves in place has made it shorter: what is there now is all that was said.
            self.forget();
        }
        self.file.seek(SeekFrom::Start(self.read)).map_err(failed)?;
        let mut text = Vec::new();
        (&self.file).read_to_end(&mut text).map_err(failed)?;
        // What has no end yet may still be under way.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        for line in text.get(..whole).unwrap_or_default().split_inclusive(|byte| *byte == b'\n') {
            self.lines += 1;
            self.read += line.len() as u64;
            self.enter(line)?;
        }
        Ok(())
    }

    fn enter(&mut self, line: &[u8]) -> Result<(), ReviewError> {
        let wrong = |reason: String| ReviewError::Line { path: self.path.clone(), line: self.lines, reason };
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        match serde_json::from_slice::<Verdict>(line.trim_ascii_end()) {
            Ok(verdict) => {
                check(&verdict).map_err(wrong)?;
                self.reviews.enter(verdict);
                Ok(())
            }
            // The beginning of a line, and no more: whoever wrote it was killed.
            Err(error) if error.is_eof() => Ok(()),
            Err(error) => Err(wrong(error.to_string())),
        }
    }

    /// Appends a verdict. When this returns it is on disk, and entered after whatever others wrote before it.
    pub fn append(&mut self, verdict: &Verdict) -> Result<(), ReviewError> {
        let path = self.path.clone();
        let failed = |source| ReviewError::Io { path: path.clone(), source };
        check(verdict).map_err(|reason| failed(io::Error::new(io::ErrorKind::InvalidInput, reason)))?;
        let mut line = serde_json::to_vec(verdict).map_err(|error| failed(error.into()))?;
        line.push(b'\n');
        self.reopen().map_err(failed)?;
        self.file.lock().map_err(failed)?;
        let written = self.write(&line).map_err(failed);
        let caught_up = self.catch_up();
        self.file.unlock().map_err(failed)?;
        written.and(caught_up)
    }

    /// Opens the file anew where another has taken its place: editors write a new file and rename it, and what went on into the
    /// old one would be lost.
    fn reopen(&mut self) -> io::Result<()> {
        if is_same(&self.file, &self.path)? {
            return Ok(());
        }
        self.file = OpenOptions::new().read(true).append(true).create(true).open(&self.path)?;
        self.forget();
        Ok(())
    }

    fn forget(&mut self) {
        (self.read, self.lines, self.reviews) = (0, 0, Reviews::default());
    }

    /// Writes a line under the lock.
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let length = self.file.seek(SeekFrom::End(0))?;
        if length > 0 {
            self.file.seek(SeekFrom::Start(length - 1))?;
            let mut last = [0];
            self.file.read_exact(&mut last)?;
            if last != *b"\n" {
                self.file.write_all(b"\n")?;
            }
        }
        self.file.write_all(line)?;
        self.file.sync_data()
    }

    /// What all verdicts come to.
    pub fn reviews(&self) -> &Reviews {
        &self.reviews
    }
}

/// What is wrong with a verdict in itself.
pub(super) fn check(verdict: &Verdict) -> Result<(), String> {
    if verdict.version != VERSION {
        return Err(format!("version {}, of which this program knows {VERSION}", verdict.version));
    }
    match (verdict.verdict, verdict.than) {
        (Said::BetterThan, None) => Err("`better-than` without `than`".to_owned()),
        (Said::Keep | Said::Drop, Some(_)) => Err("`than` beside a word on one edited picture".to_owned()),
        (_, Some(than)) if than == verdict.candidate => Err(format!("picture {than} compared with itself")),
        _ => Ok(()),
    }
}

/// Whether a file is still the one at this path.
#[cfg(unix)]
fn is_same(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;

    let ours = file.metadata()?;
    Ok(std::fs::metadata(path).is_ok_and(|theirs| (theirs.dev(), theirs.ino()) == (ours.dev(), ours.ino())))
}

#[cfg(not(unix))]
fn is_same(_: &File, path: &Path) -> io::Result<bool> {
    Ok(path.is_file())
}
