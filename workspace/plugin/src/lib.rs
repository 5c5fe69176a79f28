//! Editors and rewards in processes of their own: the host of plugins.
//!
//! `docs/plugins.md` says how plugins are written and used, `docs/plugin-protocol.md` what goes over the wire.
