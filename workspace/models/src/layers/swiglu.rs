//! The gated feed-forward block of Qwen and `LLaMA`.

use candle_core::{Result, Tensor};

use crate::layers::{Linear, Scope, cpu};
use crate::weights::WeightError;

/// `down(silu(gate(x)) · up(x))`.
#[derive(Debug, Clone)]
pub struct Swiglu {
    gate: Linear,
    up: Linear,
    down: Linear,
}

impl Swiglu {
    /// Loads `gate_proj`, `up_proj` and `down_proj`, all with a bias or all without.
    pub fn load(scope: &Scope<'_>, width: usize, inner: usize, bias: bool) -> std::result::Result<Self, WeightError> {
        let load = if bias { Linear::load } else { Linear::load_no_bias };
        Ok(Self {
            gate: load(&scope.at("gate_proj"), width, inner)?,
            up: load(&scope.at("up_proj"), width, inner)?,
            down: load(&scope.at("down_proj"), inner, width)?,
        })
    }

    /// Maps rows [rows, width] to the same shape.
    pub fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        self.down.forward(&cpu::silu_times(&self.gate.forward(rows)?, &self.up.forward(rows)?)?)
    }
}
