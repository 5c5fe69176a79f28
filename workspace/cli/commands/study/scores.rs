//! What every candidate of a run is worth: by what the policy chose by, and by what is wanted.

use std::collections::BTreeMap;

use anyhow::Result;
use editscale_core::{CandidateId, Edge, Ledger, Noise, RewardName, ScoreCard, Start, Until};
use editscale_engine::CandidateRecord;
use editscale_schema::{list, quote};

use super::judged::Judged;
use super::runs::Run;
use crate::failure::Misuse;

/// One candidate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) id: CandidateId,
    /// Whether it was made from the source without looking at any other.
    pub(super) is_fresh: bool,
    /// What was spent when it could be chosen, charged in ask order.
    pub(super) known_at: Ledger,
    /// What the policy makes of it.
    pub(super) utility: Option<f64>,
    pub(super) proxy: Option<f64>,
    pub(super) gold: Option<f64>,
}

/// A run in numbers.
#[derive(Debug)]
pub(super) struct Scored {
    pub(super) group: usize,
    pub(super) request: String,
    pub(super) label: String,
    pub(super) seed: u64,
    pub(super) candidates: Vec<Candidate>,
    /// What it chose in the end.
    pub(super) winner: Option<CandidateId>,
    pub(super) spent: Ledger,
}

/// Where a score comes from.
pub(super) enum Source<'a> {
    /// What the run's objective makes of all rewards.
    Utility,
    /// One reward.
    Reward(RewardName),
    /// A judge that was asked now.
    Judge(&'a Judged),
}

impl Source<'_> {
    /// `utility`, or a reward that every run has.
    pub(super) fn named(name: &str, runs: &[Run]) -> Result<Self> {
        if name == "utility" {
            return Ok(Self::Utility);
        }
        let reward = RewardName::new(name).map_err(|error| Misuse::new(format!("{}: {error}", quote(name))))?;
        let has = |run: &&Run| run.record.manifest.rewards.iter().any(|known| known.name == name);
        match runs.iter().find(|run| !has(run)) {
            None => Ok(Self::Reward(reward)),
            Some(run) => {
                let known = list(run.record.manifest.rewards.iter().map(|reward| reward.name.as_str()));
                let misuse = Misuse::new(format!("the run in {} has no reward {}", run.path.display(), quote(name)));
                Err(misuse.hint(format!("its rewards are {known}")).into())
            }
        }
    }

    fn of(&self, run: &Run, candidate: &CandidateRecord, utility: Option<f64>) -> Option<f64> {
        match self {
            Self::Utility => utility,
            Self::Reward(name) => mean(&candidate.card, name),
            Self::Judge(judged) => judged.of(run, candidate),
        }
    }
}

fn mean(card: &ScoreCard, name: &RewardName) -> Option<f64> {
    card.score(name).map(editscale_core::Score::mean)
}

/// Puts numbers to a run.
pub(super) fn scored(run: &Run, proxy: &Source<'_>, gold: &Source<'_>) -> Scored {
    let ranked = run.outcome.verdict.ranked.iter();
    let utilities: BTreeMap<CandidateId, f64> = ranked.map(|ranked| (ranked.id, ranked.utility.get())).collect();
    let instruction = run.record.manifest.request.instruction.as_str();
    let number = |candidate: &CandidateRecord| {
        let known_at = candidate.known_at.filter(|_| matches!(candidate.made, Some(Ok(_))))?;
        let proposal = &candidate.proposal;
        let utility = utilities.get(&proposal.id).copied();
        let is_fresh = proposal.lineage.edge == Edge::Fresh
            && (proposal.start, proposal.until) == (Start::Source, Until::Finished)
            && proposal.noise == Noise::Own
            && &*proposal.instruction == instruction;
        let [proxy, gold] = [proxy, gold].map(|source| source.of(run, candidate, utility));
        Some(Candidate { id: proposal.id, is_fresh, known_at, utility, proxy, gold })
    };
    Scored {
        group: run.group,
        request: run.request(),
        label: run.label(),
        seed: run.record.manifest.request.seed.get(),
        candidates: run.record.candidates.iter().filter_map(number).collect(),
        winner: run.outcome.winner(),
        spent: run.outcome.ledger,
    }
}
