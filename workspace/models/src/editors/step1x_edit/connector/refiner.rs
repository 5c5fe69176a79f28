//! A block of the refiner: attention and a feed-forward part, each behind a gate that knows the time.

use candle_core::{Result, Tensor};

use crate::editors::step1x_edit::connector::ConnectorConfig;
use crate::editors::transformer::{Modulation, Owners};
use crate::layers::{Activation, LayerNorm, Linear, Scope, Segment, attend};
use crate::weights::WeightError;

/// What is added to variances.
const EPSILON: f64 = 1e-6;

/// One block.
#[derive(Debug)]
pub(super) struct Block {
    norms: [LayerNorm; 2],
    /// To queries, keys and values.
    fused: Linear,
    out: Linear,
    up: Linear,
    down: Linear,
    /// To the gates of attention and of the feed-forward part.
    gates: Linear,
    width: usize,
    heads: usize,
}

impl Block {
    pub(super) fn load(scope: &Scope<'_>, config: &ConnectorConfig) -> std::result::Result<Self, WeightError> {
        let (width, inner) = (config.width, 4 * config.width);
        let norm = |name: &str| LayerNorm::load(&scope.at(name), width, EPSILON);
        let linear = |name: &str, inputs: usize, outputs: usize| Linear::load(&scope.at(name), inputs, outputs);
        Ok(Self {
            norms: [norm("norm1")?, norm("norm2")?],
            fused: linear("self_attn_qkv", width, 3 * width)?,
            out: linear("self_attn_proj", width, width)?,
            up: linear("mlp.fc1", width, inner)?,
            down: linear("mlp.fc2", inner, width)?,
            gates: linear("adaLN_modulation.1", width, 2 * width)?,
            width,
            heads: config.heads,
        })
    }

    /// Maps rows [rows, width]. `condition` is [1, width], with `x · sigmoid(x)` applied.
    pub(super) fn forward(&self, rows: &Tensor, condition: &Tensor, segments: &[Segment]) -> Result<Tensor> {
        let values = self.gates.forward(condition)?;
        let owners = Owners::new([(0, rows.dim(0)?)]);
        let by = Modulation { values: &values, owners: &owners };
        let attended = self.attended(&self.norms[0].forward(rows)?, segments)?;
        let rows = by.add_gated(rows, &self.out.forward(&attended)?, 0)?;
        let inner = Activation::Silu.apply(&self.up.forward(&self.norms[1].forward(&rows)?)?)?;
        by.add_gated(&rows, &self.down.forward(&inner)?, self.width)
    }

    fn attended(&self, rows: &Tensor, segments: &[Segment]) -> Result<Tensor> {
        let (count, fused) = (rows.dim(0)?, self.fused.forward(rows)?);
        let part = |at: usize| {
            let part = fused.narrow(1, at * self.width, self.width)?;
            part.reshape((count, self.heads, self.width / self.heads))
        };
        attend(&part(0)?, &part(1)?, &part(2)?, segments)
    }
}
