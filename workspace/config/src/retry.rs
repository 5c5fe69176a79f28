//! How patiently work is tried again after a failure that may pass.

use editscale_schema::{Absent, Fields, Key, Keys, Mistake, Number, Whole, Yaml};
use std::time::Duration;

/// How often and how patiently work is tried again after a failure that may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in all, at least 1.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles from attempt to attempt.
    pub base_delay: Duration,
    /// The longest wait, at least as long.
    pub max_delay: Duration,
}

const ATTEMPTS: Key<Whole> = Key {
    name: "attempts",
    rule: Whole { low: 1, high: 20 },
    absent: Absent::Default(3),
    meaning: "attempts in all; 1 never tries again",
};

const BASE_DELAY_SECS: Key<Number> = Key {
    name: "base_delay_secs",
    rule: Number::from(0.0, 3600.0),
    absent: Absent::Default(0.5),
    meaning: "seconds before the second attempt; the wait doubles from attempt to attempt",
};

const MAX_DELAY_SECS: Key<Number> = Key {
    name: "max_delay_secs",
    rule: Number::from(0.0, 3600.0),
    absent: Absent::Default(30.0),
    meaning: "the longest wait in seconds, at least `base_delay_secs`",
};

pub(crate) const KEYS: Keys = &[&ATTEMPTS, &BASE_DELAY_SECS, &MAX_DELAY_SECS];

impl Retry {
    pub(crate) fn read(fields: &Fields<'_>) -> Option<Self> {
        let attempts = fields.take(&ATTEMPTS);
        let (base, most) = (fields.take(&BASE_DELAY_SECS), fields.take(&MAX_DELAY_SECS));
        let (base, most) = (base?, most?);
        if base > most {
            let at = if fields.has(MAX_DELAY_SECS.name) { MAX_DELAY_SECS.name } else { BASE_DELAY_SECS.name };
            let mistake = Mistake::new(format!("`base_delay_secs` is {base}, and `max_delay_secs` only {most}"))
                .hint("the longest wait cannot be shorter than the first");
            fields.error(&fields.span_of(at), mistake);
        }
        let (base_delay, max_delay) = (Duration::from_secs_f64(base), Duration::from_secs_f64(most));
        Some(Self { attempts: attempts? as u32, base_delay, max_delay })
    }

    pub(crate) fn write(&self) -> Yaml {
        let keys = [
            ATTEMPTS.write(Some(&self.attempts.into())),
            BASE_DELAY_SECS.write(Some(&self.base_delay.as_secs_f64())),
            MAX_DELAY_SECS.write(Some(&self.max_delay.as_secs_f64())),
        ];
        Yaml::Map(keys.into_iter().flatten().collect())
    }
}
