//! The shape of a connector: from a configuration, or from the shapes of its tensors.

use std::collections::BTreeMap;
use std::path::Path;

use crate::load::{LoadError, Settings};

/// The width of a head in all released models.
const RELEASED_HEAD_WIDTH: usize = 128;

/// The most blocks: released models have two.
const MOST_BLOCKS: usize = 64;

/// The shape of a connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectorConfig {
    /// Width of the encoder's states.
    pub in_width: usize,
    /// Width of activations and answers.
    pub width: usize,
    /// Heads of attention; a divisor of `width`.
    pub heads: usize,
    /// Blocks of the refiner.
    pub blocks: usize,
    /// Width of the text as a whole.
    pub pooled_width: usize,
    /// Whether a factor of the states' mean counts where one is stored, as in v1.0.
    pub scales_mean: bool,
}

impl ConnectorConfig {
    /// The keys that [`Self::of`] reads.
    pub(crate) const KEYS: [&'static str; 5] =
        ["connector_in_channels", "connector_hidden_size", "connector_heads_num", "connector_depth", "vector_in_dim"];

    /// What a `config.json` of the fork's `Step1XEditTransformer2DModel` says; absent keys have the fork's defaults.
    pub(crate) fn of(settings: &Settings) -> Result<Self, LoadError> {
        let [input, hidden, heads, depth, pooled] = Self::KEYS;
        let config = Self {
            in_width: settings.size(input, 3584)?,
            width: settings.size(hidden, 4096)?,
            heads: settings.size(heads, 32)?,
            blocks: settings.size(depth, 2)?,
            pooled_width: settings.size(pooled, 768)?,
            scales_mean: true,
        };
        if !config.width.is_multiple_of(config.heads) {
            return Err(settings.refuse(heads, format!("a divisor of `{hidden}`, {}", config.width)));
        }
        if config.blocks > MOST_BLOCKS {
            return Err(settings.refuse(depth, format!("at most {MOST_BLOCKS}")));
        }
        Ok(config)
    }

    /// The shape of a connector whose file has no configuration. Heads are 128 wide, as in all released models.
    pub(crate) fn derive(file: &Path, shapes: &BTreeMap<String, Vec<usize>>) -> Result<Self, LoadError> {
        let size = |name: &str, axis: usize| {
            let name = format!("connector.{name}.weight");
            match shapes.get(&name).map(Vec::as_slice) {
                Some(&[rows, columns]) if rows > 0 && columns > 0 => Ok([rows, columns][axis]),
                Some(shape) => {
                    Err(LoadError::content(file, format!("tensor `{name}` has shape {shape:?}: expected a matrix")))
                }
                None => Err(LoadError::content(
                    file,
                    format!("tensor `{name}` is missing: expected a transformer of Step1X-Edit"),
                )),
            }
        };
        let width = size("S.input_embedder", 0)?;
        if !width.is_multiple_of(RELEASED_HEAD_WIDTH) {
            let reason = format!("`connector.S.input_embedder.weight` has {width} rows");
            let expected = format!("expected a multiple of {RELEASED_HEAD_WIDTH}, or a `config.json` beside the file");
            return Err(LoadError::content(file, format!("{reason}: {expected}")));
        }
        let block = |at: usize| format!("connector.S.individual_token_refiner.blocks.{at}.norm1.weight");
        Ok(Self {
            in_width: size("S.input_embedder", 1)?,
            width,
            heads: width / RELEASED_HEAD_WIDTH,
            blocks: (0..MOST_BLOCKS).take_while(|at| shapes.contains_key(&block(*at))).count(),
            pooled_width: size("global_proj_out", 0)?,
            scales_mean: true,
        })
    }
}
