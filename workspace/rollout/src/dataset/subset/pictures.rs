//! Pictures that kept rows name by a path: put beside the rows as they lay before.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, linkat};

use super::SubsetSummary;
use crate::dataset::named::Mention;

/// What failed, and where.
type Failed = (PathBuf, io::Error);

/// The pictures of a subset.
pub(super) struct Companions {
    out: PathBuf,
    /// The data set's own files, by their paths in it. No picture takes the place of one.
    data: BTreeSet<PathBuf>,
    folders: BTreeSet<PathBuf>,
    pub(super) counts: SubsetSummary,
}

impl Companions {
    pub(super) fn new(out: &Path, data: BTreeSet<PathBuf>) -> Self {
        let folders = [out.to_owned()].into_iter().collect();
        Self { out: out.to_owned(), data, folders, counts: SubsetSummary::default() }
    }

    /// Puts a picture that a row of a file in the folder `from` names. `within` is that folder as seen from the data set's.
    pub(super) fn put(&mut self, mention: &Mention, from: &Path, within: &Path) -> Result<(), Failed> {
        let path = match mention {
            Mention::Path(path) if self.is_own(&within.join(path)) => path,
            Mention::Path(_) | Mention::Elsewhere => {
                self.counts.left += 1;
                return Ok(());
            }
        };
        let (source, target) = (from.join(path), self.out.join(within).join(path));
        match fs::metadata(&source) {
            Ok(metadata) if metadata.is_file() => self.place(&source, &metadata, &target),
            _ => {
                self.counts.left += 1;
                Ok(())
            }
        }
    }

    /// Whether a path leads to something in the data set's folder that is none of its files.
    fn is_own(&self, path: &Path) -> bool {
        let mut whole = PathBuf::new();
        for component in path.components() {
            match component {
                Component::Normal(part) => whole.push(part),
                Component::CurDir => {}
                Component::ParentDir if whole.pop() => {}
                Component::ParentDir | Component::RootDir | Component::Prefix(_) => return false,
            }
        }
        !whole.as_os_str().is_empty() && !self.data.contains(&whole)
    }

    fn place(&mut self, source: &Path, metadata: &Metadata, target: &Path) -> Result<(), Failed> {
        let failed = |error: io::Error| (target.to_owned(), error);
        if let Some(folder) = target.parent() {
            self.make_folder(folder).map_err(failed)?;
        }
        // A link to a picture would lead nowhere from here: what it leads to is linked.
        match linkat(CWD, source, CWD, target, AtFlags::SYMLINK_FOLLOW) {
            Ok(()) => self.counts.linked += 1,
            Err(rustix::io::Errno::EXIST) => already(metadata, target).map_err(failed)?,
            Err(_) => match copy(source, metadata, target) {
                Ok(()) => self.counts.copied += 1,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    already(metadata, target).map_err(failed)?;
                }
                Err(error) => return Err(failed(error)),
            },
        }
        Ok(())
    }

    /// Makes a folder, and remembers it and those that it lies in.
    pub(super) fn make_folder(&mut self, folder: &Path) -> io::Result<()> {
        if self.folders.contains(folder) {
            return Ok(());
        }
        fs::create_dir_all(folder)?;
        let made = folder.ancestors().take_while(|ancestor| ancestor.starts_with(&self.out));
        self.folders.extend(made.map(Path::to_owned));
        Ok(())
    }

    /// Waits until the folders are on the disk with what they hold.
    pub(super) fn sync(&self) -> Result<(), Failed> {
        let sync = |folder: &PathBuf| File::open(folder)?.sync_all();
        self.folders.iter().try_for_each(|folder| sync(folder).map_err(|error| (folder.clone(), error)))
    }
}

/// That what is there already is this very picture, named by a row before.
fn already(source: &Metadata, target: &Path) -> io::Result<()> {
    let there = fs::metadata(target)?;
    let is_linked = (there.dev(), there.ino()) == (source.dev(), source.ino());
    let is_copied = there.len() == source.len() && there.modified()? == source.modified()?;
    if is_linked || is_copied {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "another file is there already; it is not overwritten"))
}

/// Copies a file with its time, by which the copy is known again.
fn copy(source: &Path, metadata: &Metadata, target: &Path) -> io::Result<()> {
    let mut to = File::options().write(true).create_new(true).open(target)?;
    io::copy(&mut File::open(source)?, &mut to)?;
    to.set_modified(metadata.modified()?)?;
    to.sync_all()
}
