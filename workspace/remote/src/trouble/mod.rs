//! What goes wrong: setting up, an exchange, an answer; which class it is of, and when it is worth another attempt.

pub(crate) mod classify;
pub(crate) mod date;
pub(crate) mod error;
pub(crate) mod google;
pub(crate) mod retry;
pub(crate) mod setup;
pub(crate) mod words;

pub use error::{ErrorClass, RemoteError};
pub use retry::{Repeat, RetryRules};
pub use setup::SetupError;
