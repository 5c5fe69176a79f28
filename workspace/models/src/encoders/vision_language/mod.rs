//! Qwen2.5-VL (Bai et al., 2025) as a conditioner: a conversation with pictures in, the decoder's states of all tokens out.
//!
//! Step1X-Edit and Qwen-Image-Edit read the last states, behind the final normalisation, of the model as its own code runs it:
//! three positions a token, tables in single precision. Names and behaviour follow transformers 4.57.1,
//! `models/qwen2_5_vl/modeling_qwen2_5_vl.py` and `models/qwen2_vl/image_processing_qwen2_vl.py`.
//!
//! Weights lie in memory once for all who use the same, the judge EditReward among them, and a picture goes through a vision
//! tower once.

mod counters;
mod decoder;
mod encoder;
mod error;
mod files;
mod picture;
mod places;
mod prompt;
#[cfg(test)]
mod tests;
mod tower;
mod words;

pub use counters::EncoderCounters;
pub use encoder::VisionLanguageEncoder;
pub use error::EncoderError;
pub use picture::{EncoderPicture, PixelBounds};
pub use places::EncoderPlaces;
pub use prompt::{EncodedPrompt, EncoderPrompt};
pub use words::Words;

pub(crate) use decoder::SharedDecoder;
pub(crate) use files::EncoderFacts;
pub(crate) use tower::{Features, SharedTower};

/// What names of the vision tower's tensors begin with.
pub(crate) const TOWER: &str = "model.visual.";

/// What names of the decoder's tensors begin with.
pub(crate) const DECODER: &str = "model.language_model.";
