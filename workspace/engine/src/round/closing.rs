//! The end of a round: by itself, at the deadline, or because somebody stopped the run.

use std::mem;
use std::time::{Duration, Instant};

use editscale_core::{Cost, Failure, FailureKind, Recovery};

use super::{Closing, Item, Round, Rounded};
use crate::error::EngineError;

/// How long work under way is waited for once it is not wanted any more.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

impl Round<'_> {
    /// Begins no new edits, and asks those under way to end.
    pub(super) fn close(&mut self, closing: Closing) -> Result<(), EngineError> {
        self.closing = Some(closing);
        self.give_up_at = Some(Instant::now() + GRACE);
        self.cancel_edits.cancel();
        if closing == Closing::Stopped {
            self.cancel_judgements.cancel();
        }
        self.close_edits()
    }

    pub(super) fn close_edits(&mut self) -> Result<(), EngineError> {
        let Some(closing) = self.closing else { return Ok(()) };
        let waiting: Vec<usize> = self.editors.iter_mut().flat_map(|queue| mem::take(&mut queue.waiting)).collect();
        waiting.into_iter().try_for_each(|index| self.drop_edit(index, closing, None))
    }

    /// An edit that was not made because the round closes: at a deadline that is final, at a stop it is made after the
    /// resume. What was spent on it until it was cancelled is journaled either way.
    pub(super) fn drop_edit(
        &mut self,
        index: usize,
        closing: Closing,
        cancelled: Option<&Failure>,
    ) -> Result<(), EngineError> {
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

    /// Puts the trials together. What was waited for in vain is given up.
    pub(super) fn finish(mut self) -> Result<Rounded, EngineError> {
        let interrupted = self.closing == Some(Closing::Stopped) && self.items.iter().any(Item::is_unfinished);
        for index in 0..self.items.len() {
            if self.items[index].trial.is_none() {
                self.give_up(index)?;
            }
        }
        let trials = self.items.iter_mut().filter_map(|item| item.trial.take()).collect();
        Ok(Rounded { trials, interrupted })
    }

    /// Ends an item that was waited for in vain. After a deadline that is final and journaled.
    fn give_up(&mut self, index: usize) -> Result<(), EngineError> {
        let closing = self.closing.unwrap_or(Closing::Deadline);
        if self.items[index].image.is_some() {
            self.give_up_judgements(index, closing)?;
            self.conclude(index);
            return Ok(());
        }
        if !self.items[index].with_editor || closing != Closing::Deadline {
            return self.drop_edit(index, closing, None);
        }
        let message = "the time of the run is up, and the editor has not confirmed that it stopped";
        let (work, cost) = self.piece(index);
        let failure = Failure { cost, ..Failure::new(FailureKind::Ambiguous, message) };
        self.book.purse.settle(work, cost, &work.spent_in_vain(&failure));
        self.fail(index, failure)
    }
}

impl Item {
    fn is_unfinished(&self) -> bool {
        self.trial.is_none() || self.failure.as_ref().is_some_and(|failure| failure.kind == FailureKind::Cancelled)
    }
}
