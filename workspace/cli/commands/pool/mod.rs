//! `editscale pool DATASET`: one budget for many requests, split after a probe of each.

mod folder;
mod plan;
mod requests;
mod results;

use std::process::ExitCode;

use anyhow::Result;
use editscale_engine::StopSignal;
use editscale_search::{Probed, allot};

use self::folder::Share;
use self::plan::{Planned, plan};
use self::requests::{Came, Ended, Turn};
use crate::args::Pool;
use crate::sharing::stop_on_signal;

/// Edits the requests, or goes on with them.
pub(crate) fn run(arguments: &Pool) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let planned = plan(arguments)?;
        let stop =
            stop_on_signal("stopping: requests under way can be gone on with; once more to end at once".to_owned());
        let came = carry_out(&planned, &stop).await?;
        results::finish(arguments, &planned, came.as_deref())
    })
}

/// Probes every request, splits what is left, and gives each its share. Nothing where it was stopped on the way.
async fn carry_out(planned: &Planned, stop: &StopSignal) -> Result<Option<Vec<Came>>> {
    let shares = if let Some(shares) = planned.folder.shares(&planned.terms)? {
        shares
    } else {
        // Who is judged again in the end is known only when all has been handed out.
        let turn = Turn { search: &planned.probing, edits: &|_| planned.terms.probe };
        let Some(probed) = requests::all(planned, turn, stop).await? else { return Ok(None) };
        let shares = split(planned, &probed);
        planned.folder.write_shares(&shares)?;
        shares
    };
    let edits =
        |row: u64| shares.iter().find(|share| share.row == row).map_or(planned.terms.probe, |share| share.edits);
    requests::all(planned, Turn { search: &planned.workshop.search, edits: &edits }, stop).await
}

/// What each request may spend in all: its probe, and its part of what all probes left.
fn split(planned: &Planned, probed: &[Came]) -> Vec<Share> {
    let ended: Vec<&Ended> = probed.iter().filter_map(|came| came.ended.as_ref().ok()).collect();
    let spent: u64 = ended.iter().map(|ended| ended.edits).sum();
    let known: Vec<Probed> = ended
        .iter()
        .map(|ended| Probed { utilities: ended.utilities.clone(), most: planned.most_further(ended) })
        .collect();
    let further = allot(&known, planned.terms.edits.saturating_sub(spent));
    let share = |(ended, further): (&&Ended, u64)| Share {
        row: ended.row,
        id: ended.id.clone(),
        probed: ended.edits,
        utilities: ended.utilities.clone(),
        edits: ended.edits.max(planned.terms.probe) + further,
    };
    ended.iter().zip(further).map(share).collect()
}
