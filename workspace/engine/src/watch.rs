//! What a batch under way says, turned into events and journal entries.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use editscale_core::{CandidateId, EncodedImage, Event, Observer, Watch};

use crate::journal::{Entry, JournalError};
use crate::log::Log;

/// Asks work under way to end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cancel(Arc<AtomicBool>);

impl Cancel {
    pub(crate) fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The watch over one batch.
pub(crate) struct BatchWatch {
    items: Vec<(CandidateId, u32)>,
    cancel: Cancel,
    observer: Arc<dyn Observer>,
    log: Arc<Log>,
    error: Mutex<Option<JournalError>>,
}

impl BatchWatch {
    /// `items`: the candidate and the number of the attempt, for each item of the batch.
    pub(crate) fn new(
        items: Vec<(CandidateId, u32)>,
        cancel: Cancel,
        observer: Arc<dyn Observer>,
        log: Arc<Log>,
    ) -> Self {
        Self { items, cancel, observer, log, error: Mutex::new(None) }
    }

    /// The first error of the journal, which the batch's caller looks for: a watch has nobody to tell.
    pub(crate) fn into_error(self) -> Option<JournalError> {
        self.error.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for BatchWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchWatch").field("items", &self.items).finish_non_exhaustive()
    }
}

impl Watch for BatchWatch {
    fn cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    fn step(&self, item: usize, step: u32, steps: u32) {
        if let Some((id, _)) = self.items.get(item) {
            self.observer.observe(&Event::Step { id: *id, step, steps });
        }
    }

    fn preview(&self, item: usize, image: &EncodedImage) {
        if let Some((id, _)) = self.items.get(item) {
            self.observer.observe(&Event::Preview { id: *id, image });
        }
    }

    fn submitted(&self, item: usize, key: &str, remote_id: Option<&str>) {
        let Some((id, attempt)) = self.items.get(item) else { return };
        let (key, remote_id) = (key.to_owned(), remote_id.map(str::to_owned));
        let entry = Entry::Submitted { id: id.0, attempt: *attempt, key, remote_id };
        if let Err(error) = self.log.append_durably(vec![entry]) {
            // What cannot be written down must not be sent: the editor sees that it is cancelled.
            self.cancel.cancel();
            self.error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }
}
