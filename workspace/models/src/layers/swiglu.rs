//! The gated feed-forward block of Qwen and LLaMA.

use candle_core::{DType, Result, Tensor};

use crate::layers::{Linear, Scope, cpu};
use crate::weights::WeightError;

/// How many rows go through the block at a time on the processor. Inner activations of many more would not stay in its
/// cache, and their memory would come anew from the system each time, which costs more than what is done with it.
const ROWS: usize = 1024;

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
        let count = rows.dim(0)?;
        if !rows.device().is_cpu() || count <= ROWS {
            return self.of_some(rows);
        }
        let widened = self.in_type(rows.dtype())?;
        let part = |start: usize| widened.of_some(&rows.narrow(0, start, ROWS.min(count - start))?);
        Tensor::cat(&(0..count).step_by(ROWS).map(part).collect::<Result<Vec<_>>>()?, 0)
    }

    fn of_some(&self, rows: &Tensor) -> Result<Tensor> {
        self.down.forward(&cpu::silu_times(&self.gate.forward(rows)?, &self.up.forward(rows)?)?)
    }

    /// The same with weights that need no conversion where activations are of this type.
    fn in_type(&self, dtype: DType) -> Result<Self> {
        Ok(Self { gate: self.gate.in_type(dtype)?, up: self.up.in_type(dtype)?, down: self.down.in_type(dtype)? })
    }
}
