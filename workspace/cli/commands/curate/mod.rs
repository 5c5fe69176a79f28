//! `editscale curate DATASET`: a whole data set of edits scored, and what is kept of it.

mod choosing;
mod plan;
mod results;
mod review;
mod rules;
mod told;

use std::process::ExitCode;

use anyhow::Result;
use editscale_config::JudgeRecipe;
use editscale_curate::drive::{CurateError, Curation, Summary, judge_all};

use self::plan::plan;
use crate::args::{Curate, CurateCommand, Curating};
use crate::failure::{Misuse, STOPPED, explain};
use crate::progress::clear_bar;
use crate::recipes::Loaded;
use crate::sharing::{is_away, is_drive_away};
use crate::signals::{StopWords, stop_on_signal};

/// A curation under way.
struct Begun<'a> {
    arguments: &'a Curate,
    loaded: Loaded<JudgeRecipe>,
    curation: Curation,
    /// Whether everything was scored before: then there is only to choose.
    is_scored: bool,
}

/// Does what was asked for.
pub(crate) fn run(curating: &Curating) -> Result<ExitCode> {
    match (&curating.command, &curating.scoring) {
        (Some(CurateCommand::Review(arguments)), _) => review::run(arguments),
        (None, Some(arguments)) => score(arguments),
        (None, None) => Err(Misuse::new("expected a data set and --out, or `review OUT`").into()),
    }
}

/// Scores what is not scored, and chooses.
fn score(arguments: &Curate) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        let begun = plan(arguments).await?;
        // A choice appears as a whole or not at all: it may be ended at any moment.
        let summary = if begun.is_scored {
            Summary::of_scored(&begun.curation)
        } else {
            judge_all(begun.curation.clone(), stop_on_signal(words(arguments.sharing.grace_secs))).await
        };
        clear_bar();
        results::conclude(&begun, &summary?).await
    });
    match done {
        Ok(exit) => Ok(exit),
        Err(error) if is_away(&error) || is_scoring_away(&error) => {
            explain(&error, arguments.json);
            Ok(ExitCode::from(STOPPED))
        }
        Err(error) => Err(error),
    }
}

fn words(grace: u64) -> StopWords {
    StopWords {
        first: format!(
            "stopping: what is being judged has {grace} seconds, and is gone on with next time; once more to end at once"
        ),
        last: "ended: run the same command line again to go on".to_owned(),
    }
}

/// Whether what ended the scoring may be there again later.
fn is_scoring_away(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(CurateError::Drive(drive)) if is_drive_away(drive))
}
