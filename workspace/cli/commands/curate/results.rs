//! What scoring came to, told to people and programs, and what comes after it.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Result;
use editscale_curate::drive::{CurationDefinition, Summary};
use editscale_curate::results::ResultsError;
use editscale_curate::table::ScoreFiles;
use editscale_rollout::Defines as _;
use serde_json::{Value, json};

use super::Begun;
use super::choosing::Ready;
use crate::args::{Curate, RoleWord};
use crate::failure::{STOPPED, print, tell};
use crate::sharing::recorded_revisions;

/// Tells what came of the scoring, chooses where all of it is there, and says how to exit.
pub(super) async fn conclude(begun: &Begun<'_>, summary: &Summary) -> Result<ExitCode> {
    let arguments = begun.arguments;
    let tallies = &summary.tallies;
    if arguments.sharing.role == Some(RoleWord::Feed) && tallies.is_complete {
        tell("all rows are entered");
        print_scores(arguments, summary, None)?;
        return Ok(ExitCode::SUCCESS);
    }
    if !summary.is_over {
        let left = tallies.entered.saturating_sub(tallies.ended());
        let what = if left > 0 { format!("{left} blocks of rows are left") } else { "not all is written".to_owned() };
        tell(&format!("{what}: run the same command line again to go on"));
        print_scores(arguments, summary, None)?;
        return Ok(ExitCode::from(STOPPED));
    }
    let Some(written) = summary.completion.filter(|_| arguments.sharing.roles().export) else {
        // Whoever does not write leaves the rest to whoever does.
        print_scores(arguments, summary, None)?;
        return Ok(ExitCode::SUCCESS);
    };
    tell(&format!("{} rows, {} edited pictures, {} with a score", written.rows, written.records, written.scored));
    if written.records > 0 && written.scored == 0 {
        print_scores(arguments, summary, None)?;
        tell("error: no edited picture has a score");
        if let Some(failure) = first_failure(arguments) {
            tell(&format!("for example: {failure}"));
        }
        return Ok(ExitCode::FAILURE);
    }
    if !are_all_shares_written(arguments)? {
        print_scores(arguments, summary, None)?;
        tell("the other shares are not scored yet: whoever is last chooses");
        return Ok(ExitCode::SUCCESS);
    }
    finish(begun, summary).await
}

/// Whether every share of the data set has its scores.
fn are_all_shares_written(arguments: &Curate) -> Result<bool> {
    let Some(definition) = CurationDefinition::read(&arguments.out)? else { return Ok(false) };
    Ok(ScoreFiles::find(&arguments.out)?.are_complete(definition.shards, &definition.name())?)
}

/// Why the first record without a score has none.
fn first_failure(arguments: &Curate) -> Option<String> {
    let mut records = ScoreFiles::find(&arguments.out).ok()?.records();
    let failure = records.find_map(|record| record.ok()?.failure)?;
    Some(failure.chars().take(400).collect())
}

/// What is done once all is scored: the choice, the kept rows and the report.
async fn finish(begun: &Begun<'_>, summary: &Summary) -> Result<ExitCode> {
    let arguments = begun.arguments;
    let ready = Ready {
        arguments,
        loaded: &begun.loaded,
        dataset: Arc::clone(&begun.curation.dataset),
        files: ScoreFiles::find(&arguments.out)?,
        revisions: recorded_revisions(&begun.curation.depot).await?,
    };
    let told = match ready.choose().await {
        Ok(told) => told,
        Err(error) if matches!(error.downcast_ref(), Some(ResultsError::InUse(_))) => {
            // Several processes may end at the same time: they choose by the same recipe.
            tell("another process chooses");
            print_scores(arguments, summary, None)?;
            return Ok(if begun.is_scored { ExitCode::from(STOPPED) } else { ExitCode::SUCCESS });
        }
        Err(error) => return Err(error),
    };
    told.lines.iter().for_each(|line| tell(line));
    print_scores(arguments, summary, Some(&told.summary))?;
    Ok(ExitCode::SUCCESS)
}

fn print_scores(arguments: &Curate, summary: &Summary, choice: Option<&Value>) -> Result<()> {
    if !arguments.json {
        return print(&arguments.out.display().to_string());
    }
    let (tallies, spent) = (&summary.tallies, &summary.tallies.spent);
    let object = json!({
        "version": 1,
        "out": arguments.out.display().to_string(),
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
        "choice": choice,
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
