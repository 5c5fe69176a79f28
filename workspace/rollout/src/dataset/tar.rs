//! Tar archives by their headers: what lies in them and where, without reading it.

use std::io;

use tar::{EntryType, Header};

use super::files::{Files, Stream};

/// What everything in an archive is a multiple of.
pub(super) const BLOCK: u64 = 512;
/// The longest name.
const MOST_NAME_BYTES: u64 = 64 << 10;
/// The longest list of properties before a member.
const MOST_PROPERTIES_BYTES: u64 = 1 << 20;

/// A member of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    /// Where its first header lies.
    pub(super) header: u64,
    /// Where its bytes lie.
    pub(super) data: u64,
    pub(super) size: u64,
    pub(super) kind: Kind,
}

/// What a member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    /// A link to the member or file of this name.
    Link(String),
    /// A folder, a device and the like.
    Other,
}

/// Why an archive cannot be read on.
#[derive(Debug)]
pub(super) enum TarError {
    /// The disk or the decompressor refused.
    Read(io::Error),
    /// The archive itself is at fault.
    Broken(String),
}

impl From<io::Error> for TarError {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

/// Bytes at places that only rise.
pub(super) trait Forward {
    /// Reads so many bytes from a place; fewer where the archive ends before.
    fn read(&mut self, offset: u64, length: usize) -> io::Result<Vec<u8>>;
    /// How far the archive reaches, if not to this place.
    fn reach(&mut self, offset: u64) -> io::Result<u64>;
}

impl Forward for Stream {
    fn read(&mut self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        self.reach(offset)?;
        self.take(length)
    }

    fn reach(&mut self, offset: u64) -> io::Result<u64> {
        self.skip(offset.saturating_sub(self.position()))?;
        Ok(self.position())
    }
}

/// An archive among the files of a data set, read at any place.
pub(super) struct Archive<'a> {
    pub(super) files: &'a Files,
    pub(super) file: usize,
}

impl Forward for Archive<'_> {
    fn read(&mut self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        self.files.read_at(self.file, offset, length)
    }

    /// Whoever reads a member sees whether all of it is there.
    fn reach(&mut self, offset: u64) -> io::Result<u64> {
        Ok(offset)
    }
}

/// A walk over the members of an archive.
pub(super) struct Walk<F> {
    pub(super) archive: F,
    /// Where the last member's bytes end.
    end: u64,
    next: u64,
    is_over: bool,
}

/// What headers before a member's own say of it.
#[derive(Default)]
struct Told {
    name: Option<String>,
    link: Option<String>,
    size: Option<u64>,
}

impl<F: Forward> Walk<F> {
    /// Begins at a header.
    pub(super) fn new(archive: F, offset: u64) -> Self {
        Self { archive, end: offset, next: offset, is_over: false }
    }

    /// The next member. After an error there is none.
    pub(super) fn next(&mut self) -> Result<Option<Member>, TarError> {
        if self.is_over {
            return Ok(None);
        }
        let found = self.member();
        self.is_over = !matches!(found, Ok(Some(_)));
        found
    }

    fn member(&mut self) -> Result<Option<Member>, TarError> {
        self.check_last()?;
        let first = self.next;
        let mut told = Told::default();
        while let Some(header) = self.header()? {
            let size = header.entry_size().map_err(|error| broken(self.next, &error.to_string()))?;
            let data = self.next + BLOCK;
            match header.entry_type() {
                EntryType::GNULongName => told.name = Some(text(&self.words(data, size, MOST_NAME_BYTES)?)),
                EntryType::GNULongLink => told.link = Some(text(&self.words(data, size, MOST_NAME_BYTES)?)),
                EntryType::XHeader => told.read(&self.words(data, size, MOST_PROPERTIES_BYTES)?),
                EntryType::XGlobalHeader => {}
                _ => return self.own(&header, told, first).map(Some),
            }
            self.step(data, size)?;
        }
        Ok(None)
    }

    /// The member whose own header this is.
    fn own(&mut self, header: &Header, told: Told, first: u64) -> Result<Member, TarError> {
        let kind = kind(header, &told, self.next)?;
        let size = header.entry_size().map_err(|error| broken(self.next, &error.to_string()))?;
        let size = if kind == Kind::File { told.size.unwrap_or(size) } else { 0 };
        let name = told.name.unwrap_or_else(|| text(&header.path_bytes()));
        let data = self.next + BLOCK;
        self.step(data, size)?;
        Ok(Member { name, header: first, data, size, kind })
    }

    fn step(&mut self, data: u64, size: u64) -> Result<(), TarError> {
        let end = data.checked_add(size).filter(|end| *end < u64::MAX - BLOCK);
        self.end = end.ok_or_else(|| broken(self.next, &format!("a member declares {size} bytes")))?;
        self.next = self.end.next_multiple_of(BLOCK);
        Ok(())
    }

    /// That the last member is whole.
    fn check_last(&mut self) -> Result<(), TarError> {
        let reached = self.archive.reach(self.end)?;
        if reached >= self.end {
            return Ok(());
        }
        let missing = self.end - reached;
        Err(TarError::Broken(format!("the archive ends at byte {reached}, {missing} bytes before the end of a member")))
    }

    /// The header at the next place; none at the end of the archive.
    fn header(&mut self) -> Result<Option<Header>, TarError> {
        let bytes = self.archive.read(self.next, BLOCK as usize)?;
        if bytes.is_empty() || (bytes.len() == BLOCK as usize && bytes.iter().all(|byte| *byte == 0)) {
            return Ok(None);
        }
        if bytes.len() < BLOCK as usize {
            return Err(broken(self.next, "the archive ends within a header"));
        }
        match header(&bytes) {
            Some(header) => Ok(Some(header)),
            None => Err(broken(self.next, "expected a header of a member, found something else")),
        }
    }

    fn words(&mut self, offset: u64, size: u64, most: u64) -> Result<Vec<u8>, TarError> {
        if size > most {
            return Err(broken(offset, &format!("expected at most {most} bytes before a member, found {size}")));
        }
        let words = self.archive.read(offset, size as usize)?;
        if words.len() as u64 != size {
            return Err(broken(offset, "the archive ends before a member"));
        }
        Ok(words)
    }
}

fn broken(offset: u64, reason: &str) -> TarError {
    TarError::Broken(format!("at byte {offset}: {reason}"))
}

/// A header whose checksum is right.
pub(super) fn header(bytes: &[u8]) -> Option<Header> {
    let bytes = bytes.get(..BLOCK as usize)?;
    let mut header = Header::new_old();
    header.as_mut_bytes().copy_from_slice(bytes);
    // The sum is made with blanks in place of itself.
    let sum = |range: std::ops::Range<usize>| {
        bytes.get(range).into_iter().flatten().map(|byte| u32::from(*byte)).sum::<u32>()
    };
    let sum = sum(0..148) + sum(156..512) + 8 * u32::from(b' ');
    (header.cksum().ok()? == sum).then_some(header)
}

fn kind(header: &Header, told: &Told, offset: u64) -> Result<Kind, TarError> {
    let link = || told.link.clone().or_else(|| header.link_name_bytes().map(|name| text(&name))).unwrap_or_default();
    match header.entry_type() {
        EntryType::Regular | EntryType::Continuous => Ok(Kind::File),
        EntryType::Link | EntryType::Symlink => Ok(Kind::Link(link())),
        EntryType::GNUSparse => Err(broken(offset, "a sparse member: write the archive without --sparse")),
        _ => Ok(Kind::Other),
    }
}

/// A name up to its closing zero. What is not UTF-8 in it is shown as such.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

impl Told {
    /// Reads properties, each of them `LENGTH KEY=VALUE` and a line break.
    fn read(&mut self, mut properties: &[u8]) {
        while let Some((record, rest)) = record(properties) {
            properties = rest;
            let Some(at) = record.iter().position(|byte| *byte == b'=') else { continue };
            let value = text(record.get(at + 1..).unwrap_or_default());
            match record.get(..at) {
                Some(b"path") => self.name = Some(value),
                Some(b"linkpath") => self.link = Some(value),
                Some(b"size") => self.size = value.parse().ok(),
                _ => {}
            }
        }
    }
}

fn record(properties: &[u8]) -> Option<(&[u8], &[u8])> {
    let blank = properties.iter().position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(properties.get(..blank)?).ok()?.parse().ok()?;
    let record = properties.get(blank + 1..length)?;
    Some((record.strip_suffix(b"\n").unwrap_or(record), properties.get(length..)?))
}
