//! From a picture's bytes to the patches that the vision tower takes.

use editscale_core::{Image, ImageSize};
use editscale_picture::{Limits, decode_rgb8};
use serde::Deserialize;

use crate::layers::qwen25_vl::{Config, Grid, Patching, SizeError, VisionConfig, target_size};
use crate::load::LoadError;
use crate::pictures::{Filter, Size, resize};
use crate::rewards::editreward::{Directory, PictureFault};

const FILE: &str = "preprocessor_config.json";

/// The pixels of released judges, which their code sets whatever the file says.
const RELEASED: usize = 200_704;

/// What the file of the model that judges were trained from says.
const UNTOUCHED: (usize, usize) = (3136, 12_845_056);

/// A picture of this many pixels takes 20,000 tokens, several times what any such judge was trained on.
const MOST_PIXELS: usize = 1 << 24;

/// What transformers takes where the file says nothing: the constants of CLIP.
const MEAN: [f64; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
const STD: [f64; 3] = [0.268_629_54, 0.261_302_58, 0.275_777_11];

/// How pictures are prepared: what `preprocessor_config.json` and the vision tower's shape say.
#[derive(Debug, Clone)]
pub(super) struct Preparation {
    least_pixels: usize,
    most_pixels: usize,
    patching: Patching,
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
    do_rescale: Option<bool>,
    rescale_factor: Option<f64>,
    do_normalize: Option<bool>,
}

/// How newer files name the two limits.
#[derive(Deserialize)]
struct RawSize {
    shortest_edge: Option<usize>,
    longest_edge: Option<usize>,
}

impl Preparation {
    pub(super) fn load(directory: &Directory, config: &Config) -> Result<Self, LoadError> {
        let raw: Raw = serde_json::from_slice(&directory.read(FILE)?)
            .map_err(|error| directory.content(FILE, format!("is not what was expected: {error}")))?;
        Self::check(&raw, &config.vision).map_err(|reason| directory.content(FILE, reason))
    }

    fn check(raw: &Raw, vision: &VisionConfig) -> Result<Self, String> {
        raw.check_fixed(vision)?;
        let (least_pixels, most_pixels) = raw.limits(vision)?;
        let (mean, std) = (raw.image_mean.unwrap_or(MEAN), raw.image_std.unwrap_or(STD));
        let patching = Patching {
            edge: vision.patch_size,
            merge: vision.spatial_merge_size,
            frames: vision.temporal_patch_size,
            mean: mean.map(|value| value as f32),
            std: std.map(|value| value as f32),
        };
        if patching.mean.iter().any(|value| !value.is_finite()) {
            return Err(format!("has `image_mean` {mean:?}: expected finite numbers"));
        }
        if patching.std.iter().any(|value| !value.is_normal() || *value < 0.0) {
            return Err(format!("has `image_std` {std:?}: expected numbers above 0"));
        }
        Ok(Self { least_pixels, most_pixels, patching })
    }

    /// The most pixels that a prepared picture has, about.
    pub(super) fn most_pixels(&self) -> usize {
        self.most_pixels
    }

    /// Decodes, resizes and cuts up a picture.
    pub(super) fn prepare(&self, picture: &Image) -> Result<Prepared, PictureFault> {
        let pixels = decode_rgb8(&picture.read()?, &Limits::default())?;
        let target = self.target(Size { height: pixels.height, width: pixels.width })?;
        let patches = self.patching.patches(&resize(pixels, target, Filter::Bicubic));
        Ok(Prepared { grid: self.patching.grid(target), patches })
    }

    /// How many tokens a picture of a size becomes; none where it is refused.
    pub(super) fn tokens(&self, size: ImageSize) -> usize {
        let Patching { merge, .. } = self.patching;
        let size = Size { height: size.height as usize, width: size.width as usize };
        self.target(size).map_or(0, |target| self.patching.grid(target).patches() / (merge * merge))
    }

    fn target(&self, size: Size) -> Result<Size, SizeError> {
        target_size(size, self.patching.multiple(), self.least_pixels, self.most_pixels)
    }
}

impl Raw {
    /// The least and the most pixels of a prepared picture.
    fn limits(&self, vision: &VisionConfig) -> Result<(usize, usize), String> {
        let of_size = |pick: fn(&RawSize) -> Option<usize>| self.size.as_ref().and_then(pick);
        let least = self.min_pixels.or_else(|| of_size(|size| size.shortest_edge));
        let most = self.max_pixels.or_else(|| of_size(|size| size.longest_edge));
        let (Some(least), Some(most)) = (least, most) else {
            return Err(format!("lacks `min_pixels` and `max_pixels`: released judges use {RELEASED} for both"));
        };
        if (least, most) == UNTOUCHED {
            return Ok((RELEASED, RELEASED));
        }
        let smallest = vision.token_pixels() * vision.token_pixels();
        if least > most || most < smallest || most > MOST_PIXELS {
            let expected = format!("expected min up to max, and max from {smallest} to {MOST_PIXELS}");
            return Err(format!("has `min_pixels` {least} and `max_pixels` {most}: {expected}"));
        }
        Ok((least, most))
    }

    /// Refuses settings under which a picture would become something else.
    fn check_fixed(&self, vision: &VisionConfig) -> Result<(), String> {
        same("patch_size", self.patch_size, vision.patch_size)?;
        same("merge_size", self.merge_size, vision.spatial_merge_size)?;
        same("temporal_patch_size", self.temporal_patch_size, vision.temporal_patch_size)?;
        if let Some(resample) = self.resample.filter(|resample| *resample != 3) {
            return Err(format!("has `resample` {resample}: expected 3 (bicubic)"));
        }
        if let Some(factor) = self.rescale_factor.filter(|factor| (factor * 255.0 - 1.0).abs() > 1e-6) {
            return Err(format!("has `rescale_factor` {factor}: expected 1/255"));
        }
        match [("do_rescale", self.do_rescale), ("do_normalize", self.do_normalize)]
            .into_iter()
            .find(|(_, done)| *done == Some(false))
        {
            Some((name, _)) => Err(format!("has `{name}` false: expected true, as judges see all pictures so")),
            None => Ok(()),
        }
    }
}

fn same(name: &str, found: Option<usize>, expected: usize) -> Result<(), String> {
    match found {
        Some(found) if found != expected => {
            Err(format!("has `{name}` {found}: expected {expected}, as `config.json` has it"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(key: &str, value: &Value) -> Result<Preparation, String> {
        let config = json!({
            "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 3,
            "vision_config": {"depth": 2, "hidden_size": 16, "intermediate_size": 24, "num_heads": 2, "out_hidden_size": 24},
        });
        let config = Config::read(config.to_string().as_bytes()).unwrap();
        let mut raw = json!({"min_pixels": 12600, "max_pixels": 12600, "do_normalize": true, "resample": 3});
        raw[key] = value.clone();
        Preparation::check(&Raw::deserialize(raw).unwrap(), &config.vision)
    }

    #[test]
    fn settings_that_would_change_pictures_are_refused() {
        assert_eq!(check("do_resize", &json!(false)).unwrap().most_pixels(), 12600);
        let bad = [
            ("patch_size", json!(16), "has `patch_size` 16: expected 14"),
            ("resample", json!(2), "has `resample` 2"),
            ("rescale_factor", json!(1), "has `rescale_factor` 1: expected 1/255"),
            ("do_rescale", json!(false), "has `do_rescale` false"),
            ("do_normalize", json!(false), "has `do_normalize` false"),
            ("image_mean", json!([0.0, 1e300, 0.0]), "has `image_mean`"),
            ("image_std", json!([0.0, 1.0, 1.0]), "has `image_std`"),
            ("min_pixels", json!(12601), "expected min up to max"),
            ("max_pixels", Value::Null, "lacks `min_pixels` and `max_pixels`"),
            ("max_pixels", json!(1 << 30), "to 16777216"),
        ];
        for (key, value, says) in bad {
            let said = check(key, &value).map(|_| ()).unwrap_err();
            assert!(said.contains(says), "{key}: {said}");
        }
    }
}
