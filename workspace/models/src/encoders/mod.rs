//! Encoders that several models share: loaded once in a process, whoever asks for them.

mod shelf;
pub mod vision_language;
