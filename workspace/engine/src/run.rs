//! A run from its request to its outcome: asks the search, carries out what it decides, and hands it the trials.
//!
//! Resuming is the same loop: what the journal knows is not done again, so the search is led to where it was.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use editscale_core::{
    Attempt, CandidateId, Consulted, CriticName, CriticQuestion, Decision, Earlier, EarlierAttempt, Ending, Event,
    Failure, FailureKind, Outcome, Proposal, Remaining, Reviewed, RewardSet, Search, StopReason, Subject, Trial,
    Verdict,
};

use crate::book::{Book, Made};
use crate::consulting::{Asked, Consulting};
use crate::directory::RunDirectory;
use crate::error::EngineError;
use crate::job::Job;
use crate::journal::Entry;
use crate::refusals::Refusals;
use crate::round::{Asking, Round, Rounded, Stage};
use crate::stop::StopSignal;
use crate::tally::Tally;
use crate::wire::DecisionWire;

/// Carries out a run in its directory, from the beginning or from where its journal ends.
///
/// The directory is new, or that of a run with equal request, search, cards and limits; the caller has checked that
/// ([`RunDirectory::check_same`]). When `stop` is given, the run ends with the best so far and can be resumed. A run
/// that came to nothing because something could not be reached is taken up again there.
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
    tally: Tally,
    refusals: Refusals,
    /// Whether the time was up at the last decision.
    is_late: bool,
    /// Active time at the last decision.
    decided_at: Duration,
    /// What the editor was told for each candidate.
    instructions: BTreeMap<CandidateId, Arc<str>>,
}

impl<'a> Run<'a> {
    fn new(job: &'a Job, book: Book) -> Self {
        Self {
            job,
            book,
            rounds: 0,
            tally: Tally::default(),
            refusals: Refusals::default(),
            is_late: false,
            decided_at: Duration::ZERO,
            instructions: BTreeMap::new(),
        }
    }

    async fn carry_out(mut self, stop: &mut StopSignal) -> Result<Outcome, EngineError> {
        let mut search = self.job.search.start(&self.job.request, &self.job.ports.cards());
        let mut trials = Vec::new();
        loop {
            let rounded = match self.decide(&mut *search, &trials)? {
                Decision::Stop(verdict) => return Ok(self.outcome(verdict, Ending::Search)),
                Decision::Explore { proposals, keep } => self.explore(proposals, &keep, stop).await?,
                Decision::Judge { who, rewards, votes } => {
                    let asking = self.asking(&who, &rewards, votes)?;
                    self.judge(&who, asking, stop).await?
                }
                Decision::Rewrite { critic } => self.consult(vec![self.asked_first()], &critic, stop).await?,
                Decision::Consult { who, earlier, critic } => {
                    self.consult(self.asked_about(&who, &earlier), &critic, stop).await?
                }
            };
            trials = rounded.trials;
            if rounded.interrupted {
                let verdict = last_word(&mut *search, &trials, self.rounds)?;
                return Ok(self.outcome(verdict, Ending::Cancelled));
            }
            self.rounds += 1;
        }
    }

    /// Asks the search; checks its answer against the journal, or journals it.
    fn decide(&mut self, search: &mut dyn Search, trials: &[Trial]) -> Result<Decision, EngineError> {
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
        let left = self.left();
        let decision = search.decide(trials, &left);
        self.is_late = left.amounts().wall == Some(Duration::ZERO);
        self.decided_at = self.book.log.append(Entry::Decided {
            round,
            left: left.amounts().into(),
            decision: DecisionWire::new(&decision, instruction),
        })?;
        Ok(decision)
    }

    /// What a search may still spend: nothing where that would be in vain, whatever its policy.
    fn left(&self) -> Remaining {
        if self.refusals.are_final(&self.job.ports) {
            return Remaining::nothing();
        }
        self.book.purse.left(self.book.log.elapsed())
    }

    fn stage(&mut self) -> Stage<'_> {
        Stage { job: self.job, book: &mut self.book, number: self.rounds }
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
            let expected = CandidateId(self.tally.asked);
            if proposal.id != expected {
                return Err(EngineError::AskOrder { expected, found: proposal.id });
            }
            self.tally.asked += 1;
            self.instructions.insert(proposal.id, Arc::clone(&proposal.instruction));
        }
        self.job.ports.observer.observe(&Event::Proposed { round: self.rounds, proposals: &proposals });
        self.refusals.ask(&proposals);
        let unwanted = self.book.paused.begin_round(&proposals, keep);
        self.release(unwanted);
        let rounded = Round::explore(self.stage(), proposals)?.carry_out(stop).await?;
        self.tally.count_candidates(&rounded.trials);
        self.refusals.learn(&rounded.trials);
        Ok(rounded)
    }

    /// What a search asks for that wants candidates judged again.
    fn asking(&self, who: &[CandidateId], rewards: &RewardSet, votes: u32) -> Result<Asking, EngineError> {
        let ports = &self.job.ports.rewards;
        let rewards: Vec<usize> = match rewards {
            RewardSet::All => (0..ports.len()).collect(),
            RewardSet::Only(names) => {
                let unknown = names.iter().find(|name| ports.iter().all(|reward| reward.card().name != **name));
                if let Some(name) = unknown {
                    return Err(EngineError::NoReward(name.clone()));
                }
                (0..ports.len()).filter(|place| names.contains(&ports[*place].card().name)).collect()
            }
        };
        if who.is_empty() || rewards.is_empty() || votes == 0 {
            return Err(EngineError::NoHeadway { round: self.rounds });
        }
        Ok(Asking { rewards, votes })
    }

    async fn judge(
        &mut self,
        who: &[CandidateId],
        asking: Asking,
        stop: &mut StopSignal,
    ) -> Result<Rounded, EngineError> {
        let rounded = Round::judge(self.stage(), who, asking).carry_out(stop).await?;
        self.tally.count_failures(&rounded.trials);
        Ok(rounded)
    }

    async fn consult(
        &mut self,
        asked: Vec<Asked>,
        critic: &CriticName,
        stop: &mut StopSignal,
    ) -> Result<Rounded, EngineError> {
        if asked.is_empty() {
            return Err(EngineError::NoHeadway { round: self.rounds });
        }
        let critics = &self.job.ports.critics;
        let Some(place) = critics.iter().position(|port| port.card().name == *critic) else {
            let why = Failure::new(FailureKind::Invalid, format!("this run has no critic `{critic}`"));
            let failed = |asked: &Asked| asked.trial(critic.clone(), Err(why.clone()));
            return Ok(Rounded { trials: asked.iter().map(failed).collect(), interrupted: false });
        };
        let rounded = Consulting::new(self.stage(), place, asked).carry_out(stop).await?;
        self.tally.count_failures(&rounded.trials);
        Ok(rounded)
    }

    /// What a critic is asked about the request, before anything is made.
    fn asked_first(&self) -> Asked {
        let request = Arc::clone(&self.job.request);
        Asked { about: None, question: Some(CriticQuestion { request, subject: Subject::Request }) }
    }

    /// What a critic is asked about each of these: a picture that was made, beside others that were.
    fn asked_about(&self, who: &[Consulted], earlier: &[Earlier]) -> Vec<Asked> {
        let attempt = |id: CandidateId| match self.book.made(id) {
            Some(Made::Image(image)) => {
                let instruction = Arc::clone(self.instructions.get(&id)?);
                Some(Attempt { id, image: image.clone(), instruction })
            }
            _ => None,
        };
        let before =
            |Earlier { id, utility }: &Earlier| Some(EarlierAttempt { attempt: attempt(*id)?, utility: *utility });
        let before: Vec<EarlierAttempt> = earlier.iter().filter_map(before).collect();
        let ask = |Consulted { id, canvas }: &Consulted| {
            let question = attempt(*id).map(|attempt| CriticQuestion {
                request: Arc::clone(&self.job.request),
                subject: Subject::Candidate(Reviewed {
                    attempt,
                    canvas: *canvas,
                    earlier: before.iter().filter(|earlier| earlier.attempt.id != *id).cloned().collect(),
                }),
            });
            Asked { about: Some(*id), question }
        };
        who.iter().map(ask).collect()
    }

    /// Tells the editors which paused states are not wanted any more.
    fn release(&self, unwanted: Vec<CandidateId>) {
        if !unwanted.is_empty() {
            let unwanted: Vec<_> = unwanted.into_iter().map(|id| (self.job.run.clone(), id)).collect();
            self.job.ports.editors.iter().for_each(|editor| editor.release(&unwanted));
        }
    }

    /// Why the run ended. A search that was told that nothing is left does not know why.
    fn reason(&self, verdict: &Verdict) -> StopReason {
        match self.tally.reason(&verdict.reason, self.is_late) {
            StopReason::Budget if self.refusals.are_final(&self.job.ports) => {
                StopReason::Stuck("every candidate was refused".into())
            }
            reason => reason,
        }
    }

    fn outcome(mut self, verdict: Verdict, ending: Ending) -> Outcome {
        let held = self.book.paused.end();
        self.release(held);
        let verdict = Verdict { reason: self.reason(&verdict), ..verdict };
        // A replay of a finished run tells the same time as the run did.
        let wall = if ending == Ending::Search { self.decided_at } else { self.book.log.elapsed() };
        Outcome {
            verdict,
            ending,
            ledger: self.book.purse.spent(wall),
            rounds: self.rounds,
            asked: self.tally.asked,
            failed: self.tally.failed,
        }
    }
}

/// What a search makes of all it knows when it is told that nothing is left.
fn last_word(search: &mut dyn Search, trials: &[Trial], round: u32) -> Result<Verdict, EngineError> {
    match search.decide(trials, &Remaining::nothing()) {
        Decision::Stop(verdict) => Ok(verdict),
        _ => Err(EngineError::NoHeadway { round }),
    }
}
