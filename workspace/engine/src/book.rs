//! What is known and spent in a run: read from the journal at the start, kept up as things happen.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use editscale_core::{
    Budget, CandidateId, Cost, Critique, EditorCard, Failure, FailureKind, Image, Ledger, PerceptualHash, Proposal,
    Recovery, RewardName, Score, Start, Submission, TowerPictures,
};

use crate::images::ImageStore;
use crate::journal::{self, Entry, Journal, JournalError, Line};
use crate::log::Log;
use crate::paused::Paused;
use crate::purse::{Purse, Work};
use crate::trajectories::TrajectoryStore;
use crate::wire::{BudgetWire, DecisionWire, ImageWire, WireError, hash, hash_text};

mod critiques;

pub(crate) use critiques::CritiqueKey;

/// Which judgement.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct JudgementKey {
    pub(crate) candidate: CandidateId,
    /// The round that asked for it, from 0.
    pub(crate) round: u32,
    pub(crate) reward: RewardName,
    /// Which of the times that the reward is asked in this round, from 0.
    pub(crate) vote: u32,
}

/// A decision that the journal holds.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) left: BudgetWire,
    pub(crate) decision: DecisionWire,
}

/// What is known of one candidate.
#[derive(Debug, Clone)]
pub(crate) enum Made {
    Image(Image),
    Nothing(Failure),
}

/// A picture on disk and what is said of its making.
#[derive(Debug, Clone)]
pub(crate) struct Edited {
    pub(crate) image: Image,
    pub(crate) hash: Option<PerceptualHash>,
    pub(crate) cost: Cost,
    pub(crate) effective_seed: Option<u64>,
    pub(crate) notes: Vec<Arc<str>>,
    pub(crate) took: Duration,
    pub(crate) load_ms: u64,
    pub(crate) pictures: TowerPictures,
}

/// Where a run keeps what its editors hand out.
#[derive(Debug, Clone)]
pub(crate) struct Stores {
    pub(crate) images: Arc<ImageStore>,
    pub(crate) trajectories: Arc<TrajectoryStore>,
}

/// The state of a run.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) log: Arc<Log>,
    pub(crate) stores: Stores,
    pub(crate) purse: Purse,
    pub(crate) decided: Vec<Recorded>,
    /// Active time at the last entry that was in the journal when the run was opened.
    pub(crate) recorded_wall: Duration,
    pub(crate) paused: Paused,
    /// Candidates that the journal's decisions ask for.
    asked: HashSet<u32>,
    /// Those of them that go on from a paused state.
    parts: HashSet<u32>,
    made: HashMap<CandidateId, Made>,
    /// What the candidates that were made have cost.
    costs: HashMap<CandidateId, Cost>,
    /// How pictures look, as far as somebody looked.
    hashes: HashMap<CandidateId, PerceptualHash>,
    judged: HashMap<JudgementKey, Result<Score, Failure>>,
    /// Judgements that left and are not answered, with the most that each costs; only those that can be paid.
    judging: BTreeMap<JudgementKey, Cost>,
    critiqued: HashMap<CritiqueKey, Result<Critique, Failure>>,
    /// Critiques that left and are not answered, as of judgements.
    critiquing: BTreeMap<CritiqueKey, Cost>,
    /// Edits that the journal showed as sent and not as answered when the run was opened.
    submitted: HashMap<CandidateId, Submission>,
}

impl Book {
    /// Reads what the journal holds: `lines` are those of `journal`.
    pub(crate) fn open(
        journal: Journal,
        lines: Vec<Line>,
        stores: Stores,
        budget: Budget,
    ) -> Result<Self, JournalError> {
        let path = journal.path().to_owned();
        let wall = lines.last().map_or(Duration::ZERO, Line::at);
        let mut book = Self {
            log: Arc::new(Log::resume(journal, wall)),
            stores,
            purse: Purse::new(budget, Ledger::default()),
            decided: Vec::new(),
            recorded_wall: wall,
            paused: Paused::default(),
            asked: HashSet::new(),
            parts: HashSet::new(),
            made: HashMap::new(),
            costs: HashMap::new(),
            hashes: HashMap::new(),
            judged: HashMap::new(),
            judging: BTreeMap::new(),
            critiqued: HashMap::new(),
            critiquing: BTreeMap::new(),
            submitted: HashMap::new(),
        };
        for (index, line) in lines.into_iter().enumerate() {
            let learned = book.check_asked(&line.entry).and_then(|()| book.learn(line.entry));
            let spent = learned.map_err(|reason| journal::corrupt(&path, index, reason))?;
            book.purse.book(&spent);
        }
        book.give_up_judging()?;
        book.give_up_critiquing()?;
        Ok(book)
    }

    /// The active time that is left until the deadline, where there is one.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        Some(self.purse.deadline()?.saturating_sub(self.log.elapsed()))
    }

    /// Whether the deadline has passed.
    pub(crate) fn is_late(&self) -> bool {
        self.time_left() == Some(Duration::ZERO)
    }

    /// Enters that the judgements which an earlier life of the program left open are lost, and books them.
    fn give_up_judging(&mut self) -> Result<(), JournalError> {
        let message = "the program ended while this judgement was with the server; it may have been paid";
        let lost: Vec<(JudgementKey, Failure)> = std::mem::take(&mut self.judging)
            .into_iter()
            .map(|(key, cost)| (key, Failure { cost, ..Failure::new(FailureKind::Ambiguous, message) }))
            .collect();
        if !lost.is_empty() {
            self.log.append_durably(lost.iter().map(|(key, failure)| judging_failed(key, failure)).collect())?;
        }
        lost.iter().for_each(|(_, failure)| self.purse.book(&Work::Judgement.spent_in_vain(failure)));
        Ok(())
    }

    /// Refuses an entry about a candidate, or about the request, that no decision before it asked for: what it cost would be counted.
    fn check_asked(&self, entry: &Entry) -> Result<(), WireError> {
        let rewrites =
            |round: u32| self.decided.get(round as usize).is_some_and(|recorded| recorded.decision.is_rewriting());
        if let Some(round) = entry.rewriting().filter(|round| !rewrites(*round)) {
            return Err(format!(
                "`id` is missing: expected a candidate, as round {round} has no critic rewrite the request"
            ));
        }
        match entry.candidate() {
            Some(id) if !self.asked.contains(&id) => {
                Err(format!("`id` is {id}: expected a candidate that was asked for before"))
            }
            _ => Ok(()),
        }
    }

    /// Takes in one entry and says what it cost.
    fn learn(&mut self, entry: Entry) -> Result<Ledger, WireError> {
        match entry {
            Entry::Decided { round, left, decision } => {
                let next = self.decided.len();
                if round as usize != next {
                    return Err(format!("`round` is {round}: expected {next}, the next one"));
                }
                self.asked.extend(decision.asked_for());
                self.parts.extend(decision.going_on());
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
                Ok(self.making(id).spent_in_vain(&failure.failure()?))
            }
            Entry::Edited { id, image, perceptual_hash, cost, load_ms, pictures, .. } => {
                let (digest, media, size) = image.parts()?;
                self.hashes.extend(hash(perceptual_hash.as_deref())?.map(|hash| (CandidateId(id), hash)));
                self.made.insert(CandidateId(id), Made::Image(self.stores.images.get(digest, media, size)));
                let (cost, loading) = (Cost::from(cost), Duration::from_millis(load_ms));
                self.costs.insert(CandidateId(id), cost);
                Ok(Ledger { loading, pictures: pictures.into(), ..self.making(id).spent(cost, true) })
            }
            Entry::Failed { id, failure } => {
                let failure = failure.failure()?;
                let spent = self.making(id).failed(&failure);
                self.made.insert(CandidateId(id), Made::Nothing(failure));
                Ok(spent)
            }
            Entry::Judging { judgement, most, .. } => {
                // One that is still open under this key was lost when this one left.
                let lost = self.judging.insert(judgement.key()?, most.into());
                Ok(lost.map_or_else(Ledger::default, |cost| Work::Judgement.spent(cost, true)))
            }
            Entry::JudgingFailed { judgement, failure } => {
                self.judging.remove(&judgement.key()?);
                Ok(Work::Judgement.spent_in_vain(&failure.failure()?))
            }
            Entry::Judged { judgement, said, cost, pictures } => {
                let (key, said) = (judgement.key()?, said.said()?);
                let counts = said.as_ref().err().is_none_or(|failure| Work::Judgement.counts(failure));
                self.judging.remove(&key);
                self.judged.insert(key, said);
                Ok(Ledger { pictures: pictures.into(), ..Work::Judgement.spent(cost.into(), counts) })
            }
            Entry::Critiquing { critique, most, .. } => Ok(self.learn_critiquing(critique.key()?, most.into())),
            Entry::CritiquingFailed { critique, failure } => {
                self.critiquing.remove(&critique.key()?);
                Ok(Work::Judgement.spent_in_vain(&failure.failure()?))
            }
            Entry::Critiqued { critique, written, cost } => {
                Ok(self.learn_critique(critique.key()?, written.written()?, cost.into()))
            }
        }
    }

    /// What making a candidate is that the journal speaks of.
    fn making(&self, id: u32) -> Work {
        if self.parts.contains(&id) { Work::Part } else { Work::Edit }
    }

    /// How many candidates are known.
    pub(crate) fn known(&self) -> u32 {
        self.made.len() as u32
    }

    pub(crate) fn made(&self, id: CandidateId) -> Option<&Made> {
        self.made.get(&id)
    }

    /// How a candidate's picture looks, where somebody looked.
    pub(crate) fn hash(&self, id: CandidateId) -> Option<PerceptualHash> {
        self.hashes.get(&id).copied()
    }

    pub(crate) fn judged(&self, key: &JudgementKey) -> Option<&Result<Score, Failure>> {
        self.judged.get(key)
    }

    /// Forgets what a reward said, so that it is asked again. What that had cost stays spent.
    pub(crate) fn forget(&mut self, key: &JudgementKey) {
        self.judged.remove(key);
    }

    /// What may be done about an edit that the journal shows as sent and not as answered: nothing is known of it, it
    /// is to be found again, or it is lost (a failure that counts as spent).
    pub(crate) fn interrupted(&self, proposal: &Proposal, card: &EditorCard) -> Result<Option<Submission>, Failure> {
        let Some(submission) = self.submitted.get(&proposal.id) else { return Ok(None) };
        match card.recovery {
            Recovery::Repeat => Ok(None),
            Recovery::Idempotent | Recovery::Query => Ok(Some(submission.clone())),
            Recovery::Unknown => {
                let message = "the program ended before this edit's answer was on disk; it may have been paid";
                let cost = self.bound(proposal, card);
                Err(Failure { cost, ..Failure::new(FailureKind::Ambiguous, message) })
            }
        }
    }

    /// The most that making a candidate costs. Of one that goes on from a paused state, what is left to make: a state that was let
    /// go is made again beyond that, which counts like everything else.
    pub(crate) fn bound(&self, proposal: &Proposal, card: &EditorCard) -> Cost {
        let Start::Paused(id) = proposal.start else { return card.cost_of(proposal) };
        self.paused
            .proposal(id)
            .map_or_else(|| card.cost_of(proposal), |paused| card.rest_of(proposal, paused, self.paid(id)))
    }

    /// What an edit had cost when a candidate was paused.
    fn paid(&self, mut id: CandidateId) -> Cost {
        let mut paid = Cost::default();
        loop {
            paid += self.costs.get(&id).copied().unwrap_or_default();
            match self.paused.proposal(id).map(|proposal| proposal.start) {
                // Only what is earlier can have led there.
                Some(Start::Paused(before)) if before < id => id = before,
                _ => return paid,
            }
        }
    }

    /// Whether an edit was sent and is not answered, as far as is known.
    pub(crate) fn is_submitted(&self, id: CandidateId) -> bool {
        self.submitted.contains_key(&id) || self.log.is_with_server(id)
    }

    /// Enters a candidate's picture.
    pub(crate) fn enter_image(&mut self, id: CandidateId, edited: Edited) -> Result<(), JournalError> {
        self.log.append(Entry::Edited {
            id: id.0,
            image: ImageWire::from(&edited.image),
            perceptual_hash: edited.hash.map(hash_text),
            cost: edited.cost.into(),
            effective_seed: edited.effective_seed,
            notes: edited.notes.iter().map(ToString::to_string).collect(),
            secs: edited.took.as_secs_f64(),
            load_ms: edited.load_ms,
            pictures: edited.pictures.into(),
        })?;
        self.submitted.remove(&id);
        self.hashes.extend(edited.hash.map(|hash| (id, hash)));
        self.made.insert(id, Made::Image(edited.image));
        self.costs.insert(id, edited.cost);
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
        let entry = |(key, attempt): &(JudgementKey, u32)| Entry::Judging {
            judgement: key.into(),
            attempt: *attempt,
            most: most.into(),
        };
        self.log.append_durably(leaving.iter().map(entry).collect())?;
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
        if was_open || Work::Judgement.counts(failure) || failure.cost != Cost::default() {
            self.log.append(judging_failed(key, failure))?;
        }
        Ok(())
    }

    /// Enters what a reward said, and what of `spent` the journal holds.
    pub(crate) fn enter_judgement(
        &mut self,
        key: JudgementKey,
        said: Result<Score, Failure>,
        spent: &Ledger,
    ) -> Result<(), JournalError> {
        let (judgement, cost, pictures) = ((&key).into(), spent.cost.into(), spent.pictures.into());
        self.log.append(Entry::Judged { judgement, said: (&said).into(), cost, pictures })?;
        self.judging.remove(&key);
        self.judged.insert(key, said);
        Ok(())
    }
}

fn judging_failed(key: &JudgementKey, failure: &Failure) -> Entry {
    Entry::JudgingFailed { judgement: key.into(), failure: failure.into() }
}
