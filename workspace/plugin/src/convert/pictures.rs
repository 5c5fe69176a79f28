//! Pictures on their way to a plugin and from it.

use std::collections::BTreeMap;

use editscale_core::{Digest, EncodedImage, Failure, FailureKind, Image, ImageSize, MediaType};
use editscale_picture::{Format, Limits, probe};
use editscale_sdk::protocol::{Blob, FilePlace, Picture, PictureBody};
use serde_bytes::ByteBuf;

use super::readable;
use crate::spool::{Spool, Written};

/// Above this many bytes a picture usually goes through the spool, where the plugin takes files.
pub(crate) const INLINE_BYTES: u32 = 8 << 20;

/// The most bytes of pictures that go into one message, where the plugin takes files.
const INLINE_IN_ALL: usize = 32 << 20;

/// The pictures of one call: what several items share is sent once.
#[derive(Debug)]
pub(crate) struct Outgoing<'s> {
    /// Where long ones are written; none where the plugin takes no files.
    spool: Option<&'s Spool>,
    /// What is long.
    most: usize,
    places: BTreeMap<Digest, u32>,
    pictures: Vec<Picture>,
    inline: usize,
    files: Vec<Written>,
}

impl<'s> Outgoing<'s> {
    pub(crate) fn new(spool: Option<&'s Spool>, most: u32) -> Self {
        Self { spool, most: most as usize, places: BTreeMap::new(), pictures: Vec::new(), inline: 0, files: Vec::new() }
    }

    /// The place of a picture in the list, where it is put if it is not there yet.
    pub(crate) fn place(&mut self, image: &Image) -> Result<u32, Failure> {
        if let Some(place) = self.places.get(&image.digest()) {
            return Ok(*place);
        }
        let bytes = image.read().map_err(|error| Failure::new(FailureKind::Invalid, error.to_string()))?;
        let body = self.body(&bytes, image.media());
        let ImageSize { width, height } = image.size();
        let place = self.pictures.len() as u32;
        let media = image.media().mime().to_owned();
        self.pictures.push(Picture { media, width: Some(width), height: Some(height), body });
        self.places.insert(image.digest(), place);
        Ok(place)
    }

    fn body(&mut self, bytes: &[u8], media: MediaType) -> PictureBody {
        let is_long = bytes.len() > self.most || self.inline + bytes.len() > INLINE_IN_ALL;
        if let Some(spool) = self.spool.filter(|_| is_long) {
            match spool.write(bytes, media.extension()) {
                Ok(written) => {
                    let body = PictureBody::File(written.place.clone());
                    self.files.push(written);
                    return body;
                }
                // The folder may be full; the message has room.
                Err(error) => tracing::warn!("{error}"),
            }
        }
        self.inline += bytes.len();
        PictureBody::Inline(ByteBuf::from(bytes))
    }

    /// The list, and the files that must stay until the call ends.
    pub(crate) fn end(self) -> (Vec<Picture>, Vec<Written>) {
        (self.pictures, self.files)
    }
}

/// A picture as a plugin gave it, or what is wrong with it.
pub(crate) fn received(said: Picture, spool: &Spool) -> Result<EncodedImage, String> {
    let Picture { media, width, height, body } = said;
    let bytes = match body {
        PictureBody::Inline(bytes) => bytes.into_vec(),
        PictureBody::File(place) => taken(&place, spool, Limits::default().bytes)?,
    };
    let (media, size) = inspected(&media, (width, height), &bytes)?;
    Ok(EncodedImage { media, size, bytes: bytes.into() })
}

/// What a picture is whose media type and sides were said, or what is wrong with that. The file itself says what it is.
pub(crate) fn inspected(
    said: &str,
    sides: (Option<u32>, Option<u32>),
    bytes: &[u8],
) -> Result<(MediaType, ImageSize), String> {
    let facts = probe(bytes, &Limits::default()).map_err(|error| format!("its picture cannot be used: {error}"))?;
    let (media, size) = (media_of(facts.format), ImageSize { width: facts.width, height: facts.height });
    if said != media.mime() {
        return Err(format!("its picture is said to be `{}`: found {}", readable(said, 80), media.mime()));
    }
    check_size(sides, size)?;
    Ok((media, size))
}

/// What is said of a picture's size is that of the pixels as they are stored, or upright.
fn check_size(said: (Option<u32>, Option<u32>), size: ImageSize) -> Result<(), String> {
    let agrees = |(width, height): (u32, u32)| {
        said.0.is_none_or(|said| said == width) && said.1.is_none_or(|said| said == height)
    };
    if agrees((size.width, size.height)) || agrees((size.height, size.width)) {
        return Ok(());
    }
    let word = |side: Option<u32>| side.map_or_else(|| "?".to_owned(), |side| side.to_string());
    Err(format!("its picture is said to be {}x{}: found {size}", word(said.0), word(said.1)))
}

fn media_of(format: Format) -> MediaType {
    match format {
        Format::Png => MediaType::Png,
        Format::Jpeg => MediaType::Jpeg,
        Format::WebP => MediaType::WebP,
        Format::Tiff => MediaType::Tiff,
        Format::Bmp => MediaType::Bmp,
        Format::Gif => MediaType::Gif,
    }
}

fn taken(place: &FilePlace, spool: &Spool, most: u64) -> Result<Vec<u8>, String> {
    if place.length > most {
        return Err(format!("its file is said to hold {} bytes: expected at most {most}", place.length));
    }
    spool.take(place).map_err(|error| error.to_string())
}

/// Numbers as a plugin gave them: exactly as many as were expected.
pub(crate) fn numbers(said: Blob, expected: usize, spool: &Spool) -> Result<Vec<f32>, String> {
    let length = expected.checked_mul(4).ok_or("its numbers are too many")?;
    let bytes = match said {
        Blob::Inline(bytes) => bytes.into_vec(),
        Blob::File(place) => taken(&place, spool, length as u64)?,
    };
    if bytes.len() != length {
        return Err(format!("its numbers take {} bytes: expected {length}, four for each of {expected}", bytes.len()));
    }
    let (numbers, _) = bytes.as_chunks::<4>();
    Ok(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// Removes a file of the spool that nobody wants.
pub(crate) fn unwanted(said: &Picture, spool: &Spool) {
    if let PictureBody::File(place) = &said.body {
        spool.discard(place);
    }
}
