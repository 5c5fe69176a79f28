//! A block's records as one file of the depot, with a digest of its own.

use bytes::Bytes;
use editscale_engine::digest_of;
use editscale_rollout::queue::Spent;
use serde::{Deserialize, Serialize};

use crate::Record;

/// What the file begins with.
const HEAD: &str = "editscale-block/1";

/// Records of a block, or of those of its rows that are done.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Packed {
    /// In row order.
    pub(super) records: Vec<Record>,
    /// What was spent on them.
    pub(super) spent: Spent,
}

impl Packed {
    pub(super) fn encode(&self) -> Result<Bytes, String> {
        let body = serde_json::to_string(self).map_err(|error| error.to_string())?;
        Ok(Bytes::from(format!("{HEAD} {}\n{body}", digest_of(body.as_bytes()))))
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        let (head, body) = text.split_once('\n').ok_or("it has no first line")?;
        let digest = head.strip_prefix(HEAD).map(str::trim).ok_or_else(|| format!("expected `{HEAD}` first"))?;
        if digest != digest_of(body.as_bytes()).to_string() {
            return Err("it is damaged: its digest is that of other bytes".to_owned());
        }
        serde_json::from_str(body).map_err(|error| error.to_string())
    }

    /// How many of the records have a score.
    pub(super) fn scored(&self) -> u32 {
        let scored = self.records.iter().filter(|record| record.score.is_some()).count();
        u32::try_from(scored).unwrap_or(u32::MAX)
    }
}
