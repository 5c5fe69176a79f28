//! From a finished run directory to the group that is written down.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use editscale_core::{
    Failure, Image, ImageReadError, Ledger, Objective, Outcome, Score, ScoreCard, Start, Until, Verdict,
};
use editscale_engine::{CandidateRecord, RunRecord};
use thiserror::Error;

use crate::advantage::{AdvantageKind, advantages, is_flat};
use crate::group::{CandidateRow, Cost, DrawFigures, FailureNote, Group, MadeBy, PartRow, Picture, PolicyStamp, Said};
use crate::pack::Pack;
use crate::queue::Spent;

/// A group could not be put together from its run.
#[derive(Debug, Error)]
pub enum WriteDownError {
    /// A picture is gone or was changed.
    #[error(transparent)]
    Image(#[from] ImageReadError),
    /// A trajectory cannot be read.
    #[error("cannot read trajectory {path}: {source}")]
    Trajectory {
        /// Its file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What is known of a group beside its run.
#[derive(Debug, Clone)]
pub(crate) struct About {
    pub(crate) rollout_id: String,
    pub(crate) group_id: String,
    pub(crate) row: u64,
    pub(crate) row_id: String,
    pub(crate) repeat: u32,
    pub(crate) resampled: u32,
    pub(crate) recipe: String,
    pub(crate) policy: PolicyStamp,
    pub(crate) mask_name: Option<String>,
    /// What earlier samplings of the group have spent.
    pub(crate) spent_before: Spent,
    pub(crate) extra: serde_json::Map<String, serde_json::Value>,
    pub(crate) made: MadeBy,
}

/// How rewards are looked at within a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measures {
    /// What a reward is worth.
    pub advantage: AdvantageKind,
    /// Rewards whose standard deviation is at most this do not differ.
    pub flat_below: f64,
    /// Whether trajectories are kept.
    pub trajectories: bool,
}

/// What a ledger says, as queues add it up.
pub(crate) fn spent(ledger: &Ledger) -> Spent {
    Spent {
        edits: ledger.edits,
        reward_calls: ledger.reward_calls,
        nfe: ledger.cost.nfe,
        tokens: ledger.cost.tokens,
        usd_micros: ledger.cost.usd.micros,
        wall_secs: ledger.wall.as_secs_f64(),
    }
}

/// One reward a candidate, in ask order.
pub(crate) fn rewards(record: &RunRecord, objective: &dyn Objective) -> Vec<Option<f64>> {
    let cards: Vec<&ScoreCard> = record.candidates.iter().map(|candidate| &candidate.card).collect();
    let is_finished = |candidate: &CandidateRecord| candidate.proposal.until == Until::Finished;
    let utilities = objective.utilities(&cards).into_iter().zip(&record.candidates);
    // A preview is no result: what it scored has led the search, and is told in its scores.
    utilities
        .map(|(utility, candidate)| utility.filter(|_| is_finished(candidate)).map(editscale_core::Utility::get))
        .collect()
}

/// A group and its pictures, out of a run that has ended. Reads files.
pub(crate) fn pack(
    run: &Path,
    (record, outcome): (&RunRecord, &Outcome),
    (objective, measures): (&Arc<dyn Objective>, &Measures),
    about: About,
) -> Result<Pack, WriteDownError> {
    let rewards = rewards(record, &**objective);
    let worth = advantages(measures.advantage, &rewards);
    let mut images = Images::default();
    let request = &record.manifest.request;
    let source = images.take(&request.source, Some(record.manifest.source_name.clone()))?;
    let mask = request.mask.as_ref().map(|mask| images.take(mask, about.mask_name.clone())).transpose()?;
    let mut trajectories = BTreeMap::new();
    let mut candidates = Vec::with_capacity(record.candidates.len());
    for (place, candidate) in record.candidates.iter().enumerate() {
        let mut row = candidate_row(candidate, &outcome.verdict);
        row.reward = rewards.get(place).copied().flatten();
        row.advantage = worth.get(place).copied().flatten();
        if let Some(Ok(made)) = &candidate.made {
            row.image = Some(images.take(&made.image, None)?);
        }
        if measures.trajectories
            && let Some(bytes) = trajectory(run, candidate)?
        {
            row.has_trajectory = true;
            trajectories.insert(row.candidate, bytes);
        }
        candidates.push(row);
    }
    let is_flat = is_flat(&rewards, measures.flat_below);
    let group = group(record, outcome, about, Parts { source, mask, candidates, is_flat });
    Ok(Pack { group, images: images.bytes, trajectories })
}

struct Parts {
    source: Picture,
    mask: Option<Picture>,
    candidates: Vec<CandidateRow>,
    is_flat: bool,
}

fn group(record: &RunRecord, outcome: &Outcome, about: About, parts: Parts) -> Group {
    let manifest = &record.manifest;
    let mut all = about.spent_before;
    all += spent(&outcome.ledger);
    Group {
        version: Group::VERSION,
        rollout_id: about.rollout_id,
        group_id: about.group_id,
        row: about.row,
        row_id: about.row_id,
        repeat: about.repeat,
        resampled: about.resampled,
        is_flat: parts.is_flat,
        instruction: manifest.request.instruction.to_string(),
        source: parts.source,
        mask: parts.mask,
        root_seed: manifest.request.seed.get(),
        recipe: about.recipe,
        behaviour_policy: manifest.search.clone(),
        objective: manifest.objective.clone(),
        policy: about.policy,
        editors: manifest.editors.iter().map(|editor| (editor.name.clone(), editor.revision.clone())).collect(),
        rewards: manifest.rewards.iter().map(|reward| (reward.name.clone(), reward.revision.clone())).collect(),
        stop_reason: outcome.verdict.reason.word().to_owned(),
        draw: outcome.verdict.draw.map(|draw| DrawFigures {
            temperature: draw.temperature,
            effective_sample_size: draw.effective_sample_size,
            kl: draw.kl,
        }),
        candidates: parts.candidates,
        spent: all,
        extra: about.extra,
        made: MadeBy { wall_secs: outcome.ledger.wall.as_secs_f64(), ..about.made },
    }
}

fn candidate_row(candidate: &CandidateRecord, verdict: &Verdict) -> CandidateRow {
    let proposal = &candidate.proposal;
    let made = candidate.made.as_ref().and_then(|made| made.as_ref().ok());
    let rank = verdict.ranked.iter().position(|ranked| ranked.id == proposal.id);
    let started_from = match proposal.start {
        Start::Source => None,
        Start::Candidate(id) | Start::Paused(id) => Some(id),
    };
    let parents = [proposal.lineage.parent, started_from];
    let mut parents: Vec<u32> = parents.into_iter().flatten().map(|id| id.0).collect();
    parents.dedup();
    CandidateRow {
        candidate: proposal.id.0,
        round: candidate.round,
        parents,
        edge: proposal.lineage.edge.word().to_owned(),
        start: match proposal.start {
            Start::Source => "source",
            Start::Candidate(_) => "candidate",
            Start::Paused(_) => "paused",
        }
        .to_owned(),
        until_step: match proposal.until {
            Until::Finished => None,
            Until::Step(step) => Some(step),
        },
        effective_instruction: proposal.instruction.to_string(),
        editor: proposal.editor.to_string(),
        knobs: proposal.knobs.iter().map(|(name, value)| (name.to_string(), value.into())).collect(),
        seed: proposal.seed.get(),
        effective_seed: made.and_then(|made| made.effective_seed),
        image: None,
        failure: candidate.made.as_ref().and_then(|made| made.as_ref().err()).map(note),
        notes: made.map(|made| made.notes.iter().map(ToString::to_string).collect()).unwrap_or_default(),
        scores: candidate.card.iter().map(|(name, what)| (name.to_string(), said(what))).collect(),
        reward: None,
        advantage: None,
        rank: rank.map(|rank| rank as u32),
        is_selected: rank == Some(0),
        selection_probability: rank
            .and_then(|rank| verdict.ranked.get(rank))
            .and_then(|ranked| ranked.selection_probability),
        cost: made.map(|made| cost(made.cost)).unwrap_or_default(),
        took_secs: made.map(|made| made.took.as_secs_f64()).unwrap_or_default(),
        has_trajectory: false,
    }
}

fn cost(cost: editscale_core::Cost) -> Cost {
    Cost { nfe: cost.nfe, tokens: cost.tokens, usd_micros: cost.usd.micros }
}

fn note(failure: &Failure) -> FailureNote {
    FailureNote { kind: failure.kind.word().to_owned(), message: failure.message.to_string() }
}

fn said(what: &Result<Score, Failure>) -> Said {
    match what {
        Err(failure) => Said::Failed(note(failure)),
        Ok(score) => Said::Score {
            mean: score.mean(),
            sigma: score.sigma(),
            parts: score
                .parts()
                .iter()
                .map(|part| PartRow { name: part.name().to_string(), mean: part.mean(), sigma: part.sigma() })
                .collect(),
        },
    }
}

/// Pictures of a group, each once.
#[derive(Default)]
struct Images {
    bytes: BTreeMap<String, Bytes>,
}

impl Images {
    fn take(&mut self, image: &Image, name: Option<String>) -> Result<Picture, ImageReadError> {
        let digest = image.digest().to_string();
        if !self.bytes.contains_key(&digest) {
            let bytes = image.read()?;
            self.bytes.insert(digest.clone(), Bytes::from_owner(bytes));
        }
        let (size, format) = (image.size(), image.media().extension().to_owned());
        Ok(Picture { digest, format, width: size.width, height: size.height, name })
    }
}

/// The file of a candidate's way through the latent space, where there is one.
fn trajectory(run: &Path, candidate: &CandidateRecord) -> Result<Option<Bytes>, WriteDownError> {
    let path = editscale_engine::trajectory_file(run, candidate.proposal.id);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes.into())),
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(WriteDownError::Trajectory { path, source }),
    }
}
