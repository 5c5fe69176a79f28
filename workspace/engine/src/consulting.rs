//! One round of critiques: a critic asked about several candidates at a time, or about the request alone, retries, and the trials in
//! ask order.
//!
//! It goes by the rules of judgements, as which critiques are counted: what can be paid is in the journal before it leaves,
//! what is in the journal is not asked for again, and what may have been done is never blindly asked for twice. After the
//! deadline nothing is asked any more, for nothing could be made of the answer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use editscale_core::{
    BoxFuture, CandidateId, Critic, CriticCard, CriticName, CriticQuestion, Criticism, Critique, Event, Failure,
    FailureKind, Trial, Usd,
};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use crate::book::{Book, CritiqueKey};
use crate::error::EngineError;
use crate::job::Job;
use crate::journal::JournalError;
use crate::purse::Work;
use crate::round::{Closing, GRACE, Rounded, Stage, wait_until};
use crate::stop::StopSignal;
use crate::watch::{BatchWatch, Cancel};

/// What a critic is asked.
pub(crate) struct Asked {
    /// The candidate that it is about; nothing where it is about the request.
    pub(crate) about: Option<CandidateId>,
    /// Nothing where there is no picture of the candidate.
    pub(crate) question: Option<CriticQuestion>,
}

impl Asked {
    /// What comes back to the search.
    pub(crate) fn trial(&self, critic: CriticName, written: Result<Critique, Failure>) -> Trial {
        match self.about {
            Some(id) => Trial::Critique { id, critic, written },
            None => Trial::Rewritten { critic, written },
        }
    }

    /// What was written, as it is taken in: whoever says the request's own words again knows no better ones.
    fn taken(&self, written: Critique) -> Critique {
        let request = self.question.as_ref().filter(|_| self.about.is_none()).map(|question| &question.request);
        let own = request.map(|request| request.instruction.as_str().trim());
        let instruction = written.instruction.filter(|words| Some(words.as_str().trim()) != own);
        Critique { instruction, ..written }
    }
}

/// One candidate to be written about, or the request.
struct Item {
    asked: Asked,
    attempt: u32,
    /// Whether its cost is set aside.
    is_reserved: bool,
    trial: Option<Trial>,
}

/// Something that was under way and is done.
enum Done {
    Written { item: usize, result: Result<Criticism, Failure> },
    Again { item: usize },
    Broken(JournalError),
}

/// A round of critiques under way.
pub(crate) struct Consulting<'a> {
    job: &'a Job,
    book: &'a mut Book,
    number: u32,
    critic: &'a Arc<dyn Critic>,
    items: Vec<Item>,
    waiting: VecDeque<usize>,
    busy: u32,
    under_way: FuturesUnordered<BoxFuture<'a, Done>>,
    cancel: Cancel,
    closing: Option<Closing>,
    /// When what is under way is not waited for any more.
    give_up_at: Option<Instant>,
}

impl<'a> Consulting<'a> {
    /// A round that asks the critic at this place of the recipe.
    pub(crate) fn new(Stage { job, book, number }: Stage<'a>, place: usize, asked: Vec<Asked>) -> Self {
        let item = |asked| Item { asked, attempt: 1, is_reserved: false, trial: None };
        Self {
            job,
            book,
            number,
            critic: &job.ports.critics[place],
            items: asked.into_iter().map(item).collect(),
            waiting: VecDeque::new(),
            busy: 0,
            under_way: FuturesUnordered::new(),
            cancel: Cancel::default(),
            closing: None,
            give_up_at: None,
        }
    }

    fn card(&self) -> &'a CriticCard {
        self.critic.card()
    }

    /// Whether money can be paid for what the critic writes.
    fn is_paid(&self) -> bool {
        self.card().cost.usd > Usd::default()
    }

    fn key(&self, index: usize) -> CritiqueKey {
        let (candidate, critic) = (self.items[index].asked.about, self.card().name.clone());
        CritiqueKey { candidate, round: self.number, critic }
    }

    /// Carries the round out.
    pub(crate) async fn carry_out(mut self, stop: &mut StopSignal) -> Result<Rounded, EngineError> {
        for index in 0..self.items.len() {
            self.begin(index)?;
        }
        let deadline = self.book.time_left();
        let timer = tokio::time::sleep(deadline.unwrap_or(Duration::MAX));
        tokio::pin!(timer);
        while self.items.iter().any(|item| item.trial.is_none()) {
            // A run that was stopped before this round asks nobody any more.
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
                () = stop.stopped(), if self.closing != Some(Closing::Stopped) => self.close(Closing::Stopped)?,
                () = &mut timer, if deadline.is_some() && self.closing.is_none() => self.close(Closing::Deadline)?,
                () = wait_until(self.give_up_at) => break,
                Some(done) = self.under_way.next() => self.take(done)?,
            }
        }
        self.finish()
    }

    /// Takes up one candidate: from what is known where possible, else into the queue where the budget has it.
    fn begin(&mut self, index: usize) -> Result<(), EngineError> {
        let key = self.key(index);
        if let Some(written) = self.book.critiqued(&key).cloned() {
            self.conclude(index, written);
            return Ok(());
        }
        if let Asked { about: Some(id), question: None } = &self.items[index].asked {
            let why = format!("there is no picture of candidate {id} to write about");
            self.conclude(index, Err(Failure::new(FailureKind::Invalid, why)));
            return Ok(());
        }
        if !self.reserve(index) {
            return self.deny(index, &Failure::new(FailureKind::OverBudget, "the budget has no critique left"));
        }
        self.waiting.push_back(index);
        Ok(())
    }

    fn reserve(&mut self, index: usize) -> bool {
        let is_reserved = self.book.purse.reserve(Work::Judgement, self.card().cost);
        self.items[index].is_reserved = is_reserved;
        is_reserved
    }

    fn give_back(&mut self, index: usize) {
        if std::mem::take(&mut self.items[index].is_reserved) {
            self.book.purse.give_back(Work::Judgement, self.card().cost);
        }
    }

    /// Enters that there will be no critique, and why. That is final.
    fn deny(&mut self, index: usize, why: &Failure) -> Result<(), EngineError> {
        self.book.enter_critique(self.key(index), Err(why.clone()), why.cost)?;
        self.conclude(index, Err(why.clone()));
        Ok(())
    }

    /// Fills the free slots.
    fn launch(&mut self) -> Result<(), EngineError> {
        while self.closing.is_none() && self.busy < self.card().slots.get() {
            let Some(index) = self.waiting.pop_front() else { break };
            self.launch_one(index)?;
        }
        Ok(())
    }

    fn launch_one(&mut self, index: usize) -> Result<(), EngineError> {
        let Some(question) = self.items[index].asked.question.clone() else { return Ok(()) };
        let attempt = self.items[index].attempt;
        if self.is_paid() {
            self.book.enter_critiquing(self.key(index), attempt, self.card().cost)?;
        }
        let watched = self.items[index].asked.about.map(|id| (id, attempt)).into_iter().collect();
        let observer = Arc::clone(&self.job.ports.observer);
        let watch = BatchWatch::new(watched, self.cancel.clone(), observer, Arc::clone(&self.book.log));
        let critic = Arc::clone(self.critic);
        self.busy += 1;
        self.under_way.push(Box::pin(async move {
            let result = critic.critique(question, &watch).await;
            match watch.into_error() {
                Some(error) => Done::Broken(error),
                None => Done::Written { item: index, result },
            }
        }));
        Ok(())
    }

    /// Takes in what is done.
    fn take(&mut self, done: Done) -> Result<(), EngineError> {
        match done {
            Done::Broken(error) => Err(error.into()),
            Done::Again { item } => {
                if self.closing.is_none() {
                    self.waiting.push_back(item);
                }
                Ok(())
            }
            Done::Written { item, result } => {
                self.busy -= 1;
                self.take_critique(item, result)
            }
        }
    }

    fn take_critique(&mut self, index: usize, result: Result<Criticism, Failure>) -> Result<(), EngineError> {
        let (written, spent) = match result {
            Ok(Criticism { critique, cost }) => {
                (Ok(self.items[index].asked.taken(critique)), Work::Judgement.spent(cost, true))
            }
            Err(failure) => {
                let spent = Work::Judgement.spent_in_vain(&failure);
                (Err(failure), spent)
            }
        };
        self.give_back(index);
        self.book.purse.book(&spent);
        let key = self.key(index);
        if let Err(failure) = &written
            && self.is_asked_again(index, failure)
        {
            return Ok(self.book.enter_critiquing_failed(&key, failure)?);
        }
        self.book.enter_critique(key, written.clone(), spent.cost)?;
        self.conclude(index, written);
        Ok(())
    }

    /// Whether a critique that failed is asked for again: now, for which it is put back with its cost set aside, or after
    /// the resume of a run that was stopped.
    fn is_asked_again(&mut self, index: usize, failure: &Failure) -> bool {
        let is_stopped = self.closing == Some(Closing::Stopped);
        if failure.kind == FailureKind::Cancelled && is_stopped {
            return true;
        }
        if self.closing == Some(Closing::Deadline) {
            return false;
        }
        let item = &self.items[index];
        let root = self.job.request.seed;
        let seed = item.asked.about.map_or(root, |id| root.mix(u64::from(id.0)));
        let Some(wait) = self.job.limits.retry.wait(failure, item.attempt, seed) else { return false };
        if is_stopped {
            return true;
        }
        let is_afforded = self.reserve(index);
        if is_afforded {
            self.items[index].attempt += 1;
            self.under_way.push(Box::pin(async move {
                tokio::time::sleep(wait).await;
                Done::Again { item: index }
            }));
        }
        is_afforded
    }

    /// Begins nothing new, and asks what is under way to end.
    fn close(&mut self, closing: Closing) -> Result<(), EngineError> {
        self.closing = Some(closing);
        self.give_up_at = Some(Instant::now() + GRACE);
        self.cancel.cancel();
        for index in std::mem::take(&mut self.waiting) {
            self.give_back(index);
            if closing == Closing::Deadline {
                self.deny(index, &time_is_up())?;
            }
        }
        Ok(())
    }

    /// Puts the trials together. What was waited for in vain is given up.
    fn finish(mut self) -> Result<Rounded, EngineError> {
        let closing = self.closing.unwrap_or(Closing::Deadline);
        let open: Vec<usize> = (0..self.items.len()).filter(|index| self.items[*index].trial.is_none()).collect();
        for index in &open {
            self.give_up(*index, closing)?;
        }
        let interrupted = closing == Closing::Stopped && !open.is_empty();
        let trials = self.items.iter_mut().filter_map(|item| item.trial.take()).collect();
        Ok(Rounded { trials, interrupted })
    }

    /// Ends a critique that was waited for in vain. One that left and can be paid is spent.
    fn give_up(&mut self, index: usize, closing: Closing) -> Result<(), EngineError> {
        self.give_back(index);
        let key = self.key(index);
        let in_doubt = |why: &str| {
            let cost = self.card().cost;
            Failure { cost, ..Failure::new(FailureKind::Ambiguous, why) }
        };
        match (self.book.is_critiquing(&key), closing) {
            (true, Closing::Stopped) => {
                let why = "the run was stopped while this critique was with the server; it may have been paid";
                let failure = in_doubt(why);
                self.book.purse.book(&Work::Judgement.spent_in_vain(&failure));
                self.book.enter_critiquing_failed(&key, &failure)?;
            }
            (true, Closing::Deadline) => {
                let failure =
                    in_doubt("the time of the run is up, and the critic has not answered; it may have been paid");
                self.book.purse.book(&Work::Judgement.spent_in_vain(&failure));
                return self.deny(index, &failure);
            }
            (false, Closing::Stopped) => {}
            (false, Closing::Deadline) => return self.deny(index, &time_is_up()),
        }
        self.conclude(index, Err(Failure::new(FailureKind::Cancelled, "the run was stopped")));
        Ok(())
    }

    /// Makes the trial of one question and tells of it.
    fn conclude(&mut self, index: usize, written: Result<Critique, Failure>) {
        let trial = self.items[index].asked.trial(self.card().name.clone(), written);
        let spent = self.book.purse.spent(self.book.log.elapsed());
        self.job.ports.observer.observe(&Event::Tried { trial: &trial, spent: &spent });
        self.items[index].trial = Some(trial);
    }
}

fn time_is_up() -> Failure {
    Failure::new(FailureKind::OverBudget, "the time of the run is up")
}
