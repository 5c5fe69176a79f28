//! How fast a server is asked: a bucket of tokens, and pauses that the server itself asks for.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use crate::http::client::Reply;

/// A limit on how often a server is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Calls a minute in the long run.
    pub per_minute: NonZeroU32,
    /// Calls at once after a quiet time.
    pub burst: NonZeroU32,
}

/// A token bucket (one token a call) that can also be told to wait.
#[derive(Debug)]
pub(crate) struct Bucket {
    rate: Option<Rate>,
    tokens: f64,
    filled: Instant,
    held_until: Option<Instant>,
    /// The longest pause that it can be told to make.
    longest_pause: Duration,
}

impl Bucket {
    pub(crate) fn new(rate: Option<Rate>, longest_pause: Duration, now: Instant) -> Self {
        let tokens = rate.map_or(0.0, |rate| f64::from(rate.burst.get()));
        Self { rate, tokens, filled: now, held_until: None, longest_pause }
    }

    /// Takes a token, or says how long to wait before asking again.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        if let Some(until) = self.held_until.filter(|until| *until > now) {
            return Err(until - now);
        }
        self.held_until = None;
        let Some(Rate { per_minute, burst }) = self.rate else { return Ok(()) };
        let per_second = f64::from(per_minute.get()) / 60.0;
        let grown = now.saturating_duration_since(self.filled).as_secs_f64() * per_second;
        self.tokens = (self.tokens + grown).min(f64::from(burst.get()));
        self.filled = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        // A little more than needed, so that rounding does not make another wait of nothing.
        Err(Duration::from_secs_f64((1.0 - self.tokens) / per_second) + Duration::from_millis(1))
    }

    pub(crate) fn is_held(&self, now: Instant) -> bool {
        self.held_until.is_some_and(|until| until > now)
    }

    /// Lets nothing through for a while, if not for longer than it can be told. A longer pause that is under way stays.
    pub(crate) fn hold(&mut self, now: Instant, pause: Duration) {
        let until = now.checked_add(pause.min(self.longest_pause));
        self.held_until = self.held_until.max(until);
    }
}

/// The pause that an answer's rate headers ask for: none is left, and it says when there will be more.
pub(crate) fn pause_in(reply: &Reply) -> Option<Duration> {
    let of = |what: &str| {
        let left: u64 = reply.header(&format!("x-ratelimit-remaining-{what}"))?.trim().parse().ok()?;
        let reset = reply.header(&format!("x-ratelimit-reset-{what}")).and_then(span)?;
        (left == 0).then_some(reset)
    };
    of("requests").max(of("tokens"))
}

/// Reads `1s`, `6m0s`, `20ms`, `1h2m3.5s` or plain seconds.
fn span(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut seconds = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at_checked(end)?;
        let end = after.find(|character: char| character.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(end)?;
        let scale = match unit {
            "" | "s" => 1.0,
            "ms" => 1e-3,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * scale;
        rest = after;
    }
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_lets_through_what_it_holds_and_fills_up_again() {
        let count = |number| NonZeroU32::new(number).unwrap();
        let start = Instant::now();
        let mut bucket = Bucket::new(Some(Rate { per_minute: count(60), burst: count(2) }), Duration::ZERO, start);
        assert!(bucket.take(start).is_ok() && bucket.take(start).is_ok());
        let wait = bucket.take(start).unwrap_err();
        assert!((wait.as_secs_f64() - 1.0).abs() < 0.01, "{wait:?}");
        assert!(bucket.take(start + wait).is_ok());
        assert!(bucket.take(start + wait).is_err());
        // A quiet hour does not make more than the burst.
        let later = start + Duration::from_secs(3600);
        assert!(bucket.take(later).is_ok() && bucket.take(later).is_ok() && bucket.take(later).is_err());
    }

    #[test]
    fn a_pause_holds_everybody() {
        let start = Instant::now();
        let mut bucket = Bucket::new(None, Duration::from_secs(3), start);
        bucket.hold(start, Duration::from_secs(3600));
        bucket.hold(start, Duration::from_secs(1));
        assert_eq!(bucket.take(start + Duration::from_secs(2)), Err(Duration::from_secs(1)));
        assert!(bucket.take(start + Duration::from_secs(3)).is_ok());
    }

    #[test]
    fn spans_are_read() {
        for (text, milliseconds) in [
            ("1s", Some(1000)),
            ("6m0s", Some(360_000)),
            ("20ms", Some(20)),
            ("1h2m3.5s", Some(3_723_500)),
            ("7", Some(7000)),
        ] {
            assert_eq!(span(text), milliseconds.map(Duration::from_millis), "{text}");
        }
        for text in ["", "s", "1d", "-1s", "soon", "1..2s"] {
            assert_eq!(span(text), None, "{text}");
        }
    }
}
