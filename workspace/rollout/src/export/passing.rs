//! A file that is written under a passing name, digested on its way, and renamed when it is whole.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use super::ExportError;

/// What the passing name ends with.
const PASSING: &str = "part";

/// How much is written at once.
const BUFFER: usize = 1 << 18;

/// The file. What is left of one that is dropped before its end is removed.
#[derive(Debug)]
pub(super) struct PassingFile {
    path: PathBuf,
    passing: PathBuf,
    file: BufWriter<File>,
    hasher: blake3::Hasher,
    bytes: u64,
    is_kept: bool,
}

/// What a whole file is.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) bytes: u64,
    pub(super) blake3: String,
}

impl PassingFile {
    /// Begins the file at `path`; what a killed predecessor left of it goes.
    pub(super) fn create(path: &Path) -> Result<Self, ExportError> {
        let mut passing = path.as_os_str().to_owned();
        passing.push(".");
        passing.push(PASSING);
        let passing = PathBuf::from(passing);
        let open = || {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            File::options().create(true).truncate(true).read(true).write(true).open(&passing)
        };
        let file = open().map_err(|source| file_error(&passing, source))?;
        let (path, file) = (path.to_owned(), BufWriter::with_capacity(BUFFER, file));
        Ok(Self { path, passing, file, hasher: blake3::Hasher::new(), bytes: 0, is_kept: false })
    }

    /// Where it will be.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn error(&self, source: io::Error) -> ExportError {
        file_error(&self.path, source)
    }

    /// Writes all that is buffered, waits for the disk, and gives the file its name.
    pub(super) fn keep(mut self) -> Result<Written, ExportError> {
        let write = |this: &mut Self| {
            this.file.flush()?;
            this.file.get_ref().sync_all()?;
            fs::rename(&this.passing, &this.path)?;
            this.is_kept = true;
            this.path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
        };
        write(&mut self).map_err(|source| self.error(source))?;
        Ok(Written { bytes: self.bytes, blake3: self.hasher.finalize().to_hex().to_string() })
    }

    /// What was written so far, to be read from its beginning. For files that only serve to make others.
    pub(super) fn reread(&mut self) -> io::Result<&mut File> {
        use std::io::Seek;
        self.file.flush()?;
        let file = self.file.get_mut();
        file.rewind()?;
        Ok(file)
    }
}

impl Write for PassingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(bytes.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for PassingFile {
    fn drop(&mut self) {
        if !self.is_kept {
            // It is of no use, and its room may be needed; that it cannot be removed is no further news.
            fs::remove_file(&self.passing).ok();
        }
    }
}

pub(super) fn file_error(path: &Path, source: io::Error) -> ExportError {
    ExportError::File { path: path.to_owned(), source }
}
