//! Why a prompt was not encoded.

use thiserror::Error;

use crate::layers::qwen25_vl::SizeError;

/// Why a picture or a prompt was not encoded.
#[derive(Debug, Error)]
pub enum EncoderError {
    /// The picture has a shape that the model is not made for.
    #[error(transparent)]
    Shape(#[from] SizeError),
    /// The tokenizer fails on a text.
    #[error("the tokenizer fails on this text: {0}")]
    Text(String),
    /// Tokens, pictures and mask do not go together.
    #[error("the prompt is not usable: {0}")]
    Prompt(String),
    /// The device failed.
    #[error("the encoder could not compute: {0}")]
    Compute(#[from] candle_core::Error),
}
