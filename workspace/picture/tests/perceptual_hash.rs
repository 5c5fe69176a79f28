//! The perceptual hash on photographs: near for the same picture, far for others.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::Path;

use editscale_picture::{
    EncodeOptions, Format, Limits, Rgb8, decode, decode_rgb8, encode, encode_rgb8, hash_distance, perceptual_hash,
};
use proptest::prelude::*;

const PHOTOS: [&str; 4] = ["astronaut", "coffee", "flower", "pagoda"];

/// The usual bound for near duplicates.
const NEAR: u32 = 10;

fn file(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../examples/photos/{name}.jpg"));
    std::fs::read(path).unwrap()
}

fn photo(name: &str) -> Rgb8 {
    decode_rgb8(&file(name), &Limits::default()).unwrap()
}

/// The photograph at this share of its size, as a JPEG file of this quality, decoded again.
fn encoded(name: &str, share: f64, quality: u8) -> Rgb8 {
    let picture = decode(&file(name), &Limits::default()).unwrap();
    let scaled = |length: u32| (f64::from(length) * share).round() as u32;
    let resized = picture.pixels.resized(scaled(picture.pixels.width()), scaled(picture.pixels.height()));
    let options = EncodeOptions { format: Format::Jpeg, quality, ..EncodeOptions::PNG };
    let bytes = encode(&resized, &picture.metadata, options).unwrap();
    decode_rgb8(&bytes, &Limits::default()).unwrap()
}

#[test]
fn a_picture_encoded_anew_scaled_or_brightened_stays_near() {
    for name in PHOTOS {
        let hash = perceptual_hash(&photo(name));
        let distance = |picture: &Rgb8| hash_distance(hash, perceptual_hash(picture));
        for (share, quality, most) in
            [(1.0, 90, 2), (1.0, 30, 4), (0.5, 90, 4), (0.25, 75, 6), (0.1, 90, NEAR), (1.7, 90, 4)]
        {
            let found = distance(&encoded(name, share, quality));
            assert!(found <= most, "{name} at {share}, quality {quality}: {found} bits");
        }
        for change in [-12_i16, 12] {
            let mut brighter = photo(name);
            for value in &mut brighter.data {
                *value = (i16::from(*value) + change).clamp(0, 255) as u8;
            }
            let found = distance(&brighter);
            assert!(found <= 6, "{name} brighter by {change}: {found} bits");
        }
    }
}

#[test]
fn different_photographs_and_their_mirrors_are_far_from_each_other() {
    let mut hashes = Vec::new();
    for name in PHOTOS {
        let (picture, mut mirrored) = (photo(name), photo(name));
        let rows = picture.data.chunks_exact(picture.width * 3);
        mirrored.data = rows.flat_map(|row| row.chunks_exact(3).rev().flatten().copied()).collect();
        hashes.extend([(name, perceptual_hash(&picture)), (name, perceptual_hash(&mirrored))]);
    }
    for (place, (name, hash)) in hashes.iter().enumerate() {
        for (other, theirs) in &hashes[place + 1..] {
            let found = hash_distance(*hash, *theirs);
            assert!(found > 2 * NEAR - 4, "{name} and {other}: {found} bits");
        }
    }
}

#[test]
fn plain_cosines_have_the_bits_of_their_frequencies() {
    // One frequency alone is the only coefficient above the median, which is 0.
    for (v, h) in [(1, 1), (1, 8), (3, 5), (8, 8)] {
        let value = |x: usize, y: usize| {
            let wave =
                |frequency: usize, at: usize| (std::f64::consts::PI * (frequency * (2 * at + 1)) as f64 / 64.0).cos();
            (128.0 + 100.0 * wave(h, x) * wave(v, y)).round() as u8
        };
        let data = (0..32 * 32).flat_map(|place| [value(place % 32, place / 32); 3]).collect();
        let hash = perceptual_hash(&Rgb8 { width: 32, height: 32, data });
        assert!(hash >> (8 * (v - 1) + h - 1) & 1 == 1, "{v}, {h}: {hash:016x}");
    }
}

#[test]
fn pictures_of_any_shape_have_a_hash_and_plain_ones_have_0() {
    for (width, height) in [(1, 1), (1, 500), (500, 1), (31, 33), (64, 7), (1000, 3)] {
        for value in [0, 77, 255] {
            let picture = Rgb8 { width, height, data: vec![value; width * height * 3] };
            assert_eq!(perceptual_hash(&picture), 0, "{width}x{height} of {value}");
        }
    }
}

proptest! {
    /// Each pixel as a block of pixels is the same picture, and has the same hash.
    #[test]
    fn whole_enlargement_changes_nothing(
        (width, height) in (1_usize..50, 1_usize..50),
        (across, down) in (1_usize..4, 1_usize..4),
        seed in any::<u64>(),
    ) {
        let mut state = seed | 1;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        let picture = Rgb8 { width, height, data: (0..width * height * 3).map(|_| next()).collect() };
        let at = |x: usize, y: usize| &picture.data[(y * width + x) * 3..][..3];
        let data = (0..height * down)
            .flat_map(|y| (0..width * across).flat_map(move |x| at(x / across, y / down).iter().copied()))
            .collect();
        let large = Rgb8 { width: width * across, height: height * down, data };
        prop_assert!(hash_distance(perceptual_hash(&picture), perceptual_hash(&large)) <= 1);
    }

    /// A file that keeps every pixel keeps the hash.
    #[test]
    fn lossless_files_keep_the_hash(value in any::<[u8; 27]>()) {
        let picture = Rgb8 { width: 3, height: 3, data: value.to_vec() };
        let read = decode_rgb8(&encode_rgb8(&picture).unwrap(), &Limits::default()).unwrap();
        prop_assert_eq!(perceptual_hash(&picture), perceptual_hash(&read));
    }
}
