//! From the pairs of a file to the additions of layers.

use std::collections::BTreeMap;
use std::sync::Arc;

use candle_core::{DType, Result as CandleResult, Tensor};

use crate::layers::{Compute, LowRank};
use crate::load::LoadError;
use crate::weights::WeightError;

use super::Adaptable;
use super::alphas::Alphas;
use super::file::AdapterFile;
use super::keys::{Pair, Target, pairs, targets};

/// One pair, in single precision: `up` holds its strength.
struct Part {
    /// [rank, inputs].
    down: Tensor,
    /// [rows, rank].
    up: Tensor,
    /// The row of the layer that it begins at.
    start: usize,
}

/// Reads parts of one file.
struct Reader<'a> {
    file: &'a AdapterFile,
    alphas: Alphas,
    scale: f32,
}

/// The addition of each layer.
pub(super) fn additions(
    file: &AdapterFile,
    scale: f32,
    layers: &[Adaptable],
    compute: &Compute,
) -> Result<Vec<Option<Arc<LowRank>>>, LoadError> {
    let refuse = |reason: String| LoadError::content(&file.path, reason);
    let pairs = pairs(file.names()).map_err(refuse)?;
    if pairs.is_empty() {
        return Err(refuse("holds no tensors: expected those of a low-rank adapter".to_owned()));
    }
    let reader = Reader { file, alphas: Alphas::of(file, &pairs)?, scale };
    let targets = targets(layers);
    let mut parts: BTreeMap<usize, Vec<Part>> = BTreeMap::new();
    for (name, pair) in &pairs {
        let Some(&target) = targets.get(name) else { return Err(refuse(no_layer(name, pair))) };
        let Some(layer) = layers.get(target.layer) else { continue };
        parts.entry(target.layer).or_default().push(reader.part(name, pair, target, layer.inputs)?);
    }
    let whole = |(at, layer): (usize, &Adaptable)| {
        let Some(parts) = parts.get(&at) else { return Ok(None) };
        let outputs = layer.outputs.iter().sum();
        let placed = joined(parts, outputs).and_then(|addition| placed(&addition, compute));
        placed.map(|addition| Some(Arc::new(addition))).map_err(|source| {
            WeightError::Device { file: file.path.clone(), name: layer.name.clone(), source: source.into() }.into()
        })
    };
    layers.iter().enumerate().map(whole).collect()
}

fn no_layer(name: &str, pair: &Pair) -> String {
    let stored = [&pair.down, &pair.up, &pair.alpha].into_iter().flatten().next().map_or(name, String::as_str);
    format!("tensor `{stored}` is for a layer `{name}`, and this transformer has none")
}

impl Reader<'_> {
    fn part(&self, name: &str, pair: &Pair, target: Target, inputs: usize) -> Result<Part, LoadError> {
        let (down, up) = match (&pair.down, &pair.up) {
            (Some(down), Some(up)) => (down, up),
            (Some(found), None) => return Err(self.half(name, found, "lora_B")),
            (None, Some(found)) => return Err(self.half(name, found, "lora_A")),
            (None, None) => return Err(self.refuse(format!("has an alpha for layer `{name}`, and no matrices"))),
        };
        let rank = self.rank(down)?;
        let strength = self.alphas.strength(name, rank, || self.number(pair.alpha.as_deref().unwrap_or_default()))?;
        let strength = strength * f64::from(self.scale);
        if !strength.is_finite() {
            return Err(self.refuse(format!("has a strength for layer `{name}` that is not finite")));
        }
        let (down, stored) = (self.file.tensor(down, &[rank, inputs])?, self.file.tensor(up, &[target.rows, rank])?);
        let scaled = (&stored * strength).and_then(|up| if target.is_swapped { swapped(&up) } else { Ok(up) });
        let refused = |source: candle_core::Error| self.device_error(up, source);
        Ok(Part { down, up: scaled.map_err(refused)?, start: target.start })
    }

    /// The rank of a pair, by its first matrix.
    fn rank(&self, down: &str) -> Result<usize, LoadError> {
        match self.file.shape(down).as_deref() {
            Some(&[rank, _]) if rank > 0 => Ok(rank),
            shape => {
                let found = shape.unwrap_or_default();
                Err(self.refuse(format!("tensor `{down}` has shape {found:?}: expected [rank, inputs]")))
            }
        }
    }

    /// The one number of a tensor.
    fn number(&self, name: &str) -> Result<f64, LoadError> {
        let shape = self.file.shape(name).unwrap_or_default();
        if shape.iter().product::<usize>() != 1 {
            return Err(self.refuse(format!("tensor `{name}` has shape {shape:?}: expected one number")));
        }
        let tensor = self.file.tensor(name, &shape)?;
        let number = tensor.reshape(()).and_then(|number| number.to_scalar::<f32>());
        number.map(f64::from).map_err(|source| self.device_error(name, source))
    }

    fn half(&self, name: &str, found: &str, missing: &str) -> LoadError {
        self.refuse(format!("has `{found}` and no `{missing}` for layer `{name}`: expected both"))
    }

    fn refuse(&self, reason: String) -> LoadError {
        LoadError::content(&self.file.path, reason)
    }

    fn device_error(&self, name: &str, source: candle_core::Error) -> LoadError {
        WeightError::Device { file: self.file.path.clone(), name: name.to_owned(), source: source.into() }.into()
    }
}

/// Halves of rows in the other order.
fn swapped(up: &Tensor) -> CandleResult<Tensor> {
    let half = up.dim(0)? / 2;
    Tensor::cat(&[up.narrow(0, half, half)?, up.narrow(0, 0, half)?], 0)
}

/// Parts of one layer as one pair: ranks beside each other, and nothing in rows that a part leaves alone.
fn joined(parts: &[Part], outputs: usize) -> CandleResult<LowRank> {
    let padded = |part: &Part| {
        let (rows, rank) = part.up.dims2()?;
        let zeros = |rows: usize| Tensor::zeros((rows, rank), DType::F32, part.up.device());
        let after = outputs.saturating_sub(part.start + rows);
        let all =
            [(part.start > 0).then(|| zeros(part.start)), Some(Ok(part.up.clone())), (after > 0).then(|| zeros(after))];
        Tensor::cat(&all.into_iter().flatten().collect::<CandleResult<Vec<_>>>()?, 0)
    };
    let ups = parts.iter().map(padded).collect::<CandleResult<Vec<_>>>()?;
    let downs: Vec<&Tensor> = parts.iter().map(|part| &part.down).collect();
    Ok(LowRank::new(Tensor::cat(&downs, 0)?, Tensor::cat(&ups, 1)?))
}

/// Where the transformer computes, in its type.
fn placed(addition: &LowRank, compute: &Compute) -> CandleResult<LowRank> {
    addition.map(|matrix| {
        let narrow = matrix.to_dtype(compute.dtype)?;
        let largest = narrow.to_dtype(DType::F32)?.abs()?.max_all()?.to_scalar::<f32>()?;
        if !largest.is_finite() {
            candle_core::bail!("a value is too large for {:?}: expected an adapter for a wider `dtype`", compute.dtype);
        }
        narrow.to_device(&compute.device)
    })
}
