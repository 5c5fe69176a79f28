//! The encoder of T5 (Raffel et al. 2020, "Exploring the limits of transfer learning with a unified text-to-text
//! transformer"), versions 1.0 and 1.1, as transformers' `T5EncoderModel` has it.

mod attention;
mod config;
mod layer;
mod model;
mod positions;

pub use config::T5Config;
pub use model::T5Encoder;

#[cfg(test)]
mod tests;
