//! Small copies of pictures for the page, within a bound for the whole of it.

use std::collections::{HashMap, HashSet};
use std::num::NonZero;
use std::panic::resume_unwind;
use std::thread;

use editscale_core::{Digest, Image};
use editscale_engine::RunRecord;
use editscale_page::Picture;
use editscale_picture::{DecodeCache, thumbnail, thumbnail_of};

/// The bytes that all small copies together may take, before base 64.
const BOUND: usize = 2_200_000;

/// The longer edge of the two pictures that are compared.
pub(super) const LARGE_EDGE: u32 = 1200;

/// A copy of a picture as a `data:` address.
#[derive(Debug, Clone)]
pub(super) struct Copy {
    pub(super) url: String,
    pub(super) width: u32,
    pub(super) height: u32,
    bytes: usize,
}

/// A copy with a longer edge of at most `edge` pixels, of the decoded picture where there is one; nothing where the picture is not
/// kept or cannot be read.
pub(super) fn picture(image: &Image, edge: u32, decoded: &DecodeCache) -> Option<Copy> {
    let copy = match decoded.kept(*image.digest().as_bytes()) {
        Some(picture) => thumbnail_of(&picture.pixels, edge)?,
        None => thumbnail(&image.read().ok()?, edge)?,
    };
    let (width, height, bytes) = (copy.width, copy.height, copy.jpeg.len());
    Some(Copy { url: Picture::of_jpeg(&copy.jpeg, (width, height), "").url, width, height, bytes })
}

/// The copies of all candidates.
#[derive(Debug)]
pub(super) struct Thumbnails {
    copies: HashMap<Digest, Copy>,
}

impl Thumbnails {
    /// Smaller copies for larger runs; beyond the bound, the lower-ranked go without.
    pub(super) fn new(record: &RunRecord, decoded: &DecodeCache) -> Self {
        let edge = match record.candidates.len() {
            0..=40 => 320,
            41..=120 => 200,
            _ => 128,
        };
        let (mut copies, mut total) = (HashMap::new(), 0);
        for images in handfuls(&in_order(record)) {
            for (image, copy) in images.iter().zip(at_once(images, edge, decoded)) {
                if let Some(copy) = copy.filter(|_| total <= BOUND) {
                    total += copy.bytes;
                    copies.insert(image.digest(), copy);
                }
            }
            if total > BOUND {
                break;
            }
        }
        Self { copies }
    }

    pub(super) fn of(&self, image: &Image) -> Option<&Copy> {
        self.copies.get(&image.digest())
    }
}

/// The candidates' pictures, each once: the ranked ones in their order, then the others.
fn in_order(record: &RunRecord) -> Vec<&Image> {
    let ranked = record.outcome.iter().flat_map(|outcome| &outcome.verdict.ranked).map(|ranked| ranked.id.0 as usize);
    let places = ranked.chain(0..record.candidates.len());
    let made = places.filter_map(|place| record.candidates.get(place)?.made.as_ref()?.as_ref().ok());
    let mut seen = HashSet::new();
    made.map(|made| &made.image).filter(|image| seen.insert(image.digest())).collect()
}

/// As many pictures at a time as memory and cores are there for: a decoded picture takes 12 bytes a pixel.
fn handfuls<'a, 'i>(images: &'a [&'i Image]) -> Vec<&'a [&'i Image]> {
    const PIXELS: u64 = 40_000_000;
    let pixels = |image: &Image| u64::from(image.size().width) * u64::from(image.size().height);
    let most = images.iter().map(|image| pixels(image)).max().unwrap_or_default().max(1);
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let count = usize::try_from(PIXELS / most).unwrap_or(usize::MAX).clamp(1, cores);
    images.chunks(count).collect()
}

/// Copies of all of these, in their order.
fn at_once(images: &[&Image], edge: u32, decoded: &DecodeCache) -> Vec<Option<Copy>> {
    thread::scope(|scope| {
        let begun: Vec<_> = images.iter().map(|image| scope.spawn(move || picture(image, edge, decoded))).collect();
        begun.into_iter().map(|copy| copy.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}
