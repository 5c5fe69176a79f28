//! Self-contained pages and vector plots, in light and in dark: text in, text out.
//!
//! Nothing here loads anything: no fonts, no scripts from elsewhere, no pictures but those given as data. Markup is made with
//! `maud`, which writes out whatever HTML could take for markup.

mod document;
pub mod plot;

pub use document::{Document, document};
