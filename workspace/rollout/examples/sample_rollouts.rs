//! Writes a small export with all that an export can hold: `sample_rollouts OUT`. The readers' tests read it.

#[path = "../tests/sample/mod.rs"]
mod sample;

use std::path::PathBuf;

use anyhow::{Context, Result};
use editscale_rollout::export::{BestWorstRules, ExportRules, Exporter, SftRules};
use editscale_rollout::pairs::PairRules;

/// Items a shard: three shards, of which the last is not full.
const ITEMS: usize = 5;

fn main() -> Result<()> {
    let out = PathBuf::from(std::env::args_os().nth(1).context("usage: sample_rollouts OUT")?);
    let rules = ExportRules {
        groups_per_shard: ITEMS as u64,
        rows_per_row_group: 10,
        webdataset: true,
        pairs: Some(PairRules { margin: 0.05, ..PairRules::default() }),
        best_worst: Some(BestWorstRules { k: 2 }),
        sft: Some(SftRules { temperature: 0.2, most: None }),
        ..ExportRules::default()
    };
    let mut exporter = Exporter::open(&out, rules)?;
    let mut items = sample::dataset().into_iter().skip(exporter.next_shard() as usize * ITEMS).peekable();
    while items.peek().is_some() {
        let mut shard = exporter.begin()?;
        for item in items.by_ref().take(ITEMS) {
            match item {
                Ok(pack) => shard.group(pack)?,
                Err((item, end)) => shard.missing(&item, &end)?,
            }
        }
        shard.finish()?;
    }
    Ok(())
}
