//! Judges held against people: published benchmarks of instruction-guided editing, their metrics as the published code computes
//! them, and as they should be.
//!
//! Modules in reading order:
//!
//! 1. `case`: what people said of edits of one picture.
//! 2. `layouts`: readers of the published files.
//! 3. `judged`: cases with what a reward says of them.
//! 4. `measures`: numbers about judged cases; `report`: the same for people.

mod case;
mod judged;
pub mod layouts;
pub mod measures;
pub mod report;

pub use case::{Candidate, Case, Human};
pub use judged::{
    FORMAT, JudgedCandidate, JudgedCase, JudgedHead, JudgedReward, TwoOrders, preference_of_word, word_of_preference,
};
