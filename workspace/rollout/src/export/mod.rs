//! Groups to what trainers read: Parquet in the layout of `datasets`, `WebDataset`, trajectory shards, and views for preference
//! and fine-tuning.
//!
//! A shard holds a fixed number of consecutive items. Its files are written under passing names and renamed when they are whole;
//! `shards/NAME-00000.json`, written last, says that the shard is there. A shard without it is written again from its beginning,
//! and as equal groups give equal bytes, to no harm of whoever has read it meanwhile.

mod candidate;
mod exporter;
mod parquet;
mod passing;
pub mod picture_column;
mod shard;
mod table;
mod trajectories;
mod views;
mod webdataset;

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use exporter::{Exporter, ShardFile, ShardSummary, read_summary};
pub use shard::ShardWriter;

use crate::pairs::PairRules;

/// What is written, and how much of it in a shard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportRules {
    /// What the files' names begin with: letters, digits, `-`, `_` and dots inside.
    pub name: String,
    /// Items a shard, of which each is a group or has come to nothing.
    pub groups_per_shard: u64,
    /// Rows in a row group of Parquet at most. Readers hold one row group in memory, or more.
    pub rows_per_row_group: usize,
    /// `parquet/`: one row a candidate.
    pub parquet: bool,
    /// `webdataset/`: one sample a candidate that has a picture.
    pub webdataset: bool,
    /// `trajectories/`: the ways of candidates through the latent space.
    pub trajectories: bool,
    /// `views/pairs/`: preference pairs.
    pub pairs: Option<PairRules>,
    /// `views/best_worst/`: the candidates at both ends of each group.
    pub best_worst: Option<BestWorstRules>,
    /// `views/sft/`: weighted candidates.
    pub sft: Option<SftRules>,
}

impl Default for ExportRules {
    fn default() -> Self {
        Self {
            name: "rollouts".to_owned(),
            groups_per_shard: 500,
            rows_per_row_group: 100,
            parquet: true,
            webdataset: false,
            trajectories: true,
            pairs: None,
            best_worst: None,
            sft: None,
        }
    }
}

/// How many candidates are taken from both ends of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BestWorstRules {
    /// So many of each end; half of a smaller group.
    pub k: u32,
}

/// How candidates are weighted for fine-tuning.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SftRules {
    /// β in w ∝ exp(r/β).
    pub temperature: f64,
    /// Only so many of a group, the best ones; all where it is not given.
    pub most: Option<u32>,
}

/// Why something cannot be exported.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The rules cannot be followed.
    #[error("{field} is {found}: expected {expected}")]
    Rules {
        /// Which of them.
        field: &'static str,
        /// What they say.
        found: String,
        /// What would do.
        expected: &'static str,
    },
    /// The folder holds shards that were written by other rules.
    #[error("{} holds shards that were written with other rules, {found}: expected {expected}", path.display())]
    OtherRules {
        /// The summary of such a shard.
        path: PathBuf,
        /// Those rules.
        found: String,
        /// The rules that are given.
        expected: String,
    },
    /// A file could not be written or read.
    #[error("cannot write {}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A summary of a shard cannot be understood.
    #[error("cannot read {}: {reason}", path.display())]
    Summary {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A group holds something that has no place in the layout.
    #[error("the group {rollout_id} cannot be exported: {reason}")]
    Group {
        /// Which.
        rollout_id: String,
        /// What was expected and found.
        reason: String,
    },
    /// An item comes out of turn.
    #[error("item {found} was given to the export where item {expected} was to come")]
    OutOfTurn {
        /// The ordinal of the next item.
        expected: u64,
        /// The ordinal that came.
        found: u64,
    },
    /// More items than the shard takes.
    #[error("shard {shard} is full")]
    Full {
        /// Which.
        shard: u64,
    },
}

impl ExportError {
    /// Whether there is no room left to write to: worth trying again once there is.
    pub fn is_disk_full(&self) -> bool {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        matches!(self, Self::File { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge))
    }
}
