//! Why a candidate could not be made.

use std::sync::Arc;

use editscale_core::{Failure, FailureKind};

use crate::editors::memory::explained;
use crate::encoders::vision_language::EncoderError;
use crate::text::TokenizeError;

/// What was asked for cannot be done.
pub(super) fn invalid(message: impl Into<Arc<str>>) -> Failure {
    Failure::new(FailureKind::Invalid, message)
}

/// Something went wrong here.
pub(super) fn crashed(message: impl Into<Arc<str>>) -> Failure {
    Failure::new(FailureKind::Crashed, message)
}

/// A network failed.
pub(super) fn failed(what: &str, error: &candle_core::Error) -> Failure {
    crashed(format!("{what} failed: {}", explained(error)))
}

/// A text has no tokens.
pub(super) fn unreadable(error: &TokenizeError) -> Failure {
    invalid(error.to_string())
}

/// A picture or a prompt was not encoded.
pub(super) fn unencoded(error: &EncoderError) -> Failure {
    match error {
        EncoderError::Compute(error) => failed("encoding the prompt", error),
        other => invalid(other.to_string()),
    }
}

/// A network answered with something that is no number.
pub(super) fn not_finite(what: &str) -> Failure {
    let reason = "holds a value that is not finite: the weights may need a wider `dtype`";
    Failure::new(FailureKind::Malformed, format!("{what} {reason}"))
}

/// Nobody waits for it any more.
pub(super) fn cancelled() -> Failure {
    Failure::new(FailureKind::Cancelled, "the edit was cancelled")
}
