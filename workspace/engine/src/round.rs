//! One round carried out: edits on the editors' slots, judgements as soon as their pictures are there, retries, and
//! the trials put back into ask order.
//!
//! Everything runs inside one task: work under way is a set of futures, and the state is changed only here, when one
//! of them is done. The loop is in this file; what it does with edits, with judgements and at an early end is in the
//! files below it.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use editscale_core::{
    BoxFuture, Candidate, CandidateId, EditorCard, Event, Failure, Image, Judgement, PerceptualHash, Proposal, Trial,
};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::book::{Book, Made};
use crate::error::EngineError;
use crate::files::WriteError;
use crate::job::Job;
use crate::journal::JournalError;
use crate::stop::StopSignal;
use crate::votes::{self, Vote};
use crate::watch::{BatchWatch, Cancel};

mod closing;
mod editing;
mod judging;

pub(crate) use closing::GRACE;

/// What a round came to.
pub(crate) struct Rounded {
    /// One trial an item, in ask order.
    pub(crate) trials: Vec<Trial>,
    /// Whether somebody stopped it before all was done. What was done is in the journal.
    pub(crate) interrupted: bool,
}

/// The run that a round belongs to.
pub(crate) struct Stage<'a> {
    pub(crate) job: &'a Job,
    pub(crate) book: &'a mut Book,
    /// The round's number in the run, from 0.
    pub(crate) number: u32,
}

/// Which rewards are asked, by their places in the recipe, and how often each.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    pub(crate) rewards: Vec<usize>,
    pub(crate) votes: u32,
}

/// One thing asked for in this round.
struct Item {
    id: CandidateId,
    /// What is to be made; nothing for a candidate that is only judged again.
    order: Option<Order>,
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

/// A candidate to be made, and by whom.
struct Order {
    proposal: Proposal,
    /// The editor's place in the recipe.
    editor: usize,
}

/// One judgement to be made.
#[derive(Debug, Clone, Copy)]
struct Question {
    item: usize,
    vote: u32,
    attempt: u32,
}

/// What waits for an editor, and how many of its slots are taken.
#[derive(Default)]
struct EditQueue {
    waiting: VecDeque<usize>,
    busy: u32,
}

/// What waits for a reward, and how many of its slots are taken.
#[derive(Default)]
struct JudgeQueue {
    waiting: VecDeque<Question>,
    /// The sets that a listwise reward is to compare, each in one call.
    sets: VecDeque<Vec<Question>>,
    /// Whether those sets were put together: what comes later cannot be compared with them.
    is_compared: bool,
    busy: u32,
}

/// A picture on disk.
struct Stored {
    image: Image,
    /// How it looks, where the search wants to know.
    hash: Option<PerceptualHash>,
}

/// Something that was under way and is done.
enum Done {
    Edits { editor: usize, items: Vec<usize>, results: Vec<Result<Candidate, Failure>>, took: Duration },
    Stored { item: usize, candidate: Candidate, took: Duration, stored: Result<Stored, WriteError> },
    Judgements { reward: usize, questions: Vec<Question>, results: Vec<Result<Judgement, Failure>> },
    EditAgain { editor: usize, item: usize },
    JudgeAgain { reward: usize, question: Question },
    Broken(JournalError),
}

/// Why no new work is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closing {
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
    /// Items without a trial.
    open: usize,
    /// Edits that are under way, being stored, or waiting to be tried again.
    editing: usize,
    /// In recipe order.
    editors: Vec<EditQueue>,
    /// In recipe order.
    judges: Vec<JudgeQueue>,
    under_way: FuturesUnordered<BoxFuture<'a, Done>>,
    cancel_edits: Cancel,
    cancel_judgements: Cancel,
    closing: Option<Closing>,
    /// When what is under way is not waited for any more.
    give_up_at: Option<Instant>,
}

impl<'a> Round<'a> {
    /// A round that makes and judges these.
    pub(crate) fn explore(stage: Stage<'a>, proposals: Vec<Proposal>) -> Result<Self, EngineError> {
        let job = stage.job;
        let item = |proposal: Proposal| {
            let place = job.ports.editors.iter().position(|editor| editor.card().name == proposal.editor);
            let editor = place.ok_or_else(|| EngineError::NoEditor(proposal.editor.clone()))?;
            let unmade = Item::new(proposal.id);
            Ok(Item { order: Some(Order { proposal, editor }), ..unmade })
        };
        let items = proposals.into_iter().map(item).collect::<Result<_, EngineError>>()?;
        let asking = Asking { rewards: (0..job.ports.rewards.len()).collect(), votes: 1 };
        Ok(Self::new(stage, asking, items))
    }

    /// A round that judges these again.
    pub(crate) fn judge(stage: Stage<'a>, who: &[CandidateId], asking: Asking) -> Self {
        let item = |id: &CandidateId| {
            if let Some(Made::Image(image)) = stage.book.made(*id) {
                Item { image: Some(image.clone()), ..Item::new(*id) }
            } else {
                let why = format!("there is no picture of candidate {id} to judge");
                Item { failure: Some(editing::invalid(why)), ..Item::new(*id) }
            }
        };
        let items = who.iter().map(item).collect();
        Self::new(stage, asking, items)
    }

    fn new(Stage { job, book, number }: Stage<'a>, asking: Asking, items: Vec<Item>) -> Self {
        Self {
            number,
            open: items.len(),
            items,
            editing: 0,
            editors: job.ports.editors.iter().map(|_| EditQueue::default()).collect(),
            judges: job.ports.rewards.iter().map(|_| JudgeQueue::default()).collect(),
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
        self.forget_partial_sets();
        for index in 0..self.items.len() {
            if self.items[index].trial.is_none() {
                self.begin(index)?;
            }
        }
        let deadline = self.book.time_left();
        let timer = tokio::time::sleep(deadline.unwrap_or(Duration::MAX));
        tokio::pin!(timer);
        while self.open > 0 {
            // A run that was stopped before this round, all of whose work was done all the same, begins none of this one.
            if stop.is_stopped() && self.closing != Some(Closing::Stopped) {
                self.close(Closing::Stopped)?;
            }
            if self.closing.is_none() && self.book.is_late() {
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

    /// Takes up one item: from what is known where possible, else into the queue.
    fn begin(&mut self, index: usize) -> Result<(), EngineError> {
        let item = &mut self.items[index];
        if let Some(order) = &item.order {
            match self.book.made(item.id).cloned() {
                Some(Made::Image(image)) => item.image = Some(image),
                Some(Made::Nothing(failure)) => item.failure = Some(failure),
                None => {
                    self.editors[order.editor].waiting.push_back(index);
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

    /// Takes in what is done.
    fn take(&mut self, done: Done) -> Result<(), EngineError> {
        match done {
            Done::Broken(error) => Err(error.into()),
            Done::Edits { editor, items, results, took } => self.take_edits(editor, &items, results, took),
            Done::Stored { item, candidate, took, stored } => self.take_stored(item, candidate, took, stored),
            Done::Judgements { reward, questions, results } => self.take_judgements(reward, questions, results),
            Done::EditAgain { editor, item } => {
                self.editing -= 1;
                self.editors[editor].waiting.push_back(item);
                if self.closing.is_some() { self.close_edits() } else { Ok(()) }
            }
            Done::JudgeAgain { reward, question } => {
                self.judges[reward].waiting.push_back(question);
                Ok(())
            }
        }
    }

    /// The watch over a batch of these items, with the numbers of their attempts.
    fn watch(&self, items: Vec<(CandidateId, u32)>, cancel: &Cancel) -> BatchWatch {
        BatchWatch::new(items, cancel.clone(), Arc::clone(&self.job.ports.observer), Arc::clone(&self.book.log))
    }

    /// The card of the editor that an item is made by.
    fn editor_card(&self, index: usize) -> Option<&'a EditorCard> {
        let job = self.job;
        self.items[index].order.as_ref().map(|order| job.ports.editors[order.editor].card())
    }

    /// Makes an item's trial and tells of it.
    fn conclude(&mut self, index: usize) {
        let item = &mut self.items[index];
        let votes = mem::take(&mut item.votes);
        let trial = match (&item.failure, &item.image, &item.order) {
            (Some(why), _, _) => Trial::Failed { id: item.id, why: why.clone() },
            (None, Some(image), Some(_)) => {
                let (image, hash) = (image.digest(), self.book.hash(item.id));
                Trial::Scored { id: item.id, image, hash, card: votes::card(votes) }
            }
            (None, _, _) => Trial::Rescored { id: item.id, card: votes::card(votes) },
        };
        let spent = self.book.purse.spent(self.book.log.elapsed());
        self.job.ports.observer.observe(&Event::Tried { trial: &trial, spent: &spent });
        self.items[index].trial = Some(trial);
        self.open -= 1;
    }
}

impl Item {
    /// One of which nothing is there yet.
    fn new(id: CandidateId) -> Self {
        Self {
            id,
            order: None,
            attempt: 0,
            with_editor: false,
            image: None,
            failure: None,
            votes: Vec::new(),
            awaited: 0,
            trial: None,
        }
    }
}

pub(crate) async fn wait_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
