//! The studies behind `docs/search.md`, each made again by one command with fixed seeds.
//!
//! Modules in reading order:
//!
//! 1. [`world`]: a simulated editor and judge of which the truth is known, and the loop that takes a search through it or
//!    through any other [`world::Workshop`].
//! 2. [`recipes`]: the policies under study, written as recipes have them.
//! 3. [`simulated`]: what policies are worth in that world.
//! 4. [`output`]: the files of a study.

pub mod output;
pub mod recipes;
pub mod simulated;
pub mod world;
