//! What waits at a reward: whose turn it is, and what goes along with it.

use std::collections::VecDeque;
use std::sync::Arc;

use editscale_core::RewardItem;

use super::reply::Reply;

/// One scoring that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) item: RewardItem,
    /// Its place in what its caller asked for.
    pub(super) place: usize,
    pub(super) reply: Arc<Reply>,
}

/// What one caller has waiting, the oldest first; never nothing.
#[derive(Debug)]
struct Caller {
    id: u64,
    items: VecDeque<Waiting>,
}

/// Callers in turn, and what each of them has waiting.
#[derive(Debug, Default)]
pub(super) struct Turns {
    callers: VecDeque<Caller>,
    waiting: usize,
}

impl Turns {
    /// How many items wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Puts a caller's items behind all others.
    pub(super) fn push(&mut self, id: u64, items: VecDeque<Waiting>) {
        self.waiting += items.len();
        if !items.is_empty() {
            self.callers.push_back(Caller { id, items });
        }
    }

    /// Takes out all that a caller has waiting.
    pub(super) fn withdraw(&mut self, id: u64) -> VecDeque<Waiting> {
        let at = self.callers.iter().position(|caller| caller.id == id);
        let items = at.and_then(|at| self.callers.remove(at)).map(|caller| caller.items).unwrap_or_default();
        self.waiting -= items.len();
        items
    }

    /// The next call's worth: the oldest item of the caller whose turn it is leads; all that waits for the same source goes
    /// along, the same instruction first. While there is room, the next caller leads too.
    pub(super) fn next(&mut self, most: usize) -> Vec<Waiting> {
        let mut batch = Vec::with_capacity(most.min(self.waiting));
        while batch.len() < most {
            let Some(lead) = self.lead() else { break };
            let request = Arc::clone(&lead.item.request);
            batch.push(lead);
            let is_alike = |item: &RewardItem| item.request.source == request.source;
            let is_same = |item: &RewardItem| is_alike(item) && item.request.instruction == request.instruction;
            self.take(most, is_same, &mut batch);
            self.take(most, is_alike, &mut batch);
        }
        self.waiting -= batch.len();
        batch
    }

    /// All that the caller whose turn it is has waiting.
    pub(super) fn next_whole(&mut self) -> Vec<Waiting> {
        let items = self.callers.pop_front().map(|caller| caller.items).unwrap_or_default();
        self.waiting -= items.len();
        items.into()
    }

    /// The oldest item of the caller whose turn it is; the caller goes to the end of the turns.
    fn lead(&mut self) -> Option<Waiting> {
        let mut caller = self.callers.pop_front()?;
        let lead = caller.items.pop_front();
        if !caller.items.is_empty() {
            self.callers.push_back(caller);
        }
        lead
    }

    /// Takes along what is meant until the batch has as many as it may.
    fn take(&mut self, most: usize, is_meant: impl Fn(&RewardItem) -> bool, batch: &mut Vec<Waiting>) {
        for caller in &mut self.callers {
            let mut at = 0;
            while batch.len() < most
                && let Some(waiting) = caller.items.get(at)
            {
                if is_meant(&waiting.item) {
                    batch.extend(caller.items.remove(at));
                } else {
                    at += 1;
                }
            }
        }
        self.callers.retain(|caller| !caller.items.is_empty());
    }
}
