//! Convolutions of pictures.
//!
//! On the processor in single precision a kernel of this crate runs, on weights that are brought into its order when they
//! are loaded; elsewhere candle's does.

mod blocked;
mod gather;
mod geometry;
mod panels;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, D, Layout, Result, Shape, Tensor, bail};

use self::blocked::{Sizes, convolve};
use self::geometry::Geometry;
use self::panels::Weights;
use crate::layers::Scope;
use crate::layers::cpu::{is_plain, plain};
use crate::weights::WeightError;

/// A convolution with square kernels over pictures [batch, channels, height, width], with a bias.
///
/// What becomes of a picture on the processor does not depend on the others in its batch, to the last bit.
#[derive(Debug, Clone)]
pub struct Convolution {
    geometry: Geometry,
    kept: Kept,
}

/// Weights as the device takes them.
#[derive(Debug, Clone)]
enum Kept {
    /// For the processor in single precision.
    Packed(Arc<Weights>),
    /// For candle: weight [outputs, inputs, kernel, kernel] and bias [outputs].
    Plain(Tensor, Tensor),
}

impl Convolution {
    /// Loads `weight` [outputs, inputs, kernel, kernel] and `bias` [outputs]. `padding` pixels of zeros are put on every
    /// side. No size but the padding may be zero.
    pub fn load(
        scope: &Scope<'_>,
        channels: (usize, usize),
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> std::result::Result<Self, WeightError> {
        Self::load_padded(scope, channels, kernel, stride, [padding; 4])
    }

    /// The same with a padding of its own on the left, on the right, above and below.
    pub fn load_padded(
        scope: &Scope<'_>,
        (inputs, outputs): (usize, usize),
        kernel: usize,
        stride: usize,
        padding: [usize; 4],
    ) -> std::result::Result<Self, WeightError> {
        let geometry = Geometry { inputs, outputs, kernel, stride, padding };
        if [inputs, outputs, kernel, stride].contains(&0) {
            return Err(scope.wrong(&format!(
                "a convolution of {inputs} to {outputs} channels with kernel {kernel} and stride {stride}: expected at \
                 least one of each"
            )));
        }
        let weight = scope.small("weight", &[outputs, inputs, kernel, kernel])?;
        let bias = scope.small("bias", &[outputs])?;
        Self::new(geometry, weight, bias).map_err(|error| scope.wrong(&format!("a convolution's weights: {error}")))
    }

    fn new(geometry: Geometry, weight: Tensor, bias: Tensor) -> Result<Self> {
        let kept = if is_plain(&weight) {
            let (weight, bias) = (weight.flatten_all()?.to_vec1::<f32>()?, bias.to_vec1::<f32>()?);
            Kept::Packed(Arc::new(Weights::new(&geometry, &weight, bias)))
        } else {
            Kept::Plain(weight, bias)
        };
        Ok(Self { geometry, kept })
    }

    /// Maps [batch, inputs, height, width] to [batch, outputs, (height + above + below − kernel) / stride + 1, …].
    ///
    /// Pictures are of the type and on the device of the weights. Refused are other numbers of channels, pictures without
    /// pixels, and such as are smaller than the kernel with their padding.
    pub fn forward(&self, pictures: &Tensor) -> Result<Tensor> {
        let (_, channels, height, width) = pictures.dims4()?;
        let sizes = self.geometry.output(height, width).map(|output| Sizes { input: (height, width), output });
        let Some(sizes) = sizes.filter(|_| channels == self.geometry.inputs && pictures.elem_count() > 0) else {
            bail!("convolution: pictures {:?} do not fit {:?}", pictures.dims(), self.geometry);
        };
        match &self.kept {
            Kept::Packed(weights) if is_plain(pictures) => pictures.contiguous()?.apply_op1_no_bwd(&Op {
                sizes,
                geometry: self.geometry,
                weights: weights.clone(),
            }),
            Kept::Packed(_) => bail!("convolution: pictures of {:?}: expected single precision", pictures.dtype()),
            Kept::Plain(weight, bias) => self.composite(pictures, weight, bias),
        }
    }

    /// Candle's own operations.
    fn composite(&self, pictures: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
        let Geometry { stride, padding: [left, right, top, bottom], .. } = self.geometry;
        let mapped = if [right, top, bottom] == [left; 3] {
            pictures.conv2d(weight, left, stride, 1, 1)?
        } else {
            let padded = pictures.pad_with_zeros(D::Minus1, left, right)?.pad_with_zeros(D::Minus2, top, bottom)?;
            padded.conv2d(weight, 0, stride, 1, 1)?
        };
        mapped.broadcast_add(&bias.reshape((1, (), 1, 1))?)
    }
}

struct Op {
    sizes: Sizes,
    geometry: Geometry,
    weights: Arc<Weights>,
}

impl CustomOp1 for Op {
    fn name(&self) -> &'static str {
        "convolution"
    }

    fn cpu_fwd(&self, pictures: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let out = convolve(plain(pictures, layout)?, &self.sizes, &self.geometry, &self.weights);
        let (height, width) = self.sizes.output;
        let shape = Shape::from((layout.dims()[0], self.geometry.outputs, height, width));
        Ok((CpuStorage::F32(out), shape))
    }
}
