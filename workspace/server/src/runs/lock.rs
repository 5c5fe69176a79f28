//! One server works in a folder of runs at a time: a second one would take the runs of the first for lost.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use crate::refusal::Refusal;

/// The file's name, in the folder of runs.
const FILE: &str = "server.lock";

/// A folder of runs that nobody else works in until this is dropped, or the program ends, however it does.
#[derive(Debug)]
pub(crate) struct FolderLock(#[expect(dead_code, reason = "the lock lasts as long as the file is open")] File);

impl FolderLock {
    /// Takes the folder, which is made where it is not there.
    pub(crate) fn take(folder: &Path) -> Result<Self, Refusal> {
        let shown = folder.display();
        let broken = |error: std::io::Error| Refusal::broken(format!("cannot use the folder of runs {shown}: {error}"));
        fs::create_dir_all(folder).map_err(broken)?;
        let file = File::create(folder.join(FILE)).map_err(broken)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::Error(error)) => Err(broken(error)),
            Err(TryLockError::WouldBlock) => Err(Refusal::Conflict(format!(
                "another server works in the folder of runs {shown}: give each one a folder of its own"
            ))),
        }
    }
}

/// Whether no server works in this folder of runs.
pub fn is_free(folder: &Path) -> bool {
    !folder.join(FILE).exists() || FolderLock::take(folder).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_server_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let runs = folder.path().join("new/runs");
        assert!(is_free(&runs));
        let lock = FolderLock::take(&runs).unwrap();
        assert!(!is_free(&runs));
        assert!(matches!(FolderLock::take(&runs), Err(Refusal::Conflict(_))));
        drop(lock);
        assert!(is_free(&runs) && FolderLock::take(&runs).is_ok());
    }
}
