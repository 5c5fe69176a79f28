//! Pictures of twice the size.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use crate::layers::cpu::{is_plain, plain};

/// Pictures [batch, channels, height, width] of twice the height and width, each pixel as a square of four.
pub fn upsample2(pictures: &Tensor) -> Result<Tensor> {
    let (_, _, height, width) = pictures.dims4()?;
    if is_plain(pictures) {
        return pictures.contiguous()?.apply_op1_no_bwd(&Twice);
    }
    pictures.upsample_nearest2d(2 * height, 2 * width)
}

struct Twice;

impl CustomOp1 for Twice {
    fn name(&self) -> &'static str {
        "upsample-2"
    }

    fn cpu_fwd(&self, pictures: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let pictures = plain(pictures, layout)?;
        let (batch, channels, height, width) = layout.shape().dims4()?;
        let mut out = vec![0.0; 4 * pictures.len()];
        let plane = (height * width).max(1);
        out.par_chunks_mut(4 * plane).zip(pictures.par_chunks(plane)).for_each(|(out, from)| {
            for (out, from) in out.chunks_exact_mut(4 * width).zip(from.chunks_exact(width)) {
                let (upper, lower) = out.split_at_mut(2 * width);
                for (pair, &value) in upper.as_chunks_mut().0.iter_mut().zip(from) {
                    *pair = [value; 2];
                }
                lower.copy_from_slice(upper);
            }
        });
        Ok((CpuStorage::F32(out), Shape::from((batch, channels, 2 * height, 2 * width))))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;

    #[test]
    fn every_pixel_becomes_a_square() -> Result<()> {
        for shape in [(1, 1, 1, 1), (2, 3, 5, 4), (1, 2, 1, 9), (0, 2, 3, 4), (1, 2, 3, 0)] {
            let pictures = Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu)?;
            let fast = upsample2(&pictures)?;
            assert_eq!(fast.dims(), [shape.0, shape.1, 2 * shape.2, 2 * shape.3]);
            if fast.elem_count() > 0 {
                let plain = upsample2(&pictures.to_dtype(DType::F64)?)?.to_dtype(DType::F32)?;
                assert_eq!(fast.flatten_all()?.to_vec1::<f32>()?, plain.flatten_all()?.to_vec1::<f32>()?);
            }
        }
        Ok(())
    }
}
