//! CLIP's tokenizer and text encoder together.

use std::path::Path;

use editscale_core::Failure;

use crate::editors::failure::{failed, unreadable};
use crate::layers::Compute;
use crate::layers::clip_text::{ClipEncoded, ClipText, ClipTextConfig};
use crate::load::LoadError;
use crate::text::ClipTokens;

/// From a text to CLIP's states.
#[derive(Debug)]
pub(super) struct Clip {
    tokens: ClipTokens,
    network: ClipText,
}

/// A text's states, and what was left out of it.
#[derive(Debug)]
pub(super) struct ClipRead {
    /// Of every token, and of the text as a whole.
    pub(super) states: ClipEncoded,
    /// The end of the text, where it is too long.
    pub(super) cut: Option<String>,
}

impl Clip {
    /// Loads both from their folders.
    pub(super) fn load(tokenizer: &Path, encoder: &Path, compute: &Compute) -> Result<Self, LoadError> {
        Ok(Self { tokens: ClipTokens::load(tokenizer)?, network: ClipText::load(encoder, compute)? })
    }

    /// The shape of the network.
    pub(super) fn config(&self) -> &ClipTextConfig {
        self.network.config()
    }

    /// The greatest id of the tokenizer.
    pub(super) fn largest_id(&self) -> u32 {
        self.tokens.largest_id()
    }

    /// How many tokens of a text are read, start and end included.
    pub(super) fn length(&self) -> usize {
        let positions = self.config().max_position_embeddings;
        self.tokens.length().map_or(positions, |length| length.min(positions))
    }

    /// Encodes a text.
    pub(super) fn encode(&self, text: &str) -> Result<ClipRead, Failure> {
        let tokenized = self.tokens.encode(text, self.length()).map_err(|error| unreadable(&error))?;
        let states = self.network.encode(&[tokenized.ids]).map_err(|error| failed("encoding the text", &error))?;
        Ok(ClipRead { states, cut: tokenized.cut })
    }
}
