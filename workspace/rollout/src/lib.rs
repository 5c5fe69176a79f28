//! Whole data sets edited with search, and what a trainer needs written down: rollouts.
//!
//! A **row** of a data set is one picture and one instruction; with `repeats`, a row is edited several times. One such edit is an
//! **item** of a work queue, and what comes of it is a **group**: all trials of one run. Modules in reading order:
//!
//! 1. `row`: a row as a trainer wrote it, and the columns that name its parts; `dataset`: readers that list and fetch rows.
//! 2. `queue`: items from entering to their end, behind one trait with three engines.
//! 3. `group`: what a group is written down as; `pack`: a group as one file; `depot`: where packs and pictures lie.
//! 4. `advantage`, `pairs`: what trainers compute of a group's rewards.
//! 5. `export`: groups to Parquet, `WebDataset` and trajectory shards.
//! 6. `workshop`, `identity`, `drive`: a recipe at work on a whole data set; `rows`: what a worker gets its rows from; `written`:
//!    a run written down as a group; `definition`: what it is, on disk.

pub mod advantage;
pub mod dataset;
mod definition;
pub mod depot;
pub mod drive;
pub mod export;
pub mod group;
pub mod identity;
pub mod pack;
pub mod pairs;
pub mod queue;
mod row;
mod rows;
mod workshop;
mod written;

pub use definition::{Defines, Definition, DefinitionError};
pub use row::{Columns, Edited, Place, Row, RowPicture, RowProblem};
pub use rows::Rows;
pub use workshop::Workshop;
pub use written::{Measures, WriteDownError};
