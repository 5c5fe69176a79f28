//! What a well behaved peer does: judges by brightness, edits by a tint.

use std::fs;

use editscale_picture::{Limits, Rgb8, decode_rgb8, encode_rgb8};
use editscale_sdk::protocol::{
    Answer, Call, CostNumbers, EditCounters, EditItem, Edited, ErrorClass, Failed, FromPlugin, Judged, Method, Outcome,
    Picture, PictureBody, Progress, RewardCounters,
};

use crate::peer::Peer;

impl Peer {
    /// Answers a call as it should be.
    pub(crate) fn answer(&self, call: &Call) {
        self.say(&FromPlugin::Answer(self.outcome(call)));
    }

    /// The right answer.
    pub(crate) fn outcome(&self, call: &Call) -> Answer {
        let id = call.id;
        match &call.method {
            Method::Score(scores) => {
                let judge = |(at, item): (usize, &editscale_sdk::protocol::RewardItem)| {
                    self.step(id, at)?;
                    // A source that cannot be read is as bad as a candidate.
                    self.pixels(&scores.images[item.source as usize])?;
                    let pixels = self.pixels(&scores.images[item.candidate as usize])?;
                    Ok(judged(brightness(&pixels)))
                };
                let items = scores.items.iter().enumerate().map(judge).map(outcome).collect();
                Answer::Judged { id, items }
            }
            Method::Edit(edits) => {
                let edit = |(at, item): (usize, &EditItem)| {
                    self.step(id, at)?;
                    let pixels = self.pixels(&edits.images[item.start_picture as usize])?;
                    Ok(edited(item, tinted(pixels, item.proposal.seed)))
                };
                let items = edits.items.iter().enumerate().map(edit).map(outcome).collect();
                Answer::Edited { id, items }
            }
            Method::Adopt(_) => Answer::Failed { id, why: failed(ErrorClass::Refused, "it takes up no other weights") },
        }
    }

    /// Tells of its progress, and looks whether it is to go on.
    fn step(&self, id: u64, item: usize) -> Result<(), Failed> {
        if self.cancelled.lock().unwrap().contains(&id) {
            return Err(failed(ErrorClass::Cancelled, "the call was cancelled"));
        }
        self.say(&FromPlugin::Progress(Progress { id, item: item as u32, step: 1, steps: 1 }));
        Ok(())
    }

    fn pixels(&self, picture: &Picture) -> Result<Rgb8, Failed> {
        let invalid = |message: String| failed(ErrorClass::Invalid, &message);
        let bytes = match &picture.body {
            PictureBody::Inline(bytes) => bytes.to_vec(),
            PictureBody::File(place) => {
                let bytes = fs::read(&place.path).map_err(|error| invalid(format!("{}: {error}", place.path)))?;
                let checked = place.check(&bytes).map_err(|found| invalid(format!("the file {} {found}", place.path)));
                if self.manners.checks_digests { checked.map(|()| bytes)? } else { bytes }
            }
        };
        decode_rgb8(&bytes, &Limits::default()).map_err(|error| invalid(error.to_string()))
    }
}

pub(crate) fn failed(class: ErrorClass, message: &str) -> Failed {
    Failed { class, message: message.to_owned(), cost: CostNumbers::default() }
}

pub(crate) fn judged(mean: f64) -> Judged {
    let (cost, counters) = (CostNumbers::default(), RewardCounters::default());
    Judged { mean, sigma: None, parts: Vec::new(), cost, counters }
}

fn edited(item: &EditItem, pixels: Rgb8) -> Edited {
    let size = item.output_size;
    let is_other =
        size.is_some_and(|size| (size.width as usize, size.height as usize) != (pixels.width, pixels.height));
    let notes = is_other.then(|| "it keeps the size of the source".to_owned()).into_iter().collect();
    with_notes(inline(encode_rgb8(&pixels).unwrap()), notes)
}

/// A picture that was made.
pub(crate) fn with_notes(image: Picture, notes: Vec<String>) -> Edited {
    let (cost, counters) = (CostNumbers::default(), EditCounters::default());
    Edited { image, cost, effective_seed: None, notes, counters, trajectory: None }
}

pub(crate) fn inline(bytes: Vec<u8>) -> Picture {
    Picture { media: "image/png".to_owned(), width: None, height: None, body: PictureBody::Inline(bytes.into()) }
}

fn outcome<D>(done: Result<D, Failed>) -> Outcome<D> {
    done.map_or_else(Outcome::Failed, Outcome::Done)
}

fn brightness(pixels: &Rgb8) -> f64 {
    let sum: u64 = pixels.data.iter().map(|byte| u64::from(*byte)).sum();
    sum as f64 / pixels.data.len() as f64 / 255.0
}

/// Each seed shifts the channels by amounts of its own.
pub(crate) fn tinted(mut pixels: Rgb8, seed: u64) -> Rgb8 {
    let mixed = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
    for (at, byte) in pixels.data.iter_mut().enumerate() {
        *byte = byte.saturating_add(mixed[5 + at % 3] / 3);
    }
    pixels
}
