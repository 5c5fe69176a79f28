//! A judge that does not say the same twice, as those behind language models do not.

use editscale_core::{Digest, Failure, FailureKind, Score, Seed};

use crate::world::normal::normal;

/// The name of `photometric` with noise.
pub const UNSTEADY: &str = "unsteady";

/// The standard deviation of one answer, in points of `photometric`. Its scores of one request's candidates have one of 0.13.
pub const NOISE: f64 = 0.1;

/// Which of the answers about a picture are meant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking {
    /// How often it was asked about before.
    pub(super) before: u64,
    /// How many answers.
    pub(super) votes: u32,
}

/// The mean of these answers about a picture of a request.
pub(super) fn answered(score: &Score, (root, picture): (Seed, Digest), asking: Asking) -> Result<Score, Failure> {
    let Asking { before, votes } = asking;
    let lot = picture.as_bytes().iter().fold(root, |lot, byte| lot.mix(u64::from(*byte)));
    let votes = u64::from(votes.max(1));
    let noise = (before..before + votes).map(|n| normal(lot, n)).sum::<f64>() / votes as f64;
    Score::new(score.mean() + NOISE * noise).map_err(|error| Failure::new(FailureKind::Malformed, error.to_string()))
}
