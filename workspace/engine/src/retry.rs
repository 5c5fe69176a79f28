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
    pub fn wait(&self, failure: &Failure, attempt: u32, seed: Seed) -> Option<Duration> {
        if !failure.kind.may_pass() || attempt >= self.attempts {
            return None;
        }
        let doublings = attempt.saturating_sub(1).min(20);
        let nominal = self.base.saturating_mul(1 << doublings).min(self.most);
        let secs = nominal.as_secs_f64() * (0.5 + 0.5 * seed.mix(u64::from(attempt)).unit());
        Some(Duration::try_from_secs_f64(secs).unwrap_or(nominal))
    }
}

#[cfg(test)]
mod tests {
    use editscale_core::FailureKind;

    use super::*;

    #[test]
    fn waits_double_up_to_the_most_and_only_where_another_attempt_may_help() {
        let seed = Seed::new(3).unwrap();
        let busy = Failure::new(FailureKind::Unavailable, "busy");
        let retry = Retry { attempts: 9, base: Duration::from_secs(1), most: Duration::from_secs(20) };
        for (attempt, nominal) in [(1, 1.0), (2, 2.0), (3, 4.0), (5, 16.0), (6, 20.0), (8, 20.0)] {
            let wait = retry.wait(&busy, attempt, seed).unwrap().as_secs_f64();
            assert!((nominal / 2.0..=nominal).contains(&wait), "{wait} after attempt {attempt}");
        }
        assert_eq!(retry.wait(&busy, 9, seed), None);
        assert_eq!(retry.wait(&Failure::new(FailureKind::Refused, "no"), 1, seed), None);
        let endless = Retry { attempts: u32::MAX, base: Duration::MAX, most: Duration::MAX };
        assert!((0..100).all(|attempt| endless.wait(&busy, attempt, seed).is_some()));
    }
}
