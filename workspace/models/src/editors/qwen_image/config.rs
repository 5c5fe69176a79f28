//! The shape of a transformer: read from a `config.json`, or from the shapes of its tensors.

use std::collections::BTreeMap;
use std::path::Path;

use crate::editors::flux::shape::{RELEASED_AXES, axes, count, most_blocks, size};
use crate::layers::Compute;
use crate::load::{Fixed, LoadError, MOST_SIZE, Settings};

/// The class that `config.json` has to name.
const CLASS: &str = "QwenImageTransformer2DModel";

/// The keys that [`QwenConfig::read`] reads.
const READ: [&str; 8] = [
    "in_channels",
    "out_channels",
    "num_layers",
    "num_attention_heads",
    "attention_head_dim",
    "axes_dims_rope",
    "joint_attention_dim",
    "zero_cond_t",
];

/// What the other keys may say.
const FIXED: [(&str, Fixed); 5] = [
    ("patch_size", Fixed::Number(2.0)),
    ("guidance_embeds", Fixed::False),
    // Of layered pictures, which are another model's.
    ("use_additional_t_cond", Fixed::False),
    ("use_layer3d_rope", Fixed::False),
    ("pooled_projection_dim", Fixed::Anything),
];

/// A tensor whose name holds this says in single files what `zero_cond_t` says in a `config.json`.
const MARKER: &str = "__index_timestep_zero__";

/// The shape of a transformer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QwenConfig {
    /// Numbers of a latent token: four times the channels of the latent picture, as a token is 2 × 2 of its pixels.
    pub in_channels: usize,
    /// Numbers of a predicted token.
    pub out_channels: usize,
    /// Blocks.
    pub blocks: usize,
    /// Heads of attention.
    pub heads: usize,
    /// The width of a head: the sum of `axes`.
    pub head_width: usize,
    /// How much of a head turns with picture, row and column. Even.
    pub axes: [usize; 3],
    /// Width of a text token's state (Qwen2.5-VL's).
    pub text_width: usize,
    /// Whether reference pictures are modulated as clean ones, whatever the time (`zero_cond_t`, of the release of November 2025).
    pub clean_references: bool,
}

impl QwenConfig {
    /// Width of activations.
    pub fn width(&self) -> usize {
        self.heads * self.head_width
    }

    /// Inner width of feed-forward parts: four times that of activations.
    pub fn inner_width(&self) -> usize {
        4 * self.width()
    }

    /// An upper bound of what activations of so many tokens take at a time, text and all pictures together: 36 widths a token,
    /// of which 8 are in single precision whatever the type of computing. Reasoned from the code, not measured.
    pub fn row_bytes(&self, tokens: usize, compute: &Compute) -> u64 {
        let (width, size) = (self.width() as u64, compute.dtype.size_in_bytes() as u64);
        (tokens as u64).saturating_mul(width * (28 * size + 8 * 4))
    }

    /// What a pass takes whatever its tokens: the largest weight as it is expanded or converted, and on cards the scores of
    /// attention.
    pub fn pass_bytes(&self, compute: &Compute) -> u64 {
        const SCORES_ON_CARDS: u64 = 3 << 29;
        let width = self.width() as u64;
        4 * 6 * width * width + if compute.device.is_cpu() { 0 } else { SCORES_ON_CARDS }
    }

    /// Reads a `config.json` of diffusers' `QwenImageTransformer2DModel`. Keys that are left out have diffusers' defaults; keys
    /// that are not known, and values that are not supported, are errors.
    pub fn read(file: &Path) -> Result<Self, LoadError> {
        let settings = &Settings::read_of(file, CLASS)?;
        settings.refuse_others(&READ, &FIXED)?;
        let head_width = size(settings, "attention_head_dim", 128)?;
        let config = Self {
            in_channels: size(settings, "in_channels", 64)?,
            out_channels: 4 * size(settings, "out_channels", 16)?,
            blocks: count(settings, "num_layers", 60)?,
            heads: size(settings, "num_attention_heads", 24)?,
            head_width,
            axes: axes(settings, head_width)?,
            text_width: size(settings, "joint_attention_dim", 3584)?,
            clean_references: !settings.is_unset("zero_cond_t") && settings.flag("zero_cond_t", false)?,
        };
        config.check(file)?;
        Ok(config)
    }

    /// The shape of a model whose file has no configuration, from the shapes of its tensors. Heads are 128 wide.
    pub(super) fn derive(file: &Path, shapes: &BTreeMap<String, Vec<usize>>) -> Result<Self, LoadError> {
        let side = |name: &str, axis: usize| match shapes.get(name).map(Vec::as_slice) {
            Some(shape) if axis < shape.len() => Ok(shape[axis]),
            Some(shape) => {
                Err(LoadError::content(file, format!("tensor `{name}` has shape {shape:?}: expected a matrix")))
            }
            None => {
                let reason = format!("tensor `{name}` is missing: expected the tensors of Qwen-Image");
                Err(LoadError::content(file, reason))
            }
        };
        let (width, head_width) = (side("img_in.weight", 0)?, side("transformer_blocks.0.attn.norm_q.weight", 0)?);
        if head_width != RELEASED_AXES.iter().sum::<usize>() || width % head_width != 0 {
            let reason = format!("has heads of {head_width} numbers and a width of {width}: expected heads of 128");
            return Err(LoadError::content(file, format!("{reason}, or a `config.json` beside the file")));
        }
        let config = Self {
            in_channels: side("img_in.weight", 1)?,
            out_channels: side("proj_out.weight", 0)?,
            blocks: most_blocks(file, shapes, "transformer_blocks.")?,
            heads: width / head_width,
            head_width,
            axes: RELEASED_AXES,
            text_width: side("txt_in.weight", 1)?,
            clean_references: shapes.keys().any(|name| is_marker(name)),
        };
        config.check(file)?;
        Ok(config)
    }

    /// Bounds that hold wherever a shape comes from.
    fn check(&self, file: &Path) -> Result<(), LoadError> {
        let width = self.heads.saturating_mul(self.head_width);
        if !(1..=MOST_SIZE).contains(&width) {
            let reason = format!("num_attention_heads · attention_head_dim is {width}: expected 1 to {MOST_SIZE}");
            return Err(LoadError::content(file, reason));
        }
        if !self.in_channels.is_multiple_of(4) || self.in_channels != self.out_channels {
            let Self { in_channels, out_channels, .. } = self;
            let found = format!("takes tokens of {in_channels} numbers and predicts {out_channels}");
            let reason = format!("{found}: expected the same, a multiple of 4, as a token is 2 × 2 latents");
            return Err(LoadError::content(file, reason));
        }
        Ok(())
    }
}

/// Whether a tensor is there for its name alone.
pub(super) fn is_marker(name: &str) -> bool {
    name.contains(MARKER)
}
