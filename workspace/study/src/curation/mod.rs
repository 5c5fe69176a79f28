//! Choices over rows of a data set, from their scores, labels and hashes: what to keep, and how much that depends on
//! how it was asked.
//!
//! Rows are numbers from 0. Where rows can be many, a type looks at them one by one, says what it keeps of each, and
//! gives the same answer in whatever order they come; only `Cut` asks for rows in order.

mod cut;
mod distribution;
mod diversity;
mod dropped;
mod gates;
mod hamming_index;
mod instructions;
mod near_duplicates;
mod preferences;
mod quota;
mod ranked;
mod sensitivity;
mod split;
mod union_find;

pub use cut::{Cut, quantile};
pub use distribution::{Decile, Distribution, Histogram, distributions};
pub use diversity::Diverse;
pub use dropped::{DropReason, DropTally, Dropped};
pub use gates::{Gate, GateFailure, WithoutDoubt, gate_failures, lower_bound};
pub use hamming_index::HammingIndex;
pub use instructions::{EditCategory, Grain, InstructionClusters, Likeness, instruction_clusters, normalised};
pub use near_duplicates::{SharedPicture, keep_best_of_groups, near_duplicate_groups, shared_pictures};
pub use preferences::{CandidateScore, PairRule, Pairing, PreferencePair, preference_pairs};
pub use quota::{Quota, Stratified, allot};
pub use ranked::{Ranked, TopK};
pub use sensitivity::{BoundChoice, Judged, KappaPoint, Overlap, overlap};
pub use split::{Side, Split, key_of};
