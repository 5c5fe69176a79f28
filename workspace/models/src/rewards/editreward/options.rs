//! What a user may choose about the judge.

use candle_core::{DType, Device};

use crate::layers::{Compute, RopeTables};
use crate::weights::Storage;

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
}

impl Options {
    /// Single precision on the processor, with the weights in memory as the file has them if `compact`: half the memory
    /// of a 16-bit checkpoint, and slower, since they are widened at each use.
    pub fn cpu(compact: bool) -> Self {
        let kept = if compact { Storage::Stored } else { Storage::As(DType::F32) };
        Self::on(Compute { device: Device::Cpu, dtype: DType::F32, kept })
    }

    /// The defaults for a way to compute.
    pub fn on(compute: Compute) -> Self {
        let on_card = !compute.device.is_cpu();
        Self {
            compute,
            rope_tables: RopeTables::default(),
            fusion: Fusion::default(),
            activation_bytes: if on_card { 6 << 30 } else { 1 << 30 },
            cache_bytes: 512 << 20,
        }
    }
}

impl Fusion {
    /// Combines the heads' answers, (mean, logarithm of sigma) each.
    pub fn combine(self, first: (f64, f64), second: (f64, f64)) -> (f64, f64) {
        match self {
            Self::Mean => (f64::midpoint(first.0, second.0), f64::midpoint(first.1, second.1)),
            Self::Min => (first.0.min(second.0), first.1.min(second.1)),
            Self::Sum => {
                // log sqrt(e^2a + e^2b), without leaving the range of numbers on the way.
                let (most, least) = (first.1.max(second.1), first.1.min(second.1));
                (first.0 + second.0, most + 0.5 * (2.0 * (least - most)).exp().ln_1p())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fusion_is_that_of_the_reference() {
        let (a, b) = ((1.0, -0.5), (-0.25, 0.25));
        assert_eq!(Fusion::Mean.combine(a, b), (0.375, -0.125));
        assert_eq!(Fusion::Min.combine(a, b), (-0.25, -0.5));
        let (mean, log_sigma) = Fusion::Sum.combine(a, b);
        let variance = (2.0 * a.1).exp() + (2.0 * b.1).exp();
        assert_eq!(mean, 0.75);
        assert!((log_sigma - variance.sqrt().ln()).abs() < 1e-12);
        assert!(Fusion::Sum.combine((0.0, 400.0), (0.0, -400.0)).1.is_finite());
    }
}
