//! One layer: causal attention, then a feed-forward block, each on normalised rows and added to what came in.

use candle_core::{Result, Tensor};

use crate::layers::clip_text::ClipTextConfig;
use crate::layers::{Activation, LayerNorm, Linear, Scope, Segment, attend};
use crate::weights::WeightError;

#[derive(Debug, Clone)]
pub(super) struct Layer {
    before_attention: LayerNorm,
    queries: Linear,
    keys: Linear,
    values: Linear,
    out: Linear,
    before_inner: LayerNorm,
    inner: Linear,
    outer: Linear,
    activation: Activation,
    heads: usize,
}

impl Layer {
    pub(super) fn load(scope: &Scope<'_>, config: &ClipTextConfig) -> std::result::Result<Self, WeightError> {
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        let norm = |name: &str| LayerNorm::load(&scope.at(name), width, config.layer_norm_eps);
        let map = |name: &str| Linear::load(&scope.at("self_attn").at(name), width, width);
        Ok(Self {
            before_attention: norm("layer_norm1")?,
            queries: map("q_proj")?,
            keys: map("k_proj")?,
            values: map("v_proj")?,
            out: map("out_proj")?,
            before_inner: norm("layer_norm2")?,
            inner: Linear::load(&scope.at("mlp").at("fc1"), width, inner)?,
            outer: Linear::load(&scope.at("mlp").at("fc2"), inner, width)?,
            activation: config.activation,
            heads: config.num_attention_heads,
        })
    }

    /// Rows [tokens of all texts, width] to the same shape.
    pub(super) fn forward(&self, rows: &Tensor, segments: &[Segment]) -> Result<Tensor> {
        let rows = (rows + self.attention(&self.before_attention.forward(rows)?, segments)?)?;
        let inner = self.inner.forward(&self.before_inner.forward(&rows)?)?;
        &rows + self.outer.forward(&self.activation.apply(&inner)?)?
    }

    fn attention(&self, rows: &Tensor, segments: &[Segment]) -> Result<Tensor> {
        let (count, width) = rows.dims2()?;
        let heads = |map: &Linear| map.forward(rows)?.reshape((count, self.heads, width / self.heads));
        self.out.forward(&attend(&heads(&self.queries)?, &heads(&self.keys)?, &heads(&self.values)?, segments)?)
    }
}
