//! What a user may choose about the judge.

use crate::layers::{Compute, RopeTables};
use crate::rewards::editreward::heads::Answer;

/// How the two heads' answers become one score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fusion {
    /// The mean of the means, and the mean of the logarithms of sigma. This is what the released checkpoints were trained
    /// with.
    #[default]
    Mean,
    /// The smaller mean, and the smaller logarithm of sigma, each for itself.
    Min,
    /// The sum of the means; the variances add up.
    Sum,
}

/// Where the judge computes, how, and within what memory.
#[derive(Debug, Clone)]
pub struct Options {
    /// The device, and the types of activations and weights.
    pub compute: Compute,
    /// How rotation tables are rounded.
    pub rope_tables: RopeTables,
    /// How the heads' answers are combined.
    pub fusion: Fusion,
    /// The most bytes that activations of one pass take, by the estimate of [`Memory`](super::Memory). At least one
    /// pair is always judged, whatever it takes.
    pub activation_bytes: u64,
    /// The most bytes that are kept of what was computed, for later calls: keys and values of sources, tokens of pictures.
    pub cache_bytes: u64,
    /// Whether weights, and tokens of pictures, are those of an encoder or another judge of this process that has the same. Where
    /// tokens were computed for another, scores differ by rounding from what they are alone.
    pub shares: bool,
}

impl Options {
    /// The defaults for a way to compute.
    pub fn on(compute: Compute) -> Self {
        let on_card = !compute.device.is_cpu();
        Self {
            compute,
            rope_tables: RopeTables::default(),
            fusion: Fusion::default(),
            activation_bytes: if on_card { 6 << 30 } else { 1 << 30 },
            cache_bytes: 512 << 20,
            shares: false,
        }
    }
}

impl Fusion {
    /// Both heads' answers in one.
    pub(super) fn combine(self, first: Answer, second: Answer) -> Answer {
        let each = |of: fn(f64, f64) -> f64| Answer {
            mean: of(first.mean, second.mean),
            log_sigma: of(first.log_sigma, second.log_sigma),
        };
        match self {
            Self::Mean => each(f64::midpoint),
            Self::Min => each(f64::min),
            Self::Sum => {
                // log sqrt(e^2a + e^2b), without leaving the range of numbers on the way.
                let (most, least) = (each(f64::max).log_sigma, each(f64::min).log_sigma);
                let log_sigma = most + 0.5 * (2.0 * (least - most)).exp().ln_1p();
                Answer { mean: first.mean + second.mean, log_sigma }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fusion_is_that_of_the_reference() {
        let answer = |mean: f64, log_sigma: f64| Answer { mean, log_sigma };
        let (a, b) = (answer(1.0, -0.5), answer(-0.25, 0.25));
        assert_eq!(Fusion::Mean.combine(a, b), answer(0.375, -0.125));
        assert_eq!(Fusion::Min.combine(a, b), answer(-0.25, -0.5));
        let sum = Fusion::Sum.combine(a, b);
        let variance = (2.0 * a.log_sigma).exp() + (2.0 * b.log_sigma).exp();
        assert_eq!(sum.mean, 0.75);
        assert!((sum.log_sigma - variance.sqrt().ln()).abs() < 1e-12);
        assert!(Fusion::Sum.combine(answer(0.0, 400.0), answer(0.0, -400.0)).log_sigma.is_finite());
    }
}
