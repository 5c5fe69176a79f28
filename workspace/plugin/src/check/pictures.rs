//! Test pictures: made here, so that nothing has to be carried along.

use editscale_picture::{EncodeOptions, Format, Metadata, Pixels, encode};
use editscale_sdk::protocol::{FilePlace, Picture, PictureBody};

/// A picture as a file, and what is to be said of it.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) what: &'static str,
    pub(super) media: &'static str,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) bytes: Vec<u8>,
}

impl Sample {
    /// Within the message.
    pub(super) fn inline(&self) -> Picture {
        self.with(PictureBody::Inline(self.bytes.clone().into()))
    }

    /// As a file at this path. Whoever asks writes it.
    pub(super) fn at(&self, path: impl Into<String>) -> Picture {
        self.with(PictureBody::File(FilePlace::of(path, &self.bytes)))
    }

    fn with(&self, body: PictureBody) -> Picture {
        Picture { media: self.media.to_owned(), width: Some(self.width), height: Some(self.height), body }
    }

    /// The same file without its last third.
    pub(super) fn cut(&self) -> Self {
        let bytes = self.bytes.get(..self.bytes.len() * 2 / 3).unwrap_or_default().to_vec();
        Self { what: "a PNG file that ends too early", bytes, ..self.clone() }
    }
}

/// A scene in small: a sky, a meadow and a sun, brighter with a greater `light`.
pub(super) fn scene(light: f32) -> Sample {
    drawn("an RGB PNG", Format::Png, false, light)
}

/// A mask that allows the right half.
pub(super) fn right_half() -> Sample {
    let mask = |x: u32, _: u32| if x * 2 >= WIDTH { [255; 3] } else { [0; 3] };
    let samples = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| mask(x, y))).flatten().collect::<Vec<u8>>();
    png("a mask", Layout { width: WIDTH, height: HEIGHT, colour: 2, depth: 8 }, &samples)
}

/// Every way in which a picture may be stored that any plugin must take.
pub(super) fn layouts() -> Vec<Sample> {
    let (width, height) = (WIDTH, HEIGHT);
    let grey = |bytes: u32| (0..width * height * bytes).map(|index| (index % 251) as u8).collect::<Vec<u8>>();
    vec![
        scene(0.5),
        drawn("a JPEG", Format::Jpeg, false, 0.5),
        drawn("a WebP", Format::WebP, false, 0.5),
        drawn("a PNG with transparency", Format::Png, true, 0.5),
        png("a grey PNG", Layout { width, height, colour: 0, depth: 8 }, &grey(1)),
        png("a PNG of 16 bits", Layout { width, height, colour: 2, depth: 16 }, &grey(6)),
        png("a grey PNG with transparency", Layout { width, height, colour: 4, depth: 8 }, &grey(2)),
    ]
}

/// Pictures of shapes that a plugin may refuse, but in words.
pub(super) fn shapes() -> Vec<Sample> {
    let plain = |width: u32, height: u32| vec![128_u8; (width * height * 3) as usize];
    let of = |what, width, height| png(what, Layout { width, height, colour: 2, depth: 8 }, &plain(width, height));
    vec![of("a picture of one pixel", 1, 1), of("a very wide picture", 1024, 8), of("a very high picture", 8, 1024)]
}

const WIDTH: u32 = 64;
const HEIGHT: u32 = 48;

fn drawn(what: &'static str, format: Format, has_alpha: bool, light: f32) -> Sample {
    let places = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x as f32 / WIDTH as f32, y as f32 / HEIGHT as f32)));
    let colour = |(x, y): (f32, f32)| {
        let sun = (x - 0.7).powi(2) + (y - 0.25).powi(2) < 0.015;
        match (sun, y < 0.6) {
            (true, _) => [light, light * 0.9, light * 0.4],
            (false, true) => [light * (0.2 + 0.3 * y), light * 0.5, light * (1.0 - 0.3 * y)],
            (false, false) => [light * 0.2, light * (0.3 + 0.3 * x), light * 0.1],
        }
    };
    let alpha = has_alpha.then(|| places.clone().map(|(x, _)| x).collect());
    let pixels = Pixels::new(WIDTH, HEIGHT, places.map(colour).collect()).map(|pixels| pixels.with_alpha(alpha));
    let options = EncodeOptions { format, ..EncodeOptions::PNG };
    // A picture of a fixed size is always encoded; an empty file would fail every check that uses it.
    let bytes = pixels.and_then(|pixels| encode(&pixels, &Metadata::default(), options).ok()).unwrap_or_default();
    let media = match format {
        Format::Jpeg => "image/jpeg",
        Format::WebP => "image/webp",
        _ => "image/png",
    };
    Sample { what, media, width: WIDTH, height: HEIGHT, bytes }
}

/// How a PNG file is laid out; the colour is that of the format: 0 grey, 2 RGB, 4 grey with alpha.
#[derive(Clone, Copy)]
struct Layout {
    width: u32,
    height: u32,
    colour: u8,
    depth: u8,
}

/// A PNG file of samples as they are, not compressed.
fn png(what: &'static str, layout: Layout, samples: &[u8]) -> Sample {
    let mut header = [layout.width.to_be_bytes(), layout.height.to_be_bytes()].concat();
    header.extend([layout.depth, layout.colour, 0, 0, 0]);
    let row = (samples.len() / layout.height.max(1) as usize).max(1);
    let rows: Vec<u8> = samples.chunks(row).flat_map(|row| std::iter::once(&0).chain(row)).copied().collect();
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    [(*b"IHDR", header), (*b"IDAT", stored(&rows)), (*b"IEND", Vec::new())].iter().for_each(|(name, body)| {
        bytes.extend((body.len() as u32).to_be_bytes());
        let named = [name.as_slice(), body].concat();
        bytes.extend(&named);
        bytes.extend(crc32(&named).to_be_bytes());
    });
    Sample { what, media: "image/png", width: layout.width, height: layout.height, bytes }
}

/// A zlib stream of blocks that are stored as they are.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let blocks: Vec<&[u8]> = bytes.chunks(0xffff).collect();
    for (at, block) in blocks.iter().enumerate() {
        let length = block.len() as u16;
        stream.push(u8::from(at + 1 == blocks.len()));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(*block);
    }
    let (low, high) = bytes.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    stream.extend((high << 16 | low).to_be_bytes());
    stream
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use editscale_picture::{Limits, decode, probe};

    use super::*;

    #[test]
    fn every_picture_is_one() {
        let all = layouts().into_iter().chain(shapes()).chain([right_half()]);
        for sample in all {
            let facts =
                probe(&sample.bytes, &Limits::default()).unwrap_or_else(|error| panic!("{}: {error}", sample.what));
            assert_eq!((facts.width, facts.height), (sample.width, sample.height), "{}", sample.what);
            assert!(decode(&sample.bytes, &Limits::default()).is_ok(), "{}", sample.what);
        }
        let facts = |sample: &Sample| probe(&sample.bytes, &Limits::default()).unwrap();
        let layouts = layouts();
        assert!(facts(&layouts[3]).has_alpha && facts(&layouts[4]).is_grey && facts(&layouts[5]).is_deep);
    }

    #[test]
    fn a_cut_picture_declares_itself_but_cannot_be_decoded() {
        let cut = scene(0.5).cut();
        assert!(probe(&cut.bytes, &Limits::default()).is_ok());
        assert!(decode(&cut.bytes, &Limits::default()).is_err());
    }
}
