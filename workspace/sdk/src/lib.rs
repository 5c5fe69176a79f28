//! Editors and rewards as programs of their own: the protocol between editscale and its plugins, and a main for plugins
//! that are written in Rust.
//!
//! | module | what it holds |
//! |---|---|
//! | [`protocol`] | frames and messages, without IO; the host speaks it too |
//!
//! `docs/plugins.md` says how to write a plugin, `docs/plugin-protocol.md` what goes over the wire.

pub mod protocol;
