//! When a failed piece of work is tried again.

use std::time::Duration;

use editscale_core::{Failure, Seed};

/// How often and how patiently work is tried again after a failure that may pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retry {
    /// Attempts in all, at least 1.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles from attempt to attempt.
    pub base: Duration,
    /// The longest wait.
    pub most: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts: 3, base: Duration::from_millis(500), most: Duration::from_secs(30) }
    }
}

impl Retry {
    /// How long to wait after attempt number `attempt` (from 1) failed; nothing where it is not to be tried again.
    ///
    /// The wait is between half and all of its nominal length, decided by the seed, so that candidates that fail
    /// together do not come back together.
    pub(crate) fn wait(&self, failure: &Failure, attempt: u32, seed: Seed) -> Option<Duration> {
        if !failure.kind.may_pass() || attempt >= self.attempts {
            return None;
        }
        let doublings = (attempt - 1).min(20);
        let nominal = self.base.saturating_mul(1 << doublings).min(self.most);
        Some(nominal.mul_f64(0.5 + 0.5 * seed.mix(u64::from(attempt)).unit()))
    }
}
