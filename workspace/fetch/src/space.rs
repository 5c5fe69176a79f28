//! Room on the disk.

use std::path::Path;

use crate::FetchError;

/// Bytes that this user can still write to the disk that a folder lies on, or will lie on once it is made.
pub fn free_bytes(folder: &Path) -> Result<u64, FetchError> {
    let absolute = std::path::absolute(folder).map_err(FetchError::disk(folder))?;
    let there = absolute.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(&absolute);
    fs4::available_space(there).map_err(FetchError::disk(there))
}

/// Refuses to begin what cannot be finished. Says both figures.
pub fn ensure_room(folder: &Path, needed: u64) -> Result<(), FetchError> {
    let free = free_bytes(folder)?;
    if needed > free {
        return Err(FetchError::Space { folder: folder.to_owned(), needed, free });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_has_its_parents_room() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("a/b/c");
        assert!(free_bytes(&below).unwrap() > 0);
        assert!(ensure_room(&below, 1).is_ok());
        let error = ensure_room(&below, u64::MAX).unwrap_err();
        assert!(error.to_string().contains("18446744073709551615 bytes"), "{error}");
    }
}
