//! The studies behind `docs/search.md`, each made again by one command with fixed seeds.
//!
//! Modules in reading order:
//!
//! 1. [`world`]: a simulated editor and judge of which the truth is known, and the loop that takes a search through it or
//!    through any other [`world::Workshop`].
//! 2. [`recipes`]: the policies under study, written as recipes have them.
//! 3. [`simulated`]: what policies are worth in that world.
//! 4. [`darkroom`]: real photographs, a real editor, and a judge that no policy sees.
//! 5. [`overoptimisation`]: a learned judge, over-optimised for real.
//! 6. [`output`]: the files of a study.

pub mod darkroom;
pub mod output;
pub mod overoptimisation;
pub mod recipes;
pub mod simulated;
pub mod world;
