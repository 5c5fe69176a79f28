//! How jobs are asked about until they end.

use std::time::Duration;

use crate::document::yaml::Yaml;
use crate::fields::Fields;
use crate::key::{Absent, Key, Keys, Section};
use crate::report::mistakes::Mistake;
use crate::rule::Number;

/// How a job is asked about until it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollSettings {
    /// The wait before it is asked about for the first time.
    pub first_wait: Duration,
    /// The longest wait of our own counting.
    pub longest_wait: Duration,
    /// The longest that a job may take.
    pub deadline: Duration,
    /// The longest that asking may fail without a break.
    pub lost_after: Duration,
}

/// How jobs are asked about.
pub const POLLS: Section =
    Section { name: "polls", allowed: "a map", default: "`{}`", meaning: "how a job is asked about until it ends" };

const fn seconds(name: &'static str, default: f64, meaning: &'static str) -> Key<Number> {
    Key { name, rule: Number::from(0.001, 604_800.0), absent: Absent::Default(default), meaning }
}

const FIRST_WAIT: Key<Number> =
    seconds("first_wait_secs", 0.5, "seconds before a job is asked about; from then on waits grow by half");
const LONGEST_WAIT: Key<Number> = seconds(
    "longest_wait_secs",
    5.0,
    "the longest wait of our own counting, in seconds; a server that asks for a longer one gets it",
);
const DEADLINE: Key<Number> = seconds(
    "deadline_secs",
    1800.0,
    "the longest that a job may take, waiting in the server's queue included, in seconds",
);
const LOST_AFTER: Key<Number> = seconds(
    "lost_after_secs",
    120.0,
    "the longest that asking may fail without a break before the job is given up, in seconds",
);

/// Its keys.
pub const POLL_KEYS: Keys = &[&FIRST_WAIT, &LONGEST_WAIT, &DEADLINE, &LOST_AFTER];

impl PollSettings {
    /// Reads them among the options of an editor.
    pub fn read(fields: &Fields<'_>) -> Option<Self> {
        fields.section(&POLLS, POLL_KEYS, Self::read_section)
    }

    fn read_section(fields: &Fields<'_>) -> Option<Self> {
        let span = |key: &Key<Number>| fields.take(key).map(Duration::from_secs_f64);
        let (first_wait, longest_wait) = (span(&FIRST_WAIT), span(&LONGEST_WAIT));
        let (deadline, lost_after) = (span(&DEADLINE), span(&LOST_AFTER));
        let polls =
            Self { first_wait: first_wait?, longest_wait: longest_wait?, deadline: deadline?, lost_after: lost_after? };
        for (key, least) in [(&LONGEST_WAIT, polls.longest_wait), (&DEADLINE, polls.deadline)] {
            if least < polls.first_wait {
                let message = format!("`{}` is shorter than `{}`", key.name, FIRST_WAIT.name);
                fields.error(&fields.span_of(key.name), Mistake::new(message));
            }
        }
        Some(polls)
    }

    /// Under their section's name.
    pub fn write(&self) -> (String, Yaml) {
        let span = |key: &Key<Number>, span: Duration| key.write(Some(&span.as_secs_f64()));
        let written = [
            span(&FIRST_WAIT, self.first_wait),
            span(&LONGEST_WAIT, self.longest_wait),
            span(&DEADLINE, self.deadline),
            span(&LOST_AFTER, self.lost_after),
        ];
        (POLLS.name.to_owned(), Yaml::Map(written.into_iter().flatten().collect()))
    }
}
