//! Resizing in linear light, with antialiasing.

use std::borrow::Cow;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::Pixels;

impl Pixels {
    /// The picture at exactly this size (each edge at least 1), by a Catmull–Rom filter widened for reduction.
    #[must_use]
    pub fn resized(&self, width: u32, height: u32) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        if (width, height) == (self.width(), self.height()) {
            return self.clone();
        }
        let rgb = resample(bytemuck::cast_slice(self.rgb()), self, (width, height), PixelType::F32x3);
        let alpha = self.alpha().map(|alpha| {
            let bytes = resample(bytemuck::cast_slice(alpha), self, (width, height), PixelType::F32);
            let mut values: Vec<f32> = bytemuck::pod_collect_to_vec(&bytes);
            for value in &mut values {
                *value = value.clamp(0.0, 1.0);
            }
            values
        });
        // The resampler was given a buffer of exactly this size.
        Self::new(width, height, bytemuck::pod_collect_to_vec(&rgb))
            .map_or_else(|| self.clone(), |resized| resized.with_alpha(alpha))
    }

    /// The picture reduced so that its longer edge is at most `edge`; itself where it is small enough.
    #[must_use]
    pub fn reduced(&self, edge: u32) -> Cow<'_, Self> {
        let longer = self.width().max(self.height());
        if longer <= edge {
            return Cow::Borrowed(self);
        }
        let scaled = |length: u32| (f64::from(length) * f64::from(edge) / f64::from(longer)).round() as u32;
        Cow::Owned(self.resized(scaled(self.width()), scaled(self.height())))
    }
}

fn resample(bytes: &[u8], pixels: &Pixels, (width, height): (u32, u32), kind: PixelType) -> Vec<u8> {
    let mut resized = Image::new(width, height, kind);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom)).use_alpha(false);
    if let Ok(source) = ImageRef::new(pixels.width(), pixels.height(), bytes, kind) {
        // Sizes and kinds agree by construction, which is all that can fail.
        Resizer::new().resize(&source, &mut resized, &options).ok();
    }
    resized.into_vec()
}
