//! What a drive came to, told to people and programs.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use editscale_rollout::drive::Summary;
use serde_json::json;

use crate::args::{RoleWord, Run};
use crate::failure::{STOPPED, print, tell};

/// Prints what came of a drive, and says how to exit.
pub(super) fn finish(arguments: &Run, summary: &Summary) -> Result<ExitCode> {
    let tallies = &summary.tallies;
    if arguments.json {
        let spent = &tallies.spent;
        let object = json!({
            "version": 1,
            "out": arguments.out.display().to_string(),
            "state": if summary.is_over { "finished" } else { "stopped" },
            "rows": {
                "entered": tallies.entered,
                "done": tallies.done,
                "skipped": tallies.skipped,
                "given_up": tallies.dead,
                "left": tallies.entered.saturating_sub(tallies.ended()),
            },
            "candidates": tallies.candidates,
            "shards": summary.shards,
            "ledger": {
                "edits": spent.edits,
                "reward_calls": spent.reward_calls,
                "nfe": spent.nfe,
                "tokens": spent.tokens,
                "usd": spent.usd_micros as f64 / 1e6,
                "wall_secs": spent.wall_secs,
            },
        });
        print(&format!("{object:#}"))?;
    } else {
        print(&arguments.out.display().to_string())?;
    }
    Ok(tell_people(arguments, summary))
}

/// Why the first row that is told of came to nothing.
fn first_reason(folder: &Path) -> Option<String> {
    let files = std::fs::read_dir(folder).ok()?.filter_map(|file| Some(file.ok()?.path()));
    let file = std::fs::File::open(files.min()?).ok()?;
    let line = BufReader::new(file).lines().next()?.ok()?;
    let line: serde_json::Value = serde_json::from_str(&line).ok()?;
    Some(line.get("reason")?.as_str()?.chars().take(400).collect())
}

fn tell_people(arguments: &Run, summary: &Summary) -> ExitCode {
    let tallies = &summary.tallies;
    tell(&format!(
        "{} groups with {} scored candidates; {} rows skipped, {} given up",
        tallies.done, tallies.candidates, tallies.skipped, tallies.dead
    ));
    if tallies.skipped + tallies.dead > 0 {
        let folder = arguments.out.join("skipped");
        tell(&format!("why rows were skipped or given up: {}/*.jsonl", folder.display()));
        if let Some(reason) = first_reason(&folder) {
            tell(&format!("for example: {reason}"));
        }
    }
    if arguments.sharing.role == Some(RoleWord::Feed) && tallies.is_complete {
        tell("all rows are entered");
        return ExitCode::SUCCESS;
    }
    if summary.is_spent {
        tell("error: what may be spent is spent: give more with --most-usd to go on");
        return ExitCode::FAILURE;
    }
    if !summary.is_over {
        let left = tallies.entered.saturating_sub(tallies.ended());
        let what = if left > 0 { format!("{left} rows are left") } else { "not all is written".to_owned() };
        tell(&format!("{what}: run the same command line again to go on"));
        return ExitCode::from(STOPPED);
    }
    if tallies.done == 0 && tallies.entered > 0 {
        tell("error: nothing came of any row");
        return ExitCode::FAILURE;
    }
    if tallies.done > 0 && tallies.candidates == 0 {
        tell("error: no candidate of any group has a score: the lines above, or `editscale doctor --recipe`, say why");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
