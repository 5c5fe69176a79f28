//! From a file to pixels.

use std::sync::LazyLock;

use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder};
use rayon::prelude::*;

use crate::colour::linear_from_srgb;
use crate::open::opened;
use crate::probe::is_deep;
use crate::{Limits, Metadata, Picture, PictureError, Pixels, Profile};

/// Linear light at each 16-bit sRGB value.
static SRGB_LINEAR: LazyLock<Vec<f32>> =
    LazyLock::new(|| (0..=u16::MAX).map(|value| linear_from_srgb(f32::from(value) / 65_535.0)).collect());

/// The longest EXIF block that is kept: what the segment of a JPEG holds beside its own head (CIPA DC-008, 4.7.2). A longer one could
/// not be written again.
const MOST_EXIF_BYTES: usize = 65_527;

/// Reads a picture: any of the six formats, 8 or 16 bits, grey or colour, with or without alpha, in any matrix profile. CMYK
/// photographs are converted by the plain formula; of a TIFF with several pages the first is read.
///
/// The result is upright. Animated files are refused. Nothing is allocated for the pixels before the declared size
/// is known to be within the limits.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, PictureError> {
    opened(bytes, limits, |mut file| {
        let format = file.format;
        let metadata = metadata(&mut file.decoder);
        let image = file.into_image()?;
        let pixels = linearise(&image, metadata.profile.as_ref())
            .ok_or_else(|| PictureError::Corrupt { format, reason: "it holds no pixels".to_owned() })?;
        Ok(Picture { pixels, metadata })
    })
}

fn metadata(decoder: &mut dyn ImageDecoder) -> Metadata {
    let colour = decoder.color_type();
    let mut metadata = Metadata { is_deep: is_deep(colour), is_grey: !colour.has_color(), ..Metadata::default() };
    if let Some(exif) = decoder.exif_metadata().ok().flatten() {
        keep_exif(exif, &mut metadata);
    }
    if let Some(icc) = decoder.icc_profile().ok().flatten() {
        read_profile(&icc, &mut metadata);
    }
    metadata
}

fn keep_exif(mut exif: Vec<u8>, metadata: &mut Metadata) {
    if exif.len() > MOST_EXIF_BYTES {
        let found = exif.len();
        metadata
            .warnings
            .push(format!("the EXIF block is not kept: expected at most {MOST_EXIF_BYTES} bytes, found {found}"));
        return;
    }
    // What it returns is the orientation, by which the pixels are turned.
    let _told = Orientation::remove_from_exif_chunk(&mut exif);
    metadata.exif = Some(exif);
}

fn read_profile(icc: &[u8], metadata: &mut Metadata) {
    match Profile::read(icc) {
        Ok(profile) => metadata.profile = Some(profile),
        // A grey gamma or CMYK profile says little of the RGB values that the decoder hands out.
        Err(reason) => metadata.warnings.push(format!("the embedded colour profile is not used: {reason}")),
    }
}

/// Linear pixels of any decoded image.
fn linearise(image: &DynamicImage, profile: Option<&Profile>) -> Option<Pixels> {
    let (width, height) = (image.width(), image.height());
    let curves = Curves::new(profile);
    let has_alpha = image.color().has_alpha();
    let (rgb, alpha) = match image.color() {
        ColorType::Rgb8 => (convert8::<3>(image.as_bytes(), &curves), None),
        ColorType::Rgba8 => {
            let bytes = image.as_bytes();
            (convert8::<4>(bytes, &curves), Some(bytes.par_chunks(4).map(|px| f32::from(px[3]) / 255.0).collect()))
        }
        ColorType::L8 | ColorType::La8 => {
            let rgba = image.to_rgba8();
            let alpha = has_alpha.then(|| rgba.par_chunks(4).map(|px| f32::from(px[3]) / 255.0).collect());
            (convert8::<4>(&rgba, &curves), alpha)
        }
        ColorType::Rgb32F | ColorType::Rgba32F => float_pixels(image, has_alpha),
        _ => {
            let rgba = image.to_rgba16();
            let alpha = has_alpha.then(|| rgba.par_chunks(4).map(|px| f32::from(px[3]) / 65_535.0).collect());
            (rgba.par_chunks(4).map(|px| curves.linear([px[0], px[1], px[2]])).collect(), alpha)
        }
    };
    Some(Pixels::new(width, height, rgb)?.with_alpha(alpha))
}

fn convert8<const CHANNELS: usize>(bytes: &[u8], curves: &Curves<'_>) -> Vec<[f32; 3]> {
    // Tables of so few entries stay in the nearest cache, which those of 16-bit values do not.
    let [reds, greens, blues] = curves.tables.map(|table| std::array::from_fn::<f32, 256, _>(|byte| table[byte * 257]));
    let linear = |px: &[u8]| [reds[usize::from(px[0])], greens[usize::from(px[1])], blues[usize::from(px[2])]];
    bytes.par_chunks_exact(CHANNELS).map(|px| curves.in_srgb(linear(px))).collect()
}

/// Float files hold linear light already.
fn float_pixels(image: &DynamicImage, has_alpha: bool) -> (Vec<[f32; 3]>, Option<Vec<f32>>) {
    let finite = |value: f32| if value.is_finite() { value.clamp(-16.0, 64.0) } else { 0.0 };
    let rgba = image.to_rgba32f();
    let rgb = rgba.par_chunks(4).map(|px| [finite(px[0]), finite(px[1]), finite(px[2])]).collect();
    (rgb, has_alpha.then(|| rgba.par_chunks(4).map(|px| finite(px[3]).clamp(0.0, 1.0)).collect()))
}

/// From 16-bit values to linear sRGB.
struct Curves<'a> {
    tables: [&'a [f32]; 3],
    profile: Option<&'a Profile>,
}

impl<'a> Curves<'a> {
    fn new(profile: Option<&'a Profile>) -> Self {
        let tables = match profile {
            Some(profile) => [profile.linear(0), profile.linear(1), profile.linear(2)],
            None => [SRGB_LINEAR.as_slice(); 3],
        };
        Self { tables, profile }
    }

    fn linear(&self, [r, g, b]: [u16; 3]) -> [f32; 3] {
        let [reds, greens, blues] = self.tables;
        self.in_srgb([reds[r as usize], greens[g as usize], blues[b as usize]])
    }

    fn in_srgb(&self, rgb: [f32; 3]) -> [f32; 3] {
        self.profile.map_or(rgb, |profile| profile.to_srgb(rgb))
    }
}
