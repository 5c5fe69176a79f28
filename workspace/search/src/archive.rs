//! What a search knows: every proposal, what came of it, and the order of preference among them.

use std::cmp::Ordering;
use std::sync::Arc;

use editscale_core::{
    CandidateId, Decision, Digest, Objective, PerceptualHash, Proposal, Ranked, Scale, ScoreCard, StopReason, Trial,
    Until, Utility, Verdict,
};

use crate::stop::StopRule;
use crate::ties::Ties;

/// One candidate that was made and judged.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) proposal: Proposal,
    pub(crate) image: Digest,
    pub(crate) hash: Option<PerceptualHash>,
    pub(crate) card: ScoreCard,
}

/// The record that a search keeps of its own run.
#[derive(Debug)]
pub(crate) struct Archive {
    objective: Arc<dyn Objective>,
    asked: Vec<Proposal>,
    entries: Vec<Entry>,
    /// The finished entries that have a utility, in order of preference: sorted once a round.
    order: Vec<Placed>,
    ties: Option<Ties>,
    leader: Option<Leader>,
    without_gain: u32,
}

/// The candidate that comes first.
#[derive(Debug, Clone, Copy)]
struct Leader {
    id: CandidateId,
    utility: Utility,
}

/// An entry's place in the archive and its utility among all of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    pub(crate) entry: usize,
    pub(crate) utility: Utility,
}

impl Archive {
    pub(crate) fn new(objective: Arc<dyn Objective>) -> Self {
        Self {
            objective,
            asked: Vec::new(),
            entries: Vec::new(),
            order: Vec::new(),
            ties: None,
            leader: None,
            without_gain: 0,
        }
    }

    /// The same, empty still, with another order of equally good candidates in its verdicts. The search itself goes by
    /// [`Self::placed`], in which the best so far never drops.
    pub(crate) fn settling(self, ties: Option<Ties>) -> Self {
        Self { ties, ..self }
    }

    /// Proposals that are about to be asked for.
    pub(crate) fn ask(&mut self, proposals: &[Proposal]) {
        self.asked.extend_from_slice(proposals);
    }

    /// How many candidates were asked for so far.
    pub(crate) fn asked(&self) -> u32 {
        self.asked.len() as u32
    }

    /// Takes in one round. Trials of candidates that were never asked for are no concern of this search.
    pub(crate) fn learn(&mut self, trials: &[Trial]) {
        trials.iter().for_each(|trial| self.enter(trial));
        if !trials.iter().filter_map(Trial::id).any(|id| self.is_finished(id)) {
            return;
        }
        self.order = self.placed_among(|proposal| proposal.until == Until::Finished);
        let first = self.order.first().copied();
        let leader = first.map(|placed| Leader { id: self.id(placed), utility: placed.utility });
        self.without_gain = if self.is_gain(leader) { 0 } else { self.without_gain + 1 };
        self.leader = leader;
    }

    /// Whether the candidate was to be finished. What was to stop half way is never the best, and nobody waits for it to be.
    fn is_finished(&self, id: CandidateId) -> bool {
        self.asked.get(id.0 as usize).is_none_or(|proposal| proposal.until == Until::Finished)
    }

    fn enter(&mut self, trial: &Trial) {
        match trial {
            Trial::Scored { id, image, hash, card } => {
                if let Some(proposal) = self.asked.get(id.0 as usize) {
                    let (proposal, card) = (proposal.clone(), card.clone());
                    self.entries.push(Entry { proposal, image: *image, hash: *hash, card });
                }
            }
            Trial::Rescored { id, card } => {
                // Trials come in ask order, and so the entries are.
                if let Ok(place) = self.entries.binary_search_by_key(id, |entry| entry.proposal.id) {
                    let entry = &mut self.entries[place];
                    entry.card = std::mem::take(&mut entry.card).updated(card);
                }
            }
            Trial::Critique { .. } | Trial::Rewritten { .. } | Trial::Failed { .. } => {}
        }
    }

    /// Whether something better came. Relative utilities do not compare between rounds, so that there only another
    /// leader tells.
    fn is_gain(&self, leader: Option<Leader>) -> bool {
        match (leader, self.leader) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(leader), Some(before)) => match self.objective.scale() {
                Scale::Absolute => leader.utility > before.utility,
                Scale::Relative => leader.id != before.id,
            },
        }
    }

    /// The best utility so far, and for how many rounds nothing better came.
    pub(crate) fn standing(&self) -> (Option<Utility>, u32) {
        (self.leader.map(|leader| leader.utility), self.without_gain)
    }

    /// What was asked for under this id.
    pub(crate) fn proposal(&self, id: CandidateId) -> Option<&Proposal> {
        self.asked.get(id.0 as usize)
    }

    pub(crate) fn entry(&self, index: usize) -> &Entry {
        &self.entries[index]
    }

    /// What became of a candidate that was made and judged.
    pub(crate) fn entry_of(&self, id: CandidateId) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.proposal.id == id)
    }

    /// Every finished entry that has a utility, the best first. Of equal utilities the candidate asked for earlier comes
    /// first.
    pub(crate) fn placed(&self) -> Vec<Placed> {
        self.order.clone()
    }

    /// By how much the utility of each of these is lower for its judges' doubt, in the same order; nothing where nobody is
    /// doubted.
    pub(crate) fn doubts(&self) -> Option<Vec<f64>> {
        let cards: Vec<&ScoreCard> = self.order.iter().map(|placed| &self.entries[placed.entry].card).collect();
        self.objective.doubts(&cards)
    }

    /// The same of the entries whose proposals are among those, compared with each other alone.
    pub(crate) fn placed_among(&self, is_among: impl Fn(&Proposal) -> bool) -> Vec<Placed> {
        let among: Vec<usize> = (0..self.entries.len()).filter(|at| is_among(&self.entries[*at].proposal)).collect();
        let cards: Vec<&ScoreCard> = among.iter().map(|at| &self.entries[*at].card).collect();
        let utilities = among.into_iter().zip(self.objective.utilities(&cards));
        let mut placed: Vec<Placed> =
            utilities.filter_map(|(entry, utility)| Some(Placed { entry, utility: utility? })).collect();
        placed.sort_by(|a, b| self.preferred(*a, *b));
        placed
    }

    fn preferred(&self, a: Placed, b: Placed) -> Ordering {
        let id = |placed: Placed| self.entries[placed.entry].proposal.id;
        b.utility.cmp(&a.utility).then(id(a).cmp(&id(b)))
    }

    /// Whether a stop rule ends the search, as the error that it ends with.
    pub(crate) fn go_on(&self, stop: &StopRule) -> Result<(), StopReason> {
        let (best, without_gain) = self.standing();
        stop.met(best, without_gain).map_or(Ok(()), Err)
    }

    /// The decision to make the next round, which is asked for with it, or to stop.
    pub(crate) fn decision(&mut self, next: Result<Vec<Proposal>, StopReason>) -> Decision {
        match next {
            Ok(proposals) => {
                self.ask(&proposals);
                Decision::Explore { proposals, keep: Vec::new() }
            }
            Err(reason) => Decision::Stop(self.verdict(reason)),
        }
    }

    /// The verdict in order of preference.
    pub(crate) fn verdict(&self, reason: StopReason) -> Verdict {
        let ranked =
            |placed: Placed| Ranked { id: self.id(placed), utility: placed.utility, selection_probability: None };
        let mut order = self.placed();
        if let Some(ties) = self.ties {
            ties.settle(&self.entries, &mut order);
        }
        let ranked: Vec<Ranked> = order.into_iter().map(ranked).collect();
        let reason = match reason {
            StopReason::Finished if ranked.is_empty() && self.asked() > 0 => {
                StopReason::Stuck("no candidate could be made and judged".into())
            }
            reason => reason,
        };
        Verdict { ranked, reason, draw: None }
    }

    pub(crate) fn id(&self, placed: Placed) -> CandidateId {
        self.entries[placed.entry].proposal.id
    }
}
