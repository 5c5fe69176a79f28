//! How servers are called: how patiently, and how often again.

use std::time::Duration;

use crate::document::yaml::Yaml;
use crate::fields::Fields;
use crate::key::{Absent, Key, Keys, Section};
use crate::rule::{Number, Whole};

/// How servers are called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallSettings {
    /// Attempts at one call in all.
    pub attempts: u32,
    /// To connect.
    pub connect: Duration,
    /// To the head of the answer.
    pub answer: Duration,
    /// The longest silence within the answer.
    pub silence: Duration,
    /// The whole answer, from its head on.
    pub body: Duration,
    /// The longest pause that a server can ask for.
    pub longest_pause: Duration,
}

/// How servers are called.
pub const CALLS: Section = Section {
    name: "calls",
    allowed: "a map",
    default: "`{}`",
    meaning: "how patiently servers are called, and how often again",
};

const ATTEMPTS: Key<Whole> = Key {
    name: "attempts",
    rule: Whole { low: 1, high: 20 },
    absent: Absent::Default(4),
    meaning: "attempts at one call in all, where it may be sent again",
};

const fn seconds(name: &'static str, default: f64, meaning: &'static str) -> Key<Number> {
    Key { name, rule: Number::from(0.001, 86_400.0), absent: Absent::Default(default), meaning }
}

const CONNECT: Key<Number> = seconds("connect_secs", 10.0, "seconds to connect");
const ANSWER: Key<Number> = seconds(
    "answer_secs",
    600.0,
    "seconds from there to the head of the answer: what the server takes for its work, and what it lets calls wait for",
);
const SILENCE: Key<Number> = seconds("silence_secs", 30.0, "the longest silence within an answer, in seconds");
const BODY: Key<Number> = seconds("body_secs", 120.0, "seconds for the whole answer, from its head on");
const PAUSE: Key<Number> = seconds(
    "longest_pause_secs",
    60.0,
    "the longest pause that a server can ask for; where it asks for more, the call fails",
);

/// Its keys.
pub const CALL_KEYS: Keys = &[&ATTEMPTS, &CONNECT, &ANSWER, &SILENCE, &BODY, &PAUSE];

impl CallSettings {
    pub(super) fn read(fields: &Fields<'_>) -> Option<Self> {
        let attempts = fields.take(&ATTEMPTS);
        let span = |key: &Key<Number>| fields.take(key).map(Duration::from_secs_f64);
        let (connect, answer, silence) = (span(&CONNECT), span(&ANSWER), span(&SILENCE));
        let (body, longest_pause) = (span(&BODY), span(&PAUSE));
        Some(Self {
            attempts: attempts? as u32,
            connect: connect?,
            answer: answer?,
            silence: silence?,
            body: body?,
            longest_pause: longest_pause?,
        })
    }

    pub(super) fn write(&self) -> Yaml {
        let span = |key: &Key<Number>, span: Duration| key.write(Some(&span.as_secs_f64()));
        let written = [
            ATTEMPTS.write(Some(&self.attempts.into())),
            span(&CONNECT, self.connect),
            span(&ANSWER, self.answer),
            span(&SILENCE, self.silence),
            span(&BODY, self.body),
            span(&PAUSE, self.longest_pause),
        ];
        Yaml::Map(written.into_iter().flatten().collect())
    }
}
