//! Decoded pictures, kept while there is room.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::{Limits, Picture, PictureError, Profile, decode};

/// The digest of a file's bytes, computed by the caller.
type Key = [u8; 32];

/// What a process keeps: three photographs of twelve megapixels, such as a source and two candidates.
const BOUND: usize = 512 << 20;

/// The most pictures that are kept, however small: each costs more than its pixels, and is looked at whenever one is let go.
const MOST: usize = 512;

type Slot = Arc<OnceLock<Result<Arc<Picture>, PictureError>>>;

/// A bounded cache of decoded pictures. Callers that ask for the same picture at once decode it once: the others wait, and so may not
/// be tasks of the pool that decoding spreads its work over, which may be handed one of them while it decodes.
pub struct DecodeCache {
    limits: Limits,
    bound: usize,
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    slots: HashMap<Key, (Slot, u64)>,
    uses: u64,
}

impl fmt::Debug for DecodeCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DecodeCache").field("bound", &self.bound).finish_non_exhaustive()
    }
}

impl Default for DecodeCache {
    /// Within the default limits, with at most 512 MiB of pictures between uses.
    fn default() -> Self {
        Self::new(Limits::default(), BOUND)
    }
}

/// The bytes that a picture takes, with what goes with its pixels: the tables of a colour profile take more than those of a small
/// picture.
fn weight(Picture { pixels, metadata }: &Picture) -> usize {
    let alpha = pixels.alpha().map_or(0, size_of_val);
    let profile = metadata.profile.as_ref().map_or(0, Profile::bytes_held);
    size_of_val(pixels.rgb()) + alpha + profile + metadata.exif.as_ref().map_or(0, Vec::len)
}

impl DecodeCache {
    /// A cache that keeps pictures of at most `bound` bytes between uses.
    pub fn new(limits: Limits, bound: usize) -> Self {
        Self { limits, bound, shelf: Mutex::default() }
    }

    /// What it decodes within.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The picture of these bytes, decoded now or earlier.
    pub fn get(&self, key: Key, bytes: &[u8]) -> Result<Arc<Picture>, PictureError> {
        let slot = self.slot(key);
        let picture = slot.get_or_init(|| decode(bytes, &self.limits).map(Arc::new)).clone();
        self.tidy(key, picture.is_err());
        picture
    }

    /// The picture under this key, where it is kept: a use of it, as of one that is asked for with its bytes.
    pub fn kept(&self, key: Key) -> Option<Arc<Picture>> {
        let mut shelf = self.shelf();
        shelf.uses += 1;
        let uses = shelf.uses;
        let (slot, used) = shelf.slots.get_mut(&key)?;
        *used = uses;
        slot.get()?.clone().ok()
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, key: Key) -> Slot {
        let mut shelf = self.shelf();
        shelf.uses += 1;
        let uses = shelf.uses;
        let (slot, used) = shelf.slots.entry(key).or_default();
        *used = uses;
        Arc::clone(slot)
    }

    /// Lets go of what is longest unused until the rest is within the bounds.
    fn tidy(&self, just_used: Key, failed: bool) {
        let mut shelf = self.shelf();
        if failed {
            shelf.slots.remove(&just_used);
        }
        loop {
            let kept = |slot: &Slot| slot.get().and_then(|made| made.as_ref().ok()).map_or(0, |made| weight(made));
            let total: usize = shelf.slots.values().map(|(slot, _)| kept(slot)).sum();
            if total <= self.bound && shelf.slots.len() <= MOST {
                return;
            }
            let decoded = shelf.slots.iter().filter(|(_, (slot, _))| kept(slot) > 0);
            let Some(oldest) = decoded.min_by_key(|(_, (_, used))| *used).map(|(key, _)| *key) else {
                return;
            };
            shelf.slots.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EncodeOptions, Metadata, Pixels, encode};

    /// A cache with room for two pictures of 4 x 4, and the file of one.
    fn cache() -> (DecodeCache, Vec<u8>) {
        let pixels = Pixels::new(4, 4, vec![[0.5; 3]; 16]).unwrap();
        let file = encode(&pixels, &Metadata::default(), EncodeOptions::PNG).unwrap();
        (DecodeCache::new(Limits::default(), 2 * 16 * 12), file)
    }

    #[test]
    fn what_is_longest_unused_goes_first() {
        let (cache, file) = cache();
        for key in [1, 2] {
            cache.get([key; 32], &file).unwrap();
        }
        assert!(cache.kept([1; 32]).is_some(), "used again");
        cache.get([3; 32], &file).unwrap();
        assert_eq!([1, 2, 3].map(|key| cache.kept([key; 32]).is_some()), [true, false, true]);
    }

    #[test]
    fn small_pictures_are_bounded_by_their_number() {
        let (_, file) = cache();
        let cache = DecodeCache::default();
        let key = |number: u32| {
            let mut key = [0; 32];
            key[..4].copy_from_slice(&number.to_le_bytes());
            key
        };
        let most = u32::try_from(MOST).unwrap();
        (0..most + 10).for_each(|number| drop(cache.get(key(number), &file).unwrap()));
        assert!(cache.kept(key(9)).is_none() && cache.kept(key(10)).is_some());
        assert_eq!(cache.shelf().slots.len(), MOST);
    }

    #[test]
    fn the_tables_of_a_profile_have_their_weight() {
        let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
        let profile = Profile::read(&icc).unwrap();
        let held = profile.bytes_held();
        assert!(held > 3 * 65_536 * 4);
        let pixels = Pixels::new(4, 4, vec![[0.5; 3]; 16]).unwrap();
        let metadata = Metadata { profile: Some(profile), ..Metadata::default() };
        let file = encode(&pixels, &metadata, EncodeOptions::PNG).unwrap();
        let cache = DecodeCache::new(Limits::default(), 2 * held);
        for key in [1, 2, 3] {
            cache.get([key; 32], &file).unwrap();
        }
        assert_eq!([1, 2, 3].map(|key| cache.kept([key; 32]).is_some()), [false, false, true]);
    }

    #[test]
    fn failures_are_not_kept() {
        let (cache, file) = cache();
        assert!(cache.get([1; 32], b"no picture").is_err());
        assert!(cache.kept([1; 32]).is_none());
        assert!(cache.get([1; 32], &file).is_ok());
    }
}
