//! Files that others wrote: nothing but files, and nothing beyond a bound.

use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::Path;

/// The longest file beside the weights that is read: the largest vocabularies have 11 MB.
pub(crate) const MOST_BYTES: u64 = 64 << 20;

/// How the small text begins that `git clone` leaves in a large file's place where Git LFS is not there
/// (<https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>).
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// Such a text has fewer bytes.
const MOST_POINTER_BYTES: u64 = 1024;

/// Opens a file, and says how many bytes it has. Anything else is refused: a pipe would be waited for without end, and a
/// device has no end. So is what only stands for a file.
pub(crate) fn open(path: &Path) -> io::Result<(File, u64)> {
    let facts = fs::metadata(path)?;
    if facts.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !facts.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let (mut file, length) = (File::open(path)?, facts.len());
    if length < MOST_POINTER_BYTES && is_pointer(&mut file)? {
        let pointer = "it is a pointer of Git LFS: expected the file that it stands for, which `git lfs pull` fetches";
        return Err(io::Error::other(pointer));
    }
    Ok((file, length))
}

/// Whether a file only says where the real one is. It is left at its beginning.
fn is_pointer(file: &mut File) -> io::Result<bool> {
    let mut beginning = Vec::new();
    file.take(POINTER.len() as u64).read_to_end(&mut beginning)?;
    file.rewind()?;
    Ok(beginning == POINTER)
}

/// The bytes of a file that has at most [`MOST_BYTES`].
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let (file, _) = open(path)?;
    let mut bytes = Vec::new();
    // What is read counts, not what was said before: a file may grow.
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(io::Error::other(format!("it has more than {MOST_BYTES} bytes: expected at most that")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_a_bounded_length_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let said = |path: &Path| read(path).unwrap_err().to_string();
        assert!(said(folder.path()).contains("directory"));
        let file = folder.path().join("config.json");
        assert_eq!(read(&file).unwrap_err().kind(), io::ErrorKind::NotFound);
        File::create(&file).unwrap().set_len(MOST_BYTES + 1).unwrap();
        assert!(said(&file).contains("more than 67108864 bytes"));
        let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
        fs::write(&file, pointer).unwrap();
        assert!(said(&file).contains("pointer of Git LFS"));
        fs::write(&file, b"{}").unwrap();
        assert_eq!(read(&file).unwrap(), b"{}");
        #[cfg(unix)]
        assert!(said(Path::new("/dev/zero")).contains("is not a file"));
    }
}
