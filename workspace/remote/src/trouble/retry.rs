//! When a call is sent again, and after how long.

use std::time::{Duration, SystemTime};

use editscale_core::Seed;

use super::date;
use super::error::RemoteError;
use crate::SetupError;
use crate::http::client::{Reply, seconds};

/// Whether a call that may have been done is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Never: it could be done and paid twice. Its outcome is ambiguous, and counts as spent.
    Never,
    /// Doing it twice harms nobody: it costs nothing but time and gives the same.
    Harmless,
    /// The server does calls under one `Idempotency-Key` once.
    Keyed,
}

/// How often and how patiently a call is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryRules {
    /// Attempts in all, at least 1.
    pub attempts: u32,
    /// The nominal wait before the second attempt; it doubles from attempt to attempt.
    pub first_wait: Duration,
    /// The longest wait of our own counting.
    pub longest_wait: Duration,
    /// The longest wait that a server can ask for. Where it asks for more, the call fails.
    pub longest_asked: Duration,
}

impl Repeat {
    /// Refuses keys where none are sent.
    pub(crate) fn check_unkeyed(repeat: Option<Self>, who: &str) -> Result<(), SetupError> {
        match repeat {
            Some(Self::Keyed) => {
                Err(SetupError::setting("repeat", &format!("never or harmless: {who} no keys"), &"keyed"))
            }
            _ => Ok(()),
        }
    }
}

impl Default for RetryRules {
    /// As the official clients of `OpenAI` wait.
    fn default() -> Self {
        Self {
            attempts: 4,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(8),
            longest_asked: Duration::from_secs(60),
        }
    }
}

impl RetryRules {
    /// How long to wait after attempt number `attempt` (from 1); nothing where there is to be no other.
    ///
    /// A wait that the server asks for is kept to. Our own is between three quarters and all of its nominal length,
    /// decided by the seed, so that calls that fail together do not come back together.
    pub(crate) fn wait(&self, error: &RemoteError, repeat: Repeat, attempt: u32, seed: Seed) -> Option<Duration> {
        if attempt >= self.attempts || !error.may_repeat(repeat) {
            return None;
        }
        if let Some(asked) = error.after {
            return (asked <= self.longest_asked).then_some(asked);
        }
        let nominal = self.first_wait.saturating_mul(1 << (attempt - 1).min(20)).min(self.longest_wait);
        Some(nominal.saturating_sub((nominal / 4).mul_f64(seed.mix(u64::from(attempt)).unit())))
    }

    /// The error as it is where there is no other attempt: a server that asks for a longer pause than is waited for is not
    /// to be asked at once by anybody else.
    pub(crate) fn given_up(&self, error: RemoteError) -> RemoteError {
        match error.after.filter(|after| *after > self.longest_asked) {
            Some(after) => {
                let (after, most) = (seconds(after), seconds(self.longest_asked));
                let message =
                    format!("{}; it asks for a pause of {after}, and at most {most} are waited", error.message);
                RemoteError { message, should_retry: Some(false), ..error }
            }
            None => error,
        }
    }
}

/// The wait that an answer asks for: `retry-after-ms`, then `retry-after` in seconds or as a date.
pub(crate) fn asked_wait(reply: &Reply, now: SystemTime) -> Option<Duration> {
    let number = |name: &str| reply.header(name)?.trim().parse::<f64>().ok();
    let time = |seconds: f64| Duration::try_from_secs_f64(seconds).ok();
    if let Some(wait) = number("retry-after-ms").and_then(|milliseconds| time(milliseconds / 1000.0)) {
        return Some(wait);
    }
    if let Some(seconds) = number("retry-after") {
        return time(seconds);
    }
    let until = date::parse(reply.header("retry-after")?)?;
    Some(until.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use bytes::Bytes;
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    use super::*;
    use crate::trouble::error::ErrorClass;

    #[test]
    fn waits_are_read_from_headers() {
        let now = UNIX_EPOCH + Duration::from_secs(784_111_777 - 30);
        for (headers, expected) in [
            (&[("retry-after-ms", "250"), ("retry-after", "9")][..], Some(250)),
            (&[("retry-after", "1.5")], Some(1500)),
            (&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], Some(30_000)),
            (&[("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")], Some(0)),
            (&[("retry-after-ms", "soon"), ("retry-after", "2")], Some(2000)),
            (&[("retry-after", "-1")], None),
            (&[("retry-after", "NaN")], None),
            (&[("retry-after", "1e300")], None),
            (&[("retry-after", "later")], None),
            (&[], None),
        ] {
            let entry = |(name, value): &(&'static str, &'static str)| {
                (HeaderName::from_static(name), HeaderValue::from_static(value))
            };
            let reply =
                Reply { status: 429, headers: headers.iter().map(entry).collect::<HeaderMap>(), body: Bytes::new() };
            assert_eq!(asked_wait(&reply, now), expected.map(Duration::from_millis), "{headers:?}");
        }
    }

    #[test]
    fn the_retry_contract() {
        let rules = RetryRules { attempts: 3, ..RetryRules::default() };
        let seed = Seed::new(7).unwrap();
        let error = |class| RemoteError::new(class, "");
        let waits = |error: &RemoteError, repeat, attempt| rules.wait(error, repeat, attempt, seed);
        for (class, again) in [
            (ErrorClass::Retryable, true),
            (ErrorClass::Overloaded, true),
            (ErrorClass::Dead, true),
            (ErrorClass::Moderated, false),
            (ErrorClass::BadRequest, false),
            (ErrorClass::Auth, false),
            (ErrorClass::Quota, false),
            (ErrorClass::Malformed, true),
            (ErrorClass::Cancelled, false),
        ] {
            assert_eq!(waits(&error(class), Repeat::Never, 1).is_some(), again, "{class:?}");
        }
        // The server's word goes before the class.
        let said = |class, should_retry| RemoteError { should_retry: Some(should_retry), ..error(class) };
        assert!(waits(&said(ErrorClass::BadRequest, true), Repeat::Never, 1).is_some());
        assert!(waits(&said(ErrorClass::Overloaded, false), Repeat::Never, 1).is_none());
        // Never blindly: what may have been done goes out again only where that is harmless.
        let lost = RemoteError::maybe_done(ErrorClass::Retryable, "");
        assert!(waits(&lost, Repeat::Never, 1).is_none());
        assert!(waits(&lost, Repeat::Harmless, 1).is_some() && waits(&lost, Repeat::Keyed, 1).is_some());
        assert!(waits(&error(ErrorClass::Dead), Repeat::Never, 3).is_none());
        // Waits that are asked for are kept to, up to a limit.
        let asks = |seconds| RemoteError { after: Some(Duration::from_secs(seconds)), ..error(ErrorClass::Overloaded) };
        assert_eq!(waits(&asks(20), Repeat::Never, 1), Some(Duration::from_secs(20)));
        assert_eq!(waits(&asks(61), Repeat::Never, 1), None);
    }

    #[test]
    fn waits_double_and_are_counted_from_the_seed() {
        let rules = RetryRules { attempts: 9, ..RetryRules::default() };
        let error = RemoteError::new(ErrorClass::Retryable, "");
        let wait = |attempt, seed| rules.wait(&error, Repeat::Never, attempt, Seed::new(seed).unwrap()).unwrap();
        for (attempt, nominal) in [(1, 0.5), (2, 1.0), (3, 2.0), (5, 8.0), (8, 8.0)] {
            let share = wait(attempt, 3).as_secs_f64() / nominal;
            assert!((0.75..=1.0).contains(&share), "{attempt}: {share}");
        }
        assert_eq!(wait(2, 5), wait(2, 5));
        assert_ne!(wait(2, 5), wait(2, 6));
    }
}
