//! Who still lives: every open queue holds a lock on a file of its own, which the system lets go of when the process ends,
//! however it ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The lock that says that this worker lives. Dropped, it is let go of and its file removed.
#[derive(Debug)]
pub(super) struct Alive {
    file: File,
    path: PathBuf,
    name: String,
}

impl Alive {
    /// Makes a lock file under a name of its own.
    pub(super) fn begin(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
        let name = format!("{}-{:016x}", std::process::id(), u64::from_ne_bytes(random));
        let path = path(folder, &name);
        let file = OpenOptions::new().write(true).create_new(true).open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file, path, name }),
            Err(TryLockError::Error(error)) => Err(error),
            Err(TryLockError::WouldBlock) => Err(io::Error::other("somebody else holds a lock on a new file")),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        fs::remove_file(&self.path).ok();
        self.file.unlock().ok();
    }
}

/// Whether a worker has ended. In doubt it has not: its leases end by their time.
pub(super) fn has_ended(folder: &Path, name: &str) -> bool {
    match File::open(path(folder, name)) {
        Ok(file) => file.try_lock_shared().is_ok(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Removes the file of a worker that has ended.
pub(super) fn bury(folder: &Path, name: &str) {
    fs::remove_file(path(folder, name)).ok();
}

fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_with_its_holder() {
        let folder = tempfile::tempdir().unwrap();
        let alive = Alive::begin(folder.path()).unwrap();
        let name = alive.name().to_owned();
        assert!(!has_ended(folder.path(), &name));
        drop(alive);
        assert!(has_ended(folder.path(), &name));
        fs::write(path(folder.path(), "killed"), "").unwrap();
        assert!(has_ended(folder.path(), "killed"));
    }
}
