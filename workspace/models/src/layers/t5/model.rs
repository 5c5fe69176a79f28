//! The whole encoder.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;

use candle_core::{DType, Result, Tensor, bail};

use crate::layers::t5::T5Config;
use crate::layers::t5::attention::Text;
use crate::layers::t5::layer::Layer;
use crate::layers::t5::positions::Distances;
use crate::layers::{Compute, Embedding, RmsNorm, Scope};
use crate::load::LoadError;
use crate::weights::{Checkpoint, WeightError};

/// The most tokens of a text. Of so many, the scores of the 64 heads of the largest released encoder take 4 GiB.
const MOST_TOKENS: usize = 4096;

/// The encoder of T5.
#[derive(Debug, Clone)]
pub struct T5Encoder {
    config: T5Config,
    tokens: Embedding,
    distances: Distances,
    layers: Vec<Layer>,
    norm: RmsNorm,
    /// The type to compute in, and that of the answer.
    inner: DType,
    outer: DType,
}

impl T5Encoder {
    /// Loads `config.json` and the weights of a folder: `model.safetensors`, or its shards. They are read tensor by tensor,
    /// and only once. The decoder of a whole T5 is not looked at.
    ///
    /// Activations of T5 are too large for halves with five bits of exponent: where `compute` asks for F16, single precision
    /// is computed with, from weights that are kept as `compute` says, and the answer is rounded to F16.
    pub fn load(folder: &Path, compute: &Compute) -> std::result::Result<Self, LoadError> {
        let config = T5Config::read(&folder.join("config.json"))?;
        let checkpoint = Checkpoint::open(folder, str::to_owned)?;
        let inner = if compute.dtype == DType::F16 { DType::F32 } else { compute.dtype };
        let within = Compute { dtype: inner, ..compute.clone() };
        let loaded = Self::of(&Scope::root(&checkpoint, &within), config)?;
        Ok(Self { outer: compute.dtype, ..loaded })
    }

    /// Takes the weights from a checkpoint, to compute in the type that `scope` says.
    pub(crate) fn of(scope: &Scope<'_>, config: T5Config) -> std::result::Result<Self, WeightError> {
        let encoder = scope.at("encoder");
        // Both names are those of one table.
        let shared = scope.at("shared");
        let table = if shared.shape("weight").is_some() { shared } else { encoder.at("embed_tokens") };
        let block = |at: usize| encoder.at("block").at(at);
        let first = block(0).at("layer").at(0).at("SelfAttention");
        let layer = |at: usize| Layer::load(&block(at), &config);
        Ok(Self {
            tokens: Embedding::load(&table, config.vocab_size, config.d_model)?,
            distances: Distances::load(&first, &config)?,
            layers: (0..config.num_layers).map(layer).collect::<std::result::Result<_, _>>()?,
            norm: RmsNorm::load(&encoder.at("final_layer_norm"), config.d_model, config.layer_norm_epsilon)?,
            inner: scope.compute().dtype,
            outer: scope.compute().dtype,
            config,
        })
    }

    /// The shape of this encoder.
    pub fn config(&self) -> &T5Config {
        &self.config
    }

    /// Encodes texts: [tokens of all texts, width], text after text, after the final normalisation. Every token sees all of
    /// its text; tokens that fill up are tokens like others, as the pipelines of FLUX have it.
    pub fn encode(&self, ids: &[Vec<u32>]) -> Result<Tensor> {
        if let Some(text) = ids.iter().find(|text| !(1..=MOST_TOKENS).contains(&text.len())) {
            bail!("text encoder: a text has {} tokens: expected 1 to {MOST_TOKENS}", text.len());
        }
        let mut rows = self.tokens.forward(&ids.concat(), self.inner)?;
        let texts = self.texts(ids)?;
        for layer in &self.layers {
            rows = layer.forward(&rows, &texts)?;
        }
        self.norm.forward(&rows)?.to_dtype(self.outer)
    }

    /// The rows of each text; texts of one length share their distances.
    fn texts(&self, ids: &[Vec<u32>]) -> Result<Vec<Text>> {
        let (mut next, mut known, mut texts) = (0, BTreeMap::new(), Vec::with_capacity(ids.len()));
        for text in ids {
            let rows = next..next + text.len();
            next = rows.end;
            let distances = match known.entry(text.len()) {
                Entry::Occupied(known) => Tensor::clone(known.get()),
                Entry::Vacant(place) => place.insert(self.distances.of(text.len())?).clone(),
            };
            texts.push(Text { rows, distances });
        }
        Ok(texts)
    }
}
