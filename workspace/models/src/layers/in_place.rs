//! Sums and products where one side lies: on the processor a buffer less is taken from the system, filled and given back.

use candle_core::{CpuStorage, InplaceOp2, Layout, Result, Tensor, bail};
use rayon::prelude::*;

use crate::layers::cpu::{TASK, is_plain, plain, plain_mut};

/// `own + other` of one shape; nobody else may use what `own` is made of.
pub(crate) fn sum(own: Tensor, other: &Tensor) -> Result<Tensor> {
    if !lie_plain(&own, other) {
        return own + other;
    }
    own.inplace_op2(other, &Operation::Sum)?;
    Ok(own)
}

/// `own · other` of one shape; nobody else may use what `own` is made of.
pub(crate) fn product(own: Tensor, other: &Tensor) -> Result<Tensor> {
    if !lie_plain(&own, other) {
        return own * other;
    }
    own.inplace_op2(other, &Operation::Product)?;
    Ok(own)
}

/// candle's own share their work out to threads of its own, for which the caller waits without sleeping: where other work has the
/// cores, that costs as much again.
fn lie_plain(own: &Tensor, other: &Tensor) -> bool {
    is_plain(own) && is_plain(other) && own.is_contiguous() && other.is_contiguous()
}

enum Operation {
    Sum,
    Product,
}

impl InplaceOp2 for Operation {
    fn name(&self) -> &'static str {
        "in-place"
    }

    fn cpu_fwd(&self, own: &mut CpuStorage, l1: &Layout, other: &CpuStorage, l2: &Layout) -> Result<()> {
        if l1.dims() != l2.dims() {
            bail!("in place: {:?} and {:?} do not have one shape", l1.dims(), l2.dims());
        }
        let (own, other) = (plain_mut(own, l1)?, plain(other, l2)?);
        own.par_chunks_mut(TASK).zip(other.par_chunks(TASK)).for_each(|(own, other)| {
            let pairs = own.iter_mut().zip(other);
            match self {
                Self::Sum => pairs.for_each(|(own, &other)| *own += other),
                Self::Product => pairs.for_each(|(own, &other)| *own *= other),
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn they_are_what_candle_makes_of_them() -> Result<()> {
        for shape in [(1, 1), (7, 33), (300, 257)] {
            let random = || Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu);
            let (own, other) = (random()?, random()?);
            let (sums, products) = (sum(own.copy()?, &other)?, product(own.copy()?, &other)?);
            assert_eq!(sums.to_vec2::<f32>()?, (&own + &other)?.to_vec2::<f32>()?);
            assert_eq!(products.to_vec2::<f32>()?, (&own * &other)?.to_vec2::<f32>()?);
            // What lies otherwise is left to candle.
            let turned = other.t()?.contiguous()?.t()?;
            assert_eq!(sum(own.copy()?, &turned)?.to_vec2::<f32>()?, sums.to_vec2::<f32>()?);
            let narrow = |tensor: &Tensor| tensor.to_dtype(DType::BF16);
            assert_eq!(product(narrow(&own)?, &narrow(&other)?)?.dtype(), DType::BF16);
            assert!(sum(own, &Tensor::zeros((shape.0, shape.1 + 1), DType::F32, &Device::Cpu)?).is_err());
        }
        Ok(())
    }
}
