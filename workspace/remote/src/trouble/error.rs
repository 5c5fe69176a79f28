//! What one call came to when it came to nothing.

use std::fmt;
use std::time::Duration;

use editscale_core::{Cost, Failure, FailureKind};

use super::retry::Repeat;
use super::words::{cut, plain};
use crate::http::client::Broken;
use crate::http::endpoint::Endpoint;

/// The most characters of a sentence about a server, its own words included.
const MOST_CHARACTERS: usize = 500;

/// The classes of errors; each server's own words are brought into them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// Something passing: another attempt may succeed.
    Retryable,
    /// The server has too much to do.
    Overloaded,
    /// The server will not make or judge this picture. Final.
    Moderated,
    /// The server cannot do what it was asked for. Final.
    BadRequest,
    /// The secret is missing or not good enough.
    Auth,
    /// The account is out of money or of allowance.
    Quota,
    /// Nobody is there, or the model behind the server has died.
    Dead,
    /// No answer within the time limits.
    TimedOut,
    /// An answer that is none.
    Malformed,
    /// Not wanted any more.
    Cancelled,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteError {
    /// The class.
    pub class: ErrorClass,
    /// A sentence for people, in which the server's own words are cut short and no secret is left.
    pub message: String,
    /// The status, where there was an answer.
    pub status: Option<u16>,
    /// What the server calls the error, such as `rate_limit_exceeded`.
    pub code: Option<String>,
    /// The server's name for the request, for its support.
    pub request_id: Option<String>,
    /// Not before this long, says the server.
    pub after: Option<Duration>,
    /// Whether another attempt makes sense, where the server says so.
    pub should_retry: Option<bool>,
    /// Whether the work may have been done, and paid, all the same.
    pub maybe_done: bool,
    /// What it cost, where an answer tells; else work that may have been done counts as what it costs at most.
    pub cost: Option<Box<Cost>>,
}

impl RemoteError {
    /// An error without an answer. Its words are made one line that reads as it is written, whoever said them.
    pub(crate) fn new(class: ErrorClass, message: impl AsRef<str>) -> Self {
        Self {
            class,
            message: plain(message.as_ref()),
            status: None,
            code: None,
            request_id: None,
            after: None,
            should_retry: None,
            maybe_done: false,
            cost: None,
        }
    }

    /// The same, where the work may have been done.
    pub(crate) fn maybe_done(class: ErrorClass, message: impl AsRef<str>) -> Self {
        Self { maybe_done: true, ..Self::new(class, message) }
    }

    /// An answer of this server that is none; the work may have been done.
    pub(crate) fn malformed(server: &Endpoint, words: &str) -> Self {
        Self::maybe_done(ErrorClass::Malformed, words).named(server)
    }

    /// The same with its server's name before it, without that one's secret, and cut short.
    pub(crate) fn named(self, server: &Endpoint) -> Self {
        let message = server.hide(&format!("{}: {}", server.base(), self.message));
        Self { message: cut(&message, MOST_CHARACTERS), ..self }
    }

    /// Nobody waits any more.
    pub(crate) fn cancelled(maybe_done: bool) -> Self {
        Self { maybe_done, ..Self::new(ErrorClass::Cancelled, "the work is not wanted any more") }
    }

    /// An exchange that broke.
    pub(crate) fn broken(broken: &Broken) -> Self {
        let class = match broken {
            Broken::NotSent { .. } => ErrorClass::Dead,
            Broken::Unanswered { .. } => ErrorClass::Retryable,
            Broken::TimedOut { .. } => ErrorClass::TimedOut,
            Broken::TooLong { .. } => ErrorClass::Malformed,
        };
        Self { maybe_done: class != ErrorClass::Dead, ..Self::new(class, broken.to_string()) }
    }

    /// The same, where it may come from a gateway, which tells of a lost server as of any failure inside.
    pub(crate) fn through_gateway(self, is_gateway: bool) -> Self {
        let is_open = is_gateway && self.status == Some(500) && self.should_retry != Some(true);
        Self { maybe_done: self.maybe_done || is_open, ..self }
    }

    /// The same for what creates a paid job, told by a server that writes no more than a status: the job may have come about
    /// before the failure inside, and 408 and 409 say nothing of it either. What is turned away for now (429) is not there.
    pub(crate) fn perhaps_created(self) -> Self {
        let is_open = self.status.is_some_and(|status| matches!(status, 408 | 409 | 500..));
        Self { maybe_done: self.maybe_done || is_open, ..self }
    }

    /// The same after an attempt that may have done the work.
    pub(crate) fn doubted(self, in_doubt: bool) -> Self {
        if in_doubt { Self { maybe_done: true, cost: None, ..self } } else { self }
    }

    /// Whether the same call may be sent again.
    pub(crate) fn may_repeat(&self, repeat: Repeat) -> bool {
        if self.maybe_done && repeat == Repeat::Never {
            return false;
        }
        let passing = matches!(
            self.class,
            ErrorClass::Retryable
                | ErrorClass::Overloaded
                | ErrorClass::Dead
                | ErrorClass::TimedOut
                // What stands in the way of a server may be gone, or not be in the way of another.
                | ErrorClass::Malformed
        );
        self.class != ErrorClass::Cancelled && self.should_retry.unwrap_or(passing)
    }

    /// The failure that the engine sees. `bound` is what the work costs at most: that much counts as spent where it may
    /// have been done.
    pub(crate) fn into_failure(self, repeat: Repeat, bound: Cost) -> Failure {
        let ambiguous = self.maybe_done && repeat == Repeat::Never;
        let kind = match self.class {
            ErrorClass::Cancelled => FailureKind::Cancelled,
            ErrorClass::Malformed => FailureKind::Malformed,
            ErrorClass::Moderated | ErrorClass::Auth | ErrorClass::Quota => FailureKind::Refused,
            ErrorClass::BadRequest => FailureKind::Invalid,
            _ if ambiguous => FailureKind::Ambiguous,
            // It may pass, but not now: the engine would ask again at once.
            _ if self.should_retry == Some(false) => FailureKind::Refused,
            ErrorClass::Retryable | ErrorClass::Overloaded | ErrorClass::Dead => FailureKind::Unavailable,
            ErrorClass::TimedOut => FailureKind::TimedOut,
        };
        let known = self.cost.as_deref().copied();
        let cost = if self.maybe_done { known.unwrap_or(bound) } else { known.unwrap_or_default() };
        Failure { cost, ..Failure::new(kind, self.to_string()) }
    }
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.request_id {
            Some(id) => write!(f, " (request {id})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for RemoteError {}
