//! The requests of a pool carried out, each in a run directory of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use editscale_core::{CandidateId, EditRequest, Ending, Instruction, Outcome, RunId, SearchFactory, Seed, StopReason};
use editscale_engine::{Job, Manifest, RunDirectory, StopSignal};
use editscale_rollout::dataset::Listed;
use editscale_rollout::identity::row_seed;
use futures_util::StreamExt;

use super::plan::Planned;

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
    /// Whether it ended for want of budget.
    pub(super) wants_more: bool,
}

/// How far requests are carried out.
#[derive(Clone, Copy)]
pub(super) struct Turn<'a> {
    pub(super) search: &'a Arc<dyn SearchFactory>,
    /// How many edits each may take in all, by its row.
    pub(super) edits: &'a (dyn Fn(u64) -> u64 + Sync),
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
    let path = planned.folder.run(row);
    let outcome = carry_out(planned, (&path, row), (&asked, turn), stop).await;
    let outcome = outcome.with_context(|| format!("the run in {} ended early", path.display()))?;
    if outcome.ending == Ending::Cancelled {
        return Ok(None);
    }
    let ranked = &outcome.verdict.ranked;
    let ended = Ended {
        row,
        id: asked.id,
        path,
        edits: outcome.ledger.edits,
        utilities: ranked.iter().map(|ranked| ranked.utility.get()).collect(),
        chosen: ranked.first().map(|ranked| ranked.id),
        wants_more: outcome.verdict.reason == StopReason::Budget,
    };
    Ok(Some(Came { row, ended: Ok(ended) }))
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
    (asked, turn): (&Asked, Turn<'_>),
    stop: StopSignal,
) -> Result<Outcome> {
    let (mut directory, recorded) = if path.join("run.json").is_file() {
        let (directory, recorded) = RunDirectory::open(path)?;
        (directory, Some(recorded))
    } else {
        (RunDirectory::create(path)?, None)
    };
    let (manifest, job) = job(planned, &directory, (asked, row), turn)?;
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

fn job(
    planned: &Planned,
    directory: &RunDirectory,
    (asked, row): (&Asked, u64),
    Turn { search, edits }: Turn<'_>,
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
    let budget = planned.budget(edits(row));
    let limits = editscale_engine::Limits { budget, ..job.limits };
    let manifest = Manifest { budget, search: search.revision(), ..manifest };
    Ok((manifest, Job { limits, search: Arc::clone(search), ..job }))
}
