//! Rows of a table by their numbers.

use candle_core::{DType, Result, Tensor, bail};

use crate::layers::Scope;
use crate::weights::WeightError;

/// A table of shape [tokens, width].
#[derive(Debug, Clone)]
pub struct Embedding {
    table: Tensor,
}

impl Embedding {
    /// Loads `weight`, in the type that weights are kept in.
    pub fn load(scope: &Scope<'_>, tokens: usize, width: usize) -> std::result::Result<Self, WeightError> {
        Ok(Self { table: scope.kept("weight", &[tokens, width])? })
    }

    /// How many tokens there are.
    pub fn tokens(&self) -> usize {
        self.table.dims().first().copied().unwrap_or_default()
    }

    /// The rows of tokens, [ids, width], in a type. An id that has no row is an error.
    pub fn forward(&self, ids: &[u32], dtype: DType) -> Result<Tensor> {
        let tokens = self.tokens();
        if let Some(id) = ids.iter().find(|id| **id as usize >= tokens) {
            bail!("embedding: there is no token {id}: the model has {tokens}");
        }
        self.table.index_select(&Tensor::new(ids, self.table.device())?, 0)?.to_dtype(dtype)
    }

    /// The first rows, [count, width], in a type.
    pub fn first(&self, count: usize, dtype: DType) -> Result<Tensor> {
        self.table.narrow(0, 0, count)?.to_dtype(dtype)
    }
}
