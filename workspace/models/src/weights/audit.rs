//! Loading for the sake of looking: what a model asks of its weights, and what is wrong with them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::weights::WeightError;

/// After so many mistakes of one checkpoint nobody reads on.
const MOST_MISTAKES: usize = 2000;

/// What a checkpoint that is audited has been asked for.
#[derive(Debug)]
pub(super) struct Audit {
    /// Whether values are read as well as headers.
    pub(super) reads: bool,
    notes: Mutex<AuditNotes>,
}

/// What came out of an audit.
#[derive(Debug, Default)]
pub(crate) struct AuditNotes {
    /// Every tensor that was asked for, with the shape that was expected.
    pub(crate) asked: BTreeMap<String, Vec<usize>>,
    /// What is wrong with those tensors.
    pub(crate) mistakes: Vec<WeightError>,
}

impl Audit {
    pub(super) fn new(reads: bool) -> Self {
        Self { reads, notes: Mutex::default() }
    }

    /// Notes what was asked for and what came of it. Gives an error back once there are too many: then loading is to end.
    pub(super) fn note(&self, name: &str, shape: &[usize], found: Result<(), WeightError>) -> Result<(), WeightError> {
        let mut notes = self.notes();
        notes.asked.insert(name.to_owned(), shape.to_vec());
        match found {
            Err(error) if notes.mistakes.len() >= MOST_MISTAKES => return Err(error),
            Err(error) => notes.mistakes.push(error),
            Ok(()) => {}
        }
        Ok(())
    }

    pub(super) fn take(&self) -> AuditNotes {
        std::mem::take(&mut self.notes())
    }

    fn notes(&self) -> MutexGuard<'_, AuditNotes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
