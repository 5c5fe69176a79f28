//! Pixels to work on: linear light, upright, in float.

use crate::Profile;

/// A picture's pixels: row by row from the top, each row from the left.
///
/// Colours are linear-light with sRGB primaries and white, 0 = black, 1 = the white of an 8-bit picture. Colours outside sRGB have
/// components below 0 or above 1. Alpha, where there is any, is in 0..=1 and not multiplied into the colours.
#[derive(Debug, Clone, PartialEq)]
pub struct Pixels {
    width: u32,
    height: u32,
    rgb: Vec<[f32; 3]>,
    alpha: Option<Vec<f32>>,
}

impl Pixels {
    /// Pixels from their colours; nothing where there are not exactly `width × height` of them, at least one.
    pub fn new(width: u32, height: u32, rgb: Vec<[f32; 3]>) -> Option<Self> {
        let count = width as usize * height as usize;
        (count > 0 && rgb.len() == count).then_some(Self { width, height, rgb, alpha: None })
    }

    /// The same with this alpha, one value a pixel; without alpha where the count is wrong.
    #[must_use]
    pub fn with_alpha(self, alpha: Option<Vec<f32>>) -> Self {
        let alpha = alpha.filter(|alpha| alpha.len() == self.rgb.len());
        Self { alpha, ..self }
    }

    /// Pixels from left to right, at least 1.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Pixels from top to bottom, at least 1.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The colours.
    pub fn rgb(&self) -> &[[f32; 3]] {
        &self.rgb
    }

    /// The colours, to be changed in place.
    pub fn rgb_mut(&mut self) -> &mut [[f32; 3]] {
        &mut self.rgb
    }

    /// The alpha, where there is any.
    pub fn alpha(&self) -> Option<&[f32]> {
        self.alpha.as_deref()
    }

    /// Width over height.
    pub fn aspect(&self) -> f32 {
        self.width as f32 / self.height as f32
    }
}

/// What goes with a picture beside its pixels.
#[derive(Debug, Clone, Default)]
pub struct Metadata {
    /// The embedded colour profile, where there is one that can be used; the picture is written back in it.
    pub profile: Option<Profile>,
    /// The EXIF block with its orientation set to upright. It may tell where and by whom the picture was taken.
    pub exif: Option<Vec<u8>>,
    /// Whether the file held 16 bits or more a channel.
    pub is_deep: bool,
    /// Whether the file held greys only.
    pub is_grey: bool,
    /// What people should know of the reading: a profile or an EXIF block that had to be left aside.
    pub warnings: Vec<String>,
}

/// A decoded picture.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The pixels.
    pub pixels: Pixels,
    /// What goes with them.
    pub metadata: Metadata,
}
