//! Editors and rewards in processes of their own: the host of plugins.
//!
//! | module | what it holds |
//! |---|---|
//! | `launch` | what is started, what it sees of the environment, how long it is put up with |
//! | `child` | a process in a group of its own, killed as a whole, never left behind |
//! | `pipe` | what is said over its standard streams; nobody waits for one that does not listen |
//!
//! `docs/plugins.md` says how plugins are written and used, `docs/plugin-protocol.md` what goes over the wire.

mod child;
mod launch;
mod pipe;
mod stderr;

pub use child::Exit;
pub use launch::{Launch, LaunchError, Limits, is_usual};
pub use pipe::{Pipe, PipeError};
