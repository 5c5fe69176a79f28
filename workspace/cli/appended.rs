//! Files of JSON lines that a later call goes on with, each beside a head that says what made them: answers of another judge are
//! not appended to them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use editscale_engine::write_whole;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::failure::Misuse;

/// What made the lines of a file.
pub(crate) trait Head: Serialize + DeserializeOwned {
    /// Which call writes such files, such as `score --pairs`.
    const CALL: &'static str;

    /// How another head differs so that its lines cannot be gone on with: what was expected, and what was found.
    fn differs(&self, found: &Self) -> Option<String>;
}

/// A file of lines, for this call alone.
pub(crate) struct Appended {
    to: BufWriter<File>,
    path: PathBuf,
}

impl Appended {
    /// Opens a file and gives the lines that it holds; a line that was cut off when its writer died is dropped. Fails where the
    /// file is no file, where another call writes it, and where its lines were made by anything else than `head`.
    pub(crate) fn open<H: Head>(path: &Path, head: &H) -> Result<(Self, Vec<u8>)> {
        let mut file = claim(path, H::CALL)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).with_context(|| format!("cannot read {}", path.display()))?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let beside = head_path(path);
        if beside.exists() || whole > 0 {
            check_head(&beside, head, path, whole > 0)?;
        }
        if whole < bytes.len() {
            file.set_len(whole as u64).with_context(|| format!("cannot mend {}", path.display()))?;
        }
        write_head(&beside, head)?;
        bytes.truncate(whole);
        Ok((Self { to: BufWriter::new(file), path: path.to_owned() }, bytes))
    }

    /// Writes a line, which is on its way until [`Self::flush`].
    pub(crate) fn write(&mut self, line: &impl Serialize) -> Result<()> {
        let written = serde_json::to_writer(&mut self.to, line).map_err(io::Error::from);
        written.and_then(|()| self.to.write_all(b"\n")).with_context(|| self.unwritten())
    }

    /// Hands what was written to the system.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.to.flush().with_context(|| self.unwritten())
    }

    fn unwritten(&self) -> String {
        format!("cannot write {}: what it holds is kept, and the same command goes on from there", self.path.display())
    }
}

/// Where the head of a file lies.
pub(crate) fn head_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".judge.json");
    path.with_file_name(name)
}

/// A line that is not what such a call writes.
pub(crate) fn foreign<H: Head>(path: &Path, number: usize) -> Misuse {
    let message = format!("line {number} of {} is not what `{}` writes", path.display(), H::CALL);
    Misuse::new(message).hint("name another output, or remove it")
}

/// Opens an output for this call alone.
fn claim(path: &Path, call: &str) -> Result<File> {
    let shown = path.display();
    if fs::metadata(path).is_ok_and(|facts| !facts.is_file()) {
        return Err(Misuse::new(format!("cannot write {shown}: it is not a file")).into());
    }
    let file = OpenOptions::new().create(true).read(true).append(true).open(path);
    let file = file.map_err(|error| Misuse::new(format!("cannot write {shown}: {error}")))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => {
            Err(Misuse::new(format!("{shown} is being written by another call of `{call}`")).into())
        }
        // Some file systems know no locks.
        Err(fs::TryLockError::Error(_)) => Ok(file),
    }
}

/// Writes what judges, whole or not at all.
fn write_head<H: Head>(beside: &Path, head: &H) -> Result<()> {
    let text = serde_json::to_vec(head)?;
    if fs::read(beside).is_ok_and(|there| there == text) {
        return Ok(());
    }
    Ok(write_whole(beside, &text)?)
}

/// Refuses to go on with what another judge answered, and to overwrite what is no head.
fn check_head<H: Head>(beside: &Path, head: &H, path: &Path, has_lines: bool) -> Result<()> {
    let (shown, file) = (path.display(), beside.display());
    let bytes = fs::read(beside).map_err(|error| {
        Misuse::new(format!("{shown} exists, and what judged it is not known: cannot read {file}: {error}"))
            .hint("name another output, or remove it")
    })?;
    let before: H = serde_json::from_slice(&bytes)
        .map_err(|error| Misuse::new(format!("{file} is not what `{}` writes: {error}", H::CALL)))?;
    match before.differs(head).filter(|_| has_lines) {
        None => Ok(()),
        Some(how) => {
            let message = format!("{shown} was begun with another judge: {how}");
            Err(Misuse::new(message).hint("name another output, or remove it").into())
        }
    }
}
