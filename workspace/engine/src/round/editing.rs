//! The edits of a round: begun, taken in, stored, and tried again where that may help.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use editscale_core::{
    Candidate, CandidateId, Cost, EditBatch, EditCounters, EditItem, EditorCard, Event, Failure, FailureKind, Image,
    Ledger, Noise, Proposal, Recovery, Start,
};

use super::{Done, Order, Round, Stored};
use crate::book::{Edited, Made};
use crate::error::EngineError;
use crate::files::WriteError;
use crate::purse::Work;

/// Only some editors can do anything to noise but make it, and each thing only where there is something to do it to.
fn check_noise(proposal: &Proposal, card: &EditorCard) -> Result<(), Failure> {
    let goes_on = matches!(proposal.start, Start::Paused(_));
    let fits = match &proposal.noise {
        Noise::Own => return Ok(()),
        Noise::Turned(_) => !goes_on,
        Noise::Back(_) => goes_on,
    };
    if !card.steers_noise {
        return Err(invalid(format!("editor `{}` does not let its noise be steered", card.name)));
    }
    if fits {
        Ok(())
    } else {
        Err(invalid("noise is turned at the beginning, and steps are taken back later".to_owned()))
    }
}

/// What was asked for cannot be.
pub(super) fn invalid(why: String) -> Failure {
    Failure::new(FailureKind::Invalid, why)
}

impl Round<'_> {
    /// Gives up an edit that an earlier life of the program left with a server that nobody can ask.
    pub(super) fn give_up_lost(&mut self, index: usize) -> Result<(), EngineError> {
        let item = &self.items[index];
        let (Some(order), Some(card), None) = (&item.order, self.editor_card(index), self.book.made(item.id)) else {
            return Ok(());
        };
        let Err(failure) = self.book.interrupted(&order.proposal, card) else { return Ok(()) };
        self.book.purse.book(&Work::of(&order.proposal).spent_in_vain(&failure));
        self.fail(index, failure)
    }

    /// What making an item is, and the most that it costs.
    pub(super) fn piece(&self, index: usize) -> (Work, Cost) {
        match (&self.items[index].order, self.editor_card(index)) {
            (Some(Order { proposal, .. }), Some(card)) => (Work::of(proposal), self.book.bound(proposal, card)),
            _ => (Work::Edit, Cost::default()),
        }
    }

    pub(super) fn launch_edits(&mut self) -> Result<(), EngineError> {
        for editor in 0..self.editors.len() {
            let card = self.job.ports.editors[editor].card();
            let (slots, largest) = (card.slots.get(), card.largest_batch.get() as usize);
            while self.editors[editor].busy < slots && !self.editors[editor].waiting.is_empty() {
                let queue = &mut self.editors[editor];
                // An even cut over the free slots keeps them all busy where there is less than a full batch for each.
                let free = (slots - queue.busy) as usize;
                let share = queue.waiting.len().div_ceil(free).clamp(1, largest);
                let batch = queue.waiting.drain(..share).collect();
                self.launch_batch(editor, batch)?;
            }
        }
        Ok(())
    }

    /// Sends a batch off, less the items that cannot be begun.
    fn launch_batch(&mut self, editor: usize, batch: Vec<usize>) -> Result<(), EngineError> {
        let mut items = Vec::with_capacity(batch.len());
        let mut indices = Vec::with_capacity(batch.len());
        for index in batch {
            match self.prepare(index) {
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
        let watched: Vec<(CandidateId, u32)> =
            indices.iter().map(|index| (self.items[*index].id, self.items[*index].attempt)).collect();
        for (id, _) in &watched {
            self.job.ports.observer.observe(&Event::Editing { id: *id });
        }
        let watch = self.watch(watched, &self.cancel_edits);
        let backend = Arc::clone(&self.job.ports.editors[editor]);
        self.editors[editor].busy += 1;
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
    fn prepare(&mut self, index: usize) -> Result<EditItem, Failure> {
        let (work, bound) = self.piece(index);
        if !self.book.purse.reserve(work, bound) {
            return Err(Failure::new(FailureKind::OverBudget, "the budget has no edit left"));
        }
        let item = self.item(index);
        match item {
            Ok(_) => {
                self.items[index].attempt += 1;
                self.items[index].with_editor = true;
            }
            Err(_) => self.book.purse.give_back(work, bound),
        }
        item
    }

    /// What is sent to the editor of an item.
    fn item(&self, index: usize) -> Result<EditItem, Failure> {
        let (Some(Order { proposal, .. }), Some(card)) = (&self.items[index].order, self.editor_card(index)) else {
            return Err(invalid("there is nothing to make".to_owned()));
        };
        self.check_start(proposal)?;
        check_noise(proposal, card)?;
        let proposal = proposal.clone();
        let path = self.path_of(&proposal)?;
        let start = self.picture_of(path.first().unwrap_or(&proposal).start)?;
        let earlier = self.book.interrupted(&proposal, card)?;
        let (run, request) = (self.job.run.clone(), Arc::clone(&self.job.request));
        Ok(EditItem { run, request, proposal, start, path, earlier })
    }

    /// A candidate that is made in this round may be there when another is begun or not, so that none may start from
    /// it.
    fn check_start(&self, proposal: &Proposal) -> Result<(), Failure> {
        let (Start::Candidate(id) | Start::Paused(id)) = proposal.start else { return Ok(()) };
        if self.items.first().is_some_and(|first| id >= first.id) {
            return Err(invalid(format!(
                "candidate {id} was not asked for in an earlier round: nothing can start from it"
            )));
        }
        Ok(())
    }

    /// The proposals that led to the paused state that this one goes on from, first one first.
    fn path_of(&self, proposal: &Proposal) -> Result<Vec<Proposal>, Failure> {
        let mut path = VecDeque::new();
        let mut start = proposal.start;
        while let Start::Paused(id) = start {
            let refuse = |why: &str| invalid(format!("candidate {id} {why}"));
            let paused =
                self.book.paused.proposal(id).ok_or_else(|| refuse("was not paused: it cannot be gone on from"))?;
            if paused.editor != proposal.editor {
                let (by, other) = (&paused.editor, &proposal.editor);
                return Err(refuse(&format!("was paused by `{by}`: `{other}` cannot go on from it")));
            }
            // What started from itself, or from what is later, has failed: the path ends.
            if matches!(self.book.made(id), Some(Made::Nothing(_))) {
                return Err(refuse("failed: it cannot be gone on from"));
            }
            start = paused.start;
            path.push_front(paused.clone());
        }
        Ok(path.into())
    }

    /// The picture that a proposal starts from which goes on from no paused state.
    fn picture_of(&self, start: Start) -> Result<Image, Failure> {
        let Start::Candidate(id) = start else { return Ok(self.job.request.source.clone()) };
        match self.book.made(id) {
            Some(Made::Image(image)) => Ok(image.clone()),
            _ => Err(invalid(format!("there is no picture of candidate {id} to start from"))),
        }
    }

    pub(super) fn take_edits(
        &mut self,
        editor: usize,
        items: &[usize],
        mut results: Vec<Result<Candidate, Failure>>,
        took: Duration,
    ) -> Result<(), EngineError> {
        self.editors[editor].busy -= 1;
        if results.len() != items.len() {
            // Whatever was made is not known, so that it counts at its most.
            let message = format!("the editor answered {} items of {}", results.len(), items.len());
            let failure = Failure::new(FailureKind::Malformed, message);
            let lost = |index: &usize| Err(Failure { cost: self.piece(*index).1, ..failure.clone() });
            results = items.iter().map(lost).collect();
        }
        for (index, result) in items.iter().zip(results) {
            self.items[*index].with_editor = false;
            let (work, bound) = self.piece(*index);
            match result.and_then(whole) {
                Ok(candidate) => {
                    let EditCounters { load_ms, pictures, .. } = candidate.counters;
                    let loading = Duration::from_millis(load_ms);
                    let spent = Ledger { loading, pictures, ..work.spent(candidate.cost, true) };
                    self.book.purse.settle(work, bound, &spent);
                    self.store(*index, candidate, took);
                }
                Err(failure) => {
                    self.book.purse.settle(work, bound, &work.spent_in_vain(&failure));
                    self.editing -= 1;
                    self.take_failure(*index, failure)?;
                }
            }
        }
        Ok(())
    }

    /// Writes a picture, and looks at it where the search wants to know how it looks, beside the loop: a slow disk or a
    /// large picture would hold that up.
    fn store(&mut self, index: usize, candidate: Candidate, took: Duration) {
        let stores = self.book.stores.clone();
        let look = self.job.search.looks().then(|| Arc::clone(&self.job.ports.look));
        let id = self.items[index].id;
        self.under_way.push(Box::pin(async move {
            let (encoded, trajectory) = (candidate.image.clone(), candidate.trajectory.clone());
            let put = move || {
                trajectory.map_or(Ok(()), |trajectory| stores.trajectories.put(id, &trajectory))?;
                let image = stores.images.put(&encoded)?;
                Ok(Stored { image, hash: look.and_then(|look| look.hash(&encoded)) })
            };
            let stored = match tokio::task::spawn_blocking(put).await {
                Ok(stored) => stored,
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            };
            Done::Stored { item: index, candidate, took, stored }
        }));
    }

    pub(super) fn take_stored(
        &mut self,
        index: usize,
        candidate: Candidate,
        took: Duration,
        stored: Result<Stored, WriteError>,
    ) -> Result<(), EngineError> {
        self.editing -= 1;
        let Stored { image, hash } = stored.map_err(|error| self.lose_image(index, &candidate, error))?;
        let Candidate { cost, effective_seed, notes, counters, .. } = candidate;
        let id = self.items[index].id;
        self.job.ports.observer.observe(&Event::Edited { id, image: &image, notes: &notes, took });
        let EditCounters { load_ms, pictures, .. } = counters;
        let edited = Edited { image: image.clone(), hash, cost, effective_seed, notes, took, load_ms, pictures };
        self.book.enter_image(id, edited)?;
        self.items[index].image = Some(image);
        self.ask_all(index)
    }

    /// A picture that cannot be stored ends the run. One that cannot be had again is entered as lost, as far as the
    /// disk allows: what is not written down is taken for lost with the server when the run is resumed.
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
        let Some(Order { proposal, editor }) = &item.order else { return self.fail(index, failure) };
        let (editor, wait) = (*editor, self.job.limits.retry.wait(&failure, item.attempt, proposal.seed));
        match (wait, self.closing) {
            (Some(wait), None) => {
                self.book.enter_retry(item.id, item.attempt, &failure)?;
                self.editing += 1;
                self.under_way.push(Box::pin(async move {
                    tokio::time::sleep(wait).await;
                    Done::EditAgain { editor, item: index }
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
    pub(super) fn fail(&mut self, index: usize, failure: Failure) -> Result<(), EngineError> {
        let (work, _) = self.piece(index);
        self.book.purse.book(&work.given_up(&failure));
        self.book.enter_failure(self.items[index].id, failure.clone())?;
        self.items[index].failure = Some(failure);
        self.conclude(index);
        Ok(())
    }

    /// What may be done about an item's edit that nobody waited for to its end.
    pub(super) fn recovery(&self, index: usize) -> Recovery {
        self.editor_card(index).map_or(Recovery::Repeat, |card| card.recovery)
    }
}

/// A candidate whose trajectory is one, where it has one; else what it cost is spent in vain.
fn whole(candidate: Candidate) -> Result<Candidate, Failure> {
    match &candidate.trajectory {
        Some(trajectory) if !trajectory.is_whole() => {
            let message = "the editor answered with a trajectory whose lists do not belong to the same steps";
            Err(Failure { cost: candidate.cost, ..Failure::new(FailureKind::Malformed, message) })
        }
        _ => Ok(candidate),
    }
}
