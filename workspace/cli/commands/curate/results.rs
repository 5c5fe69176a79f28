//! What scoring came to, told to people and programs, and what comes after it.

use std::process::ExitCode;

use anyhow::Result;
use editscale_curate::drive::{CurationDefinition, Summary};
use editscale_curate::table::ScoreFiles;
use editscale_rollout::Defines as _;
use editscale_rollout::drive::take_turn;
use serde_json::json;

use crate::args::{Curate, RoleWord};
use crate::failure::{STOPPED, print, tell};

/// Tells what came of the scoring, chooses where all of it is there, and says how to exit.
pub(super) fn conclude(arguments: &Curate, summary: &Summary) -> Result<ExitCode> {
    let tallies = &summary.tallies;
    if arguments.sharing.role == Some(RoleWord::Feed) && tallies.is_complete {
        tell("all rows are entered");
        print_scores(arguments, summary)?;
        return Ok(ExitCode::SUCCESS);
    }
    if !summary.is_over {
        let left = tallies.entered.saturating_sub(tallies.ended());
        let what = if left > 0 { format!("{left} blocks of rows are left") } else { "not all is written".to_owned() };
        tell(&format!("{what}: run the same command line again to go on"));
        print_scores(arguments, summary)?;
        return Ok(ExitCode::from(STOPPED));
    }
    let Some(written) = summary.completion.filter(|_| arguments.sharing.roles().export) else {
        // Whoever does not write leaves the rest to whoever does.
        print_scores(arguments, summary)?;
        return Ok(ExitCode::SUCCESS);
    };
    tell(&format!("{} rows, {} edited pictures, {} with a score", written.rows, written.records, written.scored));
    if written.records > 0 && written.scored == 0 {
        print_scores(arguments, summary)?;
        tell("error: no edited picture has a score");
        if let Some(failure) = first_failure(arguments) {
            tell(&format!("for example: {failure}"));
        }
        return Ok(ExitCode::FAILURE);
    }
    if !are_all_shares_written(arguments)? {
        print_scores(arguments, summary)?;
        tell("the other shares are not scored yet: whoever is last chooses");
        return Ok(ExitCode::SUCCESS);
    }
    finish(arguments, summary)
}

/// Whether every share of the data set has its scores.
fn are_all_shares_written(arguments: &Curate) -> Result<bool> {
    let shards = CurationDefinition::read(&arguments.out)?.and_then(|definition| definition.shards);
    Ok(ScoreFiles::find(&arguments.out)?.are_complete(shards)?)
}

/// Why the first record without a score has none.
fn first_failure(arguments: &Curate) -> Option<String> {
    let records = ScoreFiles::find(&arguments.out).ok()?.records();
    let failure = records.filter_map(|record| record.ok()?.failure).next()?;
    Some(failure.chars().take(400).collect())
}

/// What is done once all is scored: the choice, the subset and the report.
fn finish(arguments: &Curate, summary: &Summary) -> Result<ExitCode> {
    // Several processes may end at the same time.
    let Some(_turn) = take_turn(&arguments.out, "choice.lock")? else {
        print_scores(arguments, summary)?;
        tell("another process chooses");
        return Ok(ExitCode::SUCCESS);
    };
    print_scores(arguments, summary)?;
    Ok(ExitCode::SUCCESS)
}

fn print_scores(arguments: &Curate, summary: &Summary) -> Result<()> {
    if !arguments.json {
        return print(&arguments.out.display().to_string());
    }
    let (tallies, spent) = (&summary.tallies, &summary.tallies.spent);
    let object = json!({
        "version": 1,
        "out": arguments.out,
        "state": if summary.is_over { "finished" } else { "stopped" },
        "blocks": {
            "entered": tallies.entered,
            "done": tallies.done,
            "given_up": tallies.dead,
            "left": tallies.entered.saturating_sub(tallies.ended()),
        },
        "scores": summary.completion.map(|written| json!({
            "rows": written.rows,
            "records": written.records,
            "scored": written.scored,
            "files": written.files,
        })),
        "ledger": {
            "reward_calls": spent.reward_calls,
            "nfe": spent.nfe,
            "tokens": spent.tokens,
            "usd": spent.usd_micros as f64 / 1e6,
            "wall_secs": spent.wall_secs,
        },
    });
    print(&format!("{object:#}"))
}
