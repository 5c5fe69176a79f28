//! `editscale run DATASET`: a whole data set edited with search.

mod plan;
mod results;
mod rules;

use std::process::ExitCode;

use anyhow::Result;
use editscale_rollout::drive::drive;

use self::plan::plan;
pub(crate) use self::plan::{usual_groups, workshop};
pub(crate) use self::rules::columns;
use crate::args::Run;
use crate::failure::{STOPPED, explain};
use crate::progress::clear_bar;
use crate::sharing::is_away;
use crate::signals::{StopWords, stop_on_signal};

/// Edits a data set, or goes on with one.
pub(crate) fn run(arguments: &Run) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let summary = runtime.block_on(async {
        let planned = plan(arguments).await?;
        let grace = arguments.sharing.grace_secs;
        let stop = stop_on_signal(StopWords {
            first: format!(
                "stopping: runs under way have {grace} seconds, and are gone on with next time; once more to end at once"
            ),
            last: "ended: run the same command line again to go on".to_owned(),
        });
        let summary = drive(planned, stop).await;
        clear_bar();
        Ok::<_, anyhow::Error>(summary?)
    });
    match summary {
        Ok(summary) => results::finish(arguments, &summary),
        Err(error) if is_away(&error) => {
            explain(&error, arguments.json);
            Ok(ExitCode::from(STOPPED))
        }
        Err(error) => Err(error),
    }
}
