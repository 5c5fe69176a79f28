//! The folder of a choice, which replaces the one before only when it is whole.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use super::{ResultsError, io};

/// What the folder is called, below that of the curation.
const CHOICE: &str = "choice";
/// What it is called while it is filled, and while it is replaced.
const PASSING: [&str; 2] = ["choice.part", "choice.old"];

/// A file that tells such a folder from one that somebody else made, which is never removed.
const MARK: &str = ".editscale-choice";

/// A folder that is being filled. One process at a time has it; what a kill leaves of it is removed by the next.
#[derive(Debug)]
pub struct ChoiceFolder {
    out: PathBuf,
    /// Held until the choice is there.
    _turn: File,
}

impl ChoiceFolder {
    /// Where the choice of a curation lies once it is whole.
    pub fn of(out: &Path) -> PathBuf {
        out.join(CHOICE)
    }

    /// Makes sure that nothing lies where a choice is put but choices.
    pub fn check(out: &Path) -> Result<(), ResultsError> {
        let strange = |name: &&&str| {
            let path = out.join(name);
            path.symlink_metadata().is_ok() && !path.join(MARK).is_file()
        };
        match std::iter::once(&CHOICE).chain(&PASSING).find(strange) {
            Some(name) => Err(ResultsError::Strange(out.join(name))),
            None => Ok(()),
        }
    }

    /// Begins a choice below the folder of a curation.
    pub fn begin(out: &Path) -> Result<Self, ResultsError> {
        let lock = out.join("choice.lock");
        let turn = File::create(&lock).map_err(io(&lock))?;
        match turn.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ResultsError::InUse(out.to_owned())),
            // Some file systems know no locks.
            Err(TryLockError::Error(_)) => {}
        }
        Self::check(out)?;
        let folder = Self { out: out.to_owned(), _turn: turn };
        folder.end_publishing()?;
        remove(&folder.path())?;
        // With its mark from the first moment: a kill leaves nothing that the next would not know.
        let begun = fresh(out)?;
        File::create(begun.join(MARK)).map_err(io(&begun))?;
        fs::rename(&begun, folder.path()).map_err(io(&folder.path()))?;
        Ok(folder)
    }

    /// Where to write.
    pub fn path(&self) -> PathBuf {
        self.out.join(PASSING[0])
    }

    /// Puts the last choice into its place, where its writer was killed after it had made room there.
    fn end_publishing(&self) -> Result<(), ResultsError> {
        let (new, place, old) = (self.path(), Self::of(&self.out), self.old());
        if place.exists() || !old.exists() {
            return Ok(());
        }
        let last = if new.exists() { new } else { old };
        fs::rename(last, &place).map_err(io(&place))
    }

    /// Where the choice before lies while it is replaced.
    fn old(&self) -> PathBuf {
        self.out.join(PASSING[1])
    }

    /// Puts it into the place of the choice before; where it lies.
    pub fn publish(self) -> Result<PathBuf, ResultsError> {
        let (new, place, old) = (self.path(), Self::of(&self.out), self.old());
        remove(&old)?;
        if place.exists() {
            fs::rename(&place, &old).map_err(io(&place))?;
        }
        fs::rename(&new, &place).map_err(io(&place))?;
        remove(&old)?;
        Ok(place)
    }
}

/// A new empty folder. What a kill left of the one before holds nothing but a mark; anything else is not removed.
fn fresh(out: &Path) -> Result<PathBuf, ResultsError> {
    let path = out.join("choice.new");
    unless_missing(fs::remove_file(path.join(MARK))).map_err(io(&path))?;
    unless_missing(fs::remove_dir(&path)).map_err(io(&path))?;
    fs::create_dir(&path).map_err(io(&path))?;
    Ok(path)
}

fn remove(folder: &Path) -> Result<(), ResultsError> {
    unless_missing(fs::remove_dir_all(folder)).map_err(io(folder))
}

fn unless_missing(removed: std::io::Result<()>) -> std::io::Result<()> {
    removed.or_else(|error| if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_replaces_the_one_before_when_it_is_whole() {
        let out = tempfile::tempdir().unwrap();
        let place = ChoiceFolder::of(out.path());
        for text in ["first", "second"] {
            // What a killed process left.
            fs::create_dir_all(out.path().join("choice.part/left")).unwrap();
            File::create(out.path().join("choice.part").join(MARK)).unwrap();
            let folder = ChoiceFolder::begin(out.path()).unwrap();
            assert!(matches!(ChoiceFolder::begin(out.path()), Err(ResultsError::InUse(_))));
            fs::write(folder.path().join("a"), text).unwrap();
            assert_eq!(place.exists(), text == "second");
            assert_eq!(folder.publish().unwrap(), place);
            assert_eq!(fs::read_to_string(place.join("a")).unwrap(), text);
            assert!(!place.join("left").exists() && !out.path().join("choice.old").exists());
        }
    }

    #[test]
    fn a_choice_that_was_whole_is_there_after_a_kill() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path();
        let choice = |name: &str| {
            fs::create_dir(out.join(name)).unwrap();
            File::create(out.join(name).join(MARK)).unwrap();
            fs::write(out.join(name).join("a"), name).unwrap();
        };
        // Killed before the mark was made, and between the two steps of publishing.
        fs::create_dir(out.join("choice.new")).unwrap();
        choice("choice.old");
        choice("choice.part");
        drop(ChoiceFolder::begin(out).unwrap());
        let place = ChoiceFolder::of(out);
        assert_eq!(fs::read_to_string(place.join("a")).unwrap(), "choice.part");
        ChoiceFolder::begin(out).unwrap().publish().unwrap();
        assert!(!place.join("a").exists() && !out.join("choice.old").exists() && !out.join("choice.new").exists());
    }

    #[test]
    fn what_somebody_else_made_is_left_alone() {
        for name in ["choice", "choice.part", "choice.old"] {
            let out = tempfile::tempdir().unwrap();
            let theirs = out.path().join(name);
            fs::create_dir(&theirs).unwrap();
            fs::write(theirs.join("notes.txt"), "mine").unwrap();
            let error = ChoiceFolder::begin(out.path()).unwrap_err();
            assert!(matches!(&error, ResultsError::Strange(path) if *path == theirs), "{error}");
            assert_eq!(fs::read_to_string(theirs.join("notes.txt")).unwrap(), "mine");
        }
        let out = tempfile::tempdir().unwrap();
        let theirs = out.path().join("choice.new");
        fs::create_dir(&theirs).unwrap();
        fs::write(theirs.join("notes.txt"), "mine").unwrap();
        assert!(matches!(ChoiceFolder::begin(out.path()), Err(ResultsError::Io { .. })));
        assert_eq!(fs::read_to_string(theirs.join("notes.txt")).unwrap(), "mine");
    }
}
