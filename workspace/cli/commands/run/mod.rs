//! `editscale run DATASET`: a whole data set edited with search.

mod plan;
mod reporter;
mod results;
mod rules;

use std::process::ExitCode;

use anyhow::Result;
use editscale_engine::{StopSignal, Stopper};
use editscale_rollout::depot::DepotError;
use editscale_rollout::drive::{DriveError, drive};
use editscale_rollout::queue::QueueError;

use self::plan::plan;
use crate::args::Run;
use crate::failure::{INTERRUPTED, STOPPED, explain};
use crate::progress::{clear_bar, tell_beside_bar};
use crate::signals::asked_to_stop;

/// Edits a data set, or goes on with one.
pub(crate) fn run(arguments: &Run) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let summary = runtime.block_on(async {
        let planned = plan(arguments).await?;
        let stop = stop_on_signal(arguments.grace_secs);
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

/// Whether something could not be reached that may be there again later.
fn is_away(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        matches!(cause.downcast_ref(), Some(QueueError::Away { .. }))
            || matches!(cause.downcast_ref(), Some(DepotError::Away { .. }))
            || matches!(cause.downcast_ref(), Some(DriveError::Queue(QueueError::Away { .. })))
            || matches!(cause.downcast_ref(), Some(DriveError::Depot(DepotError::Away { .. })))
    })
}

/// Ctrl-C and a polite kill ask the drive to stop; a second one ends the program.
fn stop_on_signal(grace_secs: u64) -> StopSignal {
    let (stopper, signal) = Stopper::new();
    tokio::spawn(async move {
        asked_to_stop().await;
        tell_beside_bar(&format!(
            "stopping: runs under way have {grace_secs} seconds, and are gone on with next time; once more to end at once"
        ));
        stopper.stop();
        asked_to_stop().await;
        clear_bar();
        std::process::exit(INTERRUPTED);
    });
    signal
}
