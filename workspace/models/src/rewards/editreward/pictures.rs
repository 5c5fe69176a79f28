//! From a picture's bytes to the patches that the vision tower takes.

use editscale_core::{Image, ImageSize};
use editscale_picture::{Limits, decode_rgb8};

use crate::encoders::vision_language::EncoderPicture;
use crate::layers::qwen25_vl::{Config, Patching, Processor, ProcessorFile, SizeError, VisionConfig, target_size};
use crate::load::LoadError;
use crate::pictures::{Filter, Size, resize};
use crate::rewards::editreward::{Directory, PictureFault};

const FILE: &str = "preprocessor_config.json";

/// The pixels of released judges, which their code sets whatever the file says.
const RELEASED: usize = 200_704;

/// What the file of the model that judges were trained from says.
const UNTOUCHED: (usize, usize) = (3136, 12_845_056);

/// How pictures are prepared: what `preprocessor_config.json` and the vision tower's shape say.
#[derive(Debug, Clone)]
pub(super) struct Preparation(Processor);

impl Preparation {
    pub(super) fn load(directory: &Directory, config: &Config) -> Result<Self, LoadError> {
        let file: ProcessorFile = serde_json::from_slice(&directory.read(FILE)?)
            .map_err(|error| directory.content(FILE, format!("is not what was expected: {error}")))?;
        Self::check(&file, &config.vision).map_err(|reason| directory.content(FILE, reason))
    }

    fn check(file: &ProcessorFile, vision: &VisionConfig) -> Result<Self, String> {
        let (Some(least), Some(most)) = file.limits() else {
            return Err(format!("lacks `min_pixels` and `max_pixels`: released judges use {RELEASED} for both"));
        };
        let limits = if (least, most) == UNTOUCHED { (RELEASED, RELEASED) } else { (least, most) };
        match file.check(limits, vision)? {
            processor if processor.filter == Filter::Bicubic => Ok(Self(processor)),
            _ => Err("has `resample` 1: expected 3 (bicubic), as judges see all pictures so".to_owned()),
        }
    }

    /// The most pixels that a prepared picture has, about.
    pub(super) fn most_pixels(&self) -> usize {
        self.0.most_pixels
    }

    /// Decodes and resizes a picture.
    pub(super) fn prepare(&self, picture: &Image) -> Result<EncoderPicture, PictureFault> {
        let pixels = decode_rgb8(&picture.read()?, &Limits::default())?;
        let target = self.target(Size { height: pixels.height, width: pixels.width })?;
        Ok(EncoderPicture::new(resize(pixels, target, self.0.filter), self.0.patching))
    }

    /// How many tokens a picture of a size becomes; none where it is refused.
    pub(super) fn tokens(&self, size: ImageSize) -> usize {
        let Patching { merge, .. } = self.0.patching;
        let size = Size { height: size.height as usize, width: size.width as usize };
        self.target(size).map_or(0, |target| self.0.patching.grid(target).patches() / (merge * merge))
    }

    fn target(&self, size: Size) -> Result<Size, SizeError> {
        target_size(size, self.0.patching.multiple(), self.0.least_pixels, self.0.most_pixels)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
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
        Preparation::check(&ProcessorFile::deserialize(raw).unwrap(), &config.vision)
    }

    #[test]
    fn settings_that_would_change_pictures_are_refused() {
        assert_eq!(check("do_resize", &json!(false)).unwrap().most_pixels(), 12600);
        let bad = [
            ("patch_size", json!(16), "has `patch_size` 16: expected 14"),
            ("resample", json!(2), "has `resample` 2"),
            ("resample", json!(1), "has `resample` 1"),
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
