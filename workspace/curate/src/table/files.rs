//! The score files of a folder: what they are called, and all their records in the order of the data set.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::path::{Path, PathBuf};

use editscale_engine::write_whole;
use editscale_rollout::queue::Sharding;
use editscale_study::curation::key_of;
use serde::{Deserialize, Serialize};

use super::reading::Reader;
use super::{Layout, TableError};
use crate::Record;

/// The folder of the score files.
const FOLDER: &str = "scores";

/// One queue's score files: all of them, or those of one share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(Option<(u32, u32)>);

impl Share {
    /// The files of a queue with this share of the data set.
    pub fn new(sharding: Option<Sharding>) -> Self {
        Self(sharding.map(|share| (share.index(), share.count())))
    }

    fn stem(self) -> String {
        self.0.map_or_else(|| "scores".to_owned(), |(index, count)| format!("scores-{index}-of-{count}"))
    }

    /// The file of this number.
    pub fn file(self, out: &Path, number: u64) -> PathBuf {
        out.join(FOLDER).join(format!("{}-{number:05}.parquet", self.stem()))
    }

    /// The file that says that all has been written.
    fn completion(self, out: &Path) -> PathBuf {
        out.join(FOLDER).join(format!("{}-complete.json", self.stem()))
    }

    /// What a file's name says.
    fn parse(name: &str) -> Option<(Self, u64)> {
        let (stem, number) = name.strip_suffix(".parquet")?.rsplit_once('-')?;
        let number = number.parse().ok()?;
        if stem == "scores" {
            return Some((Self(None), number));
        }
        let (index, count) = stem.strip_prefix("scores-")?.split_once("-of-")?;
        Some((Self(Some((index.parse().ok()?, count.parse().ok()?))), number))
    }
}

/// What all files of a share hold together: written when the last of them is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Completion {
    /// 1.
    pub version: u32,
    /// Files.
    pub files: u64,
    /// Rows of the data set.
    pub rows: u64,
    /// Records: one an edited picture, and one for each row that cannot be used.
    pub records: u64,
    /// Records that have a score.
    pub scored: u64,
    /// What they are scores of: a key of [`editscale_rollout::Defines::name`] of the definition.
    #[serde(default)]
    pub definition: u64,
}

impl Completion {
    /// Reads that of a share; nothing where it is not complete.
    pub fn read(out: &Path, share: Share) -> Result<Option<Self>, TableError> {
        let path = share.completion(out);
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|error| TableError::Unreadable { path, reason: error.to_string() }),
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(TableError::Io { path, source }),
        }
    }

    /// Counts a record.
    pub fn add(&mut self, record: &Record) {
        // Every row has a first candidate.
        self.rows += u64::from(record.candidate == 0);
        self.records += 1;
        self.scored += u64::from(record.score.is_some());
    }

    /// Takes it back where not all of the files are there that it promises.
    pub fn remove_unless_there(out: &Path, share: Share) -> Result<(), TableError> {
        let promised = Self::read(out, share)?.map_or(0, |complete| complete.files);
        if ScoreFiles::find(out)?.count(share) == promised {
            return Ok(());
        }
        let path = share.completion(out);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(TableError::Io { path, source: error }),
            _ => Ok(()),
        }
    }

    /// Writes it.
    pub fn write(&self, out: &Path, share: Share) -> Result<(), TableError> {
        let path = share.completion(out);
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        let failed = |source| TableError::Io { path: path.clone(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        Ok(write_whole(&path, &text)?)
    }
}

/// The score files that a folder has.
#[derive(Debug, Clone, Default)]
pub struct ScoreFiles {
    shares: BTreeMap<Share, BTreeMap<u64, PathBuf>>,
    out: PathBuf,
}

impl ScoreFiles {
    /// Looks for them below the folder of a curation.
    pub fn find(out: &Path) -> Result<Self, TableError> {
        let folder = out.join(FOLDER);
        let mut found = Self { shares: BTreeMap::new(), out: out.to_owned() };
        let failed = |source| TableError::Io { path: folder.clone(), source };
        let entries = match std::fs::read_dir(&folder) {
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => return Ok(found),
            other => other.map_err(failed)?,
        };
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            if let Some((share, number)) = path.file_name().and_then(|name| Share::parse(name.to_str()?)) {
                found.shares.entry(share).or_default().insert(number, path);
            }
        }
        Ok(found)
    }

    /// Those of one share alone.
    #[must_use]
    pub fn of(mut self, share: Share) -> Self {
        self.shares.retain(|other, _| *other == share);
        self
    }

    /// Those of each share up to the first that is missing: what lies behind it is written again.
    #[must_use]
    pub fn without_gaps(mut self) -> Self {
        for files in self.shares.values_mut() {
            let whole = files.keys().zip(0..).take_while(|(number, next)| *number == next).count() as u64;
            files.split_off(&whole);
        }
        self
    }

    /// How many files a share has from the first on, without a gap: the number of the next one to be written.
    pub fn count(&self, share: Share) -> u64 {
        let numbers = self.shares.get(&share).into_iter().flat_map(BTreeMap::keys);
        numbers.zip(0..).take_while(|(number, next)| *number == next).count() as u64
    }

    /// The columns of the last file of a share.
    pub fn last_layout(&self, share: Share) -> Result<Option<Layout>, TableError> {
        let last = self.shares.get(&share).and_then(BTreeMap::last_key_value);
        last.map(|(_, path)| Ok(Reader::open(path)?.layout().clone())).transpose()
    }

    /// Whether every share that the data set was cut into has all of its files; of `shares` shares, or of one queue alone. Fails
    /// where they are scores of something else than the definition of this name.
    pub fn are_complete(&self, shares: Option<u64>, name: &str) -> Result<bool, TableError> {
        let all: Vec<Share> = match shares.and_then(|count| u32::try_from(count).ok()) {
            None => vec![Share(None)],
            Some(count) => (0..count).map(|index| Share(Some((index, count)))).collect(),
        };
        for share in all {
            let Some(complete) = Completion::read(&self.out, share)? else { return Ok(false) };
            if complete.definition != key_of(name.as_bytes()) {
                let reason =
                    "these are scores of another data set or of other rewards than `curate.json` says".to_owned();
                return Err(TableError::Unreadable { path: share.completion(&self.out), reason });
            }
            if self.count(share) != complete.files {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The files, share by share, each in order.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.shares.values().flat_map(BTreeMap::values).map(PathBuf::as_path)
    }

    /// All records in the order of rows and candidates, however many shares there are. Of each share a thousand are in memory
    /// at a time. Blocking. After an error nothing more is to be expected of it.
    pub fn records(&self) -> Records {
        let share = |files: &BTreeMap<u64, PathBuf>| {
            let files = files.values().cloned().collect::<Vec<_>>().into_iter();
            OneShare { files, open: None }.peekable()
        };
        Records { shares: self.shares.values().map(share).collect() }
    }
}

/// Goes through the records of all score files.
pub struct Records {
    shares: Vec<Peekable<OneShare>>,
}

impl std::fmt::Debug for Records {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Records").field("shares", &self.shares.len()).finish()
    }
}

impl Iterator for Records {
    type Item = Result<Record, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        // An error comes first: it is to be heard of at once.
        let first = |share: &mut Peekable<OneShare>| match share.peek() {
            Some(Ok(record)) => Some((1, record.row, record.candidate)),
            Some(Err(_)) => Some((0, 0, 0)),
            None => None,
        };
        let keys: Vec<_> = self.shares.iter_mut().map(first).collect();
        let (place, _) = keys.iter().enumerate().filter(|(_, key)| key.is_some()).min_by_key(|(_, key)| **key)?;
        self.shares.get_mut(place)?.next()
    }
}

struct OneShare {
    files: std::vec::IntoIter<PathBuf>,
    open: Option<Reader>,
}

impl Iterator for OneShare {
    type Item = Result<Record, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.open.as_mut().and_then(Iterator::next) {
                return Some(record);
            }
            match Reader::open(&self.files.next()?) {
                Ok(reader) => self.open = Some(reader),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
