//! The requests of a pool carried out, each in a run directory of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use editscale_core::{
    CandidateId, EditRequest, Ending, FailureKind, Instruction, Outcome, RunId, SearchFactory, Seed, StopReason,
};
use editscale_engine::{CandidateRecord, DirectoryError, Job, Manifest, RunDirectory, StopSignal, read_run};
use editscale_rollout::dataset::Listed;
use editscale_rollout::identity::row_seed;
use futures_util::StreamExt;
use tokio::task::block_in_place;

use super::plan::Planned;
use crate::failure::Misuse;
use crate::lock::when_free;

/// What came of a row.
pub(super) struct Came {
    pub(super) row: u64,
    /// A run at its end, or why the row cannot be used.
    pub(super) ended: Result<Ended, String>,
}

/// A request whose run has come to an end.
pub(super) struct Ended {
    pub(super) row: u64,
    pub(super) id: String,
    pub(super) path: PathBuf,
    pub(super) edits: u64,
    /// What its candidates are worth, the chosen one's first.
    pub(super) utilities: Vec<f64>,
    pub(super) chosen: Option<CandidateId>,
    /// Whether it ended for want of budget, and more would not be refused as all was so far.
    pub(super) wants_more: bool,
}

/// The requests whose runs have come to an end.
pub(super) fn ended(came: &[Came]) -> Vec<&Ended> {
    came.iter().filter_map(|came| came.ended.as_ref().ok()).collect()
}

/// The mean of what requests came to; nothing where there are none.
pub(super) fn mean(utilities: &[f64]) -> Option<f64> {
    // Each divided before they are added: no sum is beyond the range of numbers.
    let count = utilities.len() as f64;
    (count > 0.0).then(|| utilities.iter().map(|utility| utility / count).sum())
}

/// How far requests are carried out.
#[derive(Clone, Copy)]
pub(super) struct Turn<'a> {
    pub(super) search: &'a Arc<dyn SearchFactory>,
    /// How many edits each may take in all, by its row; nothing where it has no share.
    pub(super) edits: &'a (dyn Fn(u64) -> Option<u64> + Sync),
}

/// Carries out every request. Nothing where somebody stopped it.
pub(super) async fn all(planned: &Planned, turn: Turn<'_>, stop: &StopSignal) -> Result<Option<Vec<Came>>> {
    let one = |(row, listed)| one(planned, (row as u64, listed), turn, stop.clone());
    let under_way = futures_util::stream::iter(planned.rows.iter().enumerate()).map(one);
    let mut under_way = under_way.buffer_unordered(planned.at_once);
    let (mut came, mut is_stopped) = (Vec::new(), false);
    while let Some(one) = under_way.next().await {
        match one? {
            Some(one) => came.push(one),
            None => is_stopped = true,
        }
    }
    came.sort_by_key(|came| came.row);
    Ok((!is_stopped).then_some(came))
}

async fn one(
    planned: &Planned,
    (row, listed): (u64, &Listed),
    turn: Turn<'_>,
    stop: StopSignal,
) -> Result<Option<Came>> {
    if stop.is_stopped() {
        return Ok(None);
    }
    let asked = match asked(planned, (row, listed)).await {
        Ok(asked) => asked,
        Err(reason) => return Ok(Some(Came { row, ended: Err(reason) })),
    };
    let Some(edits) = (turn.edits)(row) else {
        let spot = planned.dataset.spot(&listed.place);
        let reason = format!("{spot}: it could not be used when the pool was split, and has no share");
        return Ok(Some(Came { row, ended: Err(reason) }));
    };
    let path = planned.folder.run(row);
    let within = Within { search: turn.search, edits };
    let outcome = carry_out(planned, (&path, row), (&asked, within), stop).await;
    let ended_early = || format!("the run in {} ended early, and is gone on with by the same command", path.display());
    let outcome = outcome.with_context(ended_early)?;
    if outcome.ending == Ending::Cancelled {
        return Ok(None);
    }
    let ranked = &outcome.verdict.ranked;
    let wants_more = outcome.verdict.reason == StopReason::Budget && !(ranked.is_empty() && is_refused(&path));
    let ended = Ended {
        row,
        id: asked.id,
        path,
        edits: outcome.ledger.edits,
        utilities: ranked.iter().map(|ranked| ranked.utility.get()).collect(),
        chosen: ranked.first().map(|ranked| ranked.id),
        wants_more,
    };
    Ok(Some(Came { row, ended: Ok(ended) }))
}

/// Whether a run has shown that its request cannot be done: each of its edits failed as the same request fails again.
fn is_refused(run: &Path) -> bool {
    let refused = |candidate: &CandidateRecord| {
        let failed = candidate.made.as_ref().and_then(|made| made.as_ref().err());
        failed.is_some_and(|failure| matches!(failure.kind, FailureKind::Refused | FailureKind::Invalid))
    };
    let record = block_in_place(|| read_run(run));
    record.is_ok_and(|record| !record.candidates.is_empty() && record.candidates.iter().all(refused))
}

/// How far one request is carried out.
#[derive(Clone, Copy)]
struct Within<'a> {
    search: &'a Arc<dyn SearchFactory>,
    edits: u64,
}

/// A row, looked at.
struct Asked {
    id: String,
    instruction: Instruction,
    source: editscale_core::EncodedImage,
    mask: Option<editscale_core::EncodedImage>,
    seed: Seed,
}

/// What a row asks for, or why it cannot be used.
async fn asked(planned: &Planned, (row, listed): (u64, &Listed)) -> Result<Asked, String> {
    let said = |error: &dyn std::fmt::Display| format!("{}: {error}", planned.dataset.spot(&listed.place));
    let row = planned.dataset.fetch(&listed.place, row).map_err(|error| said(&error))?;
    let own = row.seed.map(Seed::new).transpose().map_err(|error| said(&error))?;
    let source = planned.pictures.load(&row.source).await.map_err(|error| said(&error))?;
    let mask = match &row.mask {
        None => None,
        Some(mask) => Some(planned.pictures.load(mask).await.map_err(|error| said(&error))?),
    };
    if mask.as_ref().is_some_and(|mask| mask.size != source.size) {
        return Err(said(&"the mask is not as large as the source"));
    }
    if let Some(editor) = planned.workshop.editors.iter().find(|editor| mask.is_some() && !editor.card().masks) {
        return Err(said(&format!("the row has a mask, and editor `{}` does not honour masks", editor.card().name)));
    }
    Ok(Asked {
        instruction: Instruction::new(&row.instruction).map_err(|error| said(&error))?,
        seed: row_seed(own, planned.seed, &row.id, 0),
        id: row.id,
        source,
        mask,
    })
}

/// Carries a request out within so many edits: from its beginning, from where it was stopped, or from where fewer edits ended it.
async fn carry_out(
    planned: &Planned,
    (path, row): (&Path, u64),
    (asked, within): (&Asked, Within<'_>),
    stop: StopSignal,
) -> Result<Outcome> {
    let (mut directory, recorded) = block_in_place(|| when_free(|| enter(path))).map_err(|error| match error {
        DirectoryError::InUse(_) => Misuse::new(error.to_string()).hint("another process works on this pool").into(),
        error => anyhow::Error::from(error),
    })?;
    let (manifest, job) = job(planned, &directory, (asked, row), within)?;
    match recorded {
        None => directory.begin(&manifest)?,
        Some(recorded) => go_on(planned, &mut directory, recorded, &manifest)?,
    }
    Ok(editscale_engine::run(&job, &mut directory, stop).await?)
}

/// Makes a run that is there already the one that is wanted: one that was probed goes on as all of the recipe says.
fn go_on(planned: &Planned, directory: &mut RunDirectory, recorded: Manifest, wanted: &Manifest) -> Result<()> {
    let was_probed = recorded.search != wanted.search && recorded.search == planned.probing.revision();
    let search = if was_probed { &wanted.search } else { &recorded.search };
    let same = Manifest { budget: wanted.budget, search: search.clone(), ..recorded.clone() };
    directory.check_same(&same, wanted)?;
    let recorded = if was_probed { directory.go_on_under(&recorded, search)? } else { recorded };
    if recorded.budget != wanted.budget {
        directory.widen(&recorded, wanted.budget)?;
    }
    Ok(())
}

/// The directory of a run, and what it is a run of where it was begun.
fn enter(path: &Path) -> Result<(RunDirectory, Option<Manifest>), DirectoryError> {
    if path.join("run.json").is_file() {
        let (directory, recorded) = RunDirectory::open(path)?;
        return Ok((directory, Some(recorded)));
    }
    Ok((RunDirectory::create(path)?, None))
}

fn job(
    planned: &Planned,
    directory: &RunDirectory,
    (asked, row): (&Asked, u64),
    Within { search, edits }: Within<'_>,
) -> Result<(Manifest, Job)> {
    let images = directory.images();
    let request = EditRequest {
        source: images.put(&asked.source)?,
        instruction: asked.instruction.clone(),
        mask: asked.mask.as_ref().map(|mask| images.put(mask)).transpose()?,
        output_size: None,
        seed: asked.seed,
    };
    let run = RunId::new(&format!("pool-{row:08}"))?;
    let name = format!("{}.{}", asked.id, asked.source.media.extension());
    let (manifest, job) = planned.workshop.job(run, request, name);
    let budget = planned.budget(edits);
    let limits = editscale_engine::Limits { budget, ..job.limits };
    let manifest = Manifest { budget, search: search.revision(), ..manifest };
    Ok((manifest, Job { limits, search: Arc::clone(search), ..job }))
}
