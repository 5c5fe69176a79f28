//! The shape of an autoencoder, read from its `config.json`.

use std::path::Path;

use crate::load::{Fixed, LoadError, Settings};
use crate::weights::Checkpoint;

/// What a `config.json` says.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Channels of a picture that is encoded.
    pub in_channels: usize,
    /// Channels of a picture that is decoded.
    pub out_channels: usize,
    /// Channels at each resolution, from the full one down; every resolution is half of the one before.
    pub block_out_channels: Vec<usize>,
    /// Residual blocks at each resolution of the encoder; the decoder has one more.
    pub layers_per_block: usize,
    /// Channels of latents.
    pub latent_channels: usize,
    /// Groups of the normalisations.
    pub norm_num_groups: usize,
    /// Diffusion models see `(latents − shift) · scaling`.
    pub scaling_factor: f64,
    /// See [`Self::scaling_factor`]; 0 where the file says none.
    pub shift_factor: f64,
    /// Whether the encoder's moments pass through a map of their own.
    pub use_quant_conv: bool,
    /// Whether latents pass through a map of their own before they are decoded.
    pub use_post_quant_conv: bool,
    /// Whether the smallest resolution has an attention.
    pub mid_block_add_attention: bool,
}

/// The most resolutions that are accepted: released models have four.
const MOST_BLOCKS: usize = 12;

/// The class that `config.json` has to name.
const CLASS: &str = "AutoencoderKL";

const DOWN: &str = "DownEncoderBlock2D";
const UP: &str = "UpDecoderBlock2D";

/// The keys that [`Config::read`] reads.
const READ: [&str; 13] = [
    "in_channels",
    "out_channels",
    "block_out_channels",
    "down_block_types",
    "up_block_types",
    "layers_per_block",
    "latent_channels",
    "norm_num_groups",
    "scaling_factor",
    "shift_factor",
    "use_quant_conv",
    "use_post_quant_conv",
    "mid_block_add_attention",
];

/// What the other keys may say.
const FIXED: [(&str, Fixed); 6] = [
    ("act_fn", Fixed::Word("silu")),
    ("act_fn", Fixed::Word("swish")),
    // The size of training pictures matters to diffusers' tiling only.
    ("sample_size", Fixed::Anything),
    // Asks for single precision in pipelines of half precision. The caller's choice of a type stands here.
    ("force_upcast", Fixed::Anything),
    ("latents_mean", Fixed::Null),
    ("latents_std", Fixed::Null),
];

impl Config {
    /// Reads a `config.json`; absent keys are what diffusers takes them to be.
    pub fn read(file: &Path) -> Result<Self, LoadError> {
        let settings = Settings::read(file)?;
        settings.expect_class(CLASS)?;
        settings.refuse_others(&READ, &FIXED)?;
        let block_out_channels = settings.sizes("block_out_channels", &[64], MOST_BLOCKS)?;
        for (key, only) in [("down_block_types", DOWN), ("up_block_types", UP)] {
            let found = settings.words(key, &[only], MOST_BLOCKS)?;
            if found.len() != block_out_channels.len() || found.iter().any(|kind| kind != only) {
                return Err(settings.refuse(key, format!("{} times \"{only}\"", block_out_channels.len())));
            }
        }
        let norm_num_groups = settings.size("norm_num_groups", 32)?;
        if block_out_channels.iter().any(|channels| !channels.is_multiple_of(norm_num_groups)) {
            let expected = format!("multiples of the {norm_num_groups} groups of `norm_num_groups`");
            return Err(settings.refuse("block_out_channels", expected));
        }
        let is_shifted = !settings.is_unset("shift_factor");
        Ok(Self {
            in_channels: settings.size("in_channels", 3)?,
            out_channels: settings.size("out_channels", 3)?,
            block_out_channels,
            layers_per_block: settings.size("layers_per_block", 1)?,
            latent_channels: settings.size("latent_channels", 4)?,
            norm_num_groups,
            scaling_factor: settings.positive("scaling_factor", 0.18215)?,
            shift_factor: if is_shifted { settings.number("shift_factor", 0.0)? } else { 0.0 },
            use_quant_conv: settings.flag("use_quant_conv", true)?,
            use_post_quant_conv: settings.flag("use_post_quant_conv", true)?,
            mid_block_add_attention: settings.flag("mid_block_add_attention", true)?,
        })
    }

    /// The shape of an autoencoder in one file: that of the `config.json` beside it if that is an autoencoder's, else taken from
    /// its tensors. What those do not tell is as in FLUX.1 (github.com/black-forest-labs/flux, `util.py`).
    pub(super) fn of_file(file: &Path, checkpoint: &Checkpoint) -> Result<Self, LoadError> {
        let beside = file.parent().unwrap_or(Path::new("")).join("config.json");
        if beside.is_file() && Settings::read(&beside)?.expect_class(CLASS).is_ok() {
            return Self::read(&beside);
        }
        let shape = |name: String| {
            let found = checkpoint.fact(&name).and_then(|fact| <[usize; 4]>::try_from(fact.shape).ok());
            let missing = || format!("has no kernel `{name}`: expected the autoencoder of FLUX.1");
            found.ok_or_else(|| LoadError::content(file, missing()))
        };
        let first = |block: usize| format!("encoder.down_blocks.{block}.resnets.0.conv1.weight");
        // There is one at least, or the first that is missing is named.
        let blocks = (0..MOST_BLOCKS).take_while(|block| *block == 0 || checkpoint.fact(&first(*block)).is_some());
        let layer = |at: usize| format!("encoder.down_blocks.0.resnets.{at}.conv1.weight");
        Ok(Self {
            in_channels: shape("encoder.conv_in.weight".to_owned())?[1],
            out_channels: shape("decoder.conv_out.weight".to_owned())?[0],
            block_out_channels: blocks.map(|block| Ok(shape(first(block))?[0])).collect::<Result<_, LoadError>>()?,
            layers_per_block: (0..MOST_BLOCKS).take_while(|at| checkpoint.fact(&layer(*at)).is_some()).count(),
            latent_channels: shape("decoder.conv_in.weight".to_owned())?[1],
            norm_num_groups: 32,
            scaling_factor: 0.3611,
            shift_factor: 0.1159,
            use_quant_conv: checkpoint.fact("quant_conv.weight").is_some(),
            use_post_quant_conv: checkpoint.fact("post_quant_conv.weight").is_some(),
            mid_block_add_attention: true,
        })
    }

    /// How many pixels of a picture's edge make one of the latents': 2^(resolutions − 1).
    pub fn factor(&self) -> usize {
        1 << (self.block_out_channels.len() - 1)
    }

    /// Channels at the full resolution.
    pub(super) fn widest(&self) -> usize {
        self.block_out_channels.first().copied().unwrap_or_default()
    }

    /// Channels at the smallest resolution.
    pub(super) fn deepest(&self) -> usize {
        self.block_out_channels.last().copied().unwrap_or_default()
    }
}
