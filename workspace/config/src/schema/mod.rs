//! The recipe format as data, and how maps are read by it.
//!
//! `key.rs` says what a key is, `rule.rs` what its value may be, `fields.rs` reads a map of such keys, `alternative.rs` and
//! `options.rs` read a choice among several such maps.

pub(crate) mod alternative;
pub(crate) mod fields;
pub(crate) mod key;
pub(crate) mod options;
pub(crate) mod rule;

pub use key::{KeyDoc, Table};
