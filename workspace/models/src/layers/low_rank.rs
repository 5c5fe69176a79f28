//! Low-rank additions to affine maps, which leave the maps' own weights as they are.

use std::sync::{Arc, PoisonError, RwLock};

use candle_core::{Result, Tensor};

/// `x Aᵀ Bᵀ`: what is added to what an affine map makes of rows.
#[derive(Debug, Clone)]
pub struct LowRank {
    /// `A`, [rank, inputs].
    down: Tensor,
    /// `B`, [outputs, rank].
    up: Tensor,
}

impl LowRank {
    /// From [rank, inputs] and [outputs, rank].
    pub fn new(down: Tensor, up: Tensor) -> Self {
        Self { down, up }
    }

    /// The same with both matrices changed.
    pub(crate) fn map(&self, change: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Self> {
        Ok(Self { down: change(&self.down)?, up: change(&self.up)? })
    }

    /// The addition to a product of the same rows, [rows, outputs].
    pub(crate) fn add(&self, rows: &Tensor, product: &Tensor) -> Result<Tensor> {
        let dtype = rows.dtype();
        let inner = rows.matmul(&self.down.to_dtype(dtype)?.t()?)?;
        product + inner.matmul(&self.up.to_dtype(dtype)?.t()?)?
    }
}

/// Where an affine map looks for its addition. Clones are the same place.
#[derive(Debug, Clone, Default)]
pub struct Slot(Arc<RwLock<Option<Arc<LowRank>>>>);

impl Slot {
    /// What is added from here on; none for nothing.
    pub fn set(&self, addition: Option<Arc<LowRank>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = addition;
    }

    /// What is added.
    pub fn get(&self) -> Option<Arc<LowRank>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
