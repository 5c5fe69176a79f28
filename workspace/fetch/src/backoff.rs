//! When to try again.

use std::time::Duration;

use crate::{FetchError, Patience};

/// What an attempt came to when it came to nothing.
pub(crate) enum Trouble {
    /// It may go better next time; not before `after`, where the server said so.
    Passing { reason: String, after: Option<Duration> },
    /// It will not.
    Lasting(FetchError),
}

impl From<FetchError> for Trouble {
    fn from(error: FetchError) -> Self {
        Self::Lasting(error)
    }
}

/// Counts failures and doubles the time between attempts.
pub(crate) struct Backoff {
    patience: Patience,
    failed: u32,
}

impl Backoff {
    pub(crate) fn new(patience: Patience) -> Self {
        Self { patience, failed: 0 }
    }

    /// Waits before the next attempt. When there is to be none, gives the trouble back, with how often it was tried. An
    /// attempt that brought something new does not count, nor do those before it.
    pub(crate) async fn wait(&mut self, trouble: Trouble, was_of_use: bool) -> Result<(), GaveUp> {
        let (reason, after) = match trouble {
            Trouble::Lasting(error) => return Err(GaveUp::Lasting(error)),
            Trouble::Passing { reason, after } => (reason, after),
        };
        self.failed = if was_of_use { 0 } else { self.failed + 1 };
        if self.failed >= self.patience.attempts {
            return Err(GaveUp::Tired { reason, attempts: self.failed });
        }
        let doubled = self.patience.first_wait.saturating_mul(1 << self.failed.saturating_sub(1).min(16));
        let wait = after.unwrap_or(Duration::ZERO).max(doubled).min(self.patience.longest_wait);
        tokio::time::sleep(wait).await;
        Ok(())
    }
}

/// Why there is no next attempt.
pub(crate) enum GaveUp {
    Lasting(FetchError),
    Tired { reason: String, attempts: u32 },
}

impl GaveUp {
    /// The error about an address that nothing came from.
    pub(crate) fn without_answer(self, url: &str) -> FetchError {
        match self {
            Self::Lasting(error) => error,
            Self::Tired { reason, attempts } => FetchError::NoAnswer { url: url.to_owned(), attempts, reason },
        }
    }
}
