//! The files of a data set, read from any place, whether they are packed or not.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files that are kept open.
const OPEN_FILES: usize = 16;
/// Packed files that are kept half read.
const OPEN_WINDOWS: usize = 2;
/// How far back a packed file can be read again without beginning anew.
const WINDOW_BYTES: usize = 24 << 20;
/// Bytes that are read at once.
const CHUNK: usize = 64 << 10;

/// How a file is packed, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Plain,
    Gzip,
    Zstd,
}

impl Packing {
    fn of(start: &[u8]) -> Self {
        match start {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }

    fn unpack(self, file: File) -> io::Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::Plain => Box::new(file),
            Self::Gzip => Box::new(flate2::read::MultiGzDecoder::new(BufReader::with_capacity(CHUNK, file))),
            Self::Zstd => Box::new(zstd::Decoder::new(file)?),
        })
    }
}

/// The files of a data set in their order. All methods may be called by many threads at once.
///
/// A plain file is read at any place. A packed one has to be unpacked up to there: what was unpacked last is kept, so that
/// places in rising order, or nearly so, cost one pass; a leap back of more than [`WINDOW_BYTES`] begins anew.
#[derive(Debug)]
pub(super) struct Files {
    paths: Vec<PathBuf>,
    packings: Vec<Packing>,
    opened: Mutex<VecDeque<(usize, Arc<File>)>>,
    windows: Mutex<VecDeque<(usize, Arc<Mutex<Window>>)>>,
}

impl Files {
    /// The files must be there.
    pub(super) fn new(paths: Vec<PathBuf>) -> Result<Self, (PathBuf, io::Error)> {
        let packing = |path: &PathBuf| packing(path).map_err(|error| (path.clone(), error));
        let packings = paths.iter().map(packing).collect::<Result<_, _>>()?;
        Ok(Self { paths, packings, opened: Mutex::default(), windows: Mutex::default() })
    }

    pub(super) fn count(&self) -> usize {
        self.paths.len()
    }

    pub(super) fn path(&self, file: usize) -> &Path {
        self.paths.get(file).map_or(Path::new(""), PathBuf::as_path)
    }

    /// The file's name, for people.
    pub(super) fn name(&self, file: usize) -> String {
        let path = self.path(file);
        path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
    }

    /// The folder that the file's relative paths begin in.
    pub(super) fn folder(&self, file: usize) -> &Path {
        self.path(file).parent().unwrap_or(Path::new(""))
    }

    /// How a file is packed.
    pub(super) fn packing(&self, file: usize) -> io::Result<Packing> {
        let absent = || io::Error::new(io::ErrorKind::NotFound, format!("the data set has no file number {file}"));
        self.packings.get(file).copied().ok_or_else(absent)
    }

    pub(super) fn is_packed(&self, file: usize) -> bool {
        self.packings.get(file).is_some_and(|packing| *packing != Packing::Plain)
    }

    /// Bytes on the disk, packed or not.
    pub(super) fn length(&self, file: usize) -> io::Result<u64> {
        Ok(self.opened(file)?.metadata()?.len())
    }

    /// Reads from a place in the file as it lies on the disk, packed or not; fewer bytes where it ends before.
    pub(super) fn read_as_it_lies(&self, file: usize, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        read_plain(&*self.opened(file)?, offset, length)
    }

    /// Reads a file from its beginning.
    pub(super) fn stream(&self, file: usize) -> io::Result<Stream> {
        let packing = self.packing(file)?;
        let opened = File::open(self.path(file))?;
        let length = opened.metadata()?.len();
        let input = match packing {
            Packing::Plain => Input::Plain(BufReader::with_capacity(CHUNK, opened), length),
            _ => Input::Packed(BufReader::with_capacity(CHUNK, packing.unpack(opened)?)),
        };
        Ok(Stream { input, position: 0 })
    }

    /// Reads so many bytes from a place; fewer where the file ends before.
    pub(super) fn read_at(&self, file: usize, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        match self.packing(file)? {
            Packing::Plain => read_plain(&*self.opened(file)?, offset, length),
            packing => {
                let window = self.window(file, packing)?;
                let mut window = lock(&window);
                let read = window.read(offset, length);
                if read.is_err() {
                    // A decoder that failed is of no further use.
                    lock(&self.windows).retain(|(known, _)| *known != file);
                }
                read
            }
        }
    }

    fn opened(&self, file: usize) -> io::Result<Arc<File>> {
        let open = || Ok(Arc::new(File::open(self.path(file))?));
        recent(&self.opened, file, OPEN_FILES, open)
    }

    fn window(&self, file: usize, packing: Packing) -> io::Result<Arc<Mutex<Window>>> {
        let open = || {
            let window =
                Window { path: self.path(file).to_owned(), packing, decoder: None, start: 0, bytes: Vec::new() };
            Ok(Arc::new(Mutex::new(window)))
        };
        recent(&self.windows, file, OPEN_WINDOWS, open)
    }
}

/// What is kept under a number, or is made and kept.
fn recent<T: Clone>(
    kept: &Mutex<VecDeque<(usize, T)>>,
    key: usize,
    most: usize,
    make: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    let mut kept = lock(kept);
    let entry = match kept.iter().position(|(known, _)| *known == key).and_then(|at| kept.remove(at)) {
        Some(entry) => entry,
        None => (key, make()?),
    };
    let value = entry.1.clone();
    kept.push_front(entry);
    kept.truncate(most);
    Ok(value)
}

/// What a panic left behind is still a cache: at worst an entry of it is missing.
pub(super) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn packing(path: &Path) -> io::Result<Packing> {
    let mut start = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut start)?;
    Ok(Packing::of(&start))
}

fn read_plain(file: &File, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    // A length may be a lie: no more than the file has is made room for.
    let there = file.metadata()?.len().saturating_sub(offset);
    let mut bytes = vec![0; length.min(usize::try_from(there).unwrap_or(usize::MAX))];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// The last unpacked bytes of a packed file.
struct Window {
    path: PathBuf,
    packing: Packing,
    decoder: Option<Box<dyn Read + Send>>,
    /// Where `bytes` begins in the unpacked file.
    start: u64,
    bytes: Vec<u8>,
}

impl std::fmt::Debug for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Window({} bytes from {})", self.bytes.len(), self.start)
    }
}

impl Window {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    fn read(&mut self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        if self.decoder.is_none() || offset < self.start {
            self.decoder = Some(self.packing.unpack(File::open(&self.path)?)?);
            (self.start, self.bytes) = (0, Vec::new());
        }
        self.unpack_to(offset, offset.saturating_add(length as u64))?;
        let from = usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX).min(self.bytes.len());
        let to = from.saturating_add(length).min(self.bytes.len());
        Ok(self.bytes.get(from..to).unwrap_or_default().to_vec())
    }

    /// Unpacks up to `end`, and forgets what lies far before `needed`.
    fn unpack_to(&mut self, needed: u64, end: u64) -> io::Result<()> {
        while self.end() < end {
            let Some(decoder) = &mut self.decoder else { break };
            let wanted = (end - self.start - self.bytes.len() as u64).clamp(CHUNK as u64, 1 << 20);
            if decoder.by_ref().take(wanted).read_to_end(&mut self.bytes)? == 0 {
                break;
            }
            self.forget(needed);
        }
        Ok(())
    }

    fn forget(&mut self, needed: u64) {
        let keep_from = needed.min(self.end()).saturating_sub(WINDOW_BYTES as u64 / 2);
        let old = usize::try_from(keep_from.saturating_sub(self.start)).unwrap_or(0);
        // Moving all bytes for each chunk would cost more than unpacking them.
        if old > WINDOW_BYTES / 2 {
            self.bytes.drain(..old.min(self.bytes.len()));
            self.start += old as u64;
        }
    }
}

/// A file read from its beginning on.
pub(super) struct Stream {
    input: Input,
    position: u64,
}

enum Input {
    Plain(BufReader<File>, u64),
    Packed(BufReader<Box<dyn Read + Send>>),
}

impl Stream {
    /// Where the next byte lies in the unpacked file.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Leaves bytes out. Of a plain file they are not read. Tells how many were there.
    pub(super) fn skip(&mut self, bytes: u64) -> io::Result<u64> {
        let skipped = match &mut self.input {
            Input::Plain(file, length) => {
                let skipped = bytes.min(length.saturating_sub(self.position));
                file.seek_relative(i64::try_from(skipped).map_err(io::Error::other)?)?;
                skipped
            }
            Input::Packed(file) => io::copy(&mut file.by_ref().take(bytes), &mut io::sink())?,
        };
        self.position += skipped;
        Ok(skipped)
    }

    /// Goes back or forth to a place in a plain file.
    pub(super) fn seek_plain(&mut self, offset: u64) -> io::Result<bool> {
        let Input::Plain(file, _) = &mut self.input else { return Ok(false) };
        file.seek(SeekFrom::Start(offset))?;
        self.position = offset;
        Ok(true)
    }

    /// What is read already; empty at the end of the file.
    pub(super) fn fill(&mut self) -> io::Result<&[u8]> {
        loop {
            let filled = match &mut self.input {
                Input::Plain(file, _) => file.fill_buf().map(|_| ()),
                Input::Packed(file) => file.fill_buf().map(|_| ()),
            };
            match filled {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
                Ok(()) => break,
            }
        }
        Ok(match &self.input {
            Input::Plain(file, _) => file.buffer(),
            Input::Packed(file) => file.buffer(),
        })
    }

    /// Moves on within what [`Stream::fill`] gave.
    pub(super) fn consume(&mut self, bytes: usize) {
        match &mut self.input {
            Input::Plain(file, _) => file.consume(bytes),
            Input::Packed(file) => file.consume(bytes),
        }
        self.position += bytes as u64;
    }

    /// Reads so many bytes; fewer where the file ends before.
    pub(super) fn take(&mut self, bytes: usize) -> io::Result<Vec<u8>> {
        let mut taken = Vec::new();
        while taken.len() < bytes {
            let filled = self.fill()?;
            let Some(part) = filled.get(..filled.len().min(bytes - taken.len())).filter(|part| !part.is_empty()) else {
                break;
            };
            taken.extend_from_slice(part);
            let part = part.len();
            self.consume(part);
        }
        Ok(taken)
    }
}
