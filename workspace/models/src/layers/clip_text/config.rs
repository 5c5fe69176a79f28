//! The shape of a text encoder of CLIP, read from its `config.json`.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::layers::Activation;
use crate::load::{LoadError, check_epsilon, check_one_of, check_sizes, read_json};

/// What a `config.json` says of the text encoder.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipTextConfig {
    /// Width of a token's activations.
    pub hidden_size: usize,
    /// Inner width of the feed-forward block.
    pub intermediate_size: usize,
    /// Heads; their number divides the width.
    pub num_attention_heads: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// The most tokens of a text.
    pub max_position_embeddings: usize,
    /// Embeddings.
    pub vocab_size: usize,
    /// ε of the normalisation.
    pub layer_norm_eps: f64,
    /// Within the feed-forward block.
    pub activation: Activation,
    /// The token that ends a text; 2 stands in older files and means the greatest id of a text.
    pub eos_token_id: u32,
}

/// Defaults are those of transformers' `CLIPTextConfig`; sizes that tensors cannot tell have none.
#[derive(Deserialize)]
struct Raw {
    hidden_size: usize,
    intermediate_size: usize,
    num_attention_heads: usize,
    num_hidden_layers: usize,
    max_position_embeddings: Option<usize>,
    vocab_size: Option<usize>,
    layer_norm_eps: Option<f64>,
    hidden_act: Option<String>,
    eos_token_id: Option<u32>,
}

#[derive(Deserialize)]
struct Kind {
    architectures: Option<Vec<String>>,
    model_type: Option<String>,
}

impl ClipTextConfig {
    /// Reads a `config.json` whose keys lie at its top, or, for a whole CLIP, under `text_config`.
    pub fn read(file: &Path) -> Result<Self, LoadError> {
        let whole: Value = read_json(file)?;
        let fail = |error: serde_json::Error| LoadError::content(file, error.to_string());
        let kind = Kind::deserialize(&whole).map_err(fail)?;
        let architecture = kind.architectures.as_ref().and_then(|names| names.first()).map(String::as_str);
        check_one_of(file, "architectures", architecture, &["CLIPTextModel", "CLIPModel"])?;
        check_one_of(file, "model_type", kind.model_type.as_deref(), &["clip_text_model", "clip"])?;
        let raw = match whole.get("text_config") {
            Some(nested) if nested.is_object() => Raw::deserialize(nested),
            _ => Raw::deserialize(&whole),
        };
        Self::check(file, &raw.map_err(fail)?)
    }

    fn check(file: &Path, raw: &Raw) -> Result<Self, LoadError> {
        let name = raw.hidden_act.as_deref().unwrap_or("quick_gelu");
        let unknown = |expected| LoadError::content(file, format!("`hidden_act` is `{name}`: {expected}"));
        let config = Self {
            hidden_size: raw.hidden_size,
            intermediate_size: raw.intermediate_size,
            num_attention_heads: raw.num_attention_heads,
            num_hidden_layers: raw.num_hidden_layers,
            max_position_embeddings: raw.max_position_embeddings.unwrap_or(77),
            vocab_size: raw.vocab_size.unwrap_or(49408),
            layer_norm_eps: raw.layer_norm_eps.unwrap_or(1e-5),
            activation: Activation::from_name(name).map_err(unknown)?,
            eos_token_id: raw.eos_token_id.unwrap_or(49407),
        };
        let sizes = [
            ("hidden_size", config.hidden_size),
            ("intermediate_size", config.intermediate_size),
            ("num_attention_heads", config.num_attention_heads),
            ("num_hidden_layers", config.num_hidden_layers),
            ("max_position_embeddings", config.max_position_embeddings),
            ("vocab_size", config.vocab_size),
        ];
        check_sizes(file, &sizes)?;
        check_epsilon(file, "layer_norm_eps", config.layer_norm_eps)?;
        if !config.hidden_size.is_multiple_of(config.num_attention_heads) {
            let (width, heads) = (config.hidden_size, config.num_attention_heads);
            let reason = format!("`hidden_size` is {width}: expected a multiple of the {heads} heads");
            return Err(LoadError::content(file, reason));
        }
        Ok(config)
    }
}
