//! In which type tensors are kept.

use candle_core::DType;

/// In which type a tensor is kept in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// This one.
    As(DType),
    /// The one that the file has; BF16 for what it stores in eight bits.
    Stored,
}

impl Storage {
    /// The type for a tensor that is stored in this one.
    pub(super) fn of(self, stored: DType) -> DType {
        match self {
            Self::As(dtype) => dtype,
            Self::Stored => stored,
        }
    }
}
