//! Why something that was asked for is not done: the same for every door.

use std::time::Duration;

use thiserror::Error;

/// Why something is not done. Messages name the thing, what was expected and what was found.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// What was asked for cannot be done by anybody as it was asked.
    #[error("{message}")]
    Invalid {
        /// The field that is at fault.
        param: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// There is no such thing, or not for this caller.
    #[error("there is no {what} `{name}`{known}")]
    Absent {
        /// What kind of thing.
        what: &'static str,
        /// What it was called.
        name: String,
        /// What there is in its place, in words; nothing where that is not for everybody to know.
        known: String,
    },
    /// It does not go together with what was asked for earlier.
    #[error("{0}")]
    Conflict(String),
    /// There is no room now.
    #[error("{message}")]
    Busy {
        /// What is full.
        message: String,
        /// When to try again.
        after: Duration,
    },
    /// The server is about to end.
    #[error("the server is shutting down")]
    Closing,
    /// The run ended without a picture.
    #[error("{0}")]
    InVain(String),
    /// Time ran out before there was a result.
    #[error("{0}")]
    Late(String),
    /// The server itself failed, as when its disk is full.
    #[error("{0}")]
    Broken(String),
}

impl Refusal {
    /// A field that is at fault.
    pub(crate) fn invalid(param: &'static str, message: impl Into<Refused>) -> Self {
        Self::Invalid { param, message: message.into().0 }
    }

    /// A thing that is not there.
    pub(crate) fn absent(what: &'static str, name: &str) -> Self {
        Self::Absent { what, name: name.chars().take(80).collect(), known: String::new() }
    }

    /// The same, with the names that would be known.
    pub(crate) fn unknown(what: &'static str, name: &str, known: &str) -> Self {
        let name = name.chars().take(80).collect();
        Self::Absent { what, name, known: format!(": there are {known}") }
    }

    /// A failure of the server itself.
    pub(crate) fn broken(error: impl Into<Refused>) -> Self {
        Self::Broken(error.into().0)
    }
}

/// What is said of a refusal: a text, or an error's own words.
pub(crate) struct Refused(String);

impl<T: std::fmt::Display> From<T> for Refused {
    fn from(said: T) -> Self {
        Self(said.to_string())
    }
}
