//! Judges held against people: published benchmarks of instruction-guided editing, their metrics as the published code computes
//! them, and as they should be.
//!
//! Modules in reading order:
//!
//! 1. `case`: what people said of edits of one picture.
//! 2. `layouts`: readers of the published files.
//! 3. `judged`: cases with what a reward says of them; `judging`: how they get there; `asking`: pairs in both
//!    orders.
//! 4. `stored`: judged cases on disk; `shared`: whether other data has the same pictures; `kept`: what a
//!    curation kept.
//! 5. `measures`: numbers about judged cases; `report`: the same for people.

mod asking;
mod case;
mod judged;
mod judging;
mod kept;
pub mod layouts;
pub mod measures;
pub mod report;
mod shared;
mod stored;

pub use asking::PairJudge;
pub use case::{Candidate, Case, Human};
pub use judged::{
    FORMAT, JudgedCandidate, JudgedCase, JudgedHead, JudgedReward, TwoOrders, preference_of_word, word_of_preference,
};
pub use judging::CaseJudge;
pub use kept::{KeptError, KeptRecords};
pub use layouts::Preset;
pub use shared::{PictureSet, Pictured, Shared};
pub use stored::{JUDGED, JUDGED_HEAD, StoredError, is_judged, read_judged};
