//! Recipes: from YAML to a checked description of a run, with the place of every mistake.
//!
//! Text comes in, a [`Recipe`] or a [`Report`] of everything that is wrong with it goes out. Nothing here opens a file,
//! builds a model or reads the machine: what a recipe names is made by whoever holds it.
//!
//! ```
//! let file = b"version: 1
//! editor: {darkroom: {}}
//! rewards: [{model: {photometric: {}}}]
//! search: {best_of_n: {sampels: 8}}";
//! let catalogue = editscale_config::Catalogue::default();
//! let report = editscale_config::Recipe::parse(file, &catalogue).unwrap_err();
//! assert!(report.render("mine.yaml", file).contains("did you mean `samples`?"));
//! ```
//!
//! A file is read in steps. `document/` makes a tree in which every value knows its place; `sections.rs` reads the keys at
//! the top, each by its own file (`editors.rs`, `gates.rs`, `budget.rs`, …); `check.rs` looks at what they are to each
//! other. Serde has no part in it: it stops at the first mistake, and the author of a recipe wants to see all of them.
//! Keys, ranges, defaults and their documentation are data (`editscale-schema`), with one definition of each.
//!
//! What there is to choose from is told by a [`Catalogue`]. Only the usual objective is known here by name.

mod budget;
mod calibration;
mod catalogue;
mod check;
mod critics;
pub mod curate;
mod document;
mod editors;
mod finalists;
mod gates;
mod judging;
mod lacks;
mod optional;
mod output;
mod places;
mod recipe;
mod reference;
mod resolved;
mod retain;
mod retry;
mod rewards;
mod rollout;
mod sections;
mod stop;
mod unknown;
mod unreachable;

pub use calibration::{Calibrated, Calibration};
pub use catalogue::Catalogue;
pub use curate::Curate;
pub use editscale_schema::{Diagnostic, KeyDoc, Place, Report, Severity, Table};
pub use judging::{JudgeRecipe, JudgeSettings};
pub use output::{Output, OutputFormat};
pub use recipe::{Critic, Editor, ReadCalibration, Recipe, Reward, Settings};
pub use reference::schema;
pub use retain::{AllImages, BestImages, Retain, WinnerImage};
pub use retry::Retry;
pub use rollout::{
    Advantage, BestWorst, DataColumns, Export, Grpo, LeaveOneOut, PairChoice, Pairs, Policy, Rank, Rollout, Weighted,
};
pub use stop::Stop;
