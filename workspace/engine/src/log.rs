//! The journal with its clock, shared by a run and the watches of its work under way.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use editscale_core::CandidateId;

use crate::clock::ActiveClock;
use crate::journal::{Entry, Journal, JournalError};

/// Writes down what happens, with the active time at which it happens.
#[derive(Debug)]
pub(crate) struct Log {
    journal: Mutex<Journal>,
    clock: ActiveClock,
    /// Edits that left for a server since this process opened the run, and are not answered.
    with_server: Mutex<HashSet<u32>>,
}

impl Log {
    /// Goes on in `journal`, whose last entry was made at `wall`.
    pub(crate) fn resume(journal: Journal, wall: Duration) -> Self {
        Self { journal: Mutex::new(journal), clock: ActiveClock::resume(wall), with_server: Mutex::default() }
    }

    /// When this returns, a crash of the program does not lose the entry. Answers with the time as it was entered.
    pub(crate) fn append(&self, entry: Entry) -> Result<Duration, JournalError> {
        self.follow(&entry);
        lock(&self.journal).append(self.clock.elapsed(), entry)
    }

    /// When this returns, a crash of the machine does not lose the entries either. They are flushed together.
    pub(crate) fn append_durably(&self, entries: Vec<Entry>) -> Result<(), JournalError> {
        entries.iter().for_each(|entry| self.follow(entry));
        lock(&self.journal).append_durably(self.clock.elapsed(), entries)
    }

    /// Active time of the run so far.
    pub(crate) fn elapsed(&self) -> Duration {
        self.clock.elapsed()
    }

    /// Whether an edit left for a server since this process opened the run, and is not answered.
    pub(crate) fn is_with_server(&self, id: CandidateId) -> bool {
        lock(&self.with_server).contains(&id.0)
    }

    fn follow(&self, entry: &Entry) {
        match entry {
            Entry::Submitted { id, .. } => _ = lock(&self.with_server).insert(*id),
            Entry::Retried { id, .. } | Entry::Edited { id, .. } | Entry::Failed { id, .. } => {
                lock(&self.with_server).remove(id);
            }
            _ => {}
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
