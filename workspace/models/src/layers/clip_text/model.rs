//! The whole encoder.

use std::path::Path;

use candle_core::{DType, Result, Tensor, bail};

use crate::layers::clip_text::ClipTextConfig;
use crate::layers::clip_text::layer::Layer;
use crate::layers::{Compute, Embedding, LayerNorm, Scope, Segment};
use crate::load::LoadError;
use crate::weights::{Checkpoint, WeightError};

/// The `eos_token_id` of files from before transformers 4.31: it is wrong there, and the greatest id of a text is meant.
const LEGACY_END: u32 = 2;

/// The text encoder of CLIP.
#[derive(Debug, Clone)]
pub struct ClipText {
    config: ClipTextConfig,
    tokens: Embedding,
    positions: Embedding,
    layers: Vec<Layer>,
    norm: LayerNorm,
    dtype: DType,
}

/// What texts come to.
#[derive(Debug, Clone)]
pub struct ClipEncoded {
    /// [tokens of all texts, width]: every token after the final normalisation, text after text.
    pub hidden: Tensor,
    /// [texts, width]: the rows of `hidden` at the end tokens.
    pub pooled: Tensor,
}

impl ClipText {
    /// Loads `config.json` and the weights `model.safetensors` of a folder, whose names may begin with `text_model.` or not.
    /// Other tensors, such as those of a whole CLIP or buffers of positions, are not looked at.
    pub fn load(folder: &Path, compute: &Compute) -> std::result::Result<Self, LoadError> {
        let config = ClipTextConfig::read(&folder.join("config.json"))?;
        Ok(Self::of(&Scope::root(&Self::open(folder)?, compute), config)?)
    }

    /// Opens the weights of a folder.
    pub(crate) fn open(folder: &Path) -> std::result::Result<Checkpoint, WeightError> {
        Checkpoint::open(folder, rename)
    }

    /// Takes the weights from a checkpoint.
    pub(crate) fn of(scope: &Scope<'_>, config: ClipTextConfig) -> std::result::Result<Self, WeightError> {
        let width = config.hidden_size;
        let embedding = |name: &str, count| Embedding::load(&scope.at("embeddings").at(name), count, width);
        let tokens = embedding("token_embedding", config.vocab_size)?;
        let positions = embedding("position_embedding", config.max_position_embeddings)?;
        let layer = |at: usize| Layer::load(&scope.at("encoder").at("layers").at(at), &config);
        let layers = (0..config.num_hidden_layers).map(layer).collect::<std::result::Result<_, _>>()?;
        let norm = LayerNorm::load(&scope.at("final_layer_norm"), width, config.layer_norm_eps)?;
        Ok(Self { tokens, positions, layers, norm, dtype: scope.compute().dtype, config })
    }

    /// The shape of this encoder.
    pub fn config(&self) -> &ClipTextConfig {
        &self.config
    }

    /// Encodes texts, each of one to `max_position_embeddings` tokens. Every token sees itself and what is before it;
    /// tokens that fill up are tokens like others, as the pipelines of diffusers have it.
    pub fn encode(&self, ids: &[Vec<u32>]) -> Result<ClipEncoded> {
        let most = self.config.max_position_embeddings;
        if let Some(text) = ids.iter().find(|text| !(1..=most).contains(&text.len())) {
            bail!("text encoder: a text has {} tokens: expected 1 to {most}", text.len());
        }
        let place = |text: &Vec<u32>| self.positions.first(text.len(), self.dtype);
        let positions = Tensor::cat(&ids.iter().map(place).collect::<Result<Vec<_>>>()?, 0)?;
        let mut rows = (self.tokens.forward(&ids.concat(), self.dtype)? + positions)?;
        let (segments, ends) = self.segments(ids);
        for layer in &self.layers {
            rows = layer.forward(&rows, &segments)?;
        }
        let hidden = self.norm.forward(&rows)?;
        let pooled = hidden.index_select(&Tensor::new(ends, hidden.device())?, 0)?;
        Ok(ClipEncoded { hidden, pooled })
    }

    /// The rows of each text, and the row of its end.
    fn segments(&self, ids: &[Vec<u32>]) -> (Vec<Segment>, Vec<u32>) {
        let mut next = 0;
        let segment = |text: &Vec<u32>| {
            let rows = next..next + text.len();
            let end = (next + self.end_of(text)) as u32;
            next = rows.end;
            (Segment { queries: rows.clone(), keys: vec![rows], causal: true }, end)
        };
        ids.iter().map(segment).unzip()
    }

    /// The place in a text that stands for all of it: the first end token, or the first token where there is none.
    fn end_of(&self, text: &[u32]) -> usize {
        let wanted = match self.config.eos_token_id {
            LEGACY_END => text.iter().max().copied().unwrap_or_default(),
            named => named,
        };
        text.iter().position(|id| *id == wanted).unwrap_or_default()
    }
}

fn rename(stored: &str) -> String {
    stored.strip_prefix("text_model.").unwrap_or(stored).to_owned()
}
