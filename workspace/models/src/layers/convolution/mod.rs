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

use std::ops::Range;
use std::sync::Arc;

use candle_core::{CpuStorage, CustomOp1, D, Layout, Result, Shape, Tensor, bail};

use self::blocked::{Sizes, convolve};
use self::geometry::Geometry;
pub use self::geometry::Kernel;
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
    /// Loads `weight` `[outputs, inputs, side, side]` and `bias` `[outputs]`. No size but the padding may be zero.
    pub fn load(
        scope: &Scope<'_>,
        (inputs, outputs): (usize, usize),
        kernel: Kernel,
    ) -> std::result::Result<Self, WeightError> {
        let side = kernel.side;
        Self::of_weight(scope, (inputs, outputs), kernel, || scope.small("weight", &[outputs, inputs, side, side]))
    }

    /// The same from kernels that go over time as well, [outputs, inputs, times, side, side], as autoencoders of videos have
    /// them: where nothing but zeros came before a single frame, only their last tap meets anything. Others are read as they are.
    pub fn load_last_tap(
        scope: &Scope<'_>,
        (inputs, outputs): (usize, usize),
        kernel: Kernel,
    ) -> std::result::Result<Self, WeightError> {
        let side = kernel.side;
        let times = match scope.shape("weight").as_deref() {
            Some(&[_, _, times, _, _]) if times > 0 => times,
            _ => return Self::load(scope, (inputs, outputs), kernel),
        };
        Self::of_weight(scope, (inputs, outputs), kernel, || {
            let whole = scope.small("weight", &[outputs, inputs, times, side, side])?;
            let tap = whole.narrow(2, times - 1, 1).and_then(|tap| tap.squeeze(2)?.contiguous());
            tap.map_err(|error| scope.device_error("weight", error))
        })
    }

    fn of_weight(
        scope: &Scope<'_>,
        (inputs, outputs): (usize, usize),
        Kernel { side, stride, padding }: Kernel,
        weight: impl FnOnce() -> std::result::Result<Tensor, WeightError>,
    ) -> std::result::Result<Self, WeightError> {
        let geometry = Geometry { inputs, outputs, kernel: side, stride, padding };
        if [inputs, outputs, side, stride].contains(&0) {
            return Err(scope.wrong(&format!(
                "a convolution of {inputs} to {outputs} channels with kernel {side} and stride {stride}: expected at \
                 least one of each"
            )));
        }
        let (weight, bias) = (weight()?, scope.small("bias", &[outputs])?);
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
            Kept::Plain(weight, bias) => {
                let most = if pictures.device().is_cpu() { usize::MAX } else { MOST_UNFOLDED };
                self.composite(pictures, weight, bias, most)
            }
        }
    }

    /// Candle's own operations, in parts of at most so many unfolded numbers.
    fn composite(&self, pictures: &Tensor, weight: &Tensor, bias: &Tensor, most: usize) -> Result<Tensor> {
        let (batch, _, height, width) = pictures.dims4()?;
        let Some((rows, columns)) = self.geometry.output(height, width) else {
            bail!("convolution: pictures {:?} do not fit {:?}", pictures.dims(), self.geometry);
        };
        let unfolded = self.geometry.inputs * self.geometry.kernel * self.geometry.kernel * columns;
        let parts = parts(batch, rows, unfolded, most);
        let bias = bias.reshape((1, (), 1, 1))?;
        let mut mapped = Vec::with_capacity(parts.len());
        for part in parts {
            mapped.push(self.part(pictures, weight, &part, rows)?.broadcast_add(&bias)?);
        }
        if mapped.len() == 1 {
            return mapped.remove(0).contiguous();
        }
        // Bands of one picture lie beneath each other, pictures follow each other.
        let bands = mapped.len() / batch.max(1);
        if bands <= 1 {
            return Tensor::cat(&mapped, 0);
        }
        let whole = mapped.chunks(bands).map(|bands| Tensor::cat(bands, 2)).collect::<Result<Vec<_>>>()?;
        Tensor::cat(&whole, 0)
    }

    /// Some pictures, or a band of rows of the result of one.
    fn part(&self, pictures: &Tensor, weight: &Tensor, part: &Part, rows: usize) -> Result<Tensor> {
        let Geometry { stride, kernel, padding: [left, right, top, bottom], .. } = self.geometry;
        let pictures = pictures.narrow(0, part.pictures.start, part.pictures.len())?;
        if part.rows == (0..rows) && [right, top, bottom] == [left; 3] {
            return pictures.contiguous()?.conv2d(weight, left, stride, 1, 1);
        }
        let padded = pictures.pad_with_zeros(D::Minus1, left, right)?.pad_with_zeros(D::Minus2, top, bottom)?;
        let reach = (part.rows.len() - 1) * stride + kernel;
        padded.narrow(2, part.rows.start * stride, reach)?.contiguous()?.conv2d(weight, 0, stride, 1, 1)
    }
}

/// candle unfolds pictures for a convolution on a card, and its kernels count in 32 bits: beyond, the result would be memory
/// that nothing was written to. A quarter of that bounds the memory as well.
const MOST_UNFOLDED: usize = 1 << 30;

/// A part of a batch that is computed at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    pictures: Range<usize>,
    /// Rows of the result; all of them where there is more than one picture.
    rows: Range<usize>,
}

/// A batch in parts of at most `most` unfolded numbers, of which each row of each picture's result takes `unfolded`: whole
/// pictures where they fit, else equal bands of rows, the same for each picture.
fn parts(batch: usize, rows: usize, unfolded: usize, most: usize) -> Vec<Part> {
    let fitting = most / unfolded.max(1);
    if fitting >= rows {
        let step = (fitting / rows.max(1)).max(1);
        let part = |from: usize| Part { pictures: from..batch.min(from + step), rows: 0..rows };
        return (0..batch).step_by(step).map(part).collect();
    }
    let step = fitting.max(1);
    let bands = |picture: usize| {
        let band = move |from: usize| Part { pictures: picture..picture + 1, rows: from..rows.min(from + step) };
        (0..rows).step_by(step).map(band)
    };
    (0..batch).flat_map(bands).collect()
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
