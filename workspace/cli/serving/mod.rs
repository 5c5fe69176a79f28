//! What `serve` and `mcp` have in common: recipes put to work, whether they are alive, and the log.

mod logs;
mod offers;
mod pulse;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use editscale_core::Budget;
use editscale_server::Settings;

use crate::args::Served;
use crate::failure::Misuse;

pub(crate) use logs::{begin as begin_log, begin_where_asked};
pub(crate) use offers::offers;

/// The settings that both doors are told. Runs lie in the `usual` folder where no other is given.
pub(crate) fn settings(served: &Served, usual: &str) -> Result<Settings> {
    let roots = served.roots.iter().map(|root| folder(root)).collect::<Result<_>>()?;
    let agent_budget = Budget {
        edits: served.session_edits,
        reward_calls: served.session_reward_calls,
        usd: served.session_usd,
        ..Budget::default()
    };
    Ok(Settings {
        agent_budget,
        retain: served.retain,
        running: usize::from(served.running),
        most_edits: served.most_edits,
        deadline: Duration::from_secs(served.deadline_secs),
        pixels: served.megapixels * 1_000_000,
        roots,
        ..Settings::new(served.runs.clone().unwrap_or_else(|| usual.into()))
    })
}

/// A folder by its one true path.
fn folder(path: &Path) -> Result<std::path::PathBuf> {
    let misuse = |what: String| Misuse::new(format!("--root {}: {what}", path.display()));
    let real = path.canonicalize().map_err(|error| misuse(error.to_string()))?;
    if real.is_dir() { Ok(real) } else { Err(misuse("expected a folder".to_owned()).into()) }
}
