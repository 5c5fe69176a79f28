//! The loop between a search and a workshop, with its ledger.

use editscale_core::{
    Budget, CandidateId, Consulted, Cost, CriticName, Criticism, Critique, Decision, Failure, Ledger, Proposal,
    SearchFactory, Start, Trial, Until, Verdict,
};
use thiserror::Error;

use super::workshop::Workshop;

/// More rounds than any plan has: a search that does not end is caught.
const MOST_ROUNDS: u32 = 1_000_000;

/// How a search breaks its contract.
#[derive(Debug, Error)]
pub enum DriveError {
    /// It spent what it did not have.
    #[error("the search spent more than its budget: {0:?}")]
    Overspent(Box<Ledger>),
    /// It asked for nothing, or for candidates out of order.
    #[error("the search asked for {0}")]
    Disorder(&'static str),
    /// It went on for ever.
    #[error("the search does not end")]
    Endless,
}

/// A search that came to its end.
#[derive(Debug, Clone)]
pub struct Run {
    /// What it found.
    pub verdict: Verdict,
    /// What it spent.
    pub ledger: Ledger,
    /// Candidates that were begun.
    pub begun: u64,
    /// Candidates that were finished.
    pub finished: u64,
    /// Previews that were looked at.
    pub previews: u64,
    /// Judgements of candidates judged before.
    pub again: u64,
    /// Critiques, each of which is among the ledger's reward calls too.
    pub critiques: u64,
    /// What was asked for, in ask order.
    pub asked: Vec<Proposal>,
}

impl Run {
    /// The chosen candidate.
    pub fn chosen(&self) -> Option<CandidateId> {
        self.verdict.ranked.first().map(|ranked| ranked.id)
    }
}

/// Takes a search to its end within a budget, as the engine does.
pub fn drive(factory: &dyn SearchFactory, workshop: &mut dyn Workshop, budget: &Budget) -> Result<Run, DriveError> {
    let mut search = factory.start(workshop.request(), workshop.cards());
    let mut desk = Desk { workshop, ledger: Ledger::default(), counts: Counts::default(), asked: Vec::new() };
    let mut trials = Vec::new();
    for _ in 0..MOST_ROUNDS {
        let decision = search.decide(&trials, &budget.after(&desk.ledger));
        trials = match decision {
            Decision::Stop(verdict) => return Ok(desk.close(verdict)),
            Decision::Explore { proposals, .. } => desk.explore(proposals)?,
            Decision::Judge { who, votes, .. } => who.into_iter().map(|id| desk.judge(id, votes)).collect(),
            Decision::Rewrite { critic } => vec![desk.rewrite(critic)],
            Decision::Consult { who, critic, .. } => {
                who.into_iter().map(|about| desk.consult(about, &critic)).collect()
            }
        };
        desk.check(budget)?;
    }
    Err(DriveError::Endless)
}

#[derive(Debug, Default)]
struct Counts {
    begun: u64,
    finished: u64,
    previews: u64,
    again: u64,
    critiques: u64,
}

/// A workshop with its books.
struct Desk<'w> {
    workshop: &'w mut dyn Workshop,
    ledger: Ledger,
    counts: Counts,
    asked: Vec<Proposal>,
}

impl Desk<'_> {
    fn explore(&mut self, proposals: Vec<Proposal>) -> Result<Vec<Trial>, DriveError> {
        if proposals.is_empty() {
            return Err(DriveError::Disorder("nothing"));
        }
        let mut trials = Vec::with_capacity(proposals.len());
        for proposal in proposals {
            if proposal.id.0 as usize != self.asked.len() {
                return Err(DriveError::Disorder("candidates out of order"));
            }
            trials.push(self.make(&proposal));
            self.asked.push(proposal);
        }
        Ok(trials)
    }

    fn make(&mut self, proposal: &Proposal) -> Trial {
        let id = proposal.id;
        // A path that goes on is the edit that was begun.
        let is_begun = !matches!(proposal.start, Start::Paused(_));
        self.counts.begun += u64::from(is_begun);
        self.ledger.edits += u64::from(is_begun);
        match self.workshop.make(proposal) {
            Err(why) => Trial::Failed { id, why },
            Ok(piece) => {
                if proposal.until == Until::Finished {
                    self.counts.finished += 1;
                } else {
                    self.counts.previews += 1;
                }
                self.spend(piece.edit, piece.judging, piece.judgements);
                Trial::Scored { id, image: piece.image, hash: piece.hash, card: piece.card }
            }
        }
    }

    fn judge(&mut self, id: CandidateId, votes: u32) -> Trial {
        match self.workshop.judge(id, votes) {
            Err(why) => Trial::Failed { id, why },
            Ok(again) => {
                self.counts.again += again.judgements;
                self.spend(Cost::default(), again.judging, again.judgements);
                Trial::Rescored { id, card: again.card }
            }
        }
    }

    fn consult(&mut self, about: Consulted, critic: &CriticName) -> Trial {
        let written = self.workshop.consult(about, critic);
        Trial::Critique { id: about.id, critic: critic.clone(), written: self.paid(written) }
    }

    fn rewrite(&mut self, critic: CriticName) -> Trial {
        let written = self.workshop.rewrite(&critic);
        Trial::Rewritten { critic, written: self.paid(written) }
    }

    /// A critique counts as a reward call, as in the engine's ledger, and what failed was asked for all the same.
    fn paid(&mut self, written: Result<Criticism, Failure>) -> Result<Critique, Failure> {
        let cost = written.as_ref().map_or_else(|why| why.cost, |criticism| criticism.cost);
        self.counts.critiques += 1;
        self.spend(Cost::default(), cost, 1);
        written.map(|criticism| criticism.critique)
    }

    fn spend(&mut self, edit: Cost, judging: Cost, judgements: u64) {
        self.ledger.cost += edit;
        self.ledger.cost += judging;
        self.ledger.reward_calls += judgements;
    }

    fn check(&self, budget: &Budget) -> Result<(), DriveError> {
        let within = |limit: Option<u64>, spent: u64| limit.is_none_or(|limit| spent <= limit);
        let Ledger { edits, reward_calls, cost, .. } = self.ledger;
        let is_within = within(budget.edits, edits)
            && within(budget.reward_calls, reward_calls)
            && within(budget.nfe, cost.nfe)
            && within(budget.usd.map(|usd| usd.micros), cost.usd.micros);
        if is_within { Ok(()) } else { Err(DriveError::Overspent(Box::new(self.ledger))) }
    }

    fn close(self, verdict: Verdict) -> Run {
        let Self { ledger, counts, asked, .. } = self;
        let Counts { begun, finished, previews, again, critiques } = counts;
        Run { verdict, ledger, begun, finished, previews, again, critiques, asked }
    }
}
