//! The gated feed-forward block of Qwen and LLaMA.

use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, bail};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::layers::activation::silu;
use crate::layers::cpu::{TASK, is_plain, plain, vectorised};
use crate::layers::{Linear, Scope};
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
        self.down.forward(&silu_times(&self.gate.forward(rows)?, &self.up.forward(rows)?)?)
    }

    /// The same with weights that need no conversion where activations are of this type.
    fn in_type(&self, dtype: DType) -> Result<Self> {
        Ok(Self { gate: self.gate.in_type(dtype)?, up: self.up.in_type(dtype)?, down: self.down.in_type(dtype)? })
    }
}

/// `silu(gate) · up`, element by element of two tensors of one shape.
fn silu_times(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
    if is_plain(gate) { gate.apply_op2_no_bwd(up, &SiluTimes) } else { gate.silu()? * up }
}

struct SiluTimes;

impl CustomOp2 for SiluTimes {
    fn name(&self) -> &'static str {
        "silu-times"
    }

    fn cpu_fwd(&self, gate: &CpuStorage, l1: &Layout, up: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        if l1.dims() != l2.dims() {
            bail!("silu times: {:?} and {:?} do not have one shape", l1.dims(), l2.dims());
        }
        let (gate, up) = (plain(gate, l1)?, plain(up, l2)?);
        let mut out = vec![0.0; gate.len()];
        let tasks = out.par_chunks_mut(TASK).zip(gate.par_chunks(TASK)).zip(up.par_chunks(TASK));
        tasks.for_each(|((out, gate), up)| vectorised(Loop { out, gate, up }));
        Ok((CpuStorage::F32(out), l1.shape().clone()))
    }
}

struct Loop<'a> {
    out: &'a mut [f32],
    gate: &'a [f32],
    up: &'a [f32],
}

impl WithSimd for Loop<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for ((out, &gate), &up) in self.out.iter_mut().zip(self.gate).zip(self.up) {
            *out = silu(gate) * up;
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn the_product_is_candles() -> Result<()> {
        for width in [1, 3, 16, 37, 2000] {
            let random = |rows| Tensor::randn(0.0_f32, 1.0, (rows, width), &Device::Cpu);
            let (gate, up) = (random(70)?, random(70)?);
            let off = (silu_times(&gate, &up)? - (gate.silu()? * &up)?)?.abs()?.max_all()?.to_scalar::<f32>()?;
            assert!(off < 2e-6, "width {width}: off by {off}");
            assert!(silu_times(&gate, &random(69)?).is_err());
        }
        Ok(())
    }
}
