//! The rewards that recipes can name. To add one, write its options in a file here and register them below; whoever
//! builds rewards matches on the enum.

mod photometric;

pub use photometric::Photometric;

use crate::options::alternatives;

alternatives! {
    /// Which reward, with its options.
    RewardModel, "a reward", "model":
    /// Photographic measurements.
    Photometric(Photometric),
}
