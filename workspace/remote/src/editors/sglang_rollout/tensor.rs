//! Tensors as the server writes them: a `safetensors` file with one tensor called `t`, in a map that says the same again.

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;

use super::item::dimensions;

/// The longest header of such a file, which tells of one tensor; real ones have 64 bytes or so.
const MOST_HEADER_BYTES: u64 = 4096;

/// A tensor in its file.
#[derive(Debug, Deserialize)]
pub(super) struct Packed<'a> {
    #[serde(rename = "__tensor__")]
    is_tensor: bool,
    #[serde(borrow)]
    data: &'a [u8],
    #[serde(deserialize_with = "dimensions")]
    shape: Vec<usize>,
}

/// A tensor in single precision.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tensor {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f32>,
}

impl Packed<'_> {
    /// The dimensions that it says it has; [`Self::tensor`] checks them.
    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Unpacks it. Any of its values may be infinite or no number. The caller calls it `name`.
    pub(super) fn tensor(&self, name: &str) -> Result<Tensor, String> {
        if !self.is_tensor {
            return Err(format!("`{name}`: expected a tensor, found something else"));
        }
        let header = self.data.first_chunk::<8>().map(|length| u64::from_le_bytes(*length));
        if header.is_none_or(|length| length > MOST_HEADER_BYTES) {
            return Err(format!(
                "`{name}`: expected a safetensors file with a header of at most {MOST_HEADER_BYTES} bytes"
            ));
        }
        let bad = |error: safetensors::SafeTensorError| format!("`{name}`: expected a safetensors file: {error}");
        let file = SafeTensors::deserialize(self.data).map_err(bad)?;
        let view = file.tensor("t").map_err(bad)?;
        if view.shape() != self.shape {
            let (said, found) = (&self.shape, view.shape());
            return Err(format!("`{name}`: expected a tensor of {said:?} as it says, found {found:?}"));
        }
        let values = values(view.dtype(), view.data());
        let values = values.ok_or_else(|| format!("`{name}`: expected numbers, found {:?}", view.dtype()))?;
        Ok(Tensor { shape: self.shape.clone(), values })
    }
}

fn values(dtype: Dtype, data: &[u8]) -> Option<Vec<f32>> {
    Some(match dtype {
        Dtype::F64 => each(data, |bytes| f64::from_le_bytes(bytes) as f32),
        Dtype::F32 => each(data, f32::from_le_bytes),
        Dtype::F16 => each(data, |bytes| f16::from_le_bytes(bytes).to_f32()),
        Dtype::BF16 => each(data, |bytes| bf16::from_le_bytes(bytes).to_f32()),
        Dtype::I64 => each(data, |bytes| i64::from_le_bytes(bytes) as f32),
        Dtype::I32 => each(data, |bytes| i32::from_le_bytes(bytes) as f32),
        _ => return None,
    })
}

fn each<const N: usize>(data: &[u8], value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    data.as_chunks::<N>().0.iter().map(|bytes| value(*bytes)).collect()
}
