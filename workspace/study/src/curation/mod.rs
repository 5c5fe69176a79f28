//! Choices over rows of a data set, from their scores, labels and hashes: what to keep, and how much that depends on how it was
//! asked.
//!
//! Rows are numbers from 0. Where rows can be many, a type looks at them one by one, says what it keeps of each, and gives the same
//! answer in whatever order they come; only `Cut` asks for rows in order.

mod cut;
mod diversity;
mod gates;
mod preferences;
mod quota;
mod ranked;
mod sensitivity;

pub use cut::{Cut, quantile};
pub use diversity::Diverse;
pub use gates::{Gate, GateFailure, WithoutDoubt, gate_failures, lower_bound};
pub use preferences::{CandidateScore, PairRule, Pairing, PreferencePair, preference_pairs};
pub use quota::{Quota, Stratified, allot};
pub use ranked::{Ranked, TopK};
pub use sensitivity::{BoundChoice, Judged, KappaPoint, Overlap, overlap};
