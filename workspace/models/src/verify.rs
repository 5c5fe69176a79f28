//! What verifying a model's folder comes to: all that is wrong at once, or what is there.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::load::LoadError;
use crate::weights::TensorFacts;

/// A folder in which nothing is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The folder.
    pub folder: PathBuf,
    /// How many tensors it holds, those included that are not used.
    pub tensors: usize,
    /// How many numbers they hold.
    pub parameters: u64,
    /// Rows of the embedding: the size of the vocabulary. Of a pipeline that of its first text encoder.
    pub vocabulary: usize,
    /// The types that tensors are stored in, and how many tensors each.
    pub types: BTreeMap<String, usize>,
    /// What is worth knowing and no mistake.
    pub notes: Vec<String>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// What was expected there and what was found.
    pub reason: String,
}

/// Why a folder cannot be used: everything, not the first thing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}: {} {}{}", folder.display(), problems.len(), if problems.len() == 1 { "problem" } else { "problems" }, list(problems))]
pub struct VerifyError {
    /// The folder.
    pub folder: PathBuf,
    /// At least one.
    pub problems: Vec<Problem>,
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("\n  {problem}")).collect()
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.reason)
    }
}

impl Verified {
    /// A folder without anything.
    pub(crate) fn nothing(folder: &Path) -> Self {
        let (folder, types, notes) = (folder.to_owned(), BTreeMap::new(), Vec::new());
        Self { folder, tensors: 0, parameters: 0, vocabulary: 0, types, notes }
    }

    /// Counts a tensor.
    pub(crate) fn count(&mut self, facts: &TensorFacts) {
        self.tensors += 1;
        self.parameters += facts.shape.iter().map(|edge| *edge as u64).product::<u64>();
        *self.types.entry(facts.stored.clone()).or_default() += 1;
    }
}

/// Problems as they are found, each once.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    found: Vec<Problem>,
    known: HashSet<Problem>,
}

impl Problems {
    /// Notes one.
    pub(crate) fn say(&mut self, file: &Path, reason: impl Into<String>) {
        let problem = Problem { file: file.to_owned(), reason: reason.into() };
        // The checks overlap: a file that one finds broken is broken for the next one too.
        if self.known.insert(problem.clone()) {
            self.found.push(problem);
        }
    }

    /// The value, or a problem.
    pub(crate) fn keep<T>(&mut self, checked: Result<T, LoadError>) -> Option<T> {
        checked.map_err(|error| self.add(error)).ok()
    }

    /// Notes an error.
    pub(crate) fn add(&mut self, error: impl Into<LoadError>) {
        let error = error.into();
        self.say(error.file(), error.reason());
    }

    /// What was found if nothing was wrong, or all that was.
    pub(crate) fn conclude(self, verified: Verified) -> Result<Verified, VerifyError> {
        if self.found.is_empty() {
            return Ok(verified);
        }
        Err(VerifyError { folder: verified.folder, problems: self.found })
    }
}
