//! The checks: what each expects, and what to do where it fails.

mod begin;
mod calls;
mod editors;
mod ends;
mod frames;
mod pictures;
mod signals;
mod states;

use super::bench::{Bench, Fault};

/// How far a plugin has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Nothing,
    Hello,
    Ready,
    Work,
}

impl Level {
    /// What it could not do, to be here and no further.
    pub(super) fn lacks(self) -> &'static str {
        match self {
            Self::Nothing => "it does not say `hello` as expected",
            Self::Hello => "it does not get ready",
            Self::Ready => "it does not do one item of work",
            Self::Work => "nothing is missing",
        }
    }
}

/// How a check comes out where it does not fail.
#[derive(Debug)]
pub(super) enum Passed {
    Well(String),
    NotApplicable(String),
}

/// A check's end.
pub(super) type Outcome = Result<Passed, Fault>;

/// A check.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) expected: &'static str,
    pub(super) advice: &'static str,
    /// How far the plugin must have come.
    pub(super) needs: Level,
    /// How far it is when this passes.
    pub(super) gives: Level,
    pub(super) run: fn(&mut Bench<'_>) -> Outcome,
}

/// All checks, in their order.
pub(super) fn cases() -> impl Iterator<Item = &'static Case> {
    [
        begin::CASES.as_slice(),
        &calls::CASES,
        &pictures::CASES,
        &signals::CASES,
        &editors::CASES,
        &states::CASES,
        &frames::CASES,
        &ends::CASES,
    ]
    .into_iter()
    .flatten()
}

#[expect(clippy::unnecessary_wraps, reason = "every check ends with an outcome")]
fn well(found: impl Into<String>) -> Outcome {
    Ok(Passed::Well(found.into()))
}

#[expect(clippy::unnecessary_wraps, reason = "every check ends with an outcome")]
fn not_applicable(why: impl Into<String>) -> Outcome {
    Ok(Passed::NotApplicable(why.into()))
}
