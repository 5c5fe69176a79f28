//! One round carried out: edits on the editors' slots, judgements as soon as their pictures are there, retries, and
//! the trials put back into ask order.
//!
//! Everything runs inside one task: work under way is a set of futures, and the state is changed only here, when one
//! of them is done.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use editscale_core::{
    BoxFuture, Candidate, CandidateId, Cost, EditBatch, EditItem, Event, Failure, FailureKind, Image, Judgement,
    Proposal, Recovery, Start, Trial,
};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::book::{Book, Edited, Made};
use crate::error::EngineError;
use crate::files::WriteError;
use crate::journal::JournalError;
use crate::purse::{Work, began};
use crate::run::Job;
use crate::stop::StopSignal;
use crate::trials::{self, Vote};
use crate::watch::{BatchWatch, Cancel};

mod judging;

/// How long work under way is waited for once it is not wanted any more.
const GRACE: Duration = Duration::from_secs(10);

/// What a round came to.
pub(crate) struct Rounded {
    /// One trial an item, in ask order.
    pub(crate) trials: Vec<Trial>,
    /// Whether somebody stopped it before all was done. What was done is in the journal.
    pub(crate) interrupted: bool,
}

/// One thing asked for in this round.
struct Item {
    id: CandidateId,
    /// What to make; nothing for a candidate that is only judged again.
    proposal: Option<Proposal>,
    attempt: u32,
    /// Whether an editor is at work on it.
    with_editor: bool,
    image: Option<Image>,
    failure: Option<Failure>,
    votes: Vec<Vote>,
    /// Judgements that are not there yet.
    awaited: usize,
    trial: Option<Trial>,
}

/// One judgement to be made.
#[derive(Debug, Clone, Copy)]
struct Question {
    item: usize,
    vote: u32,
    attempt: u32,
}

/// Which rewards are asked, by their places in the recipe, and how often each.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    pub(crate) rewards: Vec<usize>,
    pub(crate) votes: u32,
}

/// Something that was under way and is done.
enum Done {
    Edits { editor: usize, items: Vec<usize>, results: Vec<Result<Candidate, Failure>>, took: Duration },
    Stored { item: usize, candidate: Candidate, took: Duration, image: Result<Image, WriteError> },
    Judgements { reward: usize, questions: Vec<Question>, results: Vec<Result<Judgement, Failure>> },
    EditAgain { item: usize },
    JudgeAgain { reward: usize, question: Question },
    Broken(JournalError),
}

/// Why no new work is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Closing {
    /// The run's active time is up: what is not begun fails. Pictures already made are still judged, where that is
    /// free or under way.
    Deadline,
    /// Somebody stopped the run: it ends with what is known.
    Stopped,
}

pub(crate) struct Round<'a> {
    job: &'a Job,
    book: &'a mut Book,
    number: u32,
    asking: Asking,
    items: Vec<Item>,
    /// Edits that wait for a slot, an editor.
    edits: Vec<VecDeque<usize>>,
    /// Items without a trial.
    open: usize,
    /// Edits that are under way, being stored, or waiting to be tried again.
    editing: usize,
    editor_busy: Vec<u32>,
    questions: Vec<VecDeque<Question>>,
    judge_busy: Vec<u32>,
    under_way: FuturesUnordered<BoxFuture<'a, Done>>,
    cancel_edits: Cancel,
    cancel_judgements: Cancel,
    closing: Option<Closing>,
    /// When what is under way is not waited for any more.
    give_up_at: Option<Instant>,
}

impl<'a> Round<'a> {
    /// A round that makes and judges these.
    pub(crate) fn explore(job: &'a Job, book: &'a mut Book, number: u32, proposals: Vec<Proposal>) -> Self {
        let items = proposals.into_iter().map(|proposal| Item::new(proposal.id, Some(proposal), None)).collect();
        let asking = Asking { rewards: (0..job.ports.rewards.len()).collect(), votes: 1 };
        Self::new(job, book, number, asking, items)
    }

    /// A round that judges these again, by the rewards with these places.
    pub(crate) fn judge(job: &'a Job, book: &'a mut Book, number: u32, who: &[CandidateId], asking: Asking) -> Self {
        let item = |id: &CandidateId| {
            if let Some(Made::Image(image)) = book.made(*id) {
                Item::new(*id, None, Some(image.clone()))
            } else {
                let why = Failure::new(FailureKind::Invalid, format!("there is no picture of candidate {id} to judge"));
                Item { failure: Some(why), ..Item::new(*id, None, None) }
            }
        };
        let items = who.iter().map(item).collect();
        Self::new(job, book, number, asking, items)
    }

    fn new(job: &'a Job, book: &'a mut Book, number: u32, asking: Asking, items: Vec<Item>) -> Self {
        Self {
            number,
            open: items.len(),
            items,
            edits: vec![VecDeque::new(); job.ports.editors.len()],
            editing: 0,
            editor_busy: vec![0; job.ports.editors.len()],
            questions: vec![VecDeque::new(); job.ports.rewards.len()],
            judge_busy: vec![0; job.ports.rewards.len()],
            under_way: FuturesUnordered::new(),
            cancel_edits: Cancel::default(),
            cancel_judgements: Cancel::default(),
            closing: None,
            give_up_at: None,
            asking,
            job,
            book,
        }
    }

    /// Carries the round out.
    pub(crate) async fn carry_out(mut self, stop: &mut StopSignal) -> Result<Rounded, EngineError> {
        // What is lost is spent before anything is set aside for the others.
        for index in 0..self.items.len() {
            self.give_up_lost(index)?;
        }
        for index in 0..self.items.len() {
            if self.items[index].trial.is_none() {
                self.begin(index)?;
            }
        }
        let deadline = self.time_left();
        let timer = tokio::time::sleep(deadline.unwrap_or(Duration::MAX));
        tokio::pin!(timer);
        while self.is_open() {
            if self.closing.is_none() && self.time_left() == Some(Duration::ZERO) {
                self.close(Closing::Deadline)?;
            }
            self.launch()?;
            if self.under_way.is_empty() {
                break;
            }
            tokio::select! {
                biased;
                () = stop.stopped(), if self.closing != Some(Closing::Stopped) => {
                    self.close(Closing::Stopped)?;
                }
                () = &mut timer, if deadline.is_some() && self.closing.is_none() => {
                    self.close(Closing::Deadline)?;
                }
                () = wait_until(self.give_up_at) => break,
                Some(done) = self.under_way.next() => self.take(done)?,
            }
        }
        self.finish()
    }

    fn time_left(&self) -> Option<Duration> {
        Some(self.book.purse.deadline()?.saturating_sub(self.book.log.elapsed()))
    }

    fn is_open(&self) -> bool {
        self.open > 0
    }

    /// Gives up an edit that an earlier life of the program left with a server that nobody can ask.
    fn give_up_lost(&mut self, index: usize) -> Result<(), EngineError> {
        let item = &self.items[index];
        let (Some(proposal), None) = (&item.proposal, self.book.made(item.id)) else { return Ok(()) };
        let card = self.job.ports.editors[self.editor_of(index)?].card();
        let Err(failure) = self.book.interrupted(proposal, card.recovery, card.cost) else { return Ok(()) };
        self.book.purse.book(Work::Edit, failure.cost);
        self.fail(index, failure)
    }

    /// Takes up one item: from what is known where possible, else into the queue.
    fn begin(&mut self, index: usize) -> Result<(), EngineError> {
        let item = &mut self.items[index];
        if item.proposal.is_some() {
            match self.book.made(item.id).cloned() {
                Some(Made::Image(image)) => item.image = Some(image),
                Some(Made::Nothing(failure)) => item.failure = Some(failure),
                None => {
                    let editor = self.editor_of(index)?;
                    self.edits[editor].push_back(index);
                    return Ok(());
                }
            }
        }
        if item.failure.is_none() {
            return self.ask_all(index);
        }
        self.conclude(index);
        Ok(())
    }

    /// Fills the free slots.
    fn launch(&mut self) -> Result<(), EngineError> {
        if self.closing.is_none() {
            self.launch_edits()?;
        }
        if self.closing == Some(Closing::Stopped) { Ok(()) } else { self.launch_judgements() }
    }

    fn launch_edits(&mut self) -> Result<(), EngineError> {
        for editor in 0..self.edits.len() {
            let (slots, largest) = {
                let card = self.job.ports.editors[editor].card();
                (card.slots.get(), card.largest_batch.get() as usize)
            };
            while self.editor_busy[editor] < slots && !self.edits[editor].is_empty() {
                let free = (slots - self.editor_busy[editor]) as usize;
                // An even cut over the free slots keeps them all busy where there is less than a full batch for each.
                let share = self.edits[editor].len().div_ceil(free).clamp(1, largest);
                let batch = self.edits[editor].drain(..share).collect();
                self.launch_batch(editor, batch)?;
            }
        }
        Ok(())
    }

    fn editor_of(&self, index: usize) -> Result<usize, EngineError> {
        let Some(proposal) = &self.items[index].proposal else { return Ok(0) };
        let named = |editor: &Arc<dyn editscale_core::EditBackend>| editor.card().name == proposal.editor;
        let place = self.job.ports.editors.iter().position(named);
        place.ok_or_else(|| EngineError::NoEditor(proposal.editor.clone()))
    }

    /// Sends a batch off, less the items that cannot be begun.
    fn launch_batch(&mut self, editor: usize, batch: Vec<usize>) -> Result<(), EngineError> {
        let mut items = Vec::with_capacity(batch.len());
        let mut indices = Vec::with_capacity(batch.len());
        for index in batch {
            match self.prepare(editor, index) {
                Ok(item) => {
                    items.push(item);
                    indices.push(index);
                }
                Err(failure) => self.fail(index, failure)?,
            }
        }
        if items.is_empty() {
            return Ok(());
        }
        let watched = indices.iter().map(|index| (self.items[*index].id, self.items[*index].attempt)).collect();
        for (id, _) in &watched as &Vec<(CandidateId, u32)> {
            self.job.ports.observer.observe(&Event::Editing { id: *id });
        }
        let watch = self.watch(watched, &self.cancel_edits);
        let backend = Arc::clone(&self.job.ports.editors[editor]);
        self.editor_busy[editor] += 1;
        self.editing += indices.len();
        self.under_way.push(Box::pin(async move {
            let began = Instant::now();
            let results = backend.edit(EditBatch { items }, &watch).await;
            let took = began.elapsed();
            match watch.into_error() {
                Some(error) => Done::Broken(error),
                None => Done::Edits { editor, items: indices, results, took },
            }
        }));
        Ok(())
    }

    /// An item ready to leave, its cost set aside; or why it cannot leave.
    fn prepare(&mut self, editor: usize, index: usize) -> Result<EditItem, Failure> {
        let card = self.job.ports.editors[editor].card();
        let (cost, recovery) = (card.cost, card.recovery);
        let Some(proposal) = self.items[index].proposal.clone() else {
            return Err(Failure::new(FailureKind::Invalid, "there is nothing to make"));
        };
        let (start, path) = (self.start_of(&proposal)?, self.path_of(&proposal)?);
        let earlier = self.book.interrupted(&proposal, recovery, cost)?;
        if !self.book.purse.reserve(Work::Edit, cost) {
            return Err(Failure::new(FailureKind::OverBudget, "the budget has no edit left"));
        }
        self.items[index].attempt += 1;
        self.items[index].with_editor = true;
        let (run, request) = (self.job.run.clone(), Arc::clone(&self.job.request));
        Ok(EditItem { run, request, proposal, start, path, earlier })
    }

    fn start_of(&self, proposal: &Proposal) -> Result<Image, Failure> {
        let Start::Candidate(id) = self.book.beginning(proposal.start) else {
            return Ok(self.job.request.source.clone());
        };
        match self.book.made(id) {
            Some(Made::Image(image)) => Ok(image.clone()),
            _ => {
                Err(Failure::new(FailureKind::Invalid, format!("there is no picture of candidate {id} to start from")))
            }
        }
    }

    /// The proposals that led to the paused state that this one goes on from, first one first.
    fn path_of(&self, proposal: &Proposal) -> Result<Vec<Proposal>, Failure> {
        let mut path = VecDeque::new();
        let mut start = proposal.start;
        while let Start::Paused(id) = start {
            let refuse = |why: &str| Failure::new(FailureKind::Invalid, format!("candidate {id} {why}"));
            let paused =
                self.book.halted.get(&id).ok_or_else(|| refuse("was not paused: it cannot be gone on from"))?;
            if paused.editor != proposal.editor {
                return Err(refuse(&format!(
                    "was paused by `{}`: `{}` cannot go on from it",
                    paused.editor, proposal.editor
                )));
            }
            if matches!(self.book.made(id), Some(Made::Nothing(_))) {
                return Err(refuse("failed: it cannot be gone on from"));
            }
            start = paused.start;
            path.push_front(paused.clone());
        }
        Ok(path.into())
    }

    fn watch(&self, items: Vec<(CandidateId, u32)>, cancel: &Cancel) -> BatchWatch {
        BatchWatch {
            cancel: cancel.clone(),
            observer: Arc::clone(&self.job.ports.observer),
            log: Arc::clone(&self.book.log),
            items,
            error: Mutex::new(None),
        }
    }

    /// Takes in what is done.
    fn take(&mut self, done: Done) -> Result<(), EngineError> {
        match done {
            Done::Broken(error) => Err(error.into()),
            Done::Edits { editor, items, mut results, took } => {
                self.editor_busy[editor] -= 1;
                if results.len() != items.len() {
                    let message = format!("the editor answered {} items of {}", results.len(), items.len());
                    results =
                        items.iter().map(|_| Err(Failure::new(FailureKind::Malformed, message.as_str()))).collect();
                }
                for (index, result) in items.into_iter().zip(results) {
                    self.take_edit(editor, index, result, took)?;
                }
                Ok(())
            }
            Done::Stored { item, candidate, took, image } => {
                self.editing -= 1;
                match image {
                    Ok(image) => self.take_image(item, candidate, took, image),
                    Err(error) => Err(self.lose_image(item, &candidate, error)),
                }
            }
            Done::Judgements { reward, questions, results } => {
                self.judge_busy[reward] -= 1;
                for (question, result) in questions.into_iter().zip(results) {
                    self.take_judgement(reward, question, result)?;
                }
                Ok(())
            }
            Done::EditAgain { item } => {
                self.editing -= 1;
                let editor = self.editor_of(item)?;
                self.edits[editor].push_back(item);
                if self.closing.is_some() { self.close_edits() } else { Ok(()) }
            }
            Done::JudgeAgain { reward, question } => {
                self.questions[reward].push_back(question);
                Ok(())
            }
        }
    }

    fn take_edit(
        &mut self,
        editor: usize,
        index: usize,
        result: Result<Candidate, Failure>,
        took: Duration,
    ) -> Result<(), EngineError> {
        let bound = self.job.ports.editors[editor].card().cost;
        self.items[index].with_editor = false;
        match result {
            Ok(candidate) => {
                self.book.purse.settle(Work::Edit, bound, candidate.cost, true);
                self.store(index, candidate, took);
                Ok(())
            }
            Err(failure) => {
                self.book.purse.settle(Work::Edit, bound, failure.cost, began(&failure));
                self.editing -= 1;
                self.take_failure(index, failure)
            }
        }
    }

    /// Writes a picture beside the loop, which a slow disk would hold up.
    fn store(&mut self, index: usize, candidate: Candidate, took: Duration) {
        let (images, trajectories) = (Arc::clone(&self.book.images), Arc::clone(&self.book.trajectories));
        let id = self.items[index].id;
        self.under_way.push(Box::pin(async move {
            let (encoded, trajectory) = (candidate.image.clone(), candidate.trajectory.clone());
            let put = move || {
                trajectory.map_or(Ok(()), |trajectory| trajectories.put(id, &trajectory))?;
                images.put(&encoded)
            };
            let image = match tokio::task::spawn_blocking(put).await {
                Ok(image) => image,
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            };
            Done::Stored { item: index, candidate, took, image }
        }));
    }

    fn take_image(
        &mut self,
        index: usize,
        candidate: Candidate,
        took: Duration,
        image: Image,
    ) -> Result<(), EngineError> {
        let Candidate { cost, effective_seed, notes, .. } = candidate;
        let id = self.items[index].id;
        self.job.ports.observer.observe(&Event::Edited { id, image: &image, notes: &notes, took });
        let edited = Edited { image: image.clone(), cost, effective_seed, notes, took };
        self.book.enter_image(id, edited)?;
        self.items[index].image = Some(image);
        self.ask_all(index)
    }

    /// A picture that cannot be stored ends the run. One that cannot be had again is entered as lost, as far as the disk
    /// allows: what is not written down is taken for lost with the server when the run is resumed.
    fn lose_image(&mut self, index: usize, candidate: &Candidate, error: WriteError) -> EngineError {
        let id = self.items[index].id;
        if self.recovery(index) == Recovery::Unknown && self.book.is_submitted(id) {
            let message = format!("the picture came, and could not be stored: {error}");
            let failure = Failure { cost: candidate.cost, ..Failure::new(FailureKind::Crashed, message) };
            // The first trouble is the one to tell of.
            self.book.enter_failure(id, failure).ok();
        }
        error.into()
    }

    /// Tries a failed edit again where that may help, else gives it up.
    fn take_failure(&mut self, index: usize, failure: Failure) -> Result<(), EngineError> {
        let item = &self.items[index];
        let seed = item.proposal.as_ref().map_or(self.job.request.seed, |proposal| proposal.seed);
        let wait = self.job.limits.retry.wait(&failure, item.attempt, seed);
        match (wait, self.closing) {
            (Some(wait), None) => {
                self.book.enter_retry(item.id, item.attempt, &failure)?;
                self.editing += 1;
                self.under_way.push(Box::pin(async move {
                    tokio::time::sleep(wait).await;
                    Done::EditAgain { item: index }
                }));
                Ok(())
            }
            (_, Some(closing)) if failure.kind == FailureKind::Cancelled => {
                self.drop_edit(index, closing, Some(&failure))
            }
            _ => self.fail(index, failure),
        }
    }

    /// Gives an edit up: it is journaled and will not be tried again, now or after a resume.
    fn fail(&mut self, index: usize, failure: Failure) -> Result<(), EngineError> {
        self.book.enter_failure(self.items[index].id, failure.clone())?;
        self.items[index].failure = Some(failure);
        self.conclude(index);
        Ok(())
    }

    /// Makes an item's trial and tells of it.
    fn conclude(&mut self, index: usize) {
        let item = &mut self.items[index];
        let votes = mem::take(&mut item.votes);
        let trial = match (&item.failure, &item.image, &item.proposal) {
            (Some(why), _, _) => Trial::Failed { id: item.id, why: why.clone() },
            (None, Some(image), Some(_)) => {
                Trial::Scored { id: item.id, image: image.digest(), card: trials::card(votes) }
            }
            (None, _, _) => Trial::Rescored { id: item.id, card: trials::card(votes) },
        };
        let spent = self.book.purse.spent(self.book.log.elapsed());
        self.job.ports.observer.observe(&Event::Tried { trial: &trial, spent: &spent });
        self.items[index].trial = Some(trial);
        self.open -= 1;
    }

    /// Begins no new edits, and asks those under way to end.
    fn close(&mut self, closing: Closing) -> Result<(), EngineError> {
        self.closing = Some(closing);
        self.give_up_at = Some(Instant::now() + GRACE);
        self.cancel_edits.cancel();
        if closing == Closing::Stopped {
            self.cancel_judgements.cancel();
        }
        self.close_edits()
    }

    fn close_edits(&mut self) -> Result<(), EngineError> {
        let Some(closing) = self.closing else { return Ok(()) };
        let waiting: Vec<usize> = self.edits.iter_mut().flat_map(mem::take).collect();
        waiting.into_iter().try_for_each(|index| self.drop_edit(index, closing, None))
    }

    /// An edit that was not made because the round closes: at a deadline that is final, at a stop it is made after the
    /// resume. What was spent on it until it was cancelled is journaled either way.
    fn drop_edit(&mut self, index: usize, closing: Closing, cancelled: Option<&Failure>) -> Result<(), EngineError> {
        let spent = cancelled.map(|failure| failure.cost).filter(|cost| *cost != Cost::default());
        if closing == Closing::Deadline {
            let cost = spent.unwrap_or_default();
            let why = Failure::new(FailureKind::OverBudget, "the time of the run is up");
            return self.fail(index, Failure { cost, ..why });
        }
        if let (Some(cost), Some(failure)) = (spent, cancelled) {
            let (id, attempt) = (self.items[index].id, self.items[index].attempt);
            match self.recovery(index) {
                // What became of it is found out after the resume, by the submission that the journal has.
                Recovery::Idempotent | Recovery::Query if self.book.is_submitted(id) => {}
                Recovery::Unknown => {
                    let message = "the run was stopped while this edit was with the server; it may have been paid";
                    return self.fail(index, Failure { cost, ..Failure::new(FailureKind::Ambiguous, message) });
                }
                _ => self.book.enter_retry(id, attempt, failure)?,
            }
        }
        self.items[index].failure = Some(Failure::new(FailureKind::Cancelled, "the run was stopped"));
        self.conclude(index);
        Ok(())
    }

    /// What may be done about an item's edit that nobody waited for to its end.
    fn recovery(&self, index: usize) -> Recovery {
        let name = self.items[index].proposal.as_ref().map(|proposal| &proposal.editor);
        let cards = self.job.ports.editors.iter().map(|editor| editor.card());
        cards.into_iter().find(|card| Some(&card.name) == name).map_or(Recovery::Repeat, |card| card.recovery)
    }

    /// Puts the trials together. What was waited for in vain is given up.
    fn finish(mut self) -> Result<Rounded, EngineError> {
        let interrupted = self.closing == Some(Closing::Stopped) && self.is_unfinished();
        for index in 0..self.items.len() {
            if self.items[index].trial.is_none() {
                self.give_up(index)?;
            }
        }
        let trials = self.items.iter_mut().filter_map(|item| item.trial.take()).collect();
        Ok(Rounded { trials, interrupted })
    }

    fn is_unfinished(&self) -> bool {
        let cancelled =
            |item: &Item| item.failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::Cancelled);
        self.items.iter().any(|item| item.trial.is_none() || cancelled(item))
    }

    /// Ends an item that was waited for in vain. After a deadline that is final and journaled.
    fn give_up(&mut self, index: usize) -> Result<(), EngineError> {
        let closing = self.closing.unwrap_or(Closing::Deadline);
        if self.items[index].image.is_some() {
            self.give_up_judgements(index, closing)?;
            self.conclude(index);
            return Ok(());
        }
        if closing == Closing::Stopped || !self.items[index].with_editor {
            return self.drop_edit(index, closing, None);
        }
        let bound = self.job.ports.editors[self.editor_of(index)?].card().cost;
        self.book.purse.settle(Work::Edit, bound, bound, true);
        let message = "the time of the run is up, and the editor has not confirmed that it stopped";
        self.fail(index, Failure { cost: bound, ..Failure::new(FailureKind::Ambiguous, message) })
    }
}

impl Item {
    fn new(id: CandidateId, proposal: Option<Proposal>, image: Option<Image>) -> Self {
        Self {
            id,
            proposal,
            attempt: 0,
            with_editor: false,
            image,
            failure: None,
            votes: Vec::new(),
            awaited: 0,
            trial: None,
        }
    }
}

async fn wait_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
