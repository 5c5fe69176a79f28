//! Files that are there whole or not at all.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;

/// A file could not be written.
#[derive(Debug, Error)]
#[error("cannot write {path}: {source}")]
pub struct WriteError {
    pub(crate) path: PathBuf,
    pub(crate) source: io::Error,
}

/// The extension of files under their passing names. What a kill leaves of them is of no use.
pub(crate) const PASSING: &str = "part";

/// Writes a file under a passing name and then renames it, so that a crash leaves all of it or nothing of it.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    write(path, bytes, |_| Ok(()))
}

/// The same of a file that takes the place of one that is on disk: it is there as well before it does, so that not even a
/// machine that dies leaves neither.
pub(crate) fn replace_whole(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    write(path, bytes, fs::File::sync_data)
}

fn write(path: &Path, bytes: &[u8], settle: impl FnOnce(&fs::File) -> io::Result<()>) -> Result<(), WriteError> {
    // Two tasks, or two processes, may write the same file at once; each needs a passing name of its own.
    static ATTEMPTS: AtomicU64 = AtomicU64::new(0);
    let (process, attempt) = (std::process::id(), ATTEMPTS.fetch_add(1, Ordering::Relaxed));
    let passing = path.with_extension(format!("{process}-{attempt}.{PASSING}"));
    let write = || {
        let mut file = fs::File::create(&passing)?;
        file.write_all(bytes)?;
        settle(&file)?;
        drop(file);
        fs::rename(&passing, path)
    };
    write().map_err(|source| {
        // What is left of the attempt is of no use; that it cannot be removed either is no further news.
        fs::remove_file(&passing).ok();
        WriteError { path: path.to_owned(), source }
    })
}
