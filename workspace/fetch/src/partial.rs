//! A file that is not whole yet.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::FetchError;

/// The beginning of a file, beside the place where the whole will be. Its name holds the version that it is the beginning
/// of, so that no file is ever put together from two. It is locked while it is open.
pub(crate) struct Partial {
    path: PathBuf,
    file: File,
    hash: Sha256,
    length: u64,
}

impl Partial {
    /// Goes on with what is there of this version, which is read once for its checksum. What is there of other versions
    /// is removed.
    pub(crate) fn open(to: &Path, version: &str) -> Result<Self, FetchError> {
        let path = Self::path(to, version);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(FetchError::disk(folder))?;
        }
        let disk = FetchError::disk(&path);
        let options = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let mut file = options.map_err(&disk)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FetchError::Busy { file: path.clone() }),
            // Some file systems have no locks: two downloads at once are then the user's to avoid.
            Err(TryLockError::Error(_)) => {}
        }
        let (hash, length) = hash(&mut file).map_err(&disk)?;
        drop(disk);
        let partial = Self { path, file, hash, length };
        partial.remove_others(to);
        Ok(partial)
    }

    /// Where the beginning of a file lies.
    pub(crate) fn path(to: &Path, version: &str) -> PathBuf {
        let version: String = version.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
        to.with_file_name(format!("{}.{version}.part", file_name(to)))
    }

    /// How many bytes are there.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        self.file.write_all(bytes).map_err(FetchError::disk(&self.path))?;
        self.hash.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Throws away what is there.
    pub(crate) fn restart(&mut self) -> Result<(), FetchError> {
        let disk = FetchError::disk(&self.path);
        self.file.set_len(0).map_err(&disk)?;
        self.file.seek(SeekFrom::Start(0)).map_err(&disk)?;
        self.hash = Sha256::new();
        self.length = 0;
        Ok(())
    }

    /// SHA-256 of what is there, in lower-case hexadecimal.
    pub(crate) fn sha256(&self) -> String {
        hex(&self.hash.clone().finalize())
    }

    /// It is whole: gives it its name, once it is on the disk.
    pub(crate) fn finish(self, to: &Path) -> Result<(), FetchError> {
        self.file.sync_all().map_err(FetchError::disk(&self.path))?;
        fs::rename(&self.path, to).map_err(FetchError::disk(to))
    }

    /// It is wrong: removes it.
    pub(crate) fn discard(self) {
        fs::remove_file(&self.path).ok();
    }

    fn remove_others(&self, to: &Path) {
        let prefix = format!("{}.", file_name(to));
        let entries = self.path.parent().and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()).filter(|path| *path != self.path) {
            let name = file_name(&path);
            let version = name.strip_prefix(&prefix).and_then(|rest| rest.strip_suffix(".part"));
            if version.is_some_and(|version| !version.contains('.')) && !is_being_written(&path) {
                fs::remove_file(path).ok();
            }
        }
    }
}

/// Whether another process holds a partial file.
fn is_being_written(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Bytes in hexadecimal digits, as checksums are written.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The checksum over all of a file, and its length. The file is at its end then.
pub(crate) fn hash(file: &mut File) -> io::Result<(Sha256, u64)> {
    let (mut hash, mut length) = (Sha256::new(), 0);
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((hash, length)),
            read => {
                hash.update(&buffer[..read]);
                length += read as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_gone_on_with_by_its_version_alone() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("file.bin");
        let mut partial = Partial::open(&to, "v1").unwrap();
        partial.append(b"hello ").unwrap();
        assert!(matches!(Partial::open(&to, "v1"), Err(FetchError::Busy { .. })));
        drop(partial);
        let mut partial = Partial::open(&to, "v1").unwrap();
        assert_eq!(partial.length(), 6);
        partial.append(b"world").unwrap();
        assert_eq!(partial.sha256(), hex(&Sha256::digest(b"hello world")));
        drop(partial);
        let other = Partial::open(&to, "v1").unwrap();
        drop(Partial::open(&to, "v2").unwrap());
        assert!(Partial::path(&to, "v1").exists(), "it is being written");
        drop(other);
        let partial = Partial::open(&to, "v2").unwrap();
        assert_eq!((partial.length(), Partial::path(&to, "v1").exists()), (0, false));
        partial.finish(&to).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
