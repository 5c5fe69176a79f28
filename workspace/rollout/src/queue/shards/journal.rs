//! The file: lines are appended and never changed. A line that was cut off when the process was killed is taken away when the
//! file is opened again.
//!
//! Appended lines are safe from a kill at once. They are safe from a loss of power a few seconds later: what is lost then is
//! done again, and finds its pack in the depot.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::line::{Header, Line, VERSION};
use crate::queue::QueueError;

/// How long appended lines may be in the system's memory only.
const SYNC_EVERY: Duration = Duration::from_secs(5);
/// A longer line is none of ours.
const LONGEST_LINE: u64 = 64 << 20;

#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    /// Where the next line begins.
    end: u64,
    synced: Instant,
    /// Set when the end of the file could not be put right after a failed write.
    is_broken: bool,
}

impl Journal {
    /// Opens the file for this process alone, and tells all lines with the places where they begin.
    pub(super) fn open(
        folder: &Path,
        name: &str,
        mut line: impl FnMut(u64, Line) -> Result<(), String>,
    ) -> Result<Self, QueueError> {
        let path = folder.join("queue.jsonl");
        let say = |reason: String| QueueError::Unusable { queue: path.display().to_string(), reason };
        fs::create_dir_all(folder).map_err(|error| say(error.to_string()))?;
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|error| say(error.to_string()))?;
        lock(&file, &path).map_err(say)?;
        let mut journal = Self { path: path.clone(), file, end: 0, synced: Instant::now(), is_broken: false };
        let header = Header { work_queue: VERSION, run: name.to_owned() };
        let (read, length) = journal.load(&header, &mut line).map_err(say)?;
        if read < length {
            tracing::warn!(file = %path.display(), bytes = length - read, "the last line was cut off: it is taken away");
            journal.file.set_len(read).map_err(|error| say(error.to_string()))?;
        }
        journal.end = read;
        if read == 0 {
            journal.append(&[&header])?;
        }
        Ok(journal)
    }

    /// Reads all lines. Answers where the last whole one ends, and how long the file is.
    fn load(
        &mut self,
        expected: &Header,
        line: &mut impl FnMut(u64, Line) -> Result<(), String>,
    ) -> Result<(u64, u64), String> {
        let length = self.file.metadata().map_err(|error| error.to_string())?.len();
        let mut reader = BufReader::with_capacity(1 << 18, &mut self.file);
        let (mut at, mut text) = (0, Vec::new());
        loop {
            text.clear();
            let read =
                (&mut reader).take(LONGEST_LINE).read_until(b'\n', &mut text).map_err(|error| error.to_string())?;
            let is_whole = text.last() == Some(&b'\n');
            if !is_whole && (at > 0 || read == 0 || is_torn_header(&text)) && at + read as u64 >= length {
                return Ok((at, length));
            }
            let told = match at {
                0 => header(&text, expected),
                _ => serde_json::from_slice(&text).map_err(|error| error.to_string()).and_then(|found| line(at, found)),
            };
            let is_last = at + read as u64 >= length;
            match told {
                Ok(()) => at += read as u64,
                // After a loss of power, the last block of a file may hold anything.
                Err(_) if at > 0 && is_last => return Ok((at, length)),
                Err(reason) if at == 0 => return Err(reason),
                Err(reason) => return Err(format!("it is damaged at byte {at}: {reason}")),
            }
        }
    }

    /// Appends lines, all or none. Answers where each begins.
    pub(super) fn append<T: serde::Serialize>(&mut self, lines: &[T]) -> Result<Vec<u64>, QueueError> {
        let (mut bytes, mut places) = (Vec::new(), Vec::with_capacity(lines.len()));
        for line in lines {
            places.push(self.end + bytes.len() as u64);
            serde_json::to_writer(&mut bytes, line).map_err(|error| self.trouble(&error.into()))?;
            bytes.push(b'\n');
        }
        if self.is_broken {
            return Err(self.trouble(&io::Error::other("an earlier write failed half-way; start again")));
        }
        let written = self.file.seek(SeekFrom::Start(self.end)).and_then(|_| self.file.write_all(&bytes));
        if let Err(error) = written {
            self.is_broken = self.file.set_len(self.end).is_err();
            return Err(self.trouble(&error));
        }
        self.end += bytes.len() as u64;
        self.sync_now_and_then()?;
        Ok(places)
    }

    fn sync_now_and_then(&mut self) -> Result<(), QueueError> {
        if self.synced.elapsed() < SYNC_EVERY {
            return Ok(());
        }
        self.file.sync_data().map_err(|error| self.trouble(&error))?;
        self.synced = Instant::now();
        Ok(())
    }

    /// The line that begins at a place.
    pub(super) fn read(&mut self, at: u64) -> Result<Line, QueueError> {
        let mut text = Vec::new();
        let read = self.file.seek(SeekFrom::Start(at)).and_then(|_| {
            // Most lines are short.
            BufReader::with_capacity(512, &mut self.file).take(LONGEST_LINE).read_until(b'\n', &mut text)
        });
        read.map_err(|error| self.trouble(&error))?;
        serde_json::from_slice(&text).map_err(|error| self.unusable(format!("it is damaged at byte {at}: {error}")))
    }

    pub(super) fn unusable(&self, reason: impl Into<String>) -> QueueError {
        QueueError::Unusable { queue: self.path.display().to_string(), reason: reason.into() }
    }

    fn trouble(&self, error: &io::Error) -> QueueError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => self.unusable(format!(
                "the disk is full, or a limit on its use is reached; nothing was lost, make room and start again ({error})"
            )),
            _ => self.unusable(error.to_string()),
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if let Err(error) = self.file.sync_data() {
            tracing::warn!(file = %self.path.display(), %error, "the journal may not be on the disk");
        }
        // Another process that was just being started may hold a copy of the descriptor for a moment.
        self.file.unlock().ok();
    }
}

fn lock(file: &File, path: &Path) -> Result<(), String> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err("another process does this shard".to_owned()),
        // Some parallel file systems are mounted without locks.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
            let file = path.display();
            tracing::warn!(%file, "this file system has no locks: take care that no other process does the same shard");
            Ok(())
        }
        Err(TryLockError::Error(error)) => Err(error.to_string()),
    }
}

/// Whether a file that has no whole line can be the beginning of a header.
fn is_torn_header(text: &[u8]) -> bool {
    let begins = b"{\"work_queue\":";
    text.iter().zip(begins).all(|(found, expected)| found == expected)
}

fn header(text: &[u8], expected: &Header) -> Result<(), String> {
    let found: Header =
        serde_json::from_slice(text).map_err(|error| format!("expected the journal of a work queue: {error}"))?;
    if found.work_queue != expected.work_queue {
        return Err(format!(
            "expected a journal of version {}, found version {}",
            expected.work_queue, found.work_queue
        ));
    }
    if found.run != expected.run {
        return Err(format!("it belongs to another run: expected {}, found {}", expected.run, found.run));
    }
    Ok(())
}
