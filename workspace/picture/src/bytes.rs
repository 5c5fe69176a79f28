//! From a file to the plain bytes that models were trained on.

use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder};

use crate::probe::{guarded, name, open};
use crate::{Format, Limits, PictureError};

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
    let format = Format::of(bytes)?;
    guarded(format, || {
        let (mut decoder, _) = open(bytes, format, limits)?;
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let mut image = DynamicImage::from_decoder(decoder).map_err(|error| name(format, &error))?;
        image.apply_orientation(orientation);
        let (width, height) = (image.width() as usize, image.height() as usize);
        if width * height == 0 {
            return Err(PictureError::Corrupt { format, reason: "it holds no pixels".to_owned() });
        }
        Ok(Rgb8 { width, height, data: plain(&image) })
    })
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
    use std::io::Cursor;

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
    fn broken_files_are_refused() {
        let whole = png(&image::RgbImage::from_fn(40, 40, |x, y| image::Rgb([(x * y) as u8, x as u8, y as u8])).into());
        for cut in [0, 7, 60, whole.len() / 2] {
            assert!(decode_rgb8(&whole[..cut], &Limits::default()).is_err(), "{cut} bytes");
        }
    }
}
