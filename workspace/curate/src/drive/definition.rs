//! What a curation's scores are of: written down at its start, and looked at whenever somebody goes on with it.

use editscale_rollout::Defines;
use serde::{Deserialize, Serialize};

/// What decides the scores of a data set, apart from weights and machines, and nothing of what is chosen by them later. The form
/// of `curate.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurationDefinition {
    /// [`Defines::VERSION`].
    pub version: u32,
    /// The program that wrote it.
    pub program: String,
    /// The data set as it was named.
    pub dataset: String,
    /// What the data set is, for people.
    pub described: String,
    /// The data set's fingerprint, which tells its columns too.
    pub fingerprint: String,
    /// The rewards and how their scores become one, with every default spelled out.
    pub rewards: String,
    /// Rows of one block.
    pub rows_per_block: u64,
    /// Into how many shares the blocks are cut, where each has a queue of its own.
    pub shards: Option<u64>,
}

impl Defines for CurationDefinition {
    const VERSION: u32 = 1;
    const FILE: &'static str = "curate.json";
    const HOLDS: &'static str = "scores";

    fn facts(&self) -> Vec<(&'static str, String)> {
        let shards = self.shards.map_or_else(|| "none".to_owned(), |count| count.to_string());
        vec![
            ("the data set or the choice of its columns", self.fingerprint.clone()),
            ("the rewards of the recipe", self.rewards.clone()),
            ("the number of rows of a block", self.rows_per_block.to_string()),
            ("the number of shares of --shard", shards),
        ]
    }
}
