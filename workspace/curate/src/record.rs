//! What is known of one edited picture once it has been judged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One edited picture of one row. A row that cannot be used has one record, with `failure`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The row's number in the data set, from 0.
    pub row: u64,
    /// Where the row lies, in words of its reader ([`editscale_rollout::Place`]).
    pub place: String,
    /// What the data set calls the row.
    pub row_id: String,
    /// Which of the row's edited pictures, from 0.
    pub candidate: u32,
    /// What was asked for.
    pub instruction: String,
    /// The picture before; nothing where it cannot be read.
    pub source: Option<PictureFacts>,
    /// The picture after; nothing where it cannot be read.
    pub edited: Option<PictureFacts>,
    /// What the recipe's objective makes of the rewards' means: higher is better. Nothing where it cannot be said.
    pub score: Option<f64>,
    /// The standard deviation of `score`, where the rewards give theirs.
    pub sigma: Option<f64>,
    /// What each reward said, by `reward` for its mean and `reward.part` for its parts.
    pub said: BTreeMap<String, Value>,
    /// Why there is no score.
    pub failure: Option<String>,
    /// The columns of the data set that are carried on, licence and provenance among them.
    pub extra: serde_json::Map<String, serde_json::Value>,
}

/// A mean, and its standard deviation where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// The mean. Finite.
    pub mean: f64,
    /// The standard deviation. Finite, not negative.
    pub sigma: Option<f64>,
}

/// A picture without its pixels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureFacts {
    /// The digest of the file's bytes: 64 hexadecimal digits.
    pub digest: String,
    /// A perceptual hash: near pictures have hashes that differ in few bits.
    pub hash: u64,
    /// Pixels across, as it is shown.
    pub width: u32,
    /// Pixels down, as it is shown.
    pub height: u32,
    /// What the data set calls it.
    pub name: Option<String>,
}
