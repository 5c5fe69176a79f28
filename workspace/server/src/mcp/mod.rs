//! The door for agents: the Model Context Protocol over stdio and over HTTP, with one handler behind both.
//!
//! A call begins in `agent.rs`, which finds out who calls and in which conversation; `tools.rs` lists what can be called, and
//! `calls/` does it. What a conversation may spend is in `purse.rs`, its edits are in `tree.rs`; which files may be named is in
//! `roots.rs`, and how pictures are named in `images.rs`.

mod agent;
mod answers;
mod arguments;
mod calls;
mod conversation;
mod desk;
mod door;
mod images;
mod progress;
mod purse;
mod resources;
mod roots;
mod scoring;
mod stdio;
mod tools;
mod tree;
mod trouble;
mod uri;

pub(crate) use door::Door;
pub use stdio::{AgentError, AgentOptions, serve_agent, serve_stdio};
