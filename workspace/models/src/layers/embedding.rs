//! Rows of a table by their numbers.

use std::borrow::Cow;
use std::sync::Arc;

use candle_core::quantized::{QStorage, QTensor};
use candle_core::{DType, Device, Result, Tensor, bail};

use crate::layers::Scope;
use crate::weights::{GgufWeight, WeightError};

/// A table of shape [tokens, width].
#[derive(Debug, Clone)]
pub struct Embedding {
    table: Table,
    tokens: usize,
}

#[derive(Debug, Clone)]
enum Table {
    Dense(Tensor),
    /// Blocks of a few bits a number, in the machine's own memory: a row is a whole number of blocks, and only the rows that are
    /// asked for go where the model computes.
    Quantised(Arc<QTensor>, Device),
}

impl Embedding {
    /// Loads `weight`, in the type that weights are kept in.
    pub fn load(scope: &Scope<'_>, tokens: usize, width: usize) -> std::result::Result<Self, WeightError> {
        let table = match scope.matrix("weight", &[tokens, width])? {
            GgufWeight::Dense(table) => Table::Dense(table),
            GgufWeight::Quantised(table) => {
                let here = brought_here(table).map_err(|error| scope.device_error("weight", error))?;
                Table::Quantised(here, scope.compute().device.clone())
            }
        };
        Ok(Self { table, tokens })
    }

    /// How many tokens there are.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// The rows of tokens, [ids, width], in a type. An id that has no row is an error.
    pub fn forward(&self, ids: &[u32], dtype: DType) -> Result<Tensor> {
        let tokens = self.tokens();
        if let Some(id) = ids.iter().find(|id| **id as usize >= tokens) {
            bail!("embedding: there is no token {id}: the model has {tokens}");
        }
        match &self.table {
            Table::Dense(table) => table.index_select(&Tensor::new(ids, table.device())?, 0)?.to_dtype(dtype),
            Table::Quantised(table, device) => rows(table, ids)?.to_device(device)?.to_dtype(dtype),
        }
    }

    /// The first rows, [count, width], in a type.
    pub fn first(&self, count: usize, dtype: DType) -> Result<Tensor> {
        match &self.table {
            Table::Dense(table) => table.narrow(0, 0, count)?.to_dtype(dtype),
            Table::Quantised(..) => self.forward(&(0..count as u32).collect::<Vec<_>>(), dtype),
        }
    }
}

/// A quantised table in the machine's own memory.
fn brought_here(table: Arc<QTensor>) -> Result<Arc<QTensor>> {
    if table.device().is_cpu() {
        return Ok(table);
    }
    let data = QStorage::from_data(table.data()?, &Device::Cpu, table.dtype())?;
    Ok(Arc::new(QTensor::new(data, table.shape().clone())?))
}

/// Some rows of a quantised table, and no others, as numbers.
fn rows(table: &QTensor, ids: &[u32]) -> Result<Tensor> {
    let (tokens, width) = table.shape().dims2()?;
    if ids.is_empty() {
        return Tensor::zeros((0, width), DType::F32, &Device::Cpu);
    }
    let data = table.data()?;
    let bytes = data.len() / tokens;
    let picked: Vec<u8> = ids.iter().flat_map(|&id| &data[id as usize * bytes..][..bytes]).copied().collect();
    let picked = QStorage::from_data(Cow::Owned(picked), &Device::Cpu, table.dtype())?;
    QTensor::new(picked, (ids.len(), width))?.dequantize(&Device::Cpu)
}

#[cfg(test)]
mod tests {
    use candle_core::quantized::GgmlDType;

    use super::*;

    #[test]
    fn rows_of_blocks_are_those_of_the_table() -> Result<()> {
        let table = Tensor::randn(0.0_f32, 1.0, (7, 512), &Device::Cpu)?;
        for dtype in [GgmlDType::Q8_0, GgmlDType::Q4K, GgmlDType::Q6K] {
            let blocks = Arc::new(QTensor::quantize(&table, dtype)?);
            let right = blocks.dequantize(&Device::Cpu)?;
            let embedding = Embedding { table: Table::Quantised(blocks, Device::Cpu), tokens: 7 };
            let found = embedding.forward(&[6, 0, 3, 3], DType::F32)?;
            let right = right.index_select(&Tensor::new(&[6_u32, 0, 3, 3], &Device::Cpu)?, 0)?;
            assert_eq!(found.to_vec2::<f32>()?, right.to_vec2::<f32>()?, "{dtype:?}");
            assert!(embedding.forward(&[7], DType::F32).is_err());
            assert_eq!(embedding.first(2, DType::F32)?.dims(), [2, 512]);
        }
        Ok(())
    }
}
