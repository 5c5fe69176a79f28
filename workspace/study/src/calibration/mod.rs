//! Scores to what people would say: monotone maps that can be saved as plain numbers, and how well they fit.

mod isotonic;
mod map;
mod reliability;

pub use isotonic::{Observation, fit_isotonic, held_out_isotonic};
pub use map::{Between, Knot, MonotoneMap};
pub use reliability::{Fit, ReliabilityBin, fit_of, reliability};
