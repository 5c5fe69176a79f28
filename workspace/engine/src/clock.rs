//! Active time: how long a run has been at work, downtime between its stops not counted.

use std::time::{Duration, Instant};

/// Counts active time from where the journal left off.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ActiveClock {
    before: Duration,
    since: Instant,
}

impl ActiveClock {
    /// A clock that goes on from `before`.
    pub(crate) fn resume(before: Duration) -> Self {
        Self { before, since: Instant::now() }
    }

    /// Active time of the run so far.
    pub(crate) fn elapsed(&self) -> Duration {
        self.before.saturating_add(self.since.elapsed())
    }
}
