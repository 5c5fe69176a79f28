//! Findings about a file: how they are collected, placed, worded and shown. It knows nothing of YAML or recipes.

mod diagnostic;
pub mod lines;
pub mod mistakes;
pub mod quote;
mod render;
pub mod suggest;

pub use diagnostic::{Diagnostic, Place, Report, Severity};
