//! The shape of a U-Net, read from its `config.json`.

use std::path::Path;

use crate::load::{Fixed, LoadError, Settings};

/// What a `config.json` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the predicted noise.
    pub out_channels: usize,
    /// Whether the input is brought from 0..1 to −1..1 first.
    pub center_input_sample: bool,
    /// Whether cosines stand before sines in the timestep's embedding.
    pub flip_sin_to_cos: bool,
    /// What is taken off the number of frequencies where they are spaced.
    pub freq_shift: f64,
    /// The resolutions, from the full one down; every resolution is half of the one before.
    pub blocks: Vec<BlockConfig>,
    /// 1: halving puts zeros on every side; 0: below and on the right only.
    pub downsample_padding: usize,
    /// What the middle's residual blocks divide their sums by.
    pub mid_block_scale_factor: f64,
    /// Groups of the normalisations of channels.
    pub norm_num_groups: usize,
    /// ε of the normalisations of the residual blocks.
    pub norm_eps: f64,
    /// Width of a text's rows.
    pub cross_attention_dim: usize,
    /// Whether transformers map their input row by row; they have convolutions of one pixel otherwise, which compute the
    /// same from weights of another shape.
    pub use_linear_projection: bool,
}

/// One resolution, of the way down and of the way up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockConfig {
    /// Channels.
    pub channels: usize,
    /// Residual blocks on the way down; one more on the way up.
    pub layers: usize,
    /// Whether each of them is followed by a transformer on the way down.
    pub is_attending_down: bool,
    /// Whether each of them is followed by a transformer on the way up.
    pub is_attending_up: bool,
    /// Heads of the transformers' attention.
    pub heads: usize,
    /// Blocks of each transformer.
    pub transformer_layers: usize,
}

/// The most resolutions that are accepted: released models have four.
const MOST_BLOCKS: usize = 12;

const CHANNELS: [usize; 4] = [320, 640, 1280, 1280];
const DOWN: [&str; 2] = ["DownBlock2D", "CrossAttnDownBlock2D"];
const UP: [&str; 2] = ["UpBlock2D", "CrossAttnUpBlock2D"];
const DOWN_BLOCKS: [&str; 4] = [DOWN[1], DOWN[1], DOWN[1], DOWN[0]];
const UP_BLOCKS: [&str; 4] = [UP[0], UP[1], UP[1], UP[1]];

/// The keys that [`Config::read`] reads.
const READ: [&str; 17] = [
    "in_channels",
    "out_channels",
    "center_input_sample",
    "flip_sin_to_cos",
    "freq_shift",
    "down_block_types",
    "up_block_types",
    "block_out_channels",
    "layers_per_block",
    "downsample_padding",
    "mid_block_scale_factor",
    "norm_num_groups",
    "norm_eps",
    "cross_attention_dim",
    "transformer_layers_per_block",
    "attention_head_dim",
    "use_linear_projection",
];

/// What the other keys may say.
const FIXED: [(&str, Fixed); 34] = [
    ("act_fn", Fixed::Word("silu")),
    ("act_fn", Fixed::Word("swish")),
    ("mid_block_type", Fixed::Word("UNetMidBlock2DCrossAttn")),
    ("only_cross_attention", Fixed::False),
    ("mid_block_only_cross_attention", Fixed::False),
    ("dual_cross_attention", Fixed::False),
    ("resnet_time_scale_shift", Fixed::Word("default")),
    ("resnet_skip_time_act", Fixed::False),
    ("resnet_out_scale_factor", Fixed::Number(1.0)),
    ("time_embedding_type", Fixed::Word("positional")),
    ("attention_type", Fixed::Word("default")),
    ("conv_in_kernel", Fixed::Number(3.0)),
    ("conv_out_kernel", Fixed::Number(3.0)),
    ("class_embeddings_concat", Fixed::False),
    // diffusers refuses it as well: its number of heads is called `attention_head_dim`.
    ("num_attention_heads", Fixed::Null),
    ("reverse_transformer_layers_per_block", Fixed::Null),
    ("encoder_hid_dim", Fixed::Null),
    ("encoder_hid_dim_type", Fixed::Null),
    ("class_embed_type", Fixed::Null),
    ("num_class_embeds", Fixed::Null),
    ("projection_class_embeddings_input_dim", Fixed::Null),
    ("addition_embed_type", Fixed::Null),
    ("addition_time_embed_dim", Fixed::Null),
    ("time_embedding_dim", Fixed::Null),
    ("time_embedding_act_fn", Fixed::Null),
    ("timestep_post_act", Fixed::Null),
    ("time_cond_proj_dim", Fixed::Null),
    ("cross_attention_norm", Fixed::Null),
    // Heads of an embedding that `addition_embed_type` would have to ask for.
    ("addition_embed_type_num_heads", Fixed::Anything),
    // The size of training latents matters to callers of diffusers that give none.
    ("sample_size", Fixed::Anything),
    // Softmaxes are taken in single precision here in any case.
    ("upcast_attention", Fixed::Anything),
    // Training only.
    ("dropout", Fixed::Anything),
    ("gradient_checkpointing", Fixed::Anything),
    ("use_ema", Fixed::Anything),
];

impl Config {
    /// Reads a `config.json`; absent keys are what diffusers takes them to be.
    pub fn read(file: &Path) -> Result<Self, LoadError> {
        let settings = &Settings::read(file)?;
        settings.expect_class("UNet2DConditionModel")?;
        settings.refuse_others(&READ, &FIXED)?;
        let norm_num_groups = settings.size("norm_num_groups", 32)?;
        let blocks = read_blocks(settings, norm_num_groups)?;
        let text = settings.size_or_sizes("cross_attention_dim", 1280, blocks.len())?;
        if text.iter().any(|&width| width != text[0]) {
            return Err(settings.refuse("cross_attention_dim", "one width for all blocks"));
        }
        Ok(Self {
            in_channels: settings.size("in_channels", 4)?,
            out_channels: settings.size("out_channels", 4)?,
            center_input_sample: settings.flag("center_input_sample", false)?,
            flip_sin_to_cos: settings.flag("flip_sin_to_cos", true)?,
            freq_shift: read_shift(settings, blocks[0].channels / 2)?,
            downsample_padding: read_padding(settings)?,
            mid_block_scale_factor: settings.positive("mid_block_scale_factor", 1.0)?,
            norm_num_groups,
            norm_eps: settings.positive("norm_eps", 1e-5)?,
            cross_attention_dim: text[0],
            use_linear_projection: settings.flag("use_linear_projection", false)?,
            blocks,
        })
    }

    /// Width of the embedded timestep.
    pub(super) fn time_width(&self) -> usize {
        4 * self.widest()
    }

    /// Channels at the full resolution.
    pub(super) fn widest(&self) -> usize {
        self.blocks.first().map_or(0, |block| block.channels)
    }
}

fn read_blocks(settings: &Settings, groups: usize) -> Result<Vec<BlockConfig>, LoadError> {
    let channels = settings.sizes("block_out_channels", &CHANNELS, MOST_BLOCKS)?;
    let count = channels.len();
    let down = read_kinds(settings, ("down_block_types", DOWN), &DOWN_BLOCKS, count)?;
    let up = read_kinds(settings, ("up_block_types", UP), &UP_BLOCKS, count)?;
    let layers = settings.size_or_sizes("layers_per_block", 2, count)?;
    // Called after the width of a head, and used as the number of heads, by diffusers and so by all checkpoints.
    let heads = settings.size_or_sizes("attention_head_dim", 8, count)?;
    let transformer_layers = settings.size_or_sizes("transformer_layers_per_block", 1, count)?;
    let blocks: Vec<BlockConfig> = (0..count)
        .map(|at| BlockConfig {
            channels: channels[at],
            layers: layers[at],
            is_attending_down: down[at],
            is_attending_up: up[count - 1 - at],
            heads: heads[at],
            transformer_layers: transformer_layers[at],
        })
        .collect();
    if channels.iter().any(|channels| !channels.is_multiple_of(groups)) {
        let expected = format!("multiples of the {groups} groups of `norm_num_groups`");
        return Err(settings.refuse("block_out_channels", expected));
    }
    let attends = |at: usize| at + 1 == count || blocks[at].is_attending_down || blocks[at].is_attending_up;
    if (0..count).any(|at| attends(at) && !channels[at].is_multiple_of(heads[at])) {
        return Err(settings.refuse("attention_head_dim", format!("numbers of heads that divide {channels:?}")));
    }
    Ok(blocks)
}

/// For each block of a list, under its key and of two kinds, whether it attends: it is of the second kind.
fn read_kinds(
    settings: &Settings,
    (key, kinds): (&str, [&str; 2]),
    default: &[&str],
    count: usize,
) -> Result<Vec<bool>, LoadError> {
    let found = settings.words(key, default, MOST_BLOCKS)?;
    if found.len() != count || found.iter().any(|kind| !kinds.contains(&kind.as_str())) {
        return Err(settings.refuse(key, format!("{count} times \"{}\" or \"{}\"", kinds[0], kinds[1])));
    }
    Ok(found.iter().map(|kind| kind == kinds[1]).collect())
}

/// The shift of the frequencies: what remains of their number is what their exponents are divided by.
fn read_shift(settings: &Settings, frequencies: usize) -> Result<f64, LoadError> {
    let shift = settings.number("freq_shift", 0.0)?;
    if frequencies == 0 || frequencies as f64 - shift < 0.5 {
        return Err(settings.refuse("freq_shift", format!("a number below the {frequencies} frequencies")));
    }
    Ok(shift)
}

fn read_padding(settings: &Settings) -> Result<usize, LoadError> {
    match settings.number("downsample_padding", 1.0)? {
        0.0 => Ok(0),
        1.0 => Ok(1),
        _ => Err(settings.refuse("downsample_padding", "0 or 1")),
    }
}
