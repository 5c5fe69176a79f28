//! `editscale pool DATASET`: one budget for many requests, split after a probe of each.

mod folder;
mod page;
mod plan;
mod requests;
mod results;

use std::process::ExitCode;

use anyhow::Result;
use editscale_engine::StopSignal;
use editscale_search::{Probed, allot};

use self::folder::{Share, Split};
use self::plan::{Planned, plan};
use self::requests::{Came, Ended, Turn, ended};
use crate::args::Pool;
use crate::signals::{StopWords, stop_on_signal};

/// Edits the requests, or goes on with them.
pub(crate) fn run(arguments: &Pool) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let planned = plan(arguments)?;
        let stop = stop_on_signal(StopWords {
            first: "stopping: requests under way can be gone on with; once more to end at once".to_owned(),
            last: "ended: the same command goes on".to_owned(),
        });
        let came = carry_out(&planned, &stop).await?;
        results::finish(arguments, &planned, came.as_deref())
    })
}

/// Probes every request, splits what is left, and gives each its share; what some did not use goes to those who used all of theirs.
/// Nothing where it was stopped on the way.
async fn carry_out(planned: &Planned, stop: &StopSignal) -> Result<Option<Vec<Came>>> {
    // Who is judged again in the end is known only when all has been handed out.
    let probing = &planned.probing;
    let mut split = if let Some(split) = planned.folder.split(&planned.terms)? {
        split
    } else {
        let turn = Turn { search: probing, edits: &|_| Some(planned.terms.probe) };
        let Some(probed) = requests::all(planned, turn, stop).await? else { return Ok(None) };
        let split = Split::new(first_split(planned, &probed));
        planned.folder.write_split(&split)?;
        split
    };
    while !split.is_settled {
        let turn = Turn { search: probing, edits: &|row| split.edits(row) };
        let Some(came) = requests::all(planned, turn, stop).await? else { return Ok(None) };
        split = split_again(planned, &split, &came);
        planned.folder.write_split(&split)?;
    }
    let turn = Turn { search: &planned.workshop.search, edits: &|row| split.edits(row) };
    requests::all(planned, turn, stop).await
}

/// What each request may spend in all: its probe, and its part of what all probes left.
fn first_split(planned: &Planned, probed: &[Came]) -> Vec<Share> {
    let ended = ended(probed);
    let known: Vec<Probed> = ended.iter().map(|&ended| planned.known(ended, true)).collect();
    let further = allot(&known, planned.left(&ended), planned.target);
    let share = |(ended, further): (&&Ended, u64)| Share {
        row: ended.row,
        id: ended.id.clone(),
        probed: ended.edits,
        utilities: ended.utilities.clone(),
        edits: ended.edits.max(planned.terms.probe) + further,
        returned: 0,
    };
    ended.iter().zip(further).map(share).collect()
}

/// The split with what is left of the pool given to requests that used all of theirs, once the others have given back what they
/// left; settled where nobody gets more. Who left something gets no more, so that this comes to an end.
fn split_again(planned: &Planned, split: &Split, came: &[Came]) -> Split {
    let ended = ended(came);
    let used_all = |ended: &Ended| split.edits(ended.row).is_some_and(|edits| ended.edits >= edits);
    let known: Vec<Probed> = ended.iter().map(|&ended| planned.known(ended, used_all(ended))).collect();
    let further = allot(&known, planned.left(&ended), planned.target);
    let spent =
        |row: u64| ended.iter().position(|ended| ended.row == row).map(|place| (ended[place].edits, further[place]));
    let grown = |share: &Share| {
        let (spent, further) = spent(share.row).unwrap_or_default();
        let least = spent.max(share.probed).max(planned.terms.probe);
        Share { returned: share.edits.saturating_sub(least), edits: share.edits + further, ..share.clone() }
    };
    let is_settled = further.iter().all(|further| *further == 0);
    Split { is_settled, requests: split.requests.iter().map(grown).collect(), ..*split }
}
