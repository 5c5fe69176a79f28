//! The cache that the hub's own tools share: `models--OWNER--NAME/{refs,snapshots,blobs}`. Read, never written.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::hub::snapshot::{is_plain, is_sha256};
use crate::partial::hex;
use crate::partial::{Partial, hash};
use crate::{FetchError, Licence, RemoteFile, RepoId, Snapshot};

/// Folders within folders that are looked into. Model repositories have two at most.
const MOST_DEPTH: usize = 8;

/// Where the cache keeps a repository.
pub(super) fn folder(cache: &Path, repo: &RepoId) -> PathBuf {
    cache.join(repo.cache_folder())
}

/// A repository as far as the cache has it at a revision.
pub(super) fn snapshot(cache: &Path, repo: &RepoId, revision: &str) -> Option<Snapshot> {
    let folder = folder(cache, repo);
    let stays_below = |text: &str| !text.split('/').any(|part| part.is_empty() || part.starts_with('.'));
    let named = stays_below(revision).then(|| fs::read_to_string(folder.join("refs").join(revision)).ok()).flatten();
    let commit = named.map_or_else(|| revision.to_owned(), |commit| commit.trim().to_owned());
    let root = folder.join("snapshots").join(&commit);
    if !is_plain(&commit) || !root.is_dir() {
        return None;
    }
    let mut files = Vec::new();
    Walk { commit: &commit, files: &mut files }.folder(&root, "", MOST_DEPTH);
    files.sort_by(|a: &RemoteFile, b| a.path.cmp(&b.path));
    let card = fs::read_to_string(root.join("README.md")).unwrap_or_default();
    Some(Snapshot { repo: repo.clone(), commit, files, licence: Licence::of_text(&card) })
}

/// Looks for the files of a snapshot.
struct Walk<'a> {
    commit: &'a str,
    files: &'a mut Vec<RemoteFile>,
}

impl Walk<'_> {
    /// Takes the files of a folder, whose path in the snapshot is `prefix`, and of the folders in it down to a depth.
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let path = format!("{prefix}{name}");
            // A folder is never a link, or a link to its own parent would be walked again and again.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if depth > 0 {
                    self.folder(&entry.path(), &format!("{path}/"), depth - 1);
                }
                continue;
            }
            // Files are links to blobs: the metadata wanted is the blob's.
            match fs::metadata(entry.path()) {
                Ok(facts) if facts.is_file() => {
                    self.files.push(cached(&entry.path(), path, facts.len(), self.commit));
                }
                _ => {}
            }
        }
    }
}

fn cached(at: &Path, path: String, bytes: u64, commit: &str) -> RemoteFile {
    let blob = fs::canonicalize(at).unwrap_or_else(|_| at.to_owned());
    // Blobs are called by their identity: for large files the SHA-256 of what they hold.
    let name = blob.file_name().and_then(|name| name.to_str()).filter(|name| name.len() >= 40 && is_plain(name));
    let sha256 = name.filter(|name| is_sha256(name)).map(ToOwned::to_owned);
    let version = name.unwrap_or(commit).to_owned();
    RemoteFile { path, bytes: Some(bytes), sha256, version, cached: Some(blob) }
}

/// Takes a file from the cache, checked like a download: as a second name of the same bytes where the disk allows it, so
/// that it takes no room, else as a copy.
pub(super) fn take(file: &RemoteFile, cached: &Path, to: &Path) -> Result<(), FetchError> {
    let disk = FetchError::disk(cached);
    let mut source = File::open(cached).map_err(&disk)?;
    let (sum, length) = hash(&mut source).map_err(&disk)?;
    let url = || cached.display().to_string();
    if let Some(expected) = file.bytes.filter(|expected| *expected != length) {
        return Err(FetchError::Length { url: url(), expected, found: length });
    }
    let found = hex(&sha2::Digest::finalize(sum));
    if let Some(expected) = file.sha256.as_ref().filter(|expected| **expected != found) {
        return Err(FetchError::Checksum { url: url(), expected: expected.clone(), found });
    }
    place(cached, to, &file.version).map_err(FetchError::disk(to))
}

fn place(cached: &Path, to: &Path, version: &str) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    let part = Partial::path(to, version);
    fs::remove_file(&part).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    fs::hard_link(cached, &part).or_else(|_| fs::copy(cached, &part).map(|_| ()))?;
    // A part that stayed would be the shared blob under another name, and be written over by a later download.
    fs::rename(&part, to).inspect_err(|_| _ = fs::remove_file(&part))
}
