//! What is known and spent in a run: read from the journal at the start, kept up as things happen.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use editscale_core::{
    Budget, CandidateId, Cost, Failure, FailureKind, Image, Ledger, Proposal, Recovery, RewardName, Score, Start,
    Submission,
};

use crate::clock::ActiveClock;
use crate::error::EngineError;
use crate::images::ImageStore;
use crate::journal::{Entry, Journal, JournalError, Line};
use crate::purse::{Purse, Work, asked, began, one, sum};
use crate::trajectories::TrajectoryStore;
use crate::wire::{BudgetWire, DecisionWire, ImageWire};

/// One judgement: which candidate, in which round, by whom, which vote.
pub(crate) type JudgementKey = (CandidateId, u32, RewardName, u32);

/// A decision that the journal holds.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) left: BudgetWire,
    pub(crate) decision: DecisionWire,
}

/// The journal with its clock, shared with the watches of work under way.
#[derive(Debug)]
pub(crate) struct Log {
    journal: Mutex<Journal>,
    clock: ActiveClock,
    /// Edits that left for a server since this process opened the run, and are not answered.
    with_server: Mutex<HashSet<u32>>,
}

impl Log {
    pub(crate) fn append(&self, entry: Entry) -> Result<Duration, JournalError> {
        self.follow(&entry);
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).append(self.clock.elapsed(), entry)
    }

    pub(crate) fn append_durably(&self, entry: Entry) -> Result<(), JournalError> {
        self.follow(&entry);
        self.append_all_durably([entry])
    }

    /// All in one flush.
    fn append_all_durably(&self, entries: impl IntoIterator<Item = Entry>) -> Result<(), JournalError> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).append_durably(self.clock.elapsed(), entries)
    }

    fn follow(&self, entry: &Entry) {
        let mut with_server = self.with_server.lock().unwrap_or_else(PoisonError::into_inner);
        match entry {
            Entry::Submitted { id, .. } => {
                with_server.insert(*id);
            }
            Entry::Retried { id, .. } | Entry::Edited { id, .. } | Entry::Failed { id, .. } => {
                with_server.remove(id);
            }
            _ => {}
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }
}

/// What is known of one candidate.
#[derive(Debug, Clone)]
pub(crate) enum Made {
    Image(Image),
    Nothing(Failure),
}

/// The state of a run.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) log: Arc<Log>,
    pub(crate) images: Arc<ImageStore>,
    pub(crate) trajectories: Arc<TrajectoryStore>,
    pub(crate) purse: Purse,
    pub(crate) decided: Vec<Recorded>,
    /// Active time at the last entry that was in the journal when the run was opened.
    pub(crate) recorded_wall: Duration,
    /// The proposals that were to stop half way.
    pub(crate) halted: HashMap<CandidateId, Proposal>,
    made: HashMap<CandidateId, Made>,
    judged: HashMap<JudgementKey, Result<Score, Failure>>,
    /// Judgements that left and are not answered, with the most that each costs; only those that can be paid.
    judging: BTreeMap<JudgementKey, Cost>,
    submitted: HashMap<CandidateId, Submission>,
}

impl Book {
    /// Reads what the journal holds.
    pub(crate) fn open(
        journal: Journal,
        lines: Vec<Line>,
        images: Arc<ImageStore>,
        trajectories: TrajectoryStore,
        budget: Budget,
    ) -> Result<Self, EngineError> {
        let wall = lines.last().map_or(Duration::ZERO, Line::at);
        let log = Log { journal: Mutex::new(journal), clock: ActiveClock::resume(wall), with_server: Mutex::default() };
        let mut book = Self {
            log: Arc::new(log),
            images,
            trajectories: Arc::new(trajectories),
            purse: Purse::new(budget, Ledger::default()),
            decided: Vec::new(),
            recorded_wall: wall,
            halted: HashMap::new(),
            made: HashMap::new(),
            judged: HashMap::new(),
            judging: BTreeMap::new(),
            submitted: HashMap::new(),
        };
        let mut spent = Ledger::default();
        for line in lines {
            spent = sum(&spent, &book.learn(line.entry).map_err(EngineError::Stored)?);
        }
        spent = sum(&spent, &book.give_up_judging()?);
        book.purse = Purse::new(budget, spent);
        Ok(book)
    }

    /// Enters that the judgements which an earlier life of the program left open are lost, and says what they cost.
    fn give_up_judging(&mut self) -> Result<Ledger, JournalError> {
        let message = "the program ended while this judgement was with the server; it may have been paid";
        let lost: Vec<(JudgementKey, Failure)> = std::mem::take(&mut self.judging)
            .into_iter()
            .map(|(key, cost)| (key, Failure { cost, ..Failure::new(FailureKind::Ambiguous, message) }))
            .collect();
        if !lost.is_empty() {
            self.log.append_all_durably(lost.iter().map(|(key, failure)| judging_failed(key, failure)))?;
        }
        Ok(lost.iter().fold(Ledger::default(), |spent, (_, failure)| sum(&spent, &spent_asking(failure))))
    }

    /// Takes in one entry and says what it cost.
    fn learn(&mut self, entry: Entry) -> Result<Ledger, String> {
        match entry {
            Entry::Decided { left, decision, .. } => {
                self.decided.push(Recorded { left, decision });
                Ok(Ledger::default())
            }
            Entry::Submitted { id, key, remote_id, .. } => {
                let submission = Submission { key: key.into(), remote_id: remote_id.map(Into::into) };
                self.submitted.insert(CandidateId(id), submission);
                Ok(Ledger::default())
            }
            Entry::Retried { id, failure, .. } => {
                self.submitted.remove(&CandidateId(id));
                Ok(spent_in_vain(&failure.failure()?))
            }
            Entry::Edited { id, image, cost, .. } => {
                let (digest, media, size) = image.parts()?;
                self.made.insert(CandidateId(id), Made::Image(self.images.get(digest, media, size)));
                Ok(one(Work::Edit, cost.into()))
            }
            Entry::Failed { id, failure } => {
                let failure = failure.failure()?;
                let spent = spent_in_vain(&failure);
                self.made.insert(CandidateId(id), Made::Nothing(failure));
                Ok(spent)
            }
            Entry::Judging { id, round, vote, reward, most, .. } => {
                // One that is still open under this key was lost when this one left.
                let lost = self.judging.insert(key(id, round, &reward, vote)?, most.into());
                Ok(lost.map_or_else(Ledger::default, |cost| one(Work::Judgement, cost)))
            }
            Entry::JudgingFailed { id, round, vote, reward, failure } => {
                self.judging.remove(&key(id, round, &reward, vote)?);
                Ok(spent_asking(&failure.failure()?))
            }
            Entry::Judged { id, round, vote, reward, said, cost } => {
                let key = key(id, round, &reward, vote)?;
                let said = said.said()?;
                let mut spent = one(Work::Judgement, cost.into());
                if said.as_ref().is_err_and(|failure| !asked(failure)) {
                    spent.reward_calls = 0;
                }
                self.judging.remove(&key);
                self.judged.insert(key, said);
                Ok(spent)
            }
        }
    }

    /// How many candidates are known.
    pub(crate) fn known(&self) -> u32 {
        self.made.len() as u32
    }

    pub(crate) fn made(&self, id: CandidateId) -> Option<&Made> {
        self.made.get(&id)
    }

    /// The picture that a start goes back to: for a paused candidate, the one that it was begun from.
    pub(crate) fn beginning(&self, mut start: Start) -> Start {
        while let Start::Paused(id) = start
            && let Some(paused) = self.halted.get(&id)
        {
            start = paused.start;
        }
        start
    }

    pub(crate) fn judged(&self, key: &JudgementKey) -> Option<&Result<Score, Failure>> {
        self.judged.get(key)
    }

    /// What may be done about an edit that the journal shows as sent and not as answered: nothing is known of it, it
    /// is to be found again, or it is lost (a failure that counts as spent).
    pub(crate) fn interrupted(
        &self,
        proposal: &Proposal,
        recovery: Recovery,
        bound: Cost,
    ) -> Result<Option<Submission>, Failure> {
        let Some(submission) = self.submitted.get(&proposal.id) else { return Ok(None) };
        match recovery {
            Recovery::Repeat => Ok(None),
            Recovery::Idempotent | Recovery::Query => Ok(Some(submission.clone())),
            Recovery::Unknown => {
                let message = "the program ended before this edit's answer was on disk; it may have been paid";
                Err(Failure { cost: bound, ..Failure::new(FailureKind::Ambiguous, message) })
            }
        }
    }

    /// Whether the journal shows an edit as sent and not as answered.
    pub(crate) fn is_submitted(&self, id: CandidateId) -> bool {
        let with_server = self.log.with_server.lock().unwrap_or_else(PoisonError::into_inner);
        self.submitted.contains_key(&id) || with_server.contains(&id.0)
    }

    /// Enters a candidate's picture.
    pub(crate) fn enter_image(&mut self, id: CandidateId, edited: Edited) -> Result<(), JournalError> {
        self.log.append(Entry::Edited {
            id: id.0,
            image: ImageWire::from(&edited.image),
            cost: edited.cost.into(),
            effective_seed: edited.effective_seed,
            notes: edited.notes.iter().map(ToString::to_string).collect(),
            secs: edited.took.as_secs_f64(),
        })?;
        self.submitted.remove(&id);
        self.made.insert(id, Made::Image(edited.image));
        Ok(())
    }

    /// Enters that a candidate will not come about.
    pub(crate) fn enter_failure(&mut self, id: CandidateId, failure: Failure) -> Result<(), JournalError> {
        self.log.append(Entry::Failed { id: id.0, failure: (&failure).into() })?;
        self.submitted.remove(&id);
        self.made.insert(id, Made::Nothing(failure));
        Ok(())
    }

    /// Enters that an attempt failed and will be made again.
    pub(crate) fn enter_retry(&mut self, id: CandidateId, attempt: u32, why: &Failure) -> Result<(), JournalError> {
        self.submitted.remove(&id);
        self.log.append(Entry::Retried { id: id.0, attempt, failure: why.into() })?;
        Ok(())
    }

    /// Enters that judgements which cost at most `most` each are about to leave, with the numbers of their attempts.
    pub(crate) fn enter_judging(&mut self, leaving: &[(JudgementKey, u32)], most: Cost) -> Result<(), JournalError> {
        let entry = |((id, round, reward, vote), attempt): &(JudgementKey, u32)| Entry::Judging {
            id: id.0,
            round: *round,
            vote: *vote,
            reward: reward.to_string(),
            attempt: *attempt,
            most: most.into(),
        };
        self.log.append_all_durably(leaving.iter().map(entry))?;
        self.judging.extend(leaving.iter().map(|(key, _)| (key.clone(), most)));
        Ok(())
    }

    /// Whether a judgement that can be paid has left and is not answered.
    pub(crate) fn is_judging(&self, key: &JudgementKey) -> bool {
        self.judging.contains_key(key)
    }

    /// Enters that a judgement was asked for in vain and may be asked for again; nothing where nothing was spent.
    pub(crate) fn enter_judging_failed(&mut self, key: &JudgementKey, failure: &Failure) -> Result<(), JournalError> {
        let was_open = self.judging.remove(key).is_some();
        if was_open || asked(failure) || failure.cost != Cost::default() {
            self.log.append(judging_failed(key, failure))?;
        }
        Ok(())
    }

    /// Enters what a reward said.
    pub(crate) fn enter_judgement(
        &mut self,
        key: JudgementKey,
        said: Result<Score, Failure>,
        cost: Cost,
    ) -> Result<(), JournalError> {
        let (id, round, reward, vote) = &key;
        self.log.append(Entry::Judged {
            id: id.0,
            round: *round,
            vote: *vote,
            reward: reward.to_string(),
            said: (&said).into(),
            cost: cost.into(),
        })?;
        self.judging.remove(&key);
        self.judged.insert(key, said);
        Ok(())
    }
}

/// A picture on disk and what is said of its making.
#[derive(Debug, Clone)]
pub(crate) struct Edited {
    pub(crate) image: Image,
    pub(crate) cost: Cost,
    pub(crate) effective_seed: Option<u64>,
    pub(crate) notes: Vec<Arc<str>>,
    pub(crate) took: Duration,
}

fn key(id: u32, round: u32, reward: &str, vote: u32) -> Result<JudgementKey, String> {
    let reward = RewardName::new(reward).map_err(|error| error.to_string())?;
    Ok((CandidateId(id), round, reward, vote))
}

fn judging_failed((id, round, reward, vote): &JudgementKey, failure: &Failure) -> Entry {
    let (id, round, vote, reward) = (id.0, *round, *vote, reward.to_string());
    Entry::JudgingFailed { id, round, vote, reward, failure: failure.into() }
}

fn spent_asking(failure: &Failure) -> Ledger {
    let mut spent = one(Work::Judgement, failure.cost);
    if !asked(failure) {
        spent.reward_calls = 0;
    }
    spent
}

fn spent_in_vain(failure: &Failure) -> Ledger {
    let mut spent = one(Work::Edit, failure.cost);
    if !began(failure) {
        spent.edits = 0;
    }
    spent
}
