//! From a text to the ids of its tokens, as the text encoders of editors want them.
//!
//! A folder's tokenizer is read as transformers 4.57 reads it: `tokenizer.json` where there is one, else the files of the kind
//! of tokenizer. What a text loses to the length of its model is told in the text's own words.

mod clip;
mod config;
mod parse;
mod steering;
mod t5;
mod tokens;

use thiserror::Error;

pub use clip::ClipTokens;
pub(crate) use parse::parse;
pub(crate) use steering::steering_tokens;
pub use t5::T5Tokens;

/// A text as ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokenized {
    /// The ids, filled up to the length that was asked for.
    pub ids: Vec<u32>,
    /// How many of them belong to the text, start and end included; the rest fills up.
    pub used: usize,
    /// The end of the text that did not fit, from the first word that is not there in full.
    pub cut: Option<String>,
}

/// Why a text was not turned into ids.
#[derive(Debug, Error)]
pub enum TokenizeError {
    /// There is no room for a text.
    #[error("a length of {length} tokens is too short: expected at least {least}")]
    Length {
        /// What was asked for.
        length: usize,
        /// Start, end, and one token between them.
        least: usize,
    },
    /// The tokenizer fails on this text.
    #[error("the tokenizer fails on this text: {0}")]
    Text(String),
}

#[cfg(test)]
mod tests;
