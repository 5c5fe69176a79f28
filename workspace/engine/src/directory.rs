//! The run directory: `run.json`, `journal.jsonl`, `images/`, `outcome.json`.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use editscale_core::{Budget, Outcome, Usd};
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::again;
use crate::book::{Book, Stores};
use crate::error::EngineError;
use crate::files::{PASSING, WriteError, replace_whole, write_whole};
use crate::images::ImageStore;
use crate::journal::{self, Journal, Line};
use crate::manifest::{Difference, Manifest, ManifestWire};
use crate::outcome;
use crate::trajectories::TrajectoryStore;
use crate::wire::{FORMAT_VERSION, OLDEST_FORMAT_VERSION};

pub(crate) const MANIFEST: &str = "run.json";
pub(crate) const JOURNAL: &str = "journal.jsonl";
pub(crate) const OUTCOME: &str = "outcome.json";
pub(crate) const IMAGES: &str = "images";
const LOCK: &str = "run.lock";

/// Why a run directory cannot be made or used.
#[derive(Debug, Error)]
pub enum DirectoryError {
    /// There is something in the way.
    #[error("{0} exists and is not empty: a new run needs a folder of its own")]
    NotEmpty(PathBuf),
    /// There is no run in it.
    #[error("{0} is not a run directory: it holds no `run.json`")]
    NotARun(PathBuf),
    /// It was written by another version of the program.
    #[error(
        "{path}: the run has format version {found}, this program reads versions {OLDEST_FORMAT_VERSION} to {FORMAT_VERSION}"
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// The version it has.
        found: u64,
    },
    /// Somebody is at work in it.
    #[error("{0} is in use by another process")]
    InUse(PathBuf),
    /// A file is not what it should be.
    #[error("{path}: {reason}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// What is to be resumed is another run.
    #[error("cannot resume {path}: {what} differs: the run has `{recorded}`, this program has `{present}`")]
    Differs {
        /// The run directory.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// As the run has it.
        recorded: String,
        /// As it is now.
        present: String,
    },
    /// The system refused.
    #[error("cannot {what} {path}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A budget can be widened only.
    #[error(
        "cannot go on with {path}: its budget of {what} is {recorded}, and would be {present}: expected at least as much"
    )]
    Narrower {
        /// The run directory.
        path: PathBuf,
        /// Of what there would be less.
        what: &'static str,
        /// As the run has it.
        recorded: String,
        /// As it would be.
        present: String,
    },
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Whether a run can be begun here: there is nothing but what a run directory has before that.
fn is_free(path: &Path) -> bool {
    let is_of_ours = |entry: io::Result<fs::DirEntry>| {
        entry.is_ok_and(|entry| {
            let name = entry.file_name();
            let is_passing = Path::new(&name).extension().is_some_and(|extension| extension == PASSING);
            name == LOCK || name == IMAGES || is_passing
        })
    };
    fs::read_dir(path).map_or(true, |mut entries| entries.all(is_of_ours))
}

/// A run directory that this process works in. Others are kept out until it is dropped.
#[derive(Debug)]
pub struct RunDirectory {
    path: PathBuf,
    images: Arc<ImageStore>,
    _lock: File,
}

impl RunDirectory {
    /// Makes a new run directory at `path`, which must be absent or empty, but for what is left of one that was made
    /// and in which no run was begun.
    pub fn create(path: &Path) -> Result<Self, DirectoryError> {
        let not_empty = || DirectoryError::NotEmpty(path.to_owned());
        if !is_free(path) {
            return Err(not_empty());
        }
        let images = path.join(IMAGES);
        fs::create_dir_all(&images).map_err(io_error("create", &images))?;
        let directory = Self::enter(path)?;
        // Another process may have begun a run here, and ended it, before the lock was had.
        if is_free(path) { Ok(directory) } else { Err(not_empty()) }
    }

    /// Opens the run at `path` to go on with it, and reads what it is a run of.
    pub fn open(path: &Path) -> Result<(Self, Manifest), DirectoryError> {
        if !path.join(MANIFEST).is_file() {
            return Err(DirectoryError::NotARun(path.to_owned()));
        }
        let directory = Self::enter(path)?;
        let manifest = read_manifest(path, &directory.images)?;
        Ok((directory, manifest))
    }

    fn enter(path: &Path) -> Result<Self, DirectoryError> {
        let lock_path = path.join(LOCK);
        let lock = File::create(&lock_path).map_err(io_error("create", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DirectoryError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(io_error("lock", &lock_path)(source)),
        }
        let images = Arc::new(ImageStore::new(path.join(IMAGES)));
        Ok(Self { path: path.to_owned(), images, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its pictures.
    pub fn images(&self) -> &Arc<ImageStore> {
        &self.images
    }

    /// Writes down what this is a run of. Before that, it is not a run that could be resumed.
    pub fn begin(&self, manifest: &Manifest) -> Result<(), DirectoryError> {
        write_json(&self.path.join(MANIFEST), &ManifestWire::from(manifest))
    }

    /// Checks that the run goes on as it began: equal request, policy, objective, editors, rewards and budget.
    pub fn check_same(&self, recorded: &Manifest, present: &Manifest) -> Result<(), DirectoryError> {
        match recorded.difference(present) {
            None => Ok(()),
            Some(Difference { what, recorded, present }) => {
                Err(DirectoryError::Differs { path: self.path.clone(), what, recorded, present })
            }
        }
    }

    /// Gives a run more to spend than it was begun with, and says whether that changes anything: a search that came to an end
    /// for want of budget goes on when the run is carried out again; one that had all it wanted has ended.
    ///
    /// The run is then one with that budget, as if it had been begun with it, and knows what it has made. The budget may not be
    /// narrower than before in anything.
    pub fn widen(&mut self, recorded: &Manifest, budget: Budget) -> Result<bool, DirectoryError> {
        if let Some((what, recorded, present)) = narrower(&recorded.budget, &budget) {
            return Err(DirectoryError::Narrower { path: self.path.clone(), what, recorded, present });
        }
        // The manifest first: dying between the two leaves a run that can be widened again.
        self.begin(&Manifest { budget, ..recorded.clone() })?;
        self.cut(again::without_shortage)
    }

    /// Has a run go on under another search, which decides as its own did until that ended: where the run has ended, it is asked
    /// what to do then when the run is carried out again. Answers with what the run is a run of from now on.
    pub fn go_on_under(&mut self, recorded: &Manifest, search: &str) -> Result<Manifest, DirectoryError> {
        // The journal first: dying between the two leaves a run that comes to its own end again.
        self.cut(again::without_end)?;
        let present = Manifest { search: search.to_owned(), ..recorded.clone() };
        self.begin(&present)?;
        Ok(present)
    }

    /// Leaves of the journal what `kept` says; nothing is changed where it says nothing.
    fn cut(&self, kept: impl Fn(&[Line]) -> Option<&[Line]>) -> Result<bool, DirectoryError> {
        let path = self.path.join(JOURNAL);
        let corrupt = |reason: String| DirectoryError::Corrupt { path: path.clone(), reason };
        let (journal, lines) = Journal::open(&path).map_err(|error| corrupt(error.to_string()))?;
        drop(journal);
        let Some(kept) = kept(&lines) else { return Ok(false) };
        self.take_back(kept)?;
        Ok(true)
    }

    /// Leaves these lines of the journal: the run has not ended any more.
    fn take_back(&self, kept: &[Line]) -> Result<(), DirectoryError> {
        let path = self.path.join(JOURNAL);
        let text = journal::text(kept)
            .map_err(|error| DirectoryError::Corrupt { path: path.clone(), reason: error.to_string() })?;
        // The outcome first: dying between the two leaves a run that comes to it again.
        remove(&self.path.join(OUTCOME))?;
        Ok(replace_whole(&path, &text)?)
    }

    /// Opens the journal and reads what it knows.
    pub(crate) fn take_book(&mut self, budget: Budget) -> Result<Book, EngineError> {
        let path = self.path.join(JOURNAL);
        let (mut journal, mut lines) = Journal::open(&path)?;
        if let Some(kept) = again::taken_up(&lines) {
            self.take_back(&kept)?;
            (journal, lines) = Journal::open(&path)?;
        }
        let trajectories = Arc::new(TrajectoryStore::new(&self.path));
        let stores = Stores { images: Arc::clone(&self.images), trajectories };
        Ok(Book::open(journal, lines, stores, budget)?)
    }

    pub(crate) fn write_outcome(&self, outcome: &Outcome) -> Result<(), DirectoryError> {
        write_json(&self.path.join(OUTCOME), &outcome::OutcomeWire::from(outcome))
    }
}

/// What a budget has less of than another, and how much of it both have.
fn narrower(recorded: &Budget, present: &Budget) -> Option<(&'static str, String, String)> {
    let secs = |wall: Option<Duration>| wall.map(|wall| wall.as_secs_f64());
    let micros = |usd: Option<Usd>| usd.map(|usd| usd.micros);
    let pairs = [
        ("edits", less(recorded.edits, present.edits)),
        ("reward calls", less(recorded.reward_calls, present.reward_calls)),
        ("denoiser evaluations", less(recorded.nfe, present.nfe)),
        ("tokens", less(recorded.tokens, present.tokens)),
        ("millionths of a dollar", less(micros(recorded.usd), micros(present.usd))),
        ("seconds", less(secs(recorded.wall), secs(present.wall))),
    ];
    pairs.into_iter().find_map(|(what, less)| less.map(|(recorded, present)| (what, recorded, present)))
}

/// Two limits in words, where the second is less than the first.
fn less<T: PartialOrd + ToString>(recorded: Option<T>, present: Option<T>) -> Option<(String, String)> {
    let is_less = match (&recorded, &present) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(recorded), Some(present)) => present < recorded,
    };
    let words = |limit: Option<T>| limit.map_or_else(|| "without limit".to_owned(), |limit| limit.to_string());
    is_less.then(|| (words(recorded), words(present)))
}

/// Removes a file that may not be there.
fn remove(path: &Path) -> Result<(), DirectoryError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("remove", path)(error)),
        _ => Ok(()),
    }
}

pub(crate) fn read_manifest(path: &Path, images: &ImageStore) -> Result<Manifest, DirectoryError> {
    let path = path.join(MANIFEST);
    let wire: ManifestWire = read_json(&path)?;
    wire.manifest(images).map_err(|reason| DirectoryError::Corrupt { path, reason })
}

/// Reads a file of a version that this program knows.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, DirectoryError> {
    let text = fs::read(path).map_err(io_error("read", path))?;
    let corrupt = |reason: String| DirectoryError::Corrupt { path: path.to_owned(), reason };
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(|error| corrupt(error.to_string()))?;
    match value.get("version").and_then(serde_json::Value::as_u64) {
        Some(version) if (u64::from(OLDEST_FORMAT_VERSION)..=u64::from(FORMAT_VERSION)).contains(&version) => {}
        Some(found) => return Err(DirectoryError::Version { path: path.to_owned(), found }),
        None => return Err(corrupt("`version` is missing: expected a whole number".to_owned())),
    }
    serde_json::from_value(value).map_err(|error| corrupt(error.to_string()))
}

fn io_error(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DirectoryError + use<> {
    let path = path.to_owned();
    move |source| DirectoryError::Io { what, path, source }
}

fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), DirectoryError> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|error| DirectoryError::Corrupt { path: path.to_owned(), reason: error.to_string() })?;
    text.push(b'\n');
    Ok(write_whole(path, &text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_begun_where_nothing_is_but_what_a_kill_left() {
        for (names, is_free) in [
            (&[][..], true),
            (&[LOCK, "images/a.png", "run.7-0.part"], true),
            (&[LOCK, MANIFEST], false),
            (&["notes.txt"], false),
        ] {
            let folder = tempfile::tempdir().unwrap();
            for name in names {
                let path = folder.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, b"").unwrap();
            }
            let made = RunDirectory::create(folder.path());
            assert_eq!(made.is_ok(), is_free, "{names:?}");
            if is_free {
                assert!(matches!(RunDirectory::create(folder.path()), Err(DirectoryError::InUse(_))), "{names:?}");
            }
        }
    }
}
