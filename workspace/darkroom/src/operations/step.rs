//! An edit made ready to be carried out: a function of each pixel, or of the whole picture.

use editscale_picture::{Pixels, linear_from_oklab, oklab_from_linear};
use rayon::prelude::*;

/// A function of a run of pixels: their linear-light colours, and the index of the first in the picture.
type RunFn<'a> = Box<dyn Fn(&mut [[f32; 3]], usize) + Send + Sync + 'a>;

/// A function of the whole picture.
type WholeFn<'a> = Box<dyn Fn(Pixels) -> Pixels + Send + Sync + 'a>;

/// One edit, ready.
pub(super) enum Step<'a> {
    /// Of each pixel alone. A call takes a run of them, so that what is done to one can be compiled into one loop.
    Pixelwise(RunFn<'a>),
    /// On the whole picture.
    Whole(WholeFn<'a>),
}

impl<'a> Step<'a> {
    /// A function of one pixel: its linear-light colour and its index.
    pub(super) fn linear(change: impl Fn([f32; 3], usize) -> [f32; 3] + Send + Sync + 'a) -> Self {
        Self::Pixelwise(Box::new(move |colours, first| {
            for (offset, colour) in colours.iter_mut().enumerate() {
                *colour = change(*colour, first + offset);
            }
        }))
    }

    /// A function of one pixel: its OKLab colour and its index.
    pub(super) fn lab(change: impl Fn([f32; 3], usize) -> [f32; 3] + Send + Sync + 'a) -> Self {
        Self::linear(move |colour, index| linear_from_oklab(change(oklab_from_linear(colour), index)))
    }
}

const CHUNK: usize = 4096;

/// Carries out a step.
pub(super) fn apply(mut pixels: Pixels, step: Step<'_>) -> Pixels {
    match step {
        Step::Pixelwise(change) => {
            let chunks = pixels.rgb_mut().par_chunks_mut(CHUNK).enumerate();
            chunks.for_each(|(chunk, colours)| change(colours, chunk * CHUNK));
            pixels
        }
        Step::Whole(change) => change(pixels),
    }
}

/// `edited` where the mask is 1, `start` where it is 0, mixed in linear light between. Pixels with mask 0 are untouched to the bit.
pub(super) fn mix(start: &Pixels, mut edited: Pixels, mask: &[f32]) -> Pixels {
    let starts = start.rgb().par_chunks(CHUNK);
    let masks = mask.par_chunks(CHUNK);
    edited.rgb_mut().par_chunks_mut(CHUNK).zip(starts).zip(masks).for_each(|((edited, start), mask)| {
        for ((edited, start), mask) in edited.iter_mut().zip(start).zip(mask) {
            if *mask <= 0.0 {
                *edited = *start;
            } else if *mask < 1.0 {
                *edited = std::array::from_fn(|channel| start[channel] + (edited[channel] - start[channel]) * mask);
            }
        }
    });
    edited
}
