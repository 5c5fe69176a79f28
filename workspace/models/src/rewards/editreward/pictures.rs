//! From a picture's bytes to the patches that the vision tower takes.

use editscale_core::{Image, ImageSize};
use editscale_picture::{Limits, decode_rgb8};
use serde::Deserialize;

use crate::layers::qwen25_vl::{Config, Grid};
use crate::pictures::{Filter, Size, SizeError, patches, resize, target_size};
use crate::rewards::editreward::{Directory, LoadError, PictureFault};

const FILE: &str = "preprocessor_config.json";

/// How pictures are prepared: what `preprocessor_config.json` and the vision tower's shape say.
#[derive(Debug, Clone)]
pub(super) struct Preparation {
    least_pixels: usize,
    most_pixels: usize,
    mean: [f32; 3],
    std: [f32; 3],
    patch: usize,
    merge: usize,
    frames: usize,
    limits: Limits,
}

/// One picture, ready for the vision tower.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    pub(super) grid: Grid,
    /// [patches, numbers of a patch]
    pub(super) patches: Vec<f32>,
}

#[derive(Deserialize)]
struct Raw {
    min_pixels: Option<usize>,
    max_pixels: Option<usize>,
    size: Option<RawSize>,
    image_mean: Option<[f64; 3]>,
    image_std: Option<[f64; 3]>,
    patch_size: Option<usize>,
    merge_size: Option<usize>,
    temporal_patch_size: Option<usize>,
    resample: Option<u32>,
    rescale_factor: Option<f64>,
}

/// How newer files name the two limits.
#[derive(Deserialize)]
struct RawSize {
    shortest_edge: Option<usize>,
    longest_edge: Option<usize>,
}

/// What transformers takes where the file says nothing: the constants of CLIP.
const MEAN: [f64; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
const STD: [f64; 3] = [0.268_629_54, 0.261_302_58, 0.275_777_11];

impl Preparation {
    pub(super) fn load(directory: &Directory, config: &Config) -> Result<Self, LoadError> {
        let raw: Raw = serde_json::from_slice(&directory.read(FILE)?)
            .map_err(|error| directory.content(FILE, format!("is not what was expected: {error}")))?;
        Self::check(&raw, config).map_err(|reason| directory.content(FILE, reason))
    }

    fn check(raw: &Raw, config: &Config) -> Result<Self, String> {
        let vision = &config.vision;
        let of_size = |pick: fn(&RawSize) -> Option<usize>| raw.size.as_ref().and_then(pick);
        let least = raw.min_pixels.or_else(|| of_size(|size| size.shortest_edge));
        let most = raw.max_pixels.or_else(|| of_size(|size| size.longest_edge));
        let (Some(least_pixels), Some(most_pixels)) = (least, most) else {
            return Err("lacks `min_pixels` and `max_pixels`: released judges use 200704 for both".to_owned());
        };
        let (least_pixels, most_pixels) = match (least_pixels, most_pixels) {
            UNTOUCHED => (RELEASED, RELEASED),
            limits => limits,
        };
        let smallest = vision.token_pixels() * vision.token_pixels();
        if least_pixels > most_pixels || most_pixels < smallest || most_pixels > MOST_PIXELS {
            return Err(format!(
                "has `min_pixels` {least_pixels} and `max_pixels` {most_pixels}: expected min up to max, and max from \
                 {smallest} to {MOST_PIXELS}"
            ));
        }
        same("patch_size", raw.patch_size, vision.patch_size)?;
        same("merge_size", raw.merge_size, vision.spatial_merge_size)?;
        same("temporal_patch_size", raw.temporal_patch_size, vision.temporal_patch_size)?;
        if !matches!(raw.resample, None | Some(3)) {
            return Err(format!("has `resample` {}: expected 3 (bicubic)", raw.resample.unwrap_or_default()));
        }
        if raw.rescale_factor.is_some_and(|factor| (factor * 255.0 - 1.0).abs() > 1e-6) {
            return Err("has another `rescale_factor` than 1/255".to_owned());
        }
        let std = raw.image_std.unwrap_or(STD).map(|value| value as f32);
        if std.iter().any(|value| !value.is_normal() || *value < 0.0) {
            return Err(format!("has `image_std` {std:?}: expected numbers above 0"));
        }
        Ok(Self {
            least_pixels,
            most_pixels,
            mean: raw.image_mean.unwrap_or(MEAN).map(|value| value as f32),
            std,
            patch: vision.patch_size,
            merge: vision.spatial_merge_size,
            frames: vision.temporal_patch_size,
            limits: Limits::default(),
        })
    }

    /// The most pixels that a prepared picture has, about.
    pub(super) fn most_pixels(&self) -> usize {
        self.most_pixels
    }

    /// Decodes, resizes and cuts up a picture.
    pub(super) fn prepare(&self, picture: &Image) -> Result<Prepared, PictureFault> {
        let pixels = decode_rgb8(&picture.read()?, &self.limits)?;
        let target = self.target(Size { height: pixels.height, width: pixels.width })?;
        let resized = resize(pixels, target, Filter::Bicubic);
        let patches = patches(&resized, self.patch, self.merge, self.frames, self.mean, self.std);
        Ok(Prepared { grid: self.grid(target), patches })
    }

    /// How many tokens a picture of a size becomes; none where it is refused.
    pub(super) fn tokens(&self, size: ImageSize) -> usize {
        let size = Size { height: size.height as usize, width: size.width as usize };
        self.target(size).map_or(0, |target| self.grid(target).patches() / (self.merge * self.merge))
    }

    fn target(&self, size: Size) -> Result<Size, SizeError> {
        target_size(size, self.patch * self.merge, self.least_pixels, self.most_pixels)
    }

    fn grid(&self, target: Size) -> Grid {
        Grid { rows: target.height / self.patch, columns: target.width / self.patch }
    }
}

/// The pixels of released judges, which their code sets whatever the file says.
const RELEASED: usize = 200_704;

/// What the file of the model that judges were trained from says.
const UNTOUCHED: (usize, usize) = (3136, 12_845_056);

/// A picture of this many pixels takes 20,000 tokens, several times what any such judge was trained on.
const MOST_PIXELS: usize = 1 << 24;

fn same(name: &str, found: Option<usize>, expected: usize) -> Result<(), String> {
    match found {
        Some(found) if found != expected => {
            Err(format!("has `{name}` {found}: expected {expected}, as `config.json` has it"))
        }
        _ => Ok(()),
    }
}
