//! Files that are read whole, up to a length: a device never ends.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

/// The text of a file, which may have at most so many bytes.
pub(crate) fn text(path: &Path, most: u64) -> io::Result<String> {
    // A pipe without a writer would block when it is opened.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("expected at most {most} bytes, found more")));
    }
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_text_up_to_a_length_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "text").unwrap();
        assert_eq!(text(&file, 4).unwrap(), "text");
        assert!(text(&file, 3).unwrap_err().to_string().contains("at most 3 bytes"));
        assert!(text(dir.path(), 4).unwrap_err().to_string().contains("not a file"));
        assert_eq!(text(&dir.path().join("none"), 4).unwrap_err().kind(), io::ErrorKind::NotFound);
        fs::write(&file, [0xff]).unwrap();
        assert!(text(&file, 4).unwrap_err().to_string().contains("utf-8"));
    }
}
