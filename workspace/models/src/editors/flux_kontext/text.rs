//! From an instruction to what the transformer reads of it: T5's states of every token, and CLIP's of the whole.

use std::sync::Arc;

use candle_core::Tensor;
use editscale_core::Failure;

use crate::editors::clip::Clip;
use crate::editors::failure::{failed, unreadable};
use crate::editors::flux_kontext::load::Places;
use crate::layers::Compute;
use crate::layers::t5::T5Encoder;
use crate::load::LoadError;
use crate::text::T5Tokens;

/// Both text encoders.
#[derive(Debug)]
pub(super) struct TextReader {
    pub(super) clip: Clip,
    pub(super) t5_tokens: T5Tokens,
    pub(super) t5: T5Encoder,
    /// How many tokens T5 reads, padding included.
    length: usize,
}

/// An instruction, encoded where the encoders compute.
#[derive(Debug)]
pub(super) struct TextStates {
    /// Of every token: [tokens, width of T5].
    pub(super) tokens: Tensor,
    /// Of the text as a whole: [1, width of CLIP].
    pub(super) pooled: Tensor,
    /// What was not read.
    pub(super) note: Option<Arc<str>>,
}

impl TextReader {
    pub(super) fn load(places: &Places, compute: &Compute, length: usize) -> Result<Self, LoadError> {
        Ok(Self {
            clip: Clip::load(&places.tokenizers[0], &places.encoders[0], compute)?,
            t5_tokens: T5Tokens::load(&places.tokenizers[1])?,
            t5: T5Encoder::load(&places.encoders[1], compute)?,
            length,
        })
    }

    /// The greatest ids of both tokenizers.
    pub(super) fn largest_ids(&self) -> [u32; 2] {
        [self.clip.largest_id(), self.t5_tokens.largest_id()]
    }

    pub(super) fn encode(&self, instruction: &str) -> Result<TextStates, Failure> {
        let length = self.length;
        let tokenized = self.t5_tokens.encode(instruction, length).map_err(|error| unreadable(&error))?;
        let whole = self.clip.encode(instruction)?;
        let tokens = self.t5.encode(&[tokenized.ids]).map_err(|error| failed("encoding the text", &error))?;
        let of_all = tokenized.cut.map(|cut| format!("the model reads {length} tokens: it has not read `{cut}`"));
        let of_summary = || {
            let short = self.clip.length();
            let cut = whole.cut?;
            Some(format!("the model's summary of the instruction holds {short} tokens: `{cut}` is not in it"))
        };
        Ok(TextStates { tokens, pooled: whole.states.pooled, note: of_all.or_else(of_summary).map(Into::into) })
    }
}
