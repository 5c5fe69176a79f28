//! Masks for servers that want them the other way: ours are white where editing is allowed, theirs are transparent there.

use std::io::Cursor;

use editscale_core::ImageSize;
use png::{BitDepth, ColorType, Decoder, Encoder, Limits, Transformations};

/// The most memory that decoding a mask may take.
const MOST_MEMORY: usize = 512 << 20;

/// A PNG whose alpha is the mask turned around: white becomes transparent, black opaque, grey something between. Colours
/// are black; servers do not look at them.
pub(crate) fn transparent_where_white(mask: &[u8], size: ImageSize) -> Result<Vec<u8>, String> {
    let white = whiteness(mask, size)?;
    let pixels: Vec<u8> = white.iter().flat_map(|white| [0, 0, 0, 255 - white]).collect();
    encode(&pixels, size, ColorType::Rgba).map_err(|error| format!("the mask cannot be encoded: {error}"))
}

/// A PNG with one channel: how white the mask is, less what is transparent in it.
pub(crate) fn grey(mask: &[u8], size: ImageSize) -> Result<Vec<u8>, String> {
    let white = whiteness(mask, size)?;
    encode(&white, size, ColorType::Grayscale).map_err(|error| format!("the mask cannot be encoded: {error}"))
}

/// How white each pixel is: its brightness, less what is transparent in it.
fn whiteness(mask: &[u8], size: ImageSize) -> Result<Vec<u8>, String> {
    if !mask.starts_with(b"\x89PNG") {
        return Err("expected the mask as a PNG file: this server takes no other".to_owned());
    }
    let broken = |error: png::DecodingError| format!("the mask cannot be decoded: {error}");
    let mut decoder = Decoder::new_with_limits(Cursor::new(mask), Limits { bytes: MOST_MEMORY });
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(broken)?;
    let found = ImageSize { width: reader.info().width, height: reader.info().height };
    if found != size {
        return Err(format!("expected a mask of {size}, found {found}"));
    }
    let length = reader.output_buffer_size().filter(|length| *length <= MOST_MEMORY);
    let mut pixels = vec![0; length.ok_or("the mask is too large to be decoded")?];
    let frame = reader.next_frame(&mut pixels).map_err(broken)?;
    pixels.truncate(frame.buffer_size());
    let (channels, white): (usize, fn(&[u8]) -> u8) = match frame.color_type {
        ColorType::Grayscale => (1, |pixel| pixel.first().copied().unwrap_or_default()),
        ColorType::GrayscaleAlpha => (2, |pixel| seen(pixel.first().copied().unwrap_or_default(), pixel.get(1))),
        ColorType::Rgb => (3, brightness),
        ColorType::Rgba => (4, |pixel| seen(brightness(pixel), pixel.get(3))),
        ColorType::Indexed => return Err("the mask's palette was not expanded".to_owned()),
    };
    Ok(pixels.chunks_exact(channels).map(white).collect())
}

fn brightness(pixel: &[u8]) -> u8 {
    let sum: u32 = pixel.iter().take(3).map(|value| u32::from(*value)).sum();
    (sum / 3) as u8
}

fn seen(white: u8, alpha: Option<&u8>) -> u8 {
    (u32::from(white) * u32::from(alpha.copied().unwrap_or(u8::MAX)) / 255) as u8
}

fn encode(pixels: &[u8], size: ImageSize, colour: ColorType) -> Result<Vec<u8>, png::EncodingError> {
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, size.width, size.height);
    encoder.set_color(colour);
    encoder.set_depth(BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: ImageSize = ImageSize { width: 3, height: 1 };

    fn mask(colour: ColorType, pixels: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, 3, 1);
        encoder.set_color(colour);
        if colour == ColorType::Indexed {
            encoder.set_palette(&[0, 0, 0, 255, 255, 255][..]);
        }
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(pixels).unwrap();
        writer.finish().unwrap();
        file
    }

    fn alpha(file: &[u8]) -> Vec<u8> {
        let mut reader = Decoder::new(Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((frame.color_type, frame.width, frame.height), (ColorType::Rgba, 3, 1));
        pixels.chunks_exact(4).map(|pixel| pixel[3]).collect()
    }

    #[test]
    fn white_becomes_transparent() {
        for (colour, pixels) in [
            (ColorType::Grayscale, &[0, 255, 100][..]),
            (ColorType::GrayscaleAlpha, &[255, 0, 255, 255, 100, 255]),
            (ColorType::Rgb, &[0, 0, 0, 255, 255, 255, 90, 100, 110]),
            (ColorType::Rgba, &[9, 9, 9, 0, 255, 255, 255, 255, 90, 100, 110, 255]),
        ] {
            let file = transparent_where_white(&mask(colour, pixels), SIZE).unwrap();
            assert_eq!(alpha(&file), [255, 0, 155], "{colour:?}");
        }
        let file = transparent_where_white(&mask(ColorType::Indexed, &[0, 1, 1]), SIZE).unwrap();
        assert_eq!(alpha(&file), [255, 0, 0]);
    }

    #[test]
    fn a_grey_mask_stays_white_where_it_was() {
        let file = grey(&mask(ColorType::Rgba, &[9, 9, 9, 0, 255, 255, 255, 255, 90, 100, 110, 255]), SIZE).unwrap();
        let mut reader = Decoder::new(Cursor::new(&file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((frame.color_type, &pixels[..]), (ColorType::Grayscale, &[0, 255, 100][..]));
    }

    #[test]
    fn what_is_no_mask_is_refused() {
        let good = mask(ColorType::Grayscale, &[0, 255, 100]);
        let other = ImageSize { width: 4, height: 1 };
        for (file, size, words) in [
            (&good[..], other, "expected a mask of 4x1, found 3x1"),
            (&good[..40], SIZE, "cannot be decoded"),
            (b"\xff\xd8\xff", SIZE, "as a PNG file"),
        ] {
            let error = transparent_where_white(file, size).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
