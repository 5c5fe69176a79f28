//! What a model directory was made of: the file `pulled.json` in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use editscale_fetch::RemoteFile;
use serde::{Deserialize, Serialize};

use crate::commands::models::place::write_whole;
use crate::failure::Misuse;

const FILE: &str = "pulled.json";
const VERSION: u32 = 1;

/// Which repository at which commit each part came from. It is written before anything else, and after every large file,
/// so that a pull that was interrupted knows what is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    version: u32,
    pub(super) repo: String,
    pub(super) commit: String,
    pub(super) base: Option<String>,
    pub(super) base_commit: Option<String>,
    /// The licences that were shown and accepted.
    pub(super) licences: Vec<String>,
    /// Large files that are there, by name: which content of that name.
    files: BTreeMap<String, String>,
}

impl Record {
    pub(super) fn new(repo: String, commit: String, base: Option<(String, String)>, licences: Vec<String>) -> Self {
        let (base, base_commit) = base.unzip();
        Self { version: VERSION, repo, commit, base, base_commit, licences, files: BTreeMap::new() }
    }

    /// What is written in a folder, if anything is.
    pub(super) fn read(folder: &Path) -> Option<Self> {
        let text = fs::read(folder.join(FILE)).ok()?;
        serde_json::from_slice(&text).ok().filter(|record: &Self| record.version == VERSION)
    }

    /// Goes on with the files that an earlier pull of the same repository brought. Refuses a folder that holds something
    /// else: nothing of a user's is ever overwritten.
    pub(super) fn take_over(mut self, folder: &Path) -> Result<Self> {
        let hint = "give another folder with --dir";
        match Self::read(folder) {
            Some(earlier) if earlier.repo == self.repo => self.files = earlier.files,
            Some(earlier) => {
                let message = format!("{}: holds `{}`, not `{}`", folder.display(), earlier.repo, self.repo);
                bail!(Misuse::new(message).hint(hint));
            }
            None if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) => {
                let message = format!("{}: is not empty, and what it holds was not pulled", folder.display());
                bail!(Misuse::new(message).hint(hint));
            }
            None => {}
        }
        self.write(folder)?;
        Ok(self)
    }

    /// Whether a file is there with this content.
    pub(super) fn has(&self, folder: &Path, file: &RemoteFile) -> bool {
        let length = fs::metadata(path(folder, file)).map(|facts| facts.len()).ok();
        let is_this = self.files.get(&file.path) == Some(&file.version);
        is_this && length.is_some() && file.bytes.is_none_or(|bytes| Some(bytes) == length)
    }

    /// Notes a file that is there now.
    pub(super) fn add(&mut self, folder: &Path, file: &RemoteFile) -> Result<()> {
        self.files.insert(file.path.clone(), file.version.clone());
        self.write(folder)
    }

    /// Whether a file that came from another one, which is gone, is there.
    pub(super) fn has_made(&self, folder: &Path, name: &str, of: &RemoteFile) -> bool {
        self.files.get(name) == Some(&of.version) && folder.join(name).is_file()
    }

    /// Notes a file that was made of another one.
    pub(super) fn add_made(&mut self, folder: &Path, name: &str, of: &RemoteFile) -> Result<()> {
        self.files.insert(name.to_owned(), of.version.clone());
        self.write(folder)
    }

    /// Removes what an earlier pull brought and this one does not want: it would be taken for a part of the model.
    pub(super) fn remove_others(&mut self, folder: &Path, wanted: &BTreeSet<&str>) -> Result<()> {
        let is_other = |name: &String| !wanted.contains(name.as_str()) && is_plain(name);
        let others: Vec<String> = self.files.keys().filter(|name| is_other(name)).cloned().collect();
        for name in &others {
            fs::remove_file(folder.join(name)).ok();
            self.files.remove(name);
        }
        if others.is_empty() { Ok(()) } else { self.write(folder) }
    }

    fn write(&self, folder: &Path) -> Result<()> {
        write_whole(&folder.join(FILE), &serde_json::to_vec_pretty(self)?)
    }
}

/// Whether a path of a repository may become a local one: a name, or a name in a folder.
pub(super) fn is_plain(path: &str) -> bool {
    let is_name = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', ':', '\0']);
    path.split('/').count() <= 2 && path.split('/').all(is_name)
}

/// Where a file of a repository goes. Its path has to be plain.
pub(super) fn path(folder: &Path, file: &RemoteFile) -> PathBuf {
    folder.join(&file.path)
}
