//! The pictures of one judgement, as they go to a server: the files as they are.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use editscale_core::{Failure, FailureKind, Image, MediaType, RewardItem, Seed};

use crate::judges::chat::AspectPictures;
use crate::picture::received::data_url;

/// One candidate with what it is judged against.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) instruction: Arc<str>,
    /// Where the judge looks at it.
    pub(crate) source: Option<File>,
    pub(crate) candidate: File,
    pub(crate) seed: Seed,
}

/// A picture's file.
#[derive(Debug, Clone)]
pub(crate) struct File {
    media: MediaType,
    pub(crate) bytes: Arc<[u8]>,
}

/// What a server can be shown.
#[derive(Clone, Copy)]
pub(crate) struct Shows {
    pub(crate) pictures: AspectPictures,
    pub(crate) reads: fn(MediaType) -> bool,
}

impl Pair {
    pub(crate) fn of(item: &RewardItem, shows: Shows) -> Result<Self, Failure> {
        let source = match shows.pictures {
            AspectPictures::Both => Some(File::of(&item.request.source, shows.reads)?),
            AspectPictures::Edited => None,
        };
        let candidate = File::of(&item.candidate, shows.reads)?;
        Ok(Self { instruction: item.request.instruction.shared(), source, candidate, seed: item.request.seed })
    }

    /// The source, where it is shown, and the candidate.
    pub(crate) fn pictures(&self) -> impl Iterator<Item = &File> {
        self.source.iter().chain(std::iter::once(&self.candidate))
    }
}

impl File {
    pub(crate) fn of(image: &Image, reads: fn(MediaType) -> bool) -> Result<Self, Failure> {
        let invalid = |message: String| Failure::new(FailureKind::Invalid, message);
        let media = image.media();
        if !reads(media) {
            let known: Vec<&str> =
                MediaType::ALL.into_iter().filter(|media| reads(*media)).map(MediaType::mime).collect();
            let message = format!("this judge reads {}, found {}", known.join(", "), media.mime());
            return Err(invalid(format!("{message}; pictures are never encoded again")));
        }
        Ok(Self { media, bytes: image.read().map_err(|error| invalid(error.to_string()))? })
    }

    /// As a data URL.
    pub(crate) fn url(&self) -> String {
        data_url(self.media.mime(), &self.bytes)
    }

    /// As bare base64.
    pub(crate) fn base64(&self) -> String {
        STANDARD.encode(&self.bytes)
    }
}

/// What servers read with Pillow, which opens every format that there is a picture of here.
pub(crate) fn any(_: MediaType) -> bool {
    true
}

/// What vision-language models are shown.
pub(crate) fn usual(media: MediaType) -> bool {
    matches!(media, MediaType::Png | MediaType::Jpeg | MediaType::WebP | MediaType::Gif)
}

/// For servers that ask for JPEG by name.
pub(crate) fn jpeg(media: MediaType) -> bool {
    media == MediaType::Jpeg
}
