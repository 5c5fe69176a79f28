//! Methods that are known by a name.

use super::{Method, Potential, Resampling, Tempering};

/// A published combination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Feynman-Kac steering: constant strength, the best score on the way, independent draws at every checkpoint
    /// (arXiv:2501.06848).
    FeynmanKac,
    /// Tempered sequential Monte Carlo as in DAS, without the reward's gradient: growing strength, gains, SSP when the effective
    /// sample size is below half (arXiv:2501.05803).
    Das,
    /// Soft value decoding in the limit: everybody goes on from the best of each checkpoint (arXiv:2408.08252).
    Svdd,
}

impl Preset {
    /// The method that it stands for.
    pub fn method(self) -> Method {
        let (tempering, potential, resampling, ess) = match self {
            Self::FeynmanKac => (Tempering::Constant, Potential::Max, Resampling::Multinomial, 1.0),
            Self::Das => (Tempering::Increasing { gamma: 0.008 }, Potential::Difference, Resampling::Ssp, 0.5),
            Self::Svdd => (Tempering::Infinite, Potential::Current, Resampling::Systematic, 1.0),
        };
        Method { tempering, potential, resampling, ess }
    }
}
