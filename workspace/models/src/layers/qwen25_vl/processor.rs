//! What a `preprocessor_config.json` of Qwen2-VL's kind says.

use serde::Deserialize;

use crate::layers::qwen25_vl::{Patching, VisionConfig};
use crate::pictures::Filter;

/// What transformers takes where the file says nothing: the constants of CLIP.
const MEAN: [f64; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
const STD: [f64; 3] = [0.268_629_54, 0.261_302_58, 0.275_777_11];

/// A picture of this many pixels takes 20,000 tokens, several times what any such model was trained on.
const MOST_PIXELS: usize = 1 << 24;

/// The limits where the file says nothing (`Qwen2VLImageProcessor`): 4 and 1280 tokens of 28x28 pixels.
const LIMITS: (usize, usize) = (56 * 56, 28 * 28 * 1280);

/// How pictures are prepared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Processor {
    /// The least pixels of a prepared picture.
    pub least_pixels: usize,
    /// The most pixels of a prepared picture.
    pub most_pixels: usize,
    /// The filter that pictures are resized with.
    pub filter: Filter,
    /// How they are cut up.
    pub patching: Patching,
}

/// The file's own words.
#[derive(Debug, Deserialize)]
pub struct ProcessorFile {
    min_pixels: Option<usize>,
    max_pixels: Option<usize>,
    size: Option<Size>,
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
#[derive(Debug, Deserialize)]
struct Size {
    shortest_edge: Option<usize>,
    longest_edge: Option<usize>,
}

impl Processor {
    /// Reads a file's text; `vision` is the tower that the pictures are for.
    pub fn read(text: &[u8], vision: &VisionConfig) -> Result<Self, String> {
        let file: ProcessorFile =
            serde_json::from_slice(text).map_err(|error| format!("is not what was expected: {error}"))?;
        let (least, most) = file.limits();
        let limits = (least.unwrap_or(LIMITS.0), most.unwrap_or(LIMITS.1));
        file.check(limits, vision)
    }
}

impl ProcessorFile {
    /// The least and the most pixels, where the file says them.
    pub fn limits(&self) -> (Option<usize>, Option<usize>) {
        let of_size = |pick: fn(&Size) -> Option<usize>| self.size.as_ref().and_then(pick);
        let least = self.min_pixels.or_else(|| of_size(|size| size.shortest_edge));
        (least, self.max_pixels.or_else(|| of_size(|size| size.longest_edge)))
    }

    /// The same, checked, with limits in place of its own.
    pub fn check(&self, (least, most): (usize, usize), vision: &VisionConfig) -> Result<Processor, String> {
        self.check_fixed(vision)?;
        let smallest = vision.token_pixels() * vision.token_pixels();
        if least > most || most < smallest || most > MOST_PIXELS {
            let expected = format!("expected min up to max, and max from {smallest} to {MOST_PIXELS}");
            return Err(format!("has `min_pixels` {least} and `max_pixels` {most}: {expected}"));
        }
        let (patching, filter) = (self.patching(vision)?, self.filter()?);
        Ok(Processor { least_pixels: least, most_pixels: most, filter, patching })
    }

    fn patching(&self, vision: &VisionConfig) -> Result<Patching, String> {
        let (mean, std) = (self.image_mean.unwrap_or(MEAN), self.image_std.unwrap_or(STD));
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
        Ok(patching)
    }

    /// The filter, by Pillow's number.
    fn filter(&self) -> Result<Filter, String> {
        match self.resample {
            Some(1) => Ok(Filter::Lanczos),
            None | Some(3) => Ok(Filter::Bicubic),
            Some(other) => Err(format!("has `resample` {other}: expected 3 (bicubic) or 1 (Lanczos)")),
        }
    }

    /// Refuses settings under which a picture would become something else.
    fn check_fixed(&self, vision: &VisionConfig) -> Result<(), String> {
        same("patch_size", self.patch_size, vision.patch_size)?;
        same("merge_size", self.merge_size, vision.spatial_merge_size)?;
        same("temporal_patch_size", self.temporal_patch_size, vision.temporal_patch_size)?;
        if let Some(factor) = self.rescale_factor.filter(|factor| (factor * 255.0 - 1.0).abs() > 1e-6) {
            return Err(format!("has `rescale_factor` {factor}: expected 1/255"));
        }
        match [("do_rescale", self.do_rescale), ("do_normalize", self.do_normalize)]
            .into_iter()
            .find(|(_, done)| *done == Some(false))
        {
            Some((name, _)) => Err(format!("has `{name}` false: expected true, as the model sees all pictures so")),
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
