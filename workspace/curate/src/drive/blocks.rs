//! Rows as items of a queue, some at a time.

use editscale_rollout::Place;
use editscale_rollout::dataset::Listed;
use editscale_rollout::drive::Cut;
use editscale_rollout::queue::{Entry, Item, Sharding};
use serde::{Deserialize, Serialize};

use super::CurationRules;

/// A row of a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BlockRow {
    /// Where it lies.
    pub(super) place: String,
    /// Why it cannot be used, where its listing says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) problem: Option<String>,
}

/// A row with its number in the data set.
pub(super) type NumberedRow = (u64, BlockRow);

/// The rows of an item.
pub(super) fn rows_of(item: &Item) -> Result<Vec<NumberedRow>, String> {
    let rows: Vec<BlockRow> = serde_json::from_str(&item.place.0)
        .map_err(|error| format!("item {} is no block of rows: {error}", item.ordinal))?;
    Ok((item.row..).zip(rows).collect())
}

/// Cuts rows into blocks, and keeps those that this queue has and does not know yet.
pub(super) struct Blocks {
    rows_per_block: u64,
    sharding: Option<Sharding>,
    /// Ordinals below this are known to the queue.
    known: u64,
    /// The block that is not full, and its first row.
    open: Vec<BlockRow>,
    first: u64,
    entries: Vec<Entry>,
}

impl Blocks {
    pub(super) fn new(rules: &CurationRules, known: u64) -> Self {
        let rows_per_block = rules.rows_per_block.max(1);
        Self { rows_per_block, sharding: rules.sharding, known, open: Vec::new(), first: 0, entries: Vec::new() }
    }
}

impl Cut for Blocks {
    fn add(&mut self, row: u64, listed: Listed) {
        if self.open.is_empty() {
            self.first = row;
        }
        let problem = listed.problem.map(|problem| problem.to_string());
        self.open.push(BlockRow { place: listed.place.0, problem });
        if self.open.len() as u64 >= self.rows_per_block {
            self.end();
        }
    }

    fn end(&mut self) {
        let rows = std::mem::take(&mut self.open);
        let ordinal = Sharding::ordinal(self.sharding, self.first / self.rows_per_block);
        let Some(ordinal) = ordinal.filter(|ordinal| *ordinal >= self.known && !rows.is_empty()) else { return };
        // Texts and lists of them are always written.
        let place = Place(serde_json::to_string(&rows).unwrap_or_default());
        self.entries.push(Entry::Work(Item { ordinal, row: self.first, repeat: 0, place }));
    }

    fn take(&mut self, at_least: usize) -> Option<Vec<Entry>> {
        // A block has the rows of many items, and is entered as soon as it is known.
        let at_least = at_least.div_ceil(usize::try_from(self.rows_per_block).unwrap_or(usize::MAX)).max(1);
        (self.entries.len() >= at_least).then(|| std::mem::take(&mut self.entries))
    }
}
