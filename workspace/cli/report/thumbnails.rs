//! Small copies of pictures for the page, within a bound for the whole of it.

use std::collections::HashMap;

use editscale_core::{Digest, Image};
use editscale_engine::RunRecord;
use editscale_page::Picture;
use editscale_picture::thumbnail;

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

/// A copy with a longer edge of at most `edge` pixels; nothing where the picture is not kept or cannot be read.
pub(super) fn picture(image: &Image, edge: u32) -> Option<Copy> {
    let copy = thumbnail(&image.read().ok()?, edge)?;
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
    pub(super) fn new(record: &RunRecord) -> Self {
        let edge = match record.candidates.len() {
            0..=40 => 320,
            41..=120 => 200,
            _ => 128,
        };
        let ranked =
            record.outcome.iter().flat_map(|outcome| &outcome.verdict.ranked).map(|ranked| ranked.id.0 as usize);
        let order = ranked.chain(0..record.candidates.len());
        let (mut copies, mut total) = (HashMap::new(), 0);
        for place in order {
            let made = record.candidates.get(place).and_then(|candidate| candidate.made.as_ref()?.as_ref().ok());
            let Some(image) = made.map(|made| &made.image) else { continue };
            if total > BOUND || copies.contains_key(&image.digest()) {
                continue;
            }
            if let Some(copy) = picture(image, edge) {
                total += copy.bytes;
                copies.insert(image.digest(), copy);
            }
        }
        Self { copies }
    }

    pub(super) fn of(&self, image: &Image) -> Option<&Copy> {
        self.copies.get(&image.digest())
    }
}
