//! One layer: attention, then a feed-forward block, each on normalised rows and added to what came in.

use candle_core::{Result, Tensor};

use crate::layers::t5::T5Config;
use crate::layers::t5::attention::{Attention, Text};
use crate::layers::{Activation, Linear, RmsNorm, Scope};
use crate::weights::WeightError;

#[derive(Debug, Clone)]
pub(super) struct Layer {
    before_attention: RmsNorm,
    attention: Attention,
    before_inner: RmsNorm,
    inner: Inner,
}

/// `out(activation(gate(x)) · up(x))`, or without `up`.
#[derive(Debug, Clone)]
struct Inner {
    gate: Linear,
    up: Option<Linear>,
    out: Linear,
    activation: Activation,
}

impl Layer {
    /// Loads a block: `layer.0` is its attention, `layer.1` its feed-forward block.
    pub(super) fn load(scope: &Scope<'_>, config: &T5Config) -> std::result::Result<Self, WeightError> {
        let (first, second) = (scope.at("layer").at(0), scope.at("layer").at(1));
        let norm =
            |scope: &Scope<'_>| RmsNorm::load(&scope.at("layer_norm"), config.d_model, config.layer_norm_epsilon);
        Ok(Self {
            before_attention: norm(&first)?,
            attention: Attention::load(&first.at("SelfAttention"), config)?,
            before_inner: norm(&second)?,
            inner: Inner::load(&second.at("DenseReluDense"), config)?,
        })
    }

    /// Rows [tokens of all texts, width] to the same shape.
    pub(super) fn forward(&self, rows: &Tensor, texts: &[Text]) -> Result<Tensor> {
        let rows = (rows + self.attention.forward(&self.before_attention.forward(rows)?, texts)?)?;
        &rows + self.inner.forward(&self.before_inner.forward(&rows)?)?
    }
}

impl Inner {
    fn load(scope: &Scope<'_>, config: &T5Config) -> std::result::Result<Self, WeightError> {
        let into = |name: &str| Linear::load_no_bias(&scope.at(name), config.d_model, config.d_ff);
        let (gate, up) = if config.is_gated { (into("wi_0")?, Some(into("wi_1")?)) } else { (into("wi")?, None) };
        let out = Linear::load_no_bias(&scope.at("wo"), config.d_ff, config.d_model)?;
        Ok(Self { gate, up, out, activation: config.activation })
    }

    fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        let gate = self.activation.apply(&self.gate.forward(rows)?)?;
        match &self.up {
            Some(up) => self.out.forward(&(gate * up.forward(rows)?)?),
            None => self.out.forward(&gate),
        }
    }
}
