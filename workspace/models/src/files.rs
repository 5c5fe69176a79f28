//! Files that others wrote: nothing but files, and nothing beyond a bound.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// The longest file beside the weights that is read: the largest vocabularies have 11 MB.
pub(crate) const MOST_BYTES: u64 = 64 << 20;

/// Opens a file, and says how many bytes it has. Anything else is refused: a pipe would be waited for without end, and a
/// device has no end.
pub(crate) fn open(path: &Path) -> io::Result<(File, u64)> {
    let facts = fs::metadata(path)?;
    if facts.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !facts.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    Ok((File::open(path)?, facts.len()))
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
        fs::write(&file, b"{}").unwrap();
        assert_eq!(read(&file).unwrap(), b"{}");
        #[cfg(unix)]
        assert!(said(Path::new("/dev/zero")).contains("is not a file"));
    }
}
