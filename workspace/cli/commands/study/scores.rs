//! What every candidate of a run is worth: by what the policy chose by, and by what is wanted.

use std::collections::BTreeMap;

use anyhow::Result;
use editscale_config::JudgeRecipe;
use editscale_core::{CandidateId, Edge, Ledger, Noise, RewardName, ScoreCard, Start, Until};
use editscale_engine::CandidateRecord;
use editscale_schema::{list, quote};

use super::judged::Judged;
use super::runs::Run;
use crate::catalogue::catalogue;
use crate::failure::Misuse;

/// One candidate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) id: CandidateId,
    /// Whether it was made from the source without looking at any other.
    pub(super) is_fresh: bool,
    /// What was spent when it could be chosen, charged in ask order.
    pub(super) known_at: Ledger,
    /// What the policy made of it when it was first judged.
    pub(super) utility: Option<f64>,
    /// By what was said when it was first judged: what was said of finalists again is not said of the others.
    pub(super) proxy: Option<f64>,
    pub(super) first_gold: Option<f64>,
    /// By what was said last.
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
    /// Why its candidates are no independent draws; nothing where the fresh ones are.
    pub(super) no_curve: Option<&'static str>,
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

    /// What it says of a candidate of which its rewards said so much, and the policy made so much.
    fn of(&self, (run, candidate): (&Run, &CandidateRecord), card: &ScoreCard, utility: Option<f64>) -> Option<f64> {
        match self {
            Self::Utility => utility,
            Self::Reward(name) => mean(card, name),
            Self::Judge(judged) => judged.of(run, candidate),
        }
    }
}

/// What a policy makes of each candidate.
type Utilities = BTreeMap<CandidateId, f64>;

/// What the policy made of each when it was first judged. Where some were judged again the verdict tells the last of it, and the
/// first is made anew by the run's own objective; nothing where that cannot be read.
fn first_utilities(run: &Run, last: &Utilities) -> Option<Utilities> {
    let finished = |candidate: &&CandidateRecord| candidate.proposal.until == Until::Finished && candidate.judgings > 0;
    let judged: Vec<&CandidateRecord> = run.record.candidates.iter().filter(finished).collect();
    if judged.iter().all(|candidate| candidate.judgings == 1) {
        return Some(last.clone());
    }
    let manifest = &run.record.manifest;
    let (recipe, _) = JudgeRecipe::parse(manifest.resolved_recipe.as_bytes(), &catalogue()).ok()?;
    let objective = Some(recipe.objective()).filter(|objective| objective.revision() == manifest.objective)?;
    let cards: Vec<&ScoreCard> = judged.iter().map(|candidate| &candidate.first_card).collect();
    let utilities = judged.iter().zip(objective.utilities(&cards));
    Some(utilities.filter_map(|(candidate, utility)| Some((candidate.proposal.id, utility?.get()))).collect())
}

/// Whether a policy chose the editor of each candidate by what the others were worth.
fn is_routed(run: &Run) -> bool {
    let manifest = &run.record.manifest;
    manifest.editors.len() > 1 && manifest.search.starts_with("thompson/")
}

fn mean(card: &ScoreCard, name: &RewardName) -> Option<f64> {
    card.score(name).map(editscale_core::Score::mean)
}

/// Puts numbers to a run.
pub(super) fn scored(run: &Run, proxy: &Source<'_>, gold: &Source<'_>) -> Scored {
    let ranked = run.outcome.verdict.ranked.iter();
    let last: Utilities = ranked.map(|ranked| (ranked.id, ranked.utility.get())).collect();
    let first = first_utilities(run, &last);
    let no_curve = match &first {
        _ if is_routed(run) => Some("its policy chose the editor of each candidate by how the others did"),
        None => Some("what finalists were worth before they were judged again cannot be told by this version"),
        Some(_) => None,
    };
    let first = first.unwrap_or_else(|| last.clone());
    let instruction = run.record.manifest.request.instruction.as_str();
    let number = |candidate: &CandidateRecord| {
        let known_at = candidate.known_at.filter(|_| matches!(candidate.made, Some(Ok(_))))?;
        let proposal = &candidate.proposal;
        let [utility, last] = [&first, &last].map(|utilities| utilities.get(&proposal.id).copied());
        let is_fresh = proposal.lineage.edge == Edge::Fresh
            && (proposal.start, proposal.until) == (Start::Source, Until::Finished)
            && proposal.noise == Noise::Own
            && &*proposal.instruction == instruction;
        let of = (run, candidate);
        let [proxy, first_gold] = [proxy, gold].map(|source| source.of(of, &candidate.first_card, utility));
        let gold = gold.of(of, &candidate.card, last);
        Some(Candidate { id: proposal.id, is_fresh, known_at, utility, proxy, first_gold, gold })
    };
    Scored {
        group: run.group,
        request: run.request(),
        label: run.label(),
        seed: run.record.manifest.request.seed.get(),
        candidates: run.record.candidates.iter().filter_map(number).collect(),
        winner: run.outcome.winner(),
        spent: run.outcome.ledger,
        no_curve,
    }
}
