//! Pictures as planes of channels, and as rows of pixels.

use candle_core::{CpuStorage, CustomOp1, InplaceOp2, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use crate::layers::cpu::{is_plain, plain, plain_mut};

/// Edge of the squares in which numbers change places: their source and their target both stay in the nearest cache.
const EDGE: usize = 32;

/// Pictures [batch, channels, height, width] as rows of pixels [batch · height · width, channels].
pub fn rows_of(pictures: &Tensor) -> Result<Tensor> {
    let (batch, channels, height, width) = pictures.dims4()?;
    let planes = pictures.reshape((batch, channels, height * width))?;
    swap(&planes)?.reshape((batch * height * width, channels))
}

/// Rows of pixels [batch · height · width, channels] as pictures [batch, channels, height, width].
pub fn planes_of(rows: &Tensor, batch: usize, height: usize, width: usize) -> Result<Tensor> {
    let channels = rows.dim(1)?;
    let rows = rows.reshape((batch, height * width, channels))?;
    swap(&rows)?.reshape((batch, channels, height, width))
}

/// Adds a number to each plane: pictures [batch, channels, height, width] that nobody else uses, numbers [batch, channels]. On the
/// processor they are added where the pictures lie.
pub fn add_to_planes(pictures: Tensor, numbers: &Tensor) -> Result<Tensor> {
    let (batch, channels) = numbers.dims2()?;
    if is_plain(&pictures) && pictures.is_contiguous() && numbers.is_contiguous() {
        pictures.inplace_op2(numbers, &AddToPlanes)?;
        return Ok(pictures);
    }
    pictures.broadcast_add(&numbers.reshape((batch, channels, 1, 1))?)
}

struct AddToPlanes;

impl InplaceOp2 for AddToPlanes {
    fn name(&self) -> &'static str {
        "add-to-planes"
    }

    fn cpu_fwd(&self, pictures: &mut CpuStorage, l1: &Layout, numbers: &CpuStorage, l2: &Layout) -> Result<()> {
        let (batch, channels, height, width) = l1.shape().dims4()?;
        if l2.dims() != [batch, channels] {
            bail!("add to planes: pictures {:?} and numbers {:?} do not fit", l1.dims(), l2.dims());
        }
        let (pictures, numbers) = (plain_mut(pictures, l1)?, plain(numbers, l2)?);
        let planes = pictures.par_chunks_mut((height * width).max(1)).zip(numbers);
        planes.for_each(|(plane, &number)| plane.iter_mut().for_each(|value| *value += number));
        Ok(())
    }
}

/// [batch, a, b] to [batch, b, a], contiguous.
fn swap(matrices: &Tensor) -> Result<Tensor> {
    if is_plain(matrices) {
        return matrices.contiguous()?.apply_op1_no_bwd(&Swap);
    }
    matrices.transpose(1, 2)?.contiguous()
}

struct Swap;

impl CustomOp1 for Swap {
    fn name(&self) -> &'static str {
        "swap-rows-and-columns"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, rows, columns) = layout.shape().dims3()?;
        let values = plain(storage, layout)?;
        let mut out = vec![0.0; values.len()];
        if !out.is_empty() {
            let matrices = out.par_chunks_mut(rows * columns).zip(values.par_chunks(rows * columns));
            matrices.for_each(|(out, values)| {
                let matrix = Matrix { values, rows, columns };
                let strips = out.par_chunks_mut(EDGE * rows).enumerate();
                strips.for_each(|(strip, out)| matrix.swap_strip(strip * EDGE, out));
            });
        }
        Ok((CpuStorage::F32(out), Shape::from((batch, columns, rows))))
    }
}

/// A matrix [rows, columns].
#[derive(Clone, Copy)]
struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
}

impl Matrix<'_> {
    /// Writes the columns from `first` on as rows of `out`.
    fn swap_strip(self, first: usize, out: &mut [f32]) {
        let Self { values, rows, columns } = self;
        for start in (0..rows).step_by(EDGE) {
            let end = (start + EDGE).min(rows);
            for (column, out) in out.chunks_exact_mut(rows).enumerate() {
                let from = values[start * columns + first + column..].iter().step_by(columns);
                out[start..end].iter_mut().zip(from).for_each(|(out, &value)| *out = value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn rows_and_planes_are_each_others_inverse() -> Result<()> {
        for shape in [(1, 1, 1, 1), (2, 3, 5, 7), (1, 70, 9, 11), (3, 64, 8, 8), (2, 33, 1, 31)] {
            let pictures = Tensor::randn(0.0_f32, 1.0, shape, &Device::Cpu)?;
            let (batch, channels, height, width) = shape;
            let rows = rows_of(&pictures)?;
            let right = pictures.permute((0, 2, 3, 1))?.contiguous()?.reshape((batch * height * width, channels))?;
            assert_eq!(rows.to_vec2::<f32>()?, right.to_vec2::<f32>()?);
            let back = planes_of(&rows, batch, height, width)?;
            assert_eq!(back.flatten_all()?.to_vec1::<f32>()?, pictures.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok(())
    }

    #[test]
    fn every_plane_gets_its_number() -> Result<()> {
        let pictures = Tensor::randn(0.0_f32, 1.0, (2, 3, 5, 7), &Device::Cpu)?;
        let numbers = Tensor::randn(0.0_f32, 1.0, (2, 3), &Device::Cpu)?;
        let right = pictures.broadcast_add(&numbers.reshape((2, 3, 1, 1))?)?;
        let ours = add_to_planes(pictures.copy()?, &numbers)?;
        assert_eq!(ours.flatten_all()?.to_vec1::<f32>()?, right.flatten_all()?.to_vec1::<f32>()?);
        assert!(add_to_planes(pictures, &numbers.narrow(1, 0, 2)?.contiguous()?).is_err());
        Ok(())
    }
}
