//! Files that are read whole, up to a length: a device never ends.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// The bytes of a file, which may have at most so many.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // A pipe without a writer would block when it is opened.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("expected at most {most} bytes, found more")));
    }
    Ok(bytes)
}
