//! A run from its request to its outcome: asks the search, carries out what it decides, and hands it the trials.
//!
//! Resuming is the same loop: what the journal knows is not done again, so the search is led to where it was.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use editscale_core::{
    Budget, CandidateId, Cards, Decision, EditBackend, EditRequest, Ending, Event, Failure, FailureKind, Observer,
    Outcome, Proposal, Remaining, RewardModel, RewardSet, RunId, SearchFactory, Start, StopReason, Trial, Until,
    Verdict,
};

use crate::book::Book;
use crate::directory::RunDirectory;
use crate::error::EngineError;
use crate::journal::Entry;
use crate::retry::Retry;
use crate::round::{Asking, Round, Rounded};
use crate::stop::StopSignal;
use crate::wire::DecisionWire;

/// The world that a run acts on.
#[derive(Clone)]
pub struct Ports {
    /// The editors, in recipe order.
    pub editors: Vec<Arc<dyn EditBackend>>,
    /// The rewards, in recipe order.
    pub rewards: Vec<Arc<dyn RewardModel>>,
    /// Who hears what happens.
    pub observer: Arc<dyn Observer>,
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").field("cards", &self.cards()).finish_non_exhaustive()
    }
}

impl Ports {
    /// The cards of all editors and rewards.
    pub fn cards(&self) -> Cards {
        Cards {
            editors: self.editors.iter().map(|editor| editor.card().clone()).collect(),
            rewards: self.rewards.iter().map(|reward| reward.card().clone()).collect(),
        }
    }
}

/// How far a run may go.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// What it may spend.
    pub budget: Budget,
    /// When it tries again.
    pub retry: Retry,
}

/// Everything that a run needs.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its name.
    pub run: RunId,
    /// What is asked for.
    pub request: Arc<EditRequest>,
    /// How to search.
    pub search: Arc<dyn SearchFactory>,
    /// With whom.
    pub ports: Ports,
    /// How far.
    pub limits: Limits,
}

/// Carries out a run in its directory, from the beginning or from where its journal ends.
///
/// The directory is new, or that of a run with equal request, search, cards and limits; the caller has checked that
/// ([`RunDirectory::check_same`]). When `stop` is given, the run ends with the best so far and can be resumed.
pub async fn run(job: &Job, directory: &mut RunDirectory, mut stop: StopSignal) -> Result<Outcome, EngineError> {
    let book = directory.take_book(job.limits.budget)?;
    let observer = &job.ports.observer;
    let left = book.purse.left(book.log.elapsed());
    observer.observe(&Event::Started { run: &job.run, left: &left, resumed: book.known() });
    let outcome = Run::new(job, book).carry_out(&mut stop).await?;
    directory.write_outcome(&outcome)?;
    observer.observe(&Event::Ended { outcome: &outcome });
    Ok(outcome)
}

struct Run<'a> {
    job: &'a Job,
    book: Book,
    rounds: u32,
    asked: u32,
    failed: u32,
    /// Edits and judgements that the budget did not allow.
    denied: u32,
    /// Those that may have been done. That is what a deadline makes of what does not end in time.
    doubtful: u32,
    /// Failed candidates that failed for nothing but these.
    failed_by_budget: u32,
    /// Whether the time was up at the last decision.
    is_late: bool,
    /// Active time at the last decision.
    decided_at: Duration,
    /// Candidates that were paused and not yet released.
    paused: Vec<CandidateId>,
}

impl<'a> Run<'a> {
    fn new(job: &'a Job, book: Book) -> Self {
        Self {
            job,
            book,
            rounds: 0,
            asked: 0,
            failed: 0,
            denied: 0,
            doubtful: 0,
            is_late: false,
            failed_by_budget: 0,
            decided_at: Duration::ZERO,
            paused: Vec::new(),
        }
    }

    async fn carry_out(mut self, stop: &mut StopSignal) -> Result<Outcome, EngineError> {
        let mut search = self.job.search.start(&self.job.request, &self.job.ports.cards());
        let mut trials = Vec::new();
        loop {
            let decision = self.decide(&mut *search, &trials)?;
            let rounded = match decision {
                Decision::Stop(verdict) => return Ok(self.outcome(verdict, Ending::Search)),
                Decision::Explore { proposals, keep } => self.explore(proposals, &keep, stop).await?,
                Decision::Judge { who, rewards, votes } => self.judge(&who, &rewards, votes, stop).await?,
                Decision::Consult { who, critic } => {
                    let why = format!("this run has no critic `{critic}`");
                    let why = Failure::new(FailureKind::Invalid, why);
                    Rounded { trials: vec![Trial::Failed { id: who, why }], interrupted: false }
                }
            };
            trials = rounded.trials;
            self.count_failures(&trials);
            if rounded.interrupted {
                let verdict = last_word(&mut *search, &trials, self.rounds)?;
                return Ok(self.outcome(verdict, Ending::Cancelled));
            }
            self.rounds += 1;
        }
    }

    /// Asks the search; checks its answer against the journal, or journals it.
    fn decide(&mut self, search: &mut dyn editscale_core::Search, trials: &[Trial]) -> Result<Decision, EngineError> {
        let round = self.rounds;
        let instruction = self.job.request.instruction.as_str();
        if let Some(recorded) = self.book.decided.get(round as usize) {
            let left = recorded.left.remaining();
            let decision = search.decide(trials, &left);
            let same = DecisionWire::new(&decision, instruction) == recorded.decision;
            self.decided_at = self.book.recorded_wall;
            self.is_late = left.amounts().wall == Some(Duration::ZERO);
            return if same { Ok(decision) } else { Err(EngineError::Diverged { round }) };
        }
        let left = self.book.purse.left(self.book.log.elapsed());
        // What the journal will say is what the search is told: both sides see the same rounding.
        let decision = search.decide(trials, &left);
        self.is_late = left.amounts().wall == Some(Duration::ZERO);
        self.decided_at = self.book.log.append(Entry::Decided {
            round,
            left: left.amounts().into(),
            decision: DecisionWire::new(&decision, instruction),
        })?;
        Ok(decision)
    }

    async fn explore(
        &mut self,
        proposals: Vec<Proposal>,
        keep: &[CandidateId],
        stop: &mut StopSignal,
    ) -> Result<Rounded, EngineError> {
        if proposals.is_empty() {
            return Err(EngineError::NoHeadway { round: self.rounds });
        }
        for proposal in &proposals {
            let expected = CandidateId(self.asked);
            if proposal.id != expected {
                return Err(EngineError::AskOrder { expected, found: proposal.id });
            }
            self.asked += 1;
        }
        self.job.ports.observer.observe(&Event::Proposed { round: self.rounds, proposals: &proposals });
        let wanted = |id: &CandidateId| {
            keep.contains(id) || proposals.iter().any(|proposal| proposal.start == Start::Paused(*id))
        };
        self.release(wanted);
        // A state that had been released is made again for whoever goes on from it, and is to be released again.
        for proposal in &proposals {
            if let Start::Paused(id) = proposal.start
                && self.book.halted.contains_key(&id)
                && !self.paused.contains(&id)
            {
                self.paused.push(id);
            }
        }
        for proposal in proposals.iter().filter(|proposal| proposal.until != Until::Finished) {
            self.paused.push(proposal.id);
            self.book.halted.insert(proposal.id, proposal.clone());
        }
        Round::explore(self.job, &mut self.book, self.rounds, proposals).carry_out(stop).await
    }

    async fn judge(
        &mut self,
        who: &[CandidateId],
        rewards: &RewardSet,
        votes: u32,
        stop: &mut StopSignal,
    ) -> Result<Rounded, EngineError> {
        if who.is_empty() || votes == 0 {
            return Err(EngineError::NoHeadway { round: self.rounds });
        }
        let is_asked = |place: &usize| match rewards {
            RewardSet::All => true,
            RewardSet::Only(names) => names.contains(&self.job.ports.rewards[*place].card().name),
        };
        let rewards = (0..self.job.ports.rewards.len()).filter(is_asked).collect();
        let asking = Asking { rewards, votes };
        Round::judge(self.job, &mut self.book, self.rounds, who, asking).carry_out(stop).await
    }

    /// Tells the editors which paused states are not wanted any more.
    fn release(&mut self, wanted: impl Fn(&CandidateId) -> bool) {
        let (kept, dropped): (Vec<_>, Vec<_>) = self.paused.drain(..).partition(wanted);
        self.paused = kept;
        if !dropped.is_empty() {
            let dropped: Vec<_> = dropped.into_iter().map(|id| (self.job.run.clone(), id)).collect();
            self.job.ports.editors.iter().for_each(|editor| editor.release(&dropped));
        }
    }

    fn count_failures(&mut self, trials: &[Trial]) {
        let is_lost = |trial: &&Trial| match trial {
            Trial::Failed { .. } => true,
            Trial::Scored { card, .. } => card.iter().all(|(_, said)| said.is_err()),
            _ => false,
        };
        self.failed += trials.iter().filter(is_lost).count() as u32;
        for trial in trials {
            let failures = failures(trial);
            let count = |kind| failures.iter().filter(|failure| failure.kind == kind).count();
            let (denied, doubtful) = (count(FailureKind::OverBudget), count(FailureKind::Ambiguous));
            self.denied += denied as u32;
            self.doubtful += doubtful as u32;
            self.failed_by_budget += u32::from(is_lost(&trial) && denied + doubtful == failures.len());
        }
    }

    /// Why the run ended. A search that came to the end of its plan does not know that the budget cut the plan short.
    fn reason(&self, verdict: &Verdict) -> StopReason {
        let is_cut = self.denied > 0 || (self.is_late && self.doubtful > 0);
        let hides_it = match verdict.reason {
            StopReason::Finished => true,
            StopReason::Stuck(_) => self.failed == self.failed_by_budget,
            _ => false,
        };
        if is_cut && hides_it { StopReason::Budget } else { verdict.reason.clone() }
    }

    fn outcome(mut self, verdict: Verdict, ending: Ending) -> Outcome {
        self.release(|_| false);
        let verdict = Verdict { reason: self.reason(&verdict), ..verdict };
        // A replay of a finished run tells the same time as the run did.
        let wall = if ending == Ending::Search { self.decided_at } else { self.book.log.elapsed() };
        Outcome {
            verdict,
            ending,
            ledger: self.book.purse.spent(wall),
            rounds: self.rounds,
            asked: self.asked,
            failed: self.failed,
        }
    }
}

/// All that failed about a candidate.
fn failures(trial: &Trial) -> Vec<&Failure> {
    match trial {
        Trial::Failed { why, .. } => vec![why],
        Trial::Scored { card, .. } | Trial::Rescored { card, .. } => {
            card.iter().filter_map(|(_, said)| said.as_ref().err()).collect()
        }
        Trial::Critique { .. } => Vec::new(),
    }
}

/// What a search makes of all it knows when it is told that nothing is left.
fn last_word(search: &mut dyn editscale_core::Search, trials: &[Trial], round: u32) -> Result<Verdict, EngineError> {
    match search.decide(trials, &Remaining::nothing()) {
        Decision::Stop(verdict) => Ok(verdict),
        _ => Err(EngineError::NoHeadway { round }),
    }
}
