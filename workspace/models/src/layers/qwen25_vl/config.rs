//! The shape of a model, read from its `config.json`.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::load::{LoadError, MOST_SIZE, bounded, read_file};

/// What a `config.json` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The decoder.
    pub text: TextConfig,
    /// The vision tower.
    pub vision: VisionConfig,
}

/// Why a `config.json` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct ConfigError(String);

/// The decoder's shape.
#[derive(Debug, Clone, PartialEq)]
pub struct TextConfig {
    /// Width of a token's activations.
    pub hidden_size: usize,
    /// Inner width of the feed-forward block.
    pub intermediate_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads.
    pub num_key_value_heads: usize,
    /// ε of the normalisation.
    pub rms_norm_eps: f64,
    /// Base of the rotation's frequencies.
    pub rope_theta: f64,
    /// How many tokens a sequence has at most, where the file says it.
    pub max_position_embeddings: Option<usize>,
    /// How many frequencies turn with time, row and column; they add up to half of a head's width.
    pub mrope_section: Vec<usize>,
}

/// The vision tower's shape.
#[derive(Debug, Clone, PartialEq)]
pub struct VisionConfig {
    /// Blocks.
    pub depth: usize,
    /// Width of a patch's activations.
    pub hidden_size: usize,
    /// Inner width of the feed-forward block.
    pub intermediate_size: usize,
    /// Heads.
    pub num_heads: usize,
    /// Channels of a picture.
    pub in_channels: usize,
    /// Edge of a patch in pixels.
    pub patch_size: usize,
    /// Frames of a patch; a picture is repeated to fill them.
    pub temporal_patch_size: usize,
    /// Edge of a merged token in patches.
    pub spatial_merge_size: usize,
    /// Edge of an attention window in pixels.
    pub window_size: usize,
    /// The blocks that attend to the whole picture.
    pub fullatt_block_indexes: Vec<usize>,
    /// Width of a merged token: that of the decoder.
    pub out_hidden_size: usize,
}

#[derive(Deserialize)]
struct RawText {
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    rms_norm_eps: Option<f64>,
    rope_theta: Option<f64>,
    max_position_embeddings: Option<usize>,
    rope_scaling: Option<RawRope>,
    rope_parameters: Option<RawRope>,
    hidden_act: Option<String>,
    use_sliding_window: Option<bool>,
}

#[derive(Deserialize, Default, Clone)]
struct RawRope {
    rope_type: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    rope_theta: Option<f64>,
    mrope_section: Option<Vec<usize>>,
}

#[derive(Deserialize)]
struct RawVision {
    depth: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_heads: usize,
    in_channels: Option<usize>,
    in_chans: Option<usize>,
    patch_size: Option<usize>,
    temporal_patch_size: Option<usize>,
    spatial_merge_size: Option<usize>,
    window_size: Option<usize>,
    fullatt_block_indexes: Option<Vec<usize>>,
    out_hidden_size: usize,
    hidden_act: Option<String>,
}

/// The most layers and blocks: released models have up to 80. Every one has a dozen tensors, all of which are named before
/// any is read.
const MOST_LAYERS: usize = 1 << 10;

/// The largest edge of a patch in pixels.
const MOST_PATCH: usize = 1 << 10;

/// The largest edge of a merged token in patches, and the most frames of a patch. With these, and sizes of 2^20, a product
/// of all that makes up a tensor or a pass stays below 2^64.
const MOST_JOINED: usize = 1 << 6;

fn fail<T>(message: String) -> Result<T, ConfigError> {
    Err(ConfigError(message))
}

/// Checks that keys of a section are from 1 to their bounds.
fn sized(section: &str, sizes: &[(&str, usize, usize)]) -> Result<(), ConfigError> {
    bounded(sizes.iter().map(|(name, size, most)| (format!("{section}{name}"), *size, *most))).map_err(ConfigError)
}

impl Config {
    /// Reads a `config.json`.
    pub fn read_file(file: &Path) -> Result<Self, LoadError> {
        Self::read(&read_file(file)?).map_err(|error| LoadError::content(file, error.to_string()))
    }

    /// Reads the text of a `config.json`. The decoder's keys stand in `text_config`, or at the top in older files.
    pub fn read(text: &[u8]) -> Result<Self, ConfigError> {
        let whole: Value =
            serde_json::from_slice(text).map_err(|error| ConfigError(format!("is not JSON: {error}")))?;
        let kind = whole.get("model_type").and_then(Value::as_str).unwrap_or("qwen2_5_vl");
        if kind != "qwen2_5_vl" {
            return fail(format!("`model_type` is `{kind}`: expected `qwen2_5_vl`"));
        }
        let (section, text) = match whole.get("text_config") {
            Some(text) if text.get("hidden_size").is_some() => ("text_config.", text),
            _ => ("", &whole),
        };
        let text: RawText =
            RawText::deserialize(text).map_err(|error| ConfigError(format!("the decoder's keys: {error}")))?;
        let Some(vision) = whole.get("vision_config") else {
            return fail("`vision_config` is missing".to_owned());
        };
        let vision =
            RawVision::deserialize(vision).map_err(|error| ConfigError(format!("`vision_config`: {error}")))?;
        let config = Self { text: TextConfig::check(text, section)?, vision: VisionConfig::check(vision)? };
        if config.vision.out_hidden_size != config.text.hidden_size {
            let (found, expected) = (config.vision.out_hidden_size, config.text.hidden_size);
            return fail(format!(
                "`vision_config.out_hidden_size` is {found}: expected the decoder's width {expected}"
            ));
        }
        Ok(config)
    }
}

impl TextConfig {
    fn check(raw: RawText, section: &str) -> Result<Self, ConfigError> {
        let rope = raw.rope_parameters.or(raw.rope_scaling).unwrap_or_default();
        let text = Self {
            hidden_size: raw.hidden_size,
            intermediate_size: raw.intermediate_size,
            num_hidden_layers: raw.num_hidden_layers,
            num_attention_heads: raw.num_attention_heads,
            num_key_value_heads: raw.num_key_value_heads.unwrap_or(raw.num_attention_heads),
            // What transformers assumes of a file without these keys.
            rms_norm_eps: raw.rms_norm_eps.unwrap_or(1e-5),
            rope_theta: raw.rope_theta.or(rope.rope_theta).unwrap_or(1_000_000.0),
            max_position_embeddings: raw.max_position_embeddings,
            mrope_section: rope.mrope_section.unwrap_or_default(),
        };
        sized(
            section,
            &[
                ("hidden_size", text.hidden_size, MOST_SIZE),
                ("intermediate_size", text.intermediate_size, MOST_SIZE),
                ("num_hidden_layers", text.num_hidden_layers, MOST_LAYERS),
                ("num_attention_heads", text.num_attention_heads, MOST_SIZE),
                ("num_key_value_heads", text.num_key_value_heads, MOST_SIZE),
            ],
        )?;
        text.check_heads(section)?;
        text.check_numbers(section)?;
        match rope.rope_type.or(rope.kind).as_deref() {
            None | Some("default" | "mrope") => {}
            Some(kind) => {
                return fail(format!("`{section}rope_scaling` is of type `{kind}`: expected `mrope` or `default`"));
            }
        }
        if raw.use_sliding_window == Some(true) {
            return fail(format!("`{section}use_sliding_window` is true: expected full attention"));
        }
        silu(section, raw.hidden_act.as_deref())?;
        Ok(text)
    }

    fn check_numbers(&self, section: &str) -> Result<(), ConfigError> {
        for (key, value) in [("rms_norm_eps", self.rms_norm_eps), ("rope_theta", self.rope_theta)] {
            if !(value as f32).is_normal() || value < 0.0 {
                return fail(format!("`{section}{key}` is {value:?}: expected a number above 0"));
            }
        }
        Ok(())
    }

    fn check_heads(&self, section: &str) -> Result<(), ConfigError> {
        let (heads, key_heads) = (self.num_attention_heads, self.num_key_value_heads);
        if !heads.is_multiple_of(key_heads) {
            return fail(format!(
                "`{section}num_attention_heads` is {heads}: expected a multiple of the {key_heads} key heads"
            ));
        }
        if !self.hidden_size.is_multiple_of(heads) || !self.head_width().is_multiple_of(2) {
            let width = self.hidden_size;
            return fail(format!("`{section}hidden_size` is {width}: expected {heads} heads of an even width"));
        }
        let sections = self.mrope_section.iter().copied().fold(0, usize::saturating_add);
        if !self.mrope_section.is_empty() && (self.mrope_section.len() != 3 || sections != self.head_width() / 2) {
            let half = self.head_width() / 2;
            let found = &self.mrope_section;
            return fail(format!(
                "`{section}mrope_section` is {found:?}: expected three numbers that add up to {half}"
            ));
        }
        Ok(())
    }

    /// Width of one head.
    pub fn head_width(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }
}

fn silu(section: &str, found: Option<&str>) -> Result<(), ConfigError> {
    match found {
        None | Some("silu") => Ok(()),
        Some(other) => fail(format!("`{section}hidden_act` is `{other}`: expected `silu`")),
    }
}

impl VisionConfig {
    fn check(raw: RawVision) -> Result<Self, ConfigError> {
        let section = "vision_config.";
        let vision = Self {
            depth: raw.depth,
            hidden_size: raw.hidden_size,
            intermediate_size: raw.intermediate_size,
            num_heads: raw.num_heads,
            in_channels: raw.in_channels.or(raw.in_chans).unwrap_or(3),
            patch_size: raw.patch_size.unwrap_or(14),
            temporal_patch_size: raw.temporal_patch_size.unwrap_or(2),
            spatial_merge_size: raw.spatial_merge_size.unwrap_or(2),
            window_size: raw.window_size.unwrap_or(112),
            fullatt_block_indexes: raw.fullatt_block_indexes.unwrap_or_else(|| vec![7, 15, 23, 31]),
            out_hidden_size: raw.out_hidden_size,
        };
        sized(
            section,
            &[
                ("depth", vision.depth, MOST_LAYERS),
                ("hidden_size", vision.hidden_size, MOST_SIZE),
                ("intermediate_size", vision.intermediate_size, MOST_SIZE),
                ("num_heads", vision.num_heads, MOST_SIZE),
                ("patch_size", vision.patch_size, MOST_PATCH),
                ("temporal_patch_size", vision.temporal_patch_size, MOST_JOINED),
                ("spatial_merge_size", vision.spatial_merge_size, MOST_JOINED),
                ("window_size", vision.window_size, MOST_SIZE),
                ("out_hidden_size", vision.out_hidden_size, MOST_SIZE),
            ],
        )?;
        vision.check_shapes(section)?;
        silu(section, raw.hidden_act.as_deref())?;
        Ok(vision)
    }

    fn check_shapes(&self, section: &str) -> Result<(), ConfigError> {
        if self.in_channels != 3 {
            return fail(format!("`{section}in_channels` is {}: expected 3", self.in_channels));
        }
        if !self.hidden_size.is_multiple_of(self.num_heads) || !self.head_width().is_multiple_of(4) {
            let (width, heads) = (self.hidden_size, self.num_heads);
            let expected = format!("expected {heads} heads whose width is a multiple of 4");
            return fail(format!("`{section}hidden_size` is {width}: {expected}"));
        }
        if self.window_cells() == 0 {
            let window = self.window_size;
            return fail(format!("`{section}window_size` is {window}: expected at least one merged token"));
        }
        Ok(())
    }

    /// Width of one head.
    pub fn head_width(&self) -> usize {
        self.hidden_size / self.num_heads
    }

    /// Numbers in one patch: channels · frames · pixels.
    pub fn patch_numbers(&self) -> usize {
        self.in_channels * self.temporal_patch_size * self.patch_size * self.patch_size
    }

    /// Edge of a merged token in pixels: sizes of pictures are multiples of it.
    pub fn token_pixels(&self) -> usize {
        self.patch_size * self.spatial_merge_size
    }

    /// Edge of a window in merged tokens.
    pub fn window_cells(&self) -> usize {
        self.window_size / self.spatial_merge_size / self.patch_size
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn small() -> Value {
        json!({
            "hidden_size": 24, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 3,
            "rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2]},
            "vision_config": {"depth": 2, "hidden_size": 16, "intermediate_size": 24, "num_heads": 2, "out_hidden_size": 24},
        })
    }

    #[test]
    fn what_cannot_be_is_named_with_its_section() {
        assert_eq!(Config::read(small().to_string().as_bytes()).unwrap().vision.token_pixels(), 28);
        let bad = [
            ("/num_hidden_layers", json!(1_000_000), "`num_hidden_layers` is 1000000: expected 1 to 1024"),
            ("/hidden_size", json!(1 << 21), "`hidden_size` is 2097152: expected 1 to 1048576"),
            ("/num_attention_heads", json!(5), "expected 5 heads of an even width"),
            ("/rope_scaling/mrope_section", json!([u64::MAX, 1, 1]), "three numbers that add up to 4"),
            ("/rope_scaling/type", json!("yarn"), "of type `yarn`"),
            ("/vision_config/depth", json!(4096), "`vision_config.depth` is 4096"),
            ("/vision_config/num_heads", json!(3), "`vision_config.hidden_size` is 16: expected 3 heads"),
            ("/vision_config/hidden_size", json!(0), "`vision_config.hidden_size` is 0"),
            ("/vision_config/out_hidden_size", json!(32), "expected the decoder's width 24"),
        ];
        for (place, value, says) in bad {
            let mut config = small();
            *config.pointer_mut(place).unwrap() = value;
            let said = Config::read(config.to_string().as_bytes()).unwrap_err().to_string();
            assert!(said.contains(says), "{place}: {said}");
        }
    }

    /// Products of these were more than a number holds.
    #[test]
    fn absurd_patches_are_refused() {
        for key in ["patch_size", "spatial_merge_size", "temporal_patch_size", "window_size"] {
            let mut config = small();
            config["vision_config"][key] = json!(1_u64 << 21);
            let said = Config::read(config.to_string().as_bytes()).unwrap_err().to_string();
            assert!(said.contains(&format!("`vision_config.{key}` is 2097152")), "{said}");
        }
        for (key, size) in [("patch_size", 1 << 20), ("spatial_merge_size", 1 << 20)] {
            let mut config = small();
            config["vision_config"][key] = json!(size);
            assert!(Config::read(config.to_string().as_bytes()).is_err(), "{key}");
        }
    }
}
