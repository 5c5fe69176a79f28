//! The pictures of a run, on disk under their digests.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use editscale_core::{Digest, EncodedImage, Image, ImageBytes, ImageSize, MediaType};
use thiserror::Error;

/// A file of a run could not be written.
#[derive(Debug, Error)]
#[error("cannot write {path}: {source}")]
pub struct ImageStoreError {
    pub(crate) path: PathBuf,
    pub(crate) source: io::Error,
}

/// The folder `images/` of a run: one file a picture, `<digest>.<extension>`, written whole or not at all.
#[derive(Debug)]
pub struct ImageStore {
    folder: PathBuf,
    known: Mutex<HashSet<Digest>>,
}

/// A file that holds what its name says, or is refused.
#[derive(Debug)]
struct OnDisk {
    path: PathBuf,
    digest: Digest,
}

impl ImageBytes for OnDisk {
    fn read(&self) -> Result<Arc<[u8]>, String> {
        let shown = self.path.display();
        let bytes = fs::read(&self.path).map_err(|error| format!("{shown}: {error}"))?;
        match digest_of(&bytes) {
            found if found == self.digest => Ok(bytes.into()),
            found => Err(format!("{shown} was changed: expected the bytes of that name, found those of {found}")),
        }
    }
}

/// The digest that names these bytes.
pub fn digest_of(bytes: &[u8]) -> Digest {
    Digest::from_bytes(*blake3::hash(bytes).as_bytes())
}

impl ImageStore {
    /// The store in this folder, which exists.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, known: Mutex::default() }
    }

    /// Writes a picture, unless it is there, and hands out its handle.
    pub fn put(&self, image: &EncodedImage) -> Result<Image, ImageStoreError> {
        let digest = digest_of(&image.bytes);
        let path = self.path(digest, image.media);
        if !self.is_known(digest) {
            if !path.exists() {
                write_whole(&path, &image.bytes)?;
            }
            self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(digest);
        }
        Ok(Image::new(digest, image.media, image.size, Arc::new(OnDisk { path, digest })))
    }

    /// The handle of a picture that was put earlier. Its bytes are looked for when they are read.
    pub fn get(&self, digest: Digest, media: MediaType, size: ImageSize) -> Image {
        Image::new(digest, media, size, Arc::new(OnDisk { path: self.path(digest, media), digest }))
    }

    /// Where a picture lies.
    pub fn path(&self, digest: Digest, media: MediaType) -> PathBuf {
        self.folder.join(format!("{digest}.{}", media.extension()))
    }

    /// Removes every picture but these. Pictures that are gone already are no error.
    pub fn retain(&self, keep: &HashSet<Digest>) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let digest = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            if digest.is_some_and(|digest| !keep.contains(&digest)) {
                fs::remove_file(path)?;
            }
        }
        self.known.lock().unwrap_or_else(PoisonError::into_inner).retain(|digest| keep.contains(digest));
        Ok(())
    }

    fn is_known(&self, digest: Digest) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(&digest)
    }
}

/// Writes a file under a passing name and then renames it, so that a crash leaves all of it or nothing of it.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), ImageStoreError> {
    // Two tasks may write the same picture at once; each needs a passing name of its own.
    static ATTEMPTS: AtomicU64 = AtomicU64::new(0);
    let passing = path.with_extension(format!("{}.part", ATTEMPTS.fetch_add(1, Ordering::Relaxed)));
    let write = || {
        let mut file = fs::File::create(&passing)?;
        file.write_all(bytes)?;
        drop(file);
        fs::rename(&passing, path)
    };
    write().map_err(|source| {
        // What is left of the attempt is of no use; that it cannot be removed either is no further news.
        fs::remove_file(&passing).ok();
        ImageStoreError { path: path.to_owned(), source }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_that_was_changed_on_disk_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let store = ImageStore::new(folder.path().to_owned());
        let size = ImageSize { width: 1, height: 1 };
        let image =
            store.put(&EncodedImage { media: MediaType::Png, size, bytes: b"as made".as_slice().into() }).unwrap();
        assert_eq!(&*image.read().unwrap(), b"as made");
        let path = store.path(image.digest(), MediaType::Png);
        fs::write(&path, b"changed").unwrap();
        let error = image.read().unwrap_err().to_string();
        assert!(error.contains(&format!("{} was changed", path.display())), "{error}");
    }
}
