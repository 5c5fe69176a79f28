//! Instructions without a model: what kind of edit they ask for, and which of them say nearly the same.

mod category;
mod clusters;
mod normalise;

pub use category::EditCategory;
pub use clusters::{Grain, InstructionClusters, Likeness, instruction_clusters};
pub use normalise::normalised;
