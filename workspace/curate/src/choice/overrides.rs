//! What people said of single records, over what the rules say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A person's word on one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Override {
    /// It is kept, whatever the rules say.
    Keep,
    /// It is not, whatever the rules say.
    Drop,
}

impl Override {
    /// The word itself.
    pub fn word(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Drop => "drop",
        }
    }
}

/// People's words, by the row's number and the number of its edited picture, both from 0.
pub type Overrides = BTreeMap<(u64, u32), Override>;
