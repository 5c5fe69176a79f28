//! Judges, a folder a dialect.

pub(crate) mod asking;
pub(crate) mod chat;
pub(crate) mod comparing;
