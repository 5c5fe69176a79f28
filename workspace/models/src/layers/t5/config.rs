//! The shape of an encoder of T5, read from its `config.json`.

use std::path::Path;

use serde::Deserialize;

use crate::layers::Activation;
use crate::load::{LoadError, check_epsilon, check_one_of, check_sizes, read_json};

const ARCHITECTURES: [&str; 3] = ["T5EncoderModel", "T5ForConditionalGeneration", "T5Model"];

/// What a `config.json` says of the encoder.
#[derive(Debug, Clone, PartialEq)]
pub struct T5Config {
    /// Width of a token's activations.
    pub d_model: usize,
    /// Width of one head; heads together may be wider or narrower than `d_model`.
    pub d_kv: usize,
    /// Inner width of the feed-forward block.
    pub d_ff: usize,
    /// Layers.
    pub num_layers: usize,
    /// Heads.
    pub num_heads: usize,
    /// Kinds of distance between two tokens, half of them for what comes before and half for what comes after.
    pub relative_attention_num_buckets: usize,
    /// Distances from this on are of one kind.
    pub relative_attention_max_distance: usize,
    /// ε of the normalisation.
    pub layer_norm_epsilon: f64,
    /// Embeddings.
    pub vocab_size: usize,
    /// Within the feed-forward block.
    pub activation: Activation,
    /// Whether the feed-forward block has a gate.
    pub is_gated: bool,
}

/// Defaults are those of transformers' `T5Config`; sizes of layers have none.
#[derive(Deserialize)]
struct Raw {
    architectures: Option<Vec<String>>,
    model_type: Option<String>,
    d_model: usize,
    d_kv: usize,
    d_ff: usize,
    num_layers: usize,
    num_heads: usize,
    relative_attention_num_buckets: Option<usize>,
    relative_attention_max_distance: Option<usize>,
    layer_norm_epsilon: Option<f64>,
    vocab_size: Option<usize>,
    feed_forward_proj: Option<String>,
    dense_act_fn: Option<String>,
    is_gated_act: Option<bool>,
}

impl T5Config {
    /// Reads a `config.json`.
    pub fn read(file: &Path) -> Result<Self, LoadError> {
        let raw: Raw = read_json(file)?;
        let architecture = raw.architectures.as_ref().and_then(|names| names.first()).map(String::as_str);
        check_one_of(file, "architectures", architecture, &ARCHITECTURES)?;
        check_one_of(file, "model_type", raw.model_type.as_deref(), &["t5"])?;
        let (activation, is_gated) = raw.feed_forward(file)?;
        let config = Self {
            d_model: raw.d_model,
            d_kv: raw.d_kv,
            d_ff: raw.d_ff,
            num_layers: raw.num_layers,
            num_heads: raw.num_heads,
            relative_attention_num_buckets: raw.relative_attention_num_buckets.unwrap_or(32),
            relative_attention_max_distance: raw.relative_attention_max_distance.unwrap_or(128),
            layer_norm_epsilon: raw.layer_norm_epsilon.unwrap_or(1e-6),
            vocab_size: raw.vocab_size.unwrap_or(32128),
            activation,
            is_gated,
        };
        config.check(file)?;
        Ok(config)
    }

    fn check(&self, file: &Path) -> Result<(), LoadError> {
        let (buckets, distance) = (self.relative_attention_num_buckets, self.relative_attention_max_distance);
        let sizes = [
            ("d_model", self.d_model),
            ("d_kv", self.d_kv),
            ("d_ff", self.d_ff),
            ("num_layers", self.num_layers),
            ("num_heads", self.num_heads),
            ("relative_attention_num_buckets", buckets),
            ("relative_attention_max_distance", distance),
            ("vocab_size", self.vocab_size),
        ];
        check_sizes(file, &sizes)?;
        check_epsilon(file, "layer_norm_epsilon", self.layer_norm_epsilon)?;
        if buckets < 4 {
            let reason = format!("`relative_attention_num_buckets` is {buckets}: expected at least 4");
            return Err(LoadError::content(file, reason));
        }
        if distance <= buckets / 4 {
            let reason = format!(
                "`relative_attention_max_distance` is {distance}: expected more than a quarter of the {buckets} buckets"
            );
            return Err(LoadError::content(file, reason));
        }
        Ok(())
    }
}

impl Raw {
    /// `ACTIVATION` or `gated-ACTIVATION`, where `gated-gelu` means the one with a hyperbolic tangent. What it comes to may
    /// be told as well, and then counts.
    fn feed_forward(&self, file: &Path) -> Result<(Activation, bool), LoadError> {
        let told = self.feed_forward_proj.as_deref().unwrap_or("relu");
        let (name, is_gated) = match told.strip_prefix("gated-") {
            Some("gelu") => ("gelu_new", true),
            Some(name) => (name, true),
            None => (told, false),
        };
        let name = self.dense_act_fn.as_deref().unwrap_or(name);
        let unknown = |expected| {
            let reason = format!("`feed_forward_proj` is `{told}`, with the activation `{name}`: {expected}");
            LoadError::content(file, reason)
        };
        Ok((Activation::from_name(name).map_err(unknown)?, self.is_gated_act.unwrap_or(is_gated)))
    }
}
