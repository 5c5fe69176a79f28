//! Pictures as the vision tower takes them.

use std::fmt;
use std::sync::Arc;

use editscale_core::Digest;
use editscale_picture::Rgb8;

use crate::layers::qwen25_vl::{Grid, Patching};
use crate::pictures::Size;

/// How many pixels a picture has once it is prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelBounds {
    /// At least about so many.
    pub least: usize,
    /// At most so many.
    pub most: usize,
}

/// A picture in the size in which a vision tower sees it. Cheap to clone.
#[derive(Clone)]
pub struct EncoderPicture {
    pixels: Arc<Rgb8>,
    patching: Patching,
    key: Digest,
}

impl EncoderPicture {
    /// Of pixels whose sides are multiples of [`Patching::multiple`].
    pub(crate) fn new(pixels: Rgb8, patching: Patching) -> Self {
        let key = key(&pixels, &patching);
        Self { pixels: Arc::new(pixels), patching, key }
    }

    /// Its patches.
    pub fn grid(&self) -> Grid {
        self.patching.grid(self.size())
    }

    /// Its height and width in pixels.
    pub fn size(&self) -> Size {
        Size { height: self.pixels.height, width: self.pixels.width }
    }

    /// How many tokens of the decoder it becomes.
    pub fn tokens(&self) -> usize {
        self.grid().patches() / (self.patching.merge * self.patching.merge)
    }

    /// Its pixels, as they are cut into patches.
    pub fn pixels(&self) -> &Rgb8 {
        &self.pixels
    }

    /// What tells it from others: its pixels and how they are cut up.
    pub fn key(&self) -> Digest {
        self.key
    }

    /// Its patches' numbers, row by row: [patches, 3 · frames · edge · edge].
    pub(crate) fn patches(&self) -> Vec<f32> {
        self.patching.patches(&self.pixels)
    }
}

impl fmt::Debug for EncoderPicture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rgb8 { width, height, .. } = *self.pixels;
        f.debug_struct("EncoderPicture").field("key", &self.key).field("size", &(width, height)).finish_non_exhaustive()
    }
}

fn key(pixels: &Rgb8, patching: &Patching) -> Digest {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{}x{} {patching:?}", pixels.width, pixels.height).as_bytes());
    hasher.update(&pixels.data);
    Digest::from_bytes(*hasher.finalize().as_bytes())
}
