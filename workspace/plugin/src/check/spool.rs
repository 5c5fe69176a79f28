//! The spool of a check: a folder that only this user sees, removed with all that is in it.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use editscale_sdk::protocol::Picture;

use super::CheckError;
use super::pictures::Sample;

/// A folder with a part for each side.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    files: AtomicU64,
}

impl Spool {
    pub(super) fn new() -> Result<Self, CheckError> {
        static SPOOLS: AtomicU64 = AtomicU64::new(0);
        let name = format!("editscale-check-{}-{}", std::process::id(), SPOOLS.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        let failed = |error: std::io::Error| CheckError::Prepare(format!("{}: {error}", folder.display()));
        let mut builder = fs::DirBuilder::new();
        builder.mode(0o700);
        builder.create(&folder).map_err(failed)?;
        ["host", "plugin"].iter().try_for_each(|part| builder.create(folder.join(part))).map_err(failed)?;
        Ok(Self { folder, files: AtomicU64::new(0) })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A picture as a file.
    pub(super) fn put(&self, sample: &Sample) -> Result<Picture, String> {
        let path = self.free_path();
        let (beside, shown) = (path.with_extension("part"), path.display().to_string());
        let written = fs::write(&beside, &sample.bytes).and_then(|()| fs::rename(&beside, &path));
        written.map_err(|error| format!("cannot write {shown}: {error}"))?;
        Ok(sample.at(shown))
    }

    /// A picture as a file that is not there.
    pub(super) fn put_nowhere(&self, sample: &Sample) -> Picture {
        sample.at(self.free_path().display().to_string())
    }

    fn free_path(&self) -> PathBuf {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        self.folder.join("host").join(format!("{number}.png"))
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        crate::tree::remove_tree(&self.folder).ok();
    }
}
