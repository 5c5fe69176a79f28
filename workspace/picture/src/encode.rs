//! From pixels to a file.

use std::io::Cursor;
use std::sync::LazyLock;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageError, ImageResult};
use rayon::prelude::*;
use thiserror::Error;

use crate::colour::{linear_from_srgb, srgb_from_linear};
use crate::{Format, Metadata, Pixels, Profile, Quantiser};

/// How a picture is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodeOptions {
    /// PNG, JPEG or WebP (lossless).
    pub format: Format,
    /// 1..=100, for JPEG.
    pub quality: u8,
    /// 16 bits a channel, for PNG; the others hold 8.
    pub deep: bool,
    /// Whether the EXIF block goes along. Place and owner are in it.
    pub keep_metadata: bool,
}

impl EncodeOptions {
    /// An 8-bit PNG without metadata, packed fast.
    pub const PNG: Self = Self { format: Format::Png, quality: 95, deep: false, keep_metadata: false };
}

/// Why pixels cannot be written.
#[derive(Debug, Error)]
pub enum EncodeError {
    /// A format that is only read here.
    #[error("cannot write {0} pictures: expected PNG, JPEG or WebP")]
    Format(Format),
    /// The format cannot hold this picture.
    #[error("cannot write the picture as {format}: {source}")]
    Encoder {
        /// The format.
        format: Format,
        /// What the encoder said.
        source: image::ImageError,
    },
}

/// Writes pixels in the profile that the metadata names, else in sRGB. Equal arguments give equal bytes.
///
/// Colours that the profile cannot hold are clipped. JPEG has no alpha: the picture is laid on white.
pub fn encode(pixels: &Pixels, metadata: &Metadata, options: EncodeOptions) -> Result<Vec<u8>, EncodeError> {
    let EncodeOptions { format, quality, .. } = options;
    let mut file = Cursor::new(Vec::with_capacity(pixels.rgb().len()));
    let content = Content::new(pixels, metadata, options);
    let written = match format {
        Format::Png => {
            content.write(PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Adaptive))
        }
        Format::Jpeg => content.write(JpegEncoder::new_with_quality(&mut file, quality.clamp(1, 100))),
        Format::WebP => content.write(WebPEncoder::new_lossless(&mut file)),
        Format::Tiff | Format::Bmp | Format::Gif => return Err(EncodeError::Format(format)),
    };
    written.map_err(|source| EncodeError::Encoder { format, source })?;
    Ok(file.into_inner())
}

/// What is written, whatever packs it.
struct Content<'a> {
    /// Pixels across and down.
    size: (u32, u32),
    /// As the encoders take them: 16-bit ones in the machine's byte order.
    samples: Vec<u8>,
    colour: ExtendedColorType,
    /// The profile that the samples are in; sRGB where there is none.
    profile: Option<&'a Profile>,
    exif: Option<&'a Vec<u8>>,
}

impl<'a> Content<'a> {
    fn new(pixels: &Pixels, metadata: &'a Metadata, options: EncodeOptions) -> Self {
        let profile = metadata.profile.as_ref();
        let has_alpha = pixels.alpha().is_some() && options.format != Format::Jpeg;
        let is_deep = options.deep && options.format == Format::Png;
        Self {
            size: (pixels.width(), pixels.height()),
            samples: if is_deep { samples16(pixels, profile) } else { samples8(pixels, profile, has_alpha) },
            colour: match (has_alpha, is_deep) {
                (false, false) => ExtendedColorType::Rgb8,
                (true, false) => ExtendedColorType::Rgba8,
                (false, true) => ExtendedColorType::Rgb16,
                (true, true) => ExtendedColorType::Rgba16,
            },
            profile,
            exif: metadata.exif.as_ref().filter(|_| options.keep_metadata),
        }
    }

    fn write(&self, mut encoder: impl ImageEncoder) -> ImageResult<()> {
        if let Some(profile) = self.profile {
            // The samples are in this profile: without it they would be other colours.
            encoder.set_icc_profile(profile.bytes().to_vec()).map_err(ImageError::Unsupported)?;
        }
        if let Some(exif) = self.exif {
            encoder.set_exif_metadata(exif.clone()).map_err(ImageError::Unsupported)?;
        }
        let (width, height) = self.size;
        encoder.write_image(&self.samples, width, height, self.colour)
    }
}

static SRGB: LazyLock<Quantiser> = LazyLock::new(|| quantiser(linear_from_srgb));

/// Codes exactly rounded in the encoded domain, of any rising curve.
fn quantiser(linear_at: impl Fn(f32) -> f32) -> Quantiser {
    Quantiser::new(|code| linear_at((f32::from(code) - 0.5) / 255.0))
}

/// The quantiser of each channel; the profile's, or sRGB's.
enum Quantisers {
    Srgb(&'static Quantiser),
    Profile(Box<[Quantiser; 3]>),
}

impl Quantisers {
    fn new(profile: Option<&Profile>) -> Self {
        let Some(profile) = profile else { return Self::Srgb(&SRGB) };
        let channel = |channel: usize| {
            let table = profile.linear(channel);
            quantiser(|encoded| table[(encoded * 65_535.0).round() as usize])
        };
        Self::Profile(Box::new([channel(0), channel(1), channel(2)]))
    }

    fn codes(&self, [r, g, b]: [f32; 3]) -> [u8; 3] {
        let [red, green, blue] = match self {
            Self::Srgb(all) => [*all; 3],
            Self::Profile(each) => each.each_ref(),
        };
        [red.code(r), green.code(g), blue.code(b)]
    }
}

fn samples8(pixels: &Pixels, profile: Option<&Profile>, has_alpha: bool) -> Vec<u8> {
    let quantisers = Quantisers::new(profile);
    let in_profile = |rgb: [f32; 3]| profile.map_or(rgb, |profile| profile.in_profile(rgb));
    let rgb = pixels.rgb();
    match (pixels.alpha(), has_alpha) {
        (None, _) => flatten(rgb, 3, |index, out| out.copy_from_slice(&quantisers.codes(in_profile(rgb[index])))),
        (Some(alpha), true) => flatten(rgb, 4, |index, out| {
            out[..3].copy_from_slice(&quantisers.codes(in_profile(rgb[index])));
            out[3] = (alpha[index] * 255.0).round() as u8;
        }),
        (Some(alpha), false) => flatten(rgb, 3, |index, out| {
            let on_white = rgb[index].map(|value| value * alpha[index] + 1.0 - alpha[index]);
            out.copy_from_slice(&quantisers.codes(in_profile(on_white)));
        }),
    }
}

fn flatten(rgb: &[[f32; 3]], channels: usize, write: impl Fn(usize, &mut [u8]) + Sync) -> Vec<u8> {
    const RUN: usize = 4096;
    let mut samples = vec![0; rgb.len() * channels];
    samples.par_chunks_mut(RUN * channels).enumerate().for_each(|(run, out)| {
        out.chunks_exact_mut(channels).enumerate().for_each(|(offset, out)| write(run * RUN + offset, out));
    });
    samples
}

/// The step of a rising table whose value is nearest: the way to sRGB's primaries and back is off by a rounding.
fn nearest(table: &[f32], value: f32) -> u16 {
    let above = table.partition_point(|linear| *linear < value).min(table.len() - 1);
    let below = above.saturating_sub(1);
    let step = if value - table[below] < table[above] - value { below } else { above };
    step as u16
}

/// 16-bit samples in the machine's byte order. A value that was read from 16 bits comes back as it was.
fn samples16(pixels: &Pixels, profile: Option<&Profile>) -> Vec<u8> {
    let code = |channel: usize, value: f32| match profile {
        None => (srgb_from_linear(value.clamp(0.0, 1.0)) * 65_535.0).round() as u16,
        Some(profile) => nearest(profile.linear(channel), value),
    };
    let channels = if pixels.alpha().is_some() { 4 } else { 3 };
    let rgb = pixels.rgb();
    flatten(rgb, channels * 2, |index, out| {
        let colour = profile.map_or(rgb[index], |profile| profile.in_profile(rgb[index]));
        for (channel, value) in colour.into_iter().enumerate() {
            out[channel * 2..channel * 2 + 2].copy_from_slice(&code(channel, value).to_ne_bytes());
        }
        if let Some(alpha) = pixels.alpha() {
            out[6..8].copy_from_slice(&((alpha[index] * 65_535.0).round() as u16).to_ne_bytes());
        }
    })
}
