//! Recipes: from YAML to a checked description of a run, with the place of every mistake.
//!
//! Text comes in, a [`Recipe`] or a [`Report`] of everything that is wrong with it goes out. Nothing here opens a file,
//! builds a model or reads the machine: what a recipe names is made by whoever holds it.
//!
//! A file is read in steps: `reader.rs` makes a tree in which every value knows its place, `sections.rs` reads the keys
//! at the top, `check.rs` looks at what the sections are to each other. Serde has no part in it: it stops at the first
//! mistake, and the author of a recipe wants to see all of them at once. Keys, ranges, defaults and their documentation
//! are data (`key.rs`), one definition of each.

mod alternative;
mod budget;
mod check;
mod combine;
mod diagnostic;
mod editors;
mod fields;
mod key;
mod lacks;
mod lines;
mod mistakes;
mod options;
mod output;
mod places;
mod policies;
mod quote;
mod reader;
mod recipe;
mod render;
mod resolved;
mod retain;
mod retry;
mod rewards;
mod rule;
mod scalar;
mod schema;
mod sections;
mod stop;
mod suggest;
mod syntax;
mod tree;
mod yaml;

pub use combine::{Combine, MeanRankOptions, WeightedOptions};
pub use diagnostic::{Diagnostic, Place, Report, Severity};
pub use editors::{Darkroom, EditorModel};
pub use key::{KeyDoc, Table};
pub use output::{Output, OutputFormat};
pub use policies::{BeamOptions, BestOfNOptions, Policy, RewardWeightedOptions};
pub use recipe::{Editor, Recipe, Reward, Settings};
pub use retain::{AllImages, BestImages, Retain, WinnerImage};
pub use retry::Retry;
pub use rewards::{Photometric, RewardModel};
pub use schema::schema;
pub use stop::Stop;
