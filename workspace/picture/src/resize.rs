//! Resizing in linear light, with antialiasing.

use std::borrow::Cow;

use bytemuck::Pod;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{F32, F32x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

use crate::Pixels;

impl Pixels {
    /// The picture at exactly this size (each edge at least 1), by a Catmull–Rom filter widened for reduction.
    #[must_use]
    pub fn resized(&self, width: u32, height: u32) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        if (width, height) == (self.width(), self.height()) {
            return self.clone();
        }
        let alpha = self.alpha().map(|alpha| {
            let mut values = resample::<F32, _>(alpha, self, (width, height));
            values.iter_mut().for_each(|value| *value = value.clamp(0.0, 1.0));
            values
        });
        // The resampler was given a buffer of exactly this size.
        Self::new(width, height, resample::<F32x3, _>(self.rgb(), self, (width, height)))
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

/// Values of a picture's pixels at another size. `P` is what the resampler calls them. It is compiled for each kind of pixel that it
/// is asked for, which takes a core some twenty seconds: [`Resizer::resize`] asks for all thirteen.
fn resample<P: PixelTrait, T: Pod>(values: &[T], pixels: &Pixels, (width, height): (u32, u32)) -> Vec<T> {
    let mut resized = vec![T::zeroed(); width as usize * height as usize];
    let source = TypedImageRef::<P>::from_buffer(pixels.width(), pixels.height(), bytemuck::cast_slice(values));
    let target = TypedImage::<P>::from_buffer(width, height, bytemuck::cast_slice_mut(&mut resized));
    if let (Ok(source), Ok(mut target)) = (source, target) {
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::CatmullRom)).use_alpha(false);
        // Sizes and kinds agree by construction, which is all that can fail.
        Resizer::new().resize_typed(&source, &mut target, &options).ok();
    }
    resized
}
