//! The text encoder of CLIP: a causal transformer with learned positions, normalised before each block.

use std::path::Path;

use editscale_models::layers::Activation;
use editscale_models::layers::clip_text::ClipTextConfig;
use editscale_models::load::LoadError;
use editscale_models::weights::Checkpoint;
use tch::{Device, Kind, Tensor};

use super::weights::read;
use super::{guarded, numbers};

/// The text encoder.
#[derive(Debug)]
pub struct ClipText {
    config: ClipTextConfig,
    tokens: Tensor,
    positions: Tensor,
    layers: Vec<Layer>,
    norm: Affine,
    device: Device,
}

#[derive(Debug)]
struct Layer {
    before_attention: Affine,
    queries: Affine,
    keys: Affine,
    values: Affine,
    out: Affine,
    before_inner: Affine,
    inner: Affine,
    outer: Affine,
}

/// Weights and biases of a map or of a normalisation.
#[derive(Debug)]
struct Affine {
    weight: Tensor,
    bias: Tensor,
}

/// Where weights come from.
struct Source<'a> {
    checkpoint: &'a Checkpoint,
    device: Device,
}

impl Source<'_> {
    fn affine(&self, name: &str, weight: &[i64]) -> Result<Affine, LoadError> {
        let part = |part: &str, shape: &[i64]| read(self.checkpoint, &format!("{name}.{part}"), shape, self.device);
        Ok(Affine { weight: part("weight", weight)?, bias: part("bias", weight.get(..1).unwrap_or_default())? })
    }

    fn layer(&self, at: usize, width: i64, inner: i64) -> Result<Layer, LoadError> {
        let part = |name: &str, shape: &[i64]| self.affine(&format!("encoder.layers.{at}.{name}"), shape);
        Ok(Layer {
            before_attention: part("layer_norm1", &[width])?,
            queries: part("self_attn.q_proj", &[width, width])?,
            keys: part("self_attn.k_proj", &[width, width])?,
            values: part("self_attn.v_proj", &[width, width])?,
            out: part("self_attn.out_proj", &[width, width])?,
            before_inner: part("layer_norm2", &[width])?,
            inner: part("mlp.fc1", &[inner, width])?,
            outer: part("mlp.fc2", &[width, inner])?,
        })
    }
}

impl Affine {
    fn map(&self, rows: &Tensor) -> Tensor {
        rows.linear(&self.weight, Some(&self.bias))
    }

    fn normalise(&self, rows: &Tensor, epsilon: f64) -> Tensor {
        rows.layer_norm(self.weight.size(), Some(&self.weight), Some(&self.bias), epsilon, false)
    }
}

impl Layer {
    /// Rows [tokens, width] to the same shape.
    fn forward(&self, rows: &Tensor, config: &ClipTextConfig, mask: &Tensor) -> Tensor {
        let normed = self.before_attention.normalise(rows, config.layer_norm_eps);
        let rows = rows + self.attention(&normed, config, mask);
        let inner = self.inner.map(&self.before_inner.normalise(&rows, config.layer_norm_eps));
        &rows + self.outer.map(&activated(&inner, config.activation))
    }

    fn attention(&self, rows: &Tensor, config: &ClipTextConfig, mask: &Tensor) -> Tensor {
        let (tokens, width) = (rows.size().first().copied().unwrap_or_default(), config.hidden_size as i64);
        let (heads, each) = (config.num_attention_heads as i64, width / config.num_attention_heads as i64);
        let by_head = |map: &Affine| map.map(rows).view([tokens, heads, each]).transpose(0, 1);
        let scores = by_head(&self.queries).matmul(&by_head(&self.keys).transpose(-1, -2)) / (each as f64).sqrt();
        let shares = (scores + mask).softmax(-1, Kind::Float);
        self.out.map(&shares.matmul(&by_head(&self.values)).transpose(0, 1).contiguous().view([tokens, width]))
    }
}

fn activated(rows: &Tensor, activation: Activation) -> Tensor {
    match activation {
        Activation::Gelu => rows.gelu("none"),
        Activation::GeluTanh => rows.gelu("tanh"),
        Activation::QuickGelu => rows * (rows * 1.702).sigmoid(),
        Activation::Silu => rows.silu(),
        Activation::Relu => rows.relu(),
    }
}

impl ClipText {
    /// Loads the component of a folder. Names of tensors may begin with `text_model.` or not; others are not looked at.
    pub fn load(folder: &Path, device: Device) -> Result<Self, LoadError> {
        let config = ClipTextConfig::read(&folder.join("config.json"))?;
        let bare = |stored: &str| stored.strip_prefix("text_model.").unwrap_or(stored).to_owned();
        let checkpoint = &Checkpoint::open(folder, bare)?;
        let source = Source { checkpoint, device };
        let (width, inner) = (config.hidden_size as i64, config.intermediate_size as i64);
        let table = |name: &str, rows: usize| {
            read(checkpoint, &format!("embeddings.{name}.weight"), &[rows as i64, width], device)
        };
        Ok(Self {
            tokens: table("token_embedding", config.vocab_size)?,
            positions: table("position_embedding", config.max_position_embeddings)?,
            layers: (0..config.num_hidden_layers).map(|at| source.layer(at, width, inner)).collect::<Result<_, _>>()?,
            norm: source.affine("final_layer_norm", &[width])?,
            device,
            config,
        })
    }

    /// The shape of the network.
    pub fn config(&self) -> &ClipTextConfig {
        &self.config
    }

    /// Every token after the final normalisation: [tokens, width].
    pub fn encode(&self, ids: &[u32]) -> Result<Vec<f32>, String> {
        let most = self.config.max_position_embeddings;
        if !(1..=most).contains(&ids.len()) {
            return Err(format!("a text has {} tokens: expected 1 to {most}", ids.len()));
        }
        guarded(|| {
            let count = ids.len() as i64;
            let ids: Vec<i64> = ids.iter().map(|id| i64::from(*id)).collect();
            let ids = Tensor::from_slice(&ids).to_device(self.device);
            let mut rows = self.tokens.index_select(0, &ids) + self.positions.narrow(0, 0, count);
            let mask = Tensor::full([count, count], f64::NEG_INFINITY, (Kind::Float, self.device)).triu(1);
            for layer in &self.layers {
                rows = layer.forward(&rows, &self.config, &mask);
            }
            numbers(&self.norm.normalise(&rows, self.config.layer_norm_eps))
        })
    }
}
