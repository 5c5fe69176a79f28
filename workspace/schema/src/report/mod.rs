//! Findings about a file: how they are collected, placed, worded and shown. It knows nothing of YAML or recipes.

mod diagnostic;
pub(crate) mod lines;
pub(crate) mod mistakes;
pub(crate) mod quote;
mod render;
pub(crate) mod suggest;

pub use diagnostic::{Diagnostic, Place, Report, Severity};
