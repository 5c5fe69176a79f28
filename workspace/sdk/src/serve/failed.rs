//! Short ways to say why something was not done.

use std::fmt;

use crate::protocol::{CostNumbers, ErrorClass, Failed};

impl Failed {
    /// A failure that cost nothing.
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), cost: CostNumbers::default() }
    }

    /// What was given is broken or outside the limits.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Invalid, message)
    }

    /// Something broke inside.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Internal, message)
    }

    /// This will not be done, also not when it is asked for again.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Refused, message)
    }

    /// Not at present: another attempt may succeed.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Unavailable, message)
    }

    /// It took too long.
    pub fn timed_out(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::TimedOut, message)
    }

    /// The work is not wanted any more.
    pub fn cancelled() -> Self {
        Self::new(ErrorClass::Cancelled, "the call was cancelled before this was done")
    }

    /// The same failure, with what was spent in vain.
    #[must_use]
    pub fn with_cost(self, cost: CostNumbers) -> Self {
        Self { cost, ..self }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failed {}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::internal(error.to_string())
    }
}
