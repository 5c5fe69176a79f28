//! The pictures of a run, on disk under their digests.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use editscale_core::{Digest, EncodedImage, Image, ImageBytes, ImageSize, MediaType};

use crate::files::{PASSING, WriteError, write_whole};

/// The folder `images/` of a run: one file a picture, `<digest>.<extension>`, written whole or not at all.
#[derive(Debug)]
pub struct ImageStore {
    folder: PathBuf,
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
        Self { folder }
    }

    /// Writes a picture, unless it is there, and hands out its handle.
    pub fn put(&self, image: &EncodedImage) -> Result<Image, WriteError> {
        let digest = digest_of(&image.bytes);
        let path = self.path(digest, image.media);
        // A crash of the machine can leave a file without its end.
        if !fs::metadata(&path).is_ok_and(|file| file.len() == image.bytes.len() as u64) {
            write_whole(&path, &image.bytes)?;
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

    /// Removes every picture but these, and what a kill left of pictures that were being written. Pictures that are
    /// gone already are no error.
    pub fn retain(&self, keep: &HashSet<Digest>) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let digest = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            let is_passing = path.extension().is_some_and(|extension| extension == PASSING);
            if is_passing || digest.is_some_and(|digest| !keep.contains(&digest)) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }
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

    #[test]
    fn what_is_not_kept_is_removed_with_what_a_kill_left() {
        let folder = tempfile::tempdir().unwrap();
        let store = ImageStore::new(folder.path().to_owned());
        let put = |bytes: &'static [u8]| {
            let size = ImageSize { width: 1, height: 1 };
            store.put(&EncodedImage { media: MediaType::Png, size, bytes: bytes.into() }).unwrap()
        };
        let (kept, dropped) = (put(b"kept"), put(b"dropped"));
        let torn = store.path(kept.digest(), MediaType::Png).with_extension("7-0.part");
        fs::write(&torn, b"half").unwrap();
        fs::write(folder.path().join("notes.txt"), b"somebody's own").unwrap();
        store.retain(&HashSet::from([kept.digest()])).unwrap();
        assert!(kept.read().is_ok() && dropped.read().is_err() && !torn.exists());
        assert!(folder.path().join("notes.txt").exists());
        assert_eq!(put(b"dropped").read().unwrap(), Arc::from(&b"dropped"[..]), "it can be put again");
        fs::write(store.path(kept.digest(), MediaType::Png), b"ke").unwrap();
        assert!(kept.read().is_err());
        assert!(put(b"kept").read().is_ok(), "a file without its end is written again");
    }
}
