//! The pictures that editors and rewards are probed with, and how two pictures compare.

use std::sync::Arc;

use anyhow::Result;
use editscale_core::{EncodedImage, Image, ImageSize, MediaType};
use editscale_engine::digest_of;
use editscale_picture::{Limits, Rgb8, decode_rgb8, encode_rgb8};

/// The side of the picture that is sent, in pixels.
const SIDE: usize = 512;

/// A sky, a field and a house: enough for a model that edits photographs to have something to edit.
pub(super) fn source() -> Result<Image> {
    picture(|x, y| match (x, y) {
        (160..352, 208..352) if (224..288).contains(&x) && y > 272 => [72, 48, 40],
        (160..352, 208..352) => [196, 92, 76],
        (144..368, 144..208) if x + 208 >= 144 + y && x + y <= 576 => [120, 60, 52],
        _ if y < 320 => [(96 + y / 4) as u8, (150 + y / 5) as u8, 230],
        _ => [(60 + (x * 7 + y * 3) % 23) as u8, (120 + (x * 5 + y * 11) % 31) as u8, 52],
    })
}

/// The same, darker: something that an instruction could have asked for.
pub(super) fn darker(source: &Image) -> Result<Image> {
    let pixels = decode_rgb8(&source.read()?, &Limits::default())?;
    picture(|x, y| {
        [0, 1, 2].map(|channel| pixels.data.get((y * SIDE + x) * 3 + channel).map_or(0, |value| value - value / 4))
    })
}

/// White, where editing is allowed, in the right half.
pub(super) fn mask() -> Result<Image> {
    picture(|x, _| if x >= SIDE / 2 { [255; 3] } else { [0; 3] })
}

fn picture(pixel: impl Fn(usize, usize) -> [u8; 3]) -> Result<Image> {
    let data = (0..SIDE * SIDE).flat_map(|place| pixel(place % SIDE, place / SIDE)).collect();
    let file: Arc<[u8]> = encode_rgb8(&Rgb8 { width: SIDE, height: SIDE, data })?.into();
    let size = ImageSize { width: SIDE as u32, height: SIDE as u32 };
    Ok(Image::new(digest_of(&file), MediaType::Png, size, Arc::new(file)))
}

/// How two pictures compare.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Likeness {
    /// Byte for byte.
    Bytes,
    /// Pixel for pixel.
    Pixels,
    /// Not: by so much at most, of 255.
    Other(u8),
    /// Not even in size, or not readable.
    Unlike,
}

pub(super) fn likeness(a: &EncodedImage, b: &EncodedImage) -> Likeness {
    if a.bytes == b.bytes {
        return Likeness::Bytes;
    }
    let pixels = |image: &EncodedImage| decode_rgb8(&image.bytes, &Limits::default());
    match (pixels(a), pixels(b)) {
        (Ok(a), Ok(b)) if (a.width, a.height) == (b.width, b.height) => {
            let most = a.data.iter().zip(&b.data).map(|(a, b)| a.abs_diff(*b)).max().unwrap_or_default();
            if most == 0 { Likeness::Pixels } else { Likeness::Other(most) }
        }
        _ => Likeness::Unlike,
    }
}

/// The mean change of the left and of the right half, of 255; nothing where the sizes differ.
pub(super) fn change_by_halves(source: &Image, result: &EncodedImage) -> Option<(f64, f64)> {
    let limits = Limits::default();
    let before = decode_rgb8(&source.read().ok()?, &limits).ok()?;
    let after = decode_rgb8(&result.bytes, &limits).ok()?;
    if (before.width, before.height) != (after.width, after.height) {
        return None;
    }
    let (mut sums, mut counts) = ([0_u64; 2], [0_u64; 2]);
    for (place, (a, b)) in before.data.iter().zip(&after.data).enumerate() {
        let half = usize::from((place / 3) % before.width >= before.width / 2);
        if let (Some(sum), Some(count)) = (sums.get_mut(half), counts.get_mut(half)) {
            *sum += u64::from(a.abs_diff(*b));
            *count += 1;
        }
    }
    let mean = |half: usize| Some(*sums.get(half)? as f64 / (*counts.get(half)?).max(1) as f64);
    Some((mean(0)?, mean(1)?))
}
