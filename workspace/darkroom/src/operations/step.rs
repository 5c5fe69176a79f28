//! An edit made ready to be carried out: a function of one pixel, or of the whole picture.

use editscale_picture::{Pixels, linear_from_oklab, oklab_from_linear};
use rayon::prelude::*;

/// A function of one pixel: its colour and its index.
pub(super) type PixelFn<'a> = Box<dyn Fn([f32; 3], usize) -> [f32; 3] + Send + Sync + 'a>;

/// A function of the whole picture.
pub(super) type WholeFn<'a> = Box<dyn Fn(Pixels) -> Pixels + Send + Sync + 'a>;

/// One edit, ready.
pub(super) enum Step<'a> {
    /// On linear-light colours.
    Linear(PixelFn<'a>),
    /// On OKLab colours.
    Lab(PixelFn<'a>),
    /// On the whole picture.
    Whole(WholeFn<'a>),
}

/// Carries out a run of steps, each pixel's steps together: a picture passes through the memory once, not once a step.
pub(super) fn apply(mut pixels: Pixels, steps: Vec<Step<'_>>) -> Pixels {
    let mut pending: Vec<Step<'_>> = Vec::new();
    for step in steps {
        if let Step::Whole(whole) = step {
            apply_pixelwise(&mut pixels, &std::mem::take(&mut pending));
            pixels = whole(pixels);
        } else {
            pending.push(step);
        }
    }
    apply_pixelwise(&mut pixels, &pending);
    pixels
}

const CHUNK: usize = 4096;

fn apply_pixelwise(pixels: &mut Pixels, steps: &[Step<'_>]) {
    if steps.is_empty() {
        return;
    }
    pixels.rgb_mut().par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, colours)| {
        for (offset, colour) in colours.iter_mut().enumerate() {
            *colour = through(*colour, chunk * CHUNK + offset, steps);
        }
    });
}

/// One pixel through the steps; OKLab is entered and left only where it has to be.
fn through(colour: [f32; 3], index: usize, steps: &[Step<'_>]) -> [f32; 3] {
    let (mut colour, mut is_lab) = (colour, false);
    for step in steps {
        match step {
            Step::Linear(change) => {
                if is_lab {
                    colour = linear_from_oklab(colour);
                }
                colour = change(colour, index);
                is_lab = false;
            }
            Step::Lab(change) => {
                if !is_lab {
                    colour = oklab_from_linear(colour);
                }
                colour = change(colour, index);
                is_lab = true;
            }
            Step::Whole(_) => {}
        }
    }
    if is_lab { linear_from_oklab(colour) } else { colour }
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
