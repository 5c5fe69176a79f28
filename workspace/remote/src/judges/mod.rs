//! Judges, a folder or a file a dialect.

pub(crate) mod chat;
pub(crate) mod editscale;
pub(crate) mod flow_factory;
pub(crate) mod pickled;
pub(crate) mod scoring;
pub(crate) mod unirl;
pub(crate) mod vllm;
