//! Whether the components of a pipeline belong together.

use std::path::Path;

use crate::load::LoadError;

/// What does not fit, as it is found. What is not known fits everything.
#[derive(Debug, Default)]
pub(super) struct Fit {
    misfits: Vec<LoadError>,
}

impl Fit {
    /// Checks that a file has a number that others have as well; `what` is how an error calls it.
    pub(super) fn same(&mut self, file: &Path, what: &str, found: Option<usize>, expected: Option<usize>) {
        if let (Some(found), Some(expected)) = (found, expected)
            && found != expected
        {
            let reason = format!("has {what} {found}: expected {expected}, as the other components have it");
            self.misfits.push(LoadError::content(file, reason));
        }
    }

    /// Checks that every id of a tokenizer has a row in the text encoder.
    pub(super) fn ids(&mut self, tokenizer: &Path, largest: Option<u32>, rows: Option<usize>) {
        if let (Some(largest), Some(rows)) = (largest, rows)
            && largest as usize >= rows
        {
            let reason = format!("has ids up to {largest}: the text encoder has {rows} tokens");
            self.misfits.push(LoadError::content(tokenizer, reason));
        }
    }

    /// Everything.
    pub(super) fn into_misfits(self) -> Vec<LoadError> {
        self.misfits
    }

    /// The first, if there is any.
    pub(super) fn first(self) -> Result<(), LoadError> {
        self.misfits.into_iter().next().map_or(Ok(()), Err)
    }
}
