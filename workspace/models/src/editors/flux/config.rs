//! The shape of a transformer: read from a `config.json`, or from the shapes of its tensors.

use std::collections::BTreeMap;
use std::path::Path;

use crate::editors::flux::shape::{RELEASED_AXES, axes, count, most_blocks, size};
use crate::layers::Compute;
use crate::load::{Fixed, LoadError, Settings};

/// The width of a head in all released models, and how it is shared out to the three axes.
const RELEASED_HEAD_WIDTH: usize = 128;

/// The class that `config.json` has to name.
const CLASS: &str = "FluxTransformer2DModel";

/// What the class calls the pooled width.
const POOLED: &str = "pooled_projection_dim";

/// The widest activations: released models have 3072.
const MOST_WIDTH: usize = 1 << 16;

/// The shape of a transformer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FluxConfig {
    /// Numbers of a latent token: four times the channels of the latent picture, as a token is 2 × 2 of its pixels.
    pub in_channels: usize,
    /// Numbers of a predicted token.
    pub out_channels: usize,
    /// Blocks of two streams.
    pub double_blocks: usize,
    /// Blocks of one stream.
    pub single_blocks: usize,
    /// Heads of attention.
    pub heads: usize,
    /// The width of a head: the sum of `axes`.
    pub head_width: usize,
    /// How much of a head turns with picture, row and column. Even.
    pub axes: [usize; 3],
    /// Width of a text token's embedding (T5's).
    pub text_width: usize,
    /// Width of the embedding of the whole text (CLIP's).
    pub pooled_width: usize,
    /// Whether the strength of guidance is an input.
    pub guidance: bool,
}

impl FluxConfig {
    /// The keys that [`Self::of`] reads under the same names in this class and in related ones.
    pub(crate) const KEYS: [&str; 8] = [
        "in_channels",
        "out_channels",
        "num_layers",
        "num_single_layers",
        "num_attention_heads",
        "attention_head_dim",
        "axes_dims_rope",
        "joint_attention_dim",
    ];

    /// Width of activations.
    pub fn width(&self) -> usize {
        self.heads * self.head_width
    }

    /// An upper bound of what activations of so many tokens take at a time, text, latents and reference together: 32 widths a
    /// token, of which 8 are in single precision whatever the type of computing. Reasoned from the code, not measured.
    pub fn row_bytes(&self, tokens: usize, compute: &Compute) -> u64 {
        let (width, size) = (self.width() as u64, compute.dtype.size_in_bytes() as u64);
        (tokens as u64).saturating_mul(width * (24 * size + 8 * 4))
    }

    /// What a pass takes whatever its tokens: the largest weight as it is expanded or converted, and on cards the scores of
    /// attention.
    pub fn pass_bytes(&self, compute: &Compute) -> u64 {
        const SCORES_ON_CARDS: u64 = 3 << 29;
        let width = self.width() as u64;
        4 * 7 * width * width + if compute.device.is_cpu() { 0 } else { SCORES_ON_CARDS }
    }

    /// Inner width of feed-forward blocks: four times that of activations.
    pub fn inner_width(&self) -> usize {
        4 * self.width()
    }

    /// Reads a `config.json` of diffusers' `FluxTransformer2DModel`. Keys that are left out have diffusers' defaults; keys
    /// that are not known, and values that are not supported, are errors.
    pub fn read(file: &Path) -> Result<Self, LoadError> {
        let settings = &Settings::read_of(file, CLASS)?;
        settings.refuse_others(
            &[Self::KEYS.as_slice(), &[POOLED, "guidance_embeds"]].concat(),
            &[("patch_size", Fixed::Number(1.0))],
        )?;
        Self::of(settings, file, POOLED)
    }

    /// What the keys of a configuration of this or a related class say; `pooled` is the one of the pooled width.
    pub(crate) fn of(settings: &Settings, file: &Path, pooled: &str) -> Result<Self, LoadError> {
        let in_channels = size(settings, "in_channels", 64)?;
        let head_width = size(settings, "attention_head_dim", RELEASED_HEAD_WIDTH)?;
        let config = Self {
            in_channels,
            out_channels: size(settings, "out_channels", in_channels)?,
            double_blocks: count(settings, "num_layers", 19)?,
            single_blocks: count(settings, "num_single_layers", 38)?,
            heads: size(settings, "num_attention_heads", 24)?,
            head_width,
            axes: axes(settings, head_width)?,
            text_width: size(settings, "joint_attention_dim", 4096)?,
            pooled_width: size(settings, pooled, 768)?,
            guidance: settings.flag("guidance_embeds", false)?,
        };
        config.check(file)?;
        Ok(config)
    }

    /// The shape of a model whose file has no configuration, from the shapes of its tensors under original names.
    ///
    /// Heads are 128 wide, with axes [16, 56, 56], as in all released models.
    pub(crate) fn derive(file: &Path, shapes: &BTreeMap<String, Vec<usize>>) -> Result<Self, LoadError> {
        let size = |name: &str, axis: usize| match shapes.get(name).map(Vec::as_slice) {
            Some(&[rows, columns]) => Ok(if axis == 0 { rows } else { columns }),
            Some(shape) => {
                Err(LoadError::content(file, format!("tensor `{name}` has shape {shape:?}: expected two dimensions")))
            }
            None => {
                Err(LoadError::content(file, format!("tensor `{name}` is missing: expected the tensors of FLUX.1")))
            }
        };
        let width = size("img_in.weight", 0)?;
        if width == 0 || width % RELEASED_HEAD_WIDTH != 0 {
            let reason =
                format!("tensor `img_in.weight` has {width} rows: expected a multiple of {RELEASED_HEAD_WIDTH}");
            return Err(LoadError::content(file, format!("{reason}, or a `config.json` beside the file")));
        }
        let config = Self {
            in_channels: size("img_in.weight", 1)?,
            out_channels: size("final_layer.linear.weight", 0)?,
            double_blocks: most_blocks(file, shapes, "double_blocks.")?,
            single_blocks: most_blocks(file, shapes, "single_blocks.")?,
            heads: width / RELEASED_HEAD_WIDTH,
            head_width: RELEASED_HEAD_WIDTH,
            axes: RELEASED_AXES,
            text_width: size("txt_in.weight", 1)?,
            pooled_width: size("vector_in.in_layer.weight", 1)?,
            guidance: shapes.keys().any(|name| name.starts_with("guidance_in.")),
        };
        config.check(file)?;
        Ok(config)
    }

    /// The shape for people.
    pub(super) fn described(&self) -> String {
        let Self { double_blocks, single_blocks, guidance, .. } = self;
        let with = if *guidance { "with" } else { "without" };
        format!("a transformer of {double_blocks} double and {single_blocks} single blocks, {with} guidance")
    }

    /// Bounds that hold wherever a shape comes from.
    fn check(&self, file: &Path) -> Result<(), LoadError> {
        let widths = [
            ("in_channels", self.in_channels),
            ("out_channels", self.out_channels),
            ("joint_attention_dim", self.text_width),
            ("pooled_projection_dim", self.pooled_width),
            ("num_attention_heads · attention_head_dim", self.heads.saturating_mul(self.head_width)),
        ];
        if let Some((key, width)) = widths.into_iter().find(|(_, width)| !(1..=MOST_WIDTH).contains(width)) {
            return Err(LoadError::content(file, format!("{key} is {width}: expected 1 to {MOST_WIDTH}")));
        }
        for (key, channels) in [("in_channels", self.in_channels), ("out_channels", self.out_channels)] {
            if channels % 4 != 0 {
                let reason = "expected a multiple of 4, as a token is 2 × 2 pixels of the latent picture";
                return Err(LoadError::content(file, format!("{key} is {channels}: {reason}")));
            }
        }
        Ok(())
    }
}
