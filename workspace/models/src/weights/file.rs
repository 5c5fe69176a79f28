//! One safetensors file: its header, checked, and its tensors' bytes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use safetensors::tensor::{Metadata, TensorInfo};

use crate::files;
use crate::weights::WeightError;

/// The longest header that is read. The largest released checkpoints stay below 1 MiB.
const MOST_HEADER_BYTES: u64 = 100 << 20;

/// An open safetensors file. Its header has been checked against its length.
#[derive(Debug)]
pub(super) struct WeightFile {
    pub(super) path: PathBuf,
    header: Metadata,
    /// Where the tensors' bytes begin.
    start: u64,
    bytes: Bytes,
    /// Whether the file ends right behind its header, as a stand-in for a real one does.
    pub(super) is_header_only: bool,
}

/// Where bytes come from.
#[derive(Debug)]
enum Bytes {
    File(File),
    Memory(&'static [u8]),
}

/// How much of a file one thread reads at a time: one alone is slower than a fast disk, or than a file in memory.
const PART: usize = 8 << 20;

/// Fills a buffer from a place in a file; where the file is read otherwise plays no part.
#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, at)
}

/// Fills a buffer from a place in a file. Reading moves the file's position, so that one reads at a time.
#[cfg(not(unix))]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> std::io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _held = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut file = file;
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(buffer)
}

impl Bytes {
    /// What is in memory stays where it is.
    fn read(&self, at: u64, length: usize) -> std::io::Result<Cow<'static, [u8]>> {
        match self {
            Self::File(file) => {
                let mut buffer = vec![0; length];
                let parts = buffer.par_chunks_mut(PART).enumerate();
                parts.try_for_each(|(part, buffer)| read_at(file, buffer, at + (part * PART) as u64))?;
                Ok(buffer.into())
            }
            Self::Memory(bytes) => {
                let end = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
                let from = usize::try_from(at).map_err(|_| end())?;
                let range = from..from.checked_add(length).ok_or_else(end)?;
                Ok(bytes.get(range).ok_or_else(end)?.into())
            }
        }
    }
}

impl WeightFile {
    /// Opens a file and reads its header, nothing more.
    pub(super) fn open(path: &Path) -> Result<Self, WeightError> {
        let read = |source| WeightError::Read { file: path.to_owned(), source };
        let (file, length) = files::open(path).map_err(read)?;
        Self::with_header(path, Bytes::File(file), length)
    }

    /// A file that is part of the program, under the name that errors call it by.
    pub(super) fn embedded(name: &str, bytes: &'static [u8]) -> Result<Self, WeightError> {
        Self::with_header(Path::new(name), Bytes::Memory(bytes), bytes.len() as u64)
    }

    fn with_header(path: &Path, bytes: Bytes, length: u64) -> Result<Self, WeightError> {
        let format = |reason: String| WeightError::Format { file: path.to_owned(), reason };
        let read = |source| WeightError::Read { file: path.to_owned(), source };
        if length < 8 {
            return Err(format(format!("is truncated: {length} bytes are too few for a safetensors file")));
        }
        let prefix = bytes.read(0, 8).map_err(read)?;
        let header_bytes = prefix.first_chunk().map_or(0, |prefix| u64::from_le_bytes(*prefix));
        if header_bytes > MOST_HEADER_BYTES {
            let reason = format!("is not a safetensors file: its header claims {header_bytes} bytes");
            return Err(format(reason));
        }
        if header_bytes > length - 8 {
            let reason = format!("is truncated: the header has {header_bytes} bytes, the file {length}");
            return Err(format(reason));
        }
        let text = bytes.read(8, header_bytes as usize).map_err(read)?;
        let header: Metadata = serde_json::from_slice(&text)
            .map_err(|error| format(format!("its header is not that of a safetensors file: {error}")))?;
        let (expected, found) = (header.data_len() as u64, length - 8 - header_bytes);
        let is_header_only = found == 0 && expected > 0;
        if found < expected && !is_header_only {
            let reason = format!("is truncated: its tensors take {expected} bytes, {found} are there");
            return Err(format(reason));
        }
        if found > expected {
            let extra = found - expected;
            return Err(format(format!("has {extra} bytes more than its header declares")));
        }
        Ok(Self { path: path.to_owned(), header, start: 8 + header_bytes, bytes, is_header_only })
    }

    /// Every tensor's name and facts, in the order of their names: what an error names must not change from run to run.
    pub(super) fn tensors(&self) -> BTreeMap<String, TensorInfo> {
        self.header.tensors().into_iter().map(|(name, info)| (name, info.clone())).collect()
    }

    /// What the header says under a key, beside the tensors.
    pub(super) fn note(&self, key: &str) -> Option<&str> {
        self.header.metadata().as_ref()?.get(key).map(String::as_str)
    }

    /// The bytes of one tensor of this file.
    pub(super) fn read(&self, info: &TensorInfo) -> Result<Cow<'static, [u8]>, WeightError> {
        if self.is_header_only {
            let reason = "holds a header and no tensors: a stand-in cannot be loaded".to_owned();
            return Err(WeightError::Format { file: self.path.clone(), reason });
        }
        let (from, to) = info.data_offsets;
        let read = |source| WeightError::Read { file: self.path.clone(), source };
        self.bytes.read(self.start + from as u64, to - from).map_err(read)
    }
}
