//! A circuit breaker: a server that fails again and again is left alone for a while, then asked once.

use std::time::{Duration, Instant};

/// When a server is left alone, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerRules {
    /// Failures in a row that open the circuit, at least 1.
    pub failures: u32,
    /// How long it stays open the first time; each probe that fails doubles it.
    pub pause: Duration,
    /// The longest it stays open.
    pub longest_pause: Duration,
}

impl Default for BreakerRules {
    fn default() -> Self {
        Self { failures: 5, pause: Duration::from_secs(2), longest_pause: Duration::from_secs(60) }
    }
}

/// What a call said about the health of its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// It answers as it should, if only with a refusal.
    Good,
    /// It is not there, broke off, or failed inside.
    Bad,
    /// It said nothing: overloaded, or not waited for.
    Unknown,
    /// What it answered was read, and it was an answer.
    Read,
    /// It answered well, and what it sent was no answer: a page of HTML, no picture.
    Spoiled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        until: Instant,
    },
    /// One call is out to see.
    HalfOpen,
}

#[derive(Debug)]
pub(crate) struct Breaker {
    rules: BreakerRules,
    state: State,
    /// Answers in a row that were none. They are counted apart, because each of them looked well until it was read.
    spoiled: u32,
    /// How long it stays open the next time.
    pause: Duration,
}

/// How soon to ask again while a probe is out.
const PROBE: Duration = Duration::from_millis(20);

impl Breaker {
    pub(crate) fn new(rules: BreakerRules) -> Self {
        Self { rules, state: State::Closed { failures: 0 }, spoiled: 0, pause: rules.pause }
    }

    /// Whether a call could go out now; else how long to wait before asking again.
    pub(crate) fn admits(&self, now: Instant) -> Result<(), Duration> {
        match self.state {
            State::Closed { .. } => Ok(()),
            State::Open { until } if until <= now => Ok(()),
            State::Open { until } => Err(until - now),
            State::HalfOpen => Err(PROBE),
        }
    }

    /// Lets a call out. After a pause, only one.
    pub(crate) fn begin(&mut self, now: Instant) -> Result<(), Duration> {
        self.admits(now)?;
        if matches!(self.state, State::Open { .. }) {
            self.state = State::HalfOpen;
        }
        Ok(())
    }

    /// A call is back.
    pub(crate) fn report(&mut self, health: Health, now: Instant) {
        match health {
            Health::Read => self.spoiled = 0,
            Health::Spoiled => self.spoiled = self.spoiled.saturating_add(1),
            _ => {}
        }
        // An answer that came well may turn out to be none: only one that was read makes the next pause a short one then.
        if self.spoiled == 0 && matches!(health, Health::Good | Health::Read) {
            self.pause = self.rules.pause;
        }
        match (self.state, health) {
            (_, Health::Good) => self.state = State::Closed { failures: 0 },
            (State::Closed { failures }, Health::Bad) if failures + 1 < self.rules.failures => {
                self.state = State::Closed { failures: failures + 1 };
            }
            (State::Closed { .. } | State::HalfOpen, Health::Bad) => self.open(now),
            // It stays at the limit until an answer is one: a server that always answers, and always with nothing, would
            // otherwise be the one with the least to do.
            (State::Closed { .. }, Health::Spoiled) if self.spoiled >= self.rules.failures => self.open(now),
            // The probe learned nothing: the next call is the probe.
            (State::HalfOpen, Health::Unknown) => self.state = State::Open { until: now },
            _ => {}
        }
    }

    fn open(&mut self, now: Instant) {
        self.state = State::Open { until: now.checked_add(self.pause).unwrap_or(now) };
        self.pause = self.pause.saturating_mul(2).min(self.rules.longest_pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn breaker(now: Instant) -> Breaker {
        let rules = BreakerRules { failures: 2, pause: SECOND, longest_pause: SECOND * 3 };
        let mut breaker = Breaker::new(rules);
        for _ in 0..2 {
            assert!(breaker.begin(now).is_ok());
            breaker.report(Health::Bad, now);
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_one_probe_closes_it() {
        let start = Instant::now();
        let mut breaker = breaker(start);
        assert_eq!(breaker.begin(start), Err(SECOND));
        assert!(breaker.begin(start + SECOND).is_ok());
        assert!(breaker.begin(start + SECOND).is_err(), "only one probe");
        breaker.report(Health::Good, start + SECOND);
        assert!(breaker.begin(start + SECOND).is_ok() && breaker.begin(start + SECOND).is_ok());
    }

    #[test]
    fn a_failed_probe_doubles_the_pause_up_to_the_longest() {
        let mut now = Instant::now();
        let mut breaker = breaker(now);
        for pause in [SECOND, SECOND * 2, SECOND * 3, SECOND * 3] {
            assert_eq!(breaker.begin(now), Err(pause));
            now += pause;
            breaker.begin(now).unwrap();
            breaker.report(Health::Bad, now);
        }
    }

    #[test]
    fn answers_that_are_none_open_it_though_each_came_well() {
        let now = Instant::now();
        let mut breaker = Breaker::new(BreakerRules { failures: 2, ..BreakerRules::default() });
        let answer = |breaker: &mut Breaker, now, health| {
            breaker.begin(now).unwrap();
            breaker.report(Health::Good, now);
            breaker.report(health, now);
        };
        for health in [Health::Spoiled, Health::Read, Health::Spoiled] {
            answer(&mut breaker, now, health);
            assert!(breaker.admits(now).is_ok());
        }
        answer(&mut breaker, now, Health::Spoiled);
        let pause = breaker.admits(now).unwrap_err();
        answer(&mut breaker, now + pause, Health::Spoiled);
        assert_eq!(breaker.admits(now + pause), Err(pause * 2), "one probe more, not two");
        answer(&mut breaker, now + pause * 3, Health::Spoiled);
        assert_eq!(breaker.admits(now + pause * 3), Err(pause * 4));
        answer(&mut breaker, now + pause * 7, Health::Read);
        assert!(breaker.admits(now + pause * 7).is_ok());
        for _ in 0..2 {
            answer(&mut breaker, now + pause * 7, Health::Spoiled);
        }
        assert_eq!(breaker.admits(now + pause * 7), Err(pause), "a good answer makes the next pause a short one");
    }

    #[test]
    fn a_success_between_failures_keeps_it_closed_and_a_lost_probe_is_replaced() {
        let now = Instant::now();
        let mut closed = Breaker::new(BreakerRules { failures: 2, ..BreakerRules::default() });
        for health in [Health::Bad, Health::Good, Health::Bad, Health::Unknown] {
            closed.report(health, now);
        }
        assert!(closed.admits(now).is_ok());
        let mut open = breaker(now);
        open.begin(now + SECOND).unwrap();
        open.report(Health::Unknown, now + SECOND);
        assert!(open.begin(now + SECOND).is_ok());
    }
}
