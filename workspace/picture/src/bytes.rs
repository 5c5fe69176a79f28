//! From a file to the plain bytes that models were trained on, and back.

use std::io::Cursor;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::error::{ImageError, ParameterError, ParameterErrorKind};
use image::{ColorType, DynamicImage, ExtendedColorType, ImageEncoder};

use crate::open::opened;
use crate::{EncodeError, Format, Limits, PictureError};

/// Three bytes a pixel, as the file has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rgb8 {
    /// Pixels from left to right, upright; at least 1.
    pub width: usize,
    /// Pixels from top to bottom, upright; at least 1.
    pub height: usize,
    /// Red, green, blue, row by row.
    pub data: Vec<u8>,
}

/// Reads a picture as models see it: alpha dropped without compositing, colour profiles ignored, grey repeated, of 16 bits
/// the upper 8. That is what Pillow's `convert("RGB")` does, with which such models were trained; other than there, the
/// result is upright.
pub fn decode_rgb8(bytes: &[u8], limits: &Limits) -> Result<Rgb8, PictureError> {
    opened(bytes, limits, |file| {
        let image = file.into_image()?;
        Ok(Rgb8 { width: image.width() as usize, height: image.height() as usize, data: plain(&image) })
    })
}

/// Writes plain bytes as an 8-bit PNG file in sRGB, without any metadata, packed fast.
pub fn encode_rgb8(picture: &Rgb8) -> Result<Vec<u8>, EncodeError> {
    let mut file = Cursor::new(Vec::with_capacity(picture.data.len() / 2));
    let encoder = PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Adaptive);
    let failed = |source| EncodeError::Encoder { format: Format::Png, source };
    // The encoder panics where the bytes are not those of the size.
    let mismatch = || failed(ImageError::Parameter(ParameterError::from_kind(ParameterErrorKind::DimensionMismatch)));
    let bytes = picture.width.checked_mul(picture.height).and_then(|pixels| pixels.checked_mul(3));
    match (u32::try_from(picture.width), u32::try_from(picture.height)) {
        (Ok(width), Ok(height)) if bytes == Some(picture.data.len()) => {
            encoder.write_image(&picture.data, width, height, ExtendedColorType::Rgb8).map_err(failed)?;
            Ok(file.into_inner())
        }
        _ => Err(mismatch()),
    }
}

fn plain(image: &DynamicImage) -> Vec<u8> {
    let upper = |value: &u16| (value >> 8) as u8;
    match image.color() {
        ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16 => {
            let wide = image.to_rgb16();
            wide.as_raw().iter().map(upper).collect()
        }
        _ => image.to_rgb8().into_raw(),
    }
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, Rgba, RgbaImage};

    use super::*;

    fn png(image: &DynamicImage) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, ImageFormat::Png).expect("encodes");
        bytes.into_inner()
    }

    #[test]
    fn alpha_is_dropped_and_deep_values_are_cut() {
        let clear = RgbaImage::from_pixel(2, 1, Rgba([10, 200, 30, 0]));
        let read = decode_rgb8(&png(&clear.into()), &Limits::default()).expect("decodes");
        assert_eq!(read, Rgb8 { width: 2, height: 1, data: vec![10, 200, 30, 10, 200, 30] });
        let deep = image::ImageBuffer::from_pixel(1, 1, image::Rgb([0x12ff_u16, 0xff80, 0x0080]));
        let read = decode_rgb8(&png(&DynamicImage::ImageRgb16(deep)), &Limits::default()).expect("decodes");
        assert_eq!(read.data, [0x12, 0xff, 0x00]);
        let grey = image::GrayImage::from_pixel(1, 1, image::Luma([77]));
        assert_eq!(decode_rgb8(&png(&grey.into()), &Limits::default()).expect("decodes").data, [77; 3]);
    }

    #[test]
    fn plain_bytes_come_back_as_they_were_written() {
        let data = (0..5 * 3 * 3).map(|value| (value * 37 % 256) as u8).collect();
        let picture = Rgb8 { width: 5, height: 3, data };
        let read = decode_rgb8(&encode_rgb8(&picture).expect("encodes"), &Limits::default()).expect("decodes");
        assert_eq!(read, picture);
    }

    #[test]
    fn broken_files_are_refused() {
        let whole = png(&image::RgbImage::from_fn(40, 40, |x, y| image::Rgb([(x * y) as u8, x as u8, y as u8])).into());
        for cut in [0, 7, 60, whole.len() / 2] {
            assert!(decode_rgb8(&whole[..cut], &Limits::default()).is_err(), "{cut} bytes");
        }
    }
}
