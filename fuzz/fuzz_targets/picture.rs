//! Pictures: any bytes are decoded or refused within the limits, and what was decoded can be written and read again.
//!
//! Decoders are other people's code, and their panics are refusals. A panic of ours would pass for one of theirs; it ends the run.

#![no_main]

use editscale_fuzz::end_at_our_own_panics;
use editscale_picture::{EncodeOptions, Format, Limits, Picture, decode, decode_rgb8, encode, probe};
use libfuzzer_sys::fuzz_target;

/// Small, so that a picture is done within milliseconds.
const LIMITS: Limits = Limits { bytes: 1 << 20, edge: 4_096, pixels: 1 << 18 };

fuzz_target!(init: end_at_our_own_panics(), |bytes: &[u8]| {
    let facts = probe(bytes, &LIMITS);
    let plain = decode_rgb8(bytes, &LIMITS);
    let Ok(picture) = decode(bytes, &LIMITS) else { return };
    let facts = facts.expect("what is decoded can be probed");
    let plain = plain.expect("what is decoded can be decoded plainly");
    let size = (facts.width, facts.height);
    assert_eq!(size, (picture.pixels.width(), picture.pixels.height()), "it is not as large as it was declared");
    assert_eq!(size, (plain.width as u32, plain.height as u32), "it is not as large as it was declared");
    assert!(picture.pixels.rgb().iter().flatten().all(|value| value.is_finite()), "a colour is not finite");
    for (format, deep) in [(Format::Png, false), (Format::Png, true), (Format::Jpeg, false), (Format::WebP, false)] {
        let Picture { pixels, metadata } = &picture;
        let options = EncodeOptions { format, deep, quality: 90, keep_metadata: true };
        // A format need not hold every picture, such as those with an edge above its own limit.
        let Ok(written) = encode(pixels, metadata, options) else { continue };
        let again = decode(&written, &Limits::default()).expect("what was written can be read");
        assert_eq!(size, (again.pixels.width(), again.pixels.height()), "{format} changes the size");
    }
});
