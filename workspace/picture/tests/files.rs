//! Files of all kinds, well-formed and hostile, through the crate's front door.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::needless_pass_by_value,
    reason = "a test that cannot go on fails"
)]

use std::io::Cursor;

use editscale_picture::{
    EncodeOptions, Format, Limits, Metadata, Picture, PictureError, Pixels, decode, encode, probe,
};
use image::codecs::png::PngEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat};
use proptest::prelude::*;

/// A picture whose every pixel differs: 24×16 unless said otherwise.
fn pattern(width: u32, height: u32) -> image::RgbImage {
    image::RgbImage::from_fn(width, height, |x, y| image::Rgb([(x * 9) as u8, (y * 13) as u8, (x * y) as u8]))
}

fn file(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn png(image: DynamicImage) -> Vec<u8> {
    file(&image, ImageFormat::Png)
}

fn read(bytes: &[u8]) -> Result<Picture, PictureError> {
    decode(bytes, &Limits::default())
}

fn eight_bit(picture: &Picture) -> image::RgbaImage {
    let bytes = encode(&picture.pixels, &picture.metadata, EncodeOptions::PNG).unwrap();
    image::load_from_memory(&bytes).unwrap().to_rgba8()
}

#[test]
fn every_format_and_kind_is_read() {
    let rgb = DynamicImage::ImageRgb8(pattern(24, 16));
    for format in [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Tiff, ImageFormat::WebP] {
        let picture = read(&file(&rgb, format)).unwrap();
        assert_eq!(eight_bit(&picture), rgb.to_rgba8(), "{format:?}");
    }
    for kind in [
        DynamicImage::ImageLuma8(rgb.to_luma8()),
        DynamicImage::ImageLumaA8(rgb.to_luma_alpha8()),
        DynamicImage::ImageRgba8(rgb.to_rgba8()),
        DynamicImage::ImageLuma16(rgb.to_luma16()),
        DynamicImage::ImageRgb16(rgb.to_rgb16()),
        DynamicImage::ImageRgba16(rgb.to_rgba16()),
    ] {
        let expected = kind.to_rgba8();
        let picture = read(&png(kind)).unwrap();
        assert_eq!(eight_bit(&picture), expected);
    }
    assert!(read(&file(&rgb, ImageFormat::Jpeg)).is_ok());
    assert!(read(&file(&rgb, ImageFormat::Gif)).is_ok());
    assert!(read(&png(DynamicImage::ImageRgb8(pattern(1, 1)))).is_ok());
}

/// A PNG of the pattern, with what is set beside it.
fn png_with(set: impl FnOnce(&mut PngEncoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    set(&mut encoder);
    encoder.write_image(&pattern(24, 16), 24, 16, ExtendedColorType::Rgb8).unwrap();
    bytes
}

/// A PNG of the pattern with such an EXIF block.
fn with_block(exif: Vec<u8>) -> Vec<u8> {
    png_with(|encoder| encoder.set_exif_metadata(exif).unwrap())
}

/// A PNG of the pattern with such a profile.
fn with_profile(icc: Vec<u8>) -> Vec<u8> {
    png_with(|encoder| encoder.set_icc_profile(icc).unwrap())
}

/// An EXIF block that holds an orientation and a place.
fn block(orientation: u8) -> Vec<u8> {
    let mut exif = b"II*\0\x08\0\0\0\x02\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0]);
    exif.extend(b"\x0e\x01\x02\0\x0c\0\0\0\x26\0\0\0\0\0\0\0SECRET PLACE");
    exif
}

#[test]
fn pictures_come_out_upright_and_private() {
    for orientation in 1..=8 {
        let bytes = with_block(block(orientation));
        let picture = read(&bytes).unwrap();
        let mut expected = DynamicImage::ImageRgb8(pattern(24, 16));
        expected.apply_orientation(image::metadata::Orientation::from_exif(orientation).unwrap());
        assert_eq!(eight_bit(&picture), expected.to_rgba8(), "orientation {orientation}");
        let facts = probe(&bytes, &Limits::default()).unwrap();
        assert_eq!((facts.width, facts.height), (expected.width(), expected.height()));

        let has_secret = |bytes: &[u8]| bytes.windows(6).any(|window| window == b"SECRET");
        for format in [Format::Png, Format::Jpeg] {
            let options = EncodeOptions { format, ..EncodeOptions::PNG };
            assert!(!has_secret(&encode(&picture.pixels, &picture.metadata, options).unwrap()));
            let kept = EncodeOptions { keep_metadata: true, ..options };
            let bytes = encode(&picture.pixels, &picture.metadata, kept).unwrap();
            assert!(has_secret(&bytes), "{format}");
            let again = read(&bytes).unwrap();
            assert_eq!(again.pixels.width(), picture.pixels.width(), "turned twice");
        }
    }
}

fn gif(frames: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
    let frame = image::Frame::new(DynamicImage::ImageRgb8(pattern(8, 8)).to_rgba8());
    encoder.encode_frames(vec![frame; frames]).unwrap();
    drop(encoder);
    bytes
}

/// A PNG of the pattern with the chunk that announces frames, before its pixels.
fn apng() -> Vec<u8> {
    let mut bytes = png(DynamicImage::ImageRgb8(pattern(8, 8)));
    let control = b"\0\0\0\x08acTL\0\0\0\x02\0\0\0\0\xf3\x8d\x93\x70";
    bytes.splice(33..33, *control);
    bytes
}

/// The head of a WebP whose flags announce frames.
const WEBP: &[u8] = b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x07\0\0\x07\0\0";

#[test]
fn what_is_not_a_still_picture_is_refused_by_name() {
    let (animated, apng) = (gif(2), apng());
    // The last character of what is looked at is cut.
    let accent = "a".repeat(511) + "été";
    assert!(read(&gif(1)).is_ok());
    for (bytes, words) in [
        (&b""[..], "empty"),
        (b"%PDF-1.7", "a PDF document"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"hello", "plain text"),
        (accent.as_bytes(), "plain text"),
        (b"hell\xff", "some other kind of data"),
        (b"\0\0\0\x1cftypheic\0\0", "HEIC"),
        (b"\0\0\0\x1cftypavif\0\0", "AVIF"),
        (&animated, "GIF file is animated"),
        (&apng, "PNG file is animated"),
        (WEBP, "WebP file is animated"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
    ] {
        let error = read(bytes).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

/// A GIF file with a screen of 1×1 pixels and one frame of so many.
fn gif_with_frame(width: u16, height: u16) -> Vec<u8> {
    let mut bytes = b"GIF89a\x01\0\x01\0\0\0\0\x2c\0\0\0\0".to_vec();
    bytes.extend([width.to_le_bytes(), height.to_le_bytes()].concat());
    // A table of two colours, then one code: the first colour.
    bytes.extend(b"\x80\x10\x20\x30\x40\x50\x60\x02\x02\x44\x01\0\x3b");
    bytes
}

/// Found by fuzzing: what is looked at is the screen, what is made room for is the frame.
#[test]
fn a_frame_is_held_to_the_limits_however_small_the_screen_is() {
    let picture = read(&gif_with_frame(1, 1)).unwrap();
    assert_eq!((picture.pixels.width(), picture.pixels.height()), (1, 1));
    for (width, height) in [(40_000, 2), (30_000, 30_000)] {
        let bytes = gif_with_frame(width, height);
        for error in [read(&bytes).unwrap_err(), probe(&bytes, &Limits::default()).unwrap_err()] {
            assert!(matches!(error, PictureError::TooLarge { .. }), "{width}x{height}: {error}");
        }
    }
}

/// A PNG header that declares so many pixels in each direction, and next to nothing else.
fn png_bomb(edge: u32) -> Vec<u8> {
    let mut bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    bomb.extend([edge.to_be_bytes(), edge.to_be_bytes()].concat());
    bomb.extend([8, 2, 0, 0, 0]);
    let crc = bomb[12..].iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    });
    bomb.extend((!crc).to_be_bytes());
    bomb.extend(b"\0\0\0\x04IDAT\0\0\0\0\0\0\0\0");
    bomb
}

#[test]
fn declared_sizes_are_looked_at_first() {
    let mut wide = gif(2);
    wide[6..10].copy_from_slice(&[255; 4]);
    let error = read(&wide).unwrap_err();
    assert!(matches!(error, PictureError::TooLarge { width: 65_535, .. }), "{error}");
    for declared in [100_000, i32::MAX as u32] {
        let error = read(&png_bomb(declared)).unwrap_err();
        let expected = u64::from(declared);
        assert!(matches!(error, PictureError::TooLarge { width, .. } if width == expected), "{error}");
    }
    let bytes = png(DynamicImage::ImageRgb8(pattern(24, 16)));
    let tight = |limits| decode(&bytes, &limits).unwrap_err();
    assert!(matches!(tight(Limits { edge: 23, ..Limits::default() }), PictureError::TooLarge { .. }));
    assert!(matches!(tight(Limits { pixels: 383, ..Limits::default() }), PictureError::TooLarge { .. }));
    assert!(matches!(tight(Limits { bytes: 10, ..Limits::default() }), PictureError::TooManyBytes { .. }));
}

/// A profile of nothing but zeros packs a thousandfold. What does not fit beside the pixels is never unpacked, so that nothing can be
/// said against it.
#[test]
fn a_colour_profile_is_no_bomb() {
    let small = read(&with_profile(vec![0; 1 << 20])).unwrap();
    assert_eq!(small.metadata.warnings.len(), 1, "a profile that is read and refused");
    for unpacked in [40 << 20, 70 << 20] {
        let bomb = with_profile(vec![0; unpacked]);
        assert!(bomb.len() < 1 << 20);
        let metadata = read(&bomb).unwrap().metadata;
        assert!(metadata.profile.is_none() && metadata.warnings.is_empty(), "{:?}", metadata.warnings);
    }
}

#[test]
fn an_exif_block_that_no_jpeg_holds_is_left_out() {
    for (length, is_kept) in [(65_527, true), (65_528, false)] {
        let mut exif = b"II*\0\x08\0\0\0\0\0\0\0\0\0".to_vec();
        exif.resize(length, 0);
        let picture = read(&with_block(exif)).unwrap();
        assert_eq!(picture.metadata.exif.is_some(), is_kept, "{length} bytes");
        assert_eq!(picture.metadata.warnings.is_empty(), is_kept);
        let options = EncodeOptions { format: Format::Jpeg, keep_metadata: true, ..EncodeOptions::PNG };
        let jpeg = encode(&picture.pixels, &picture.metadata, options).unwrap();
        assert!(read(&jpeg).is_ok(), "{length} bytes");
    }
}

#[test]
fn sixteen_bits_come_back_as_they_were() {
    let every = |x: u32, y: u32| image::Rgb([(x + 256 * y) as u16, (65_535 - x - 256 * y) as u16, (x * y) as u16]);
    let deep = image::ImageBuffer::from_fn(256, 256, every);
    let p3 = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    for icc in [None, Some(p3)] {
        let mut file = Vec::new();
        let mut encoder = PngEncoder::new(&mut file);
        icc.into_iter().for_each(|icc| encoder.set_icc_profile(icc).unwrap());
        DynamicImage::ImageRgb16(deep.clone()).write_with_encoder(encoder).unwrap();
        let picture = read(&file).unwrap();
        let options = EncodeOptions { deep: true, ..EncodeOptions::PNG };
        let bytes = encode(&picture.pixels, &picture.metadata, options).unwrap();
        let again = image::load_from_memory(&bytes).unwrap().to_rgb16();
        let differ = again.as_raw().iter().zip(deep.as_raw()).filter(|(one, other)| one != other).count();
        assert_eq!(differ, 0, "samples, in {:?}", picture.metadata.profile);
    }
}

/// A CMYK TIFF of one strip, as ink values: no ink is white, all black ink is black.
#[test]
fn inks_are_converted_by_the_plain_formula() {
    let inks: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0, 255, 255, 0];
    let entries: [(u16, u16, u32); 10] = [
        (256, 3, 4),  // width
        (257, 3, 1),  // height
        (258, 3, 8),  // bits a sample
        (259, 3, 1),  // not packed
        (262, 3, 5),  // separated inks
        (273, 4, 8),  // where the strip is
        (277, 3, 4),  // samples a pixel
        (278, 3, 1),  // rows a strip
        (279, 4, 16), // bytes of the strip
        (284, 3, 1),  // all samples of a pixel together
    ];
    let mut bytes = b"II*\0\x18\0\0\0".to_vec();
    bytes.extend(inks);
    bytes.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, value) in entries {
        bytes.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        bytes.extend([1_u32.to_le_bytes(), value.to_le_bytes()].concat());
    }
    bytes.extend([0; 4]);
    let picture = read(&bytes).unwrap();
    let colours: Vec<[u8; 3]> =
        eight_bit(&picture).pixels().map(|pixel| [pixel.0[0], pixel.0[1], pixel.0[2]]).collect();
    assert_eq!(colours, [[255; 3], [0; 3], [0, 255, 255], [255, 0, 0]]);
}

#[test]
fn wide_gamut_pictures_keep_their_profile_and_colours() {
    let icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
    let picture = read(&with_profile(icc.clone())).unwrap();
    assert_eq!(picture.metadata.profile.as_ref().unwrap().bytes(), icc);
    let again = eight_bit(&picture);
    for (one, other) in again.pixels().zip(pattern(24, 16).pixels()) {
        assert!(one.0.iter().zip(other.0).all(|(one, other)| one.abs_diff(other) <= 1), "{one:?} {other:?}");
    }
}

#[test]
fn cut_files_are_told_from_whole_ones() {
    let rgb = DynamicImage::ImageRgb8(pattern(24, 16));
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Tiff, ImageFormat::WebP, ImageFormat::Bmp] {
        let bytes = file(&rgb, format);
        assert!(read(&bytes).is_ok(), "{format:?}");
        assert!(read(&bytes[..bytes.len() * 3 / 4]).is_err(), "{format:?}");
    }
    let whole = file(&rgb, ImageFormat::Jpeg);
    let error = read(&whole[..whole.len() - 2]).unwrap_err();
    assert!(matches!(error, PictureError::Truncated { .. }), "{error}");
    // Some cameras append data of their own.
    assert!(read(&[whole.as_slice(), b"and more"].concat()).is_ok());
}

#[test]
fn cut_files_never_panic() {
    let rgb = DynamicImage::ImageRgb8(pattern(24, 16));
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Tiff, ImageFormat::WebP, ImageFormat::Gif] {
        let bytes = file(&rgb, format);
        for sixteenth in 0..16 {
            // Some decoders hand out what they have of a cut file; what matters is that none panics or hangs.
            read(&bytes[..bytes.len() * sixteenth / 16]).ok();
        }
    }
}

proptest! {
    #[test]
    fn eight_bit_pictures_round_trip_exactly(samples in prop::collection::vec(any::<u8>(), 12)) {
        let image = image::RgbImage::from_raw(2, 2, samples).unwrap();
        let picture = read(&png(DynamicImage::ImageRgb8(image.clone()))).unwrap();
        prop_assert_eq!(eight_bit(&picture), DynamicImage::ImageRgb8(image).to_rgba8());
    }

    #[test]
    fn damaged_files_never_panic(place in 0usize..2000, value in any::<u8>(), kind in 0usize..5) {
        let formats = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Tiff, ImageFormat::WebP, ImageFormat::Gif];
        let mut bytes = file(&DynamicImage::ImageRgb8(pattern(24, 16)), formats[kind]);
        let place = place % bytes.len();
        bytes[place] = value;
        let small = Limits { pixels: 1_000_000, ..Limits::default() };
        decode(&bytes, &small).ok();
    }

    /// A profile decides what every value of a picture means: a hostile one is refused, or gives colours that can be worked on.
    #[test]
    fn damaged_profiles_give_finite_colours(damage in prop::collection::vec((0usize..700, any::<u8>()), 1..12)) {
        let mut icc = moxcms::ColorProfile::new_display_p3().encode().unwrap();
        let length = icc.len();
        // The tags and what they hold lie behind the 128 bytes of the head.
        damage.into_iter().for_each(|(place, value)| icc[128 + place % (length - 128)] = value);
        let picture = read(&with_profile(icc)).unwrap();
        prop_assert!(picture.pixels.rgb().iter().flatten().all(|value| value.is_finite() && value.abs() < 1e6));
        prop_assert!(encode(&picture.pixels, &picture.metadata, EncodeOptions::PNG).is_ok());
    }

    #[test]
    fn damaged_exif_harms_nothing_but_itself(damage in prop::collection::vec((0usize..60, any::<u8>()), 1..8)) {
        let mut exif = block(6);
        let length = exif.len();
        damage.into_iter().for_each(|(place, value)| exif[place % length] = value);
        let picture = read(&with_block(exif)).unwrap();
        prop_assert_eq!(picture.pixels.width() * picture.pixels.height(), 24 * 16);
    }

    #[test]
    fn resizing_stays_in_range(width in 1u32..40, height in 1u32..40) {
        let picture = read(&png(DynamicImage::ImageRgb8(pattern(24, 16)))).unwrap();
        let resized: Pixels = picture.pixels.resized(width, height);
        prop_assert_eq!((resized.width(), resized.height()), (width, height));
        prop_assert!(resized.rgb().iter().flatten().all(|value| value.is_finite()));
        prop_assert!(encode(&resized, &Metadata::default(), EncodeOptions::PNG).is_ok());
    }
}
