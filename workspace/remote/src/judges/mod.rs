//! Judges, a folder a dialect.

pub(crate) mod chat;
