//! Why an editor or a judge cannot be set up.

use thiserror::Error;

/// Why an editor or a judge cannot be set up. No text of it holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SetupError {
    /// A text is no address of a server.
    #[error("`{text}` is no address of a server: {reason}")]
    Address {
        /// The text, less what is secret in it.
        text: String,
        /// What was expected.
        reason: String,
    },
    /// A secret is not where it should be.
    #[error("no secret could be taken from {place}: {reason}")]
    Secret {
        /// The variable or file.
        place: String,
        /// What was expected.
        reason: String,
    },
    /// The HTTP client cannot be made, for example because the system has no certificates.
    #[error("no HTTPS client can be made: {reason}")]
    Client {
        /// What the library said.
        reason: String,
    },
    /// A setting that does not fit.
    #[error("{setting}: expected {expected}, found {found}")]
    Setting {
        /// The setting.
        setting: String,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
    /// A prompt that cannot be rendered.
    #[error("the prompt of `{aspect}` {reason}")]
    Prompt {
        /// The aspect that it asks about.
        aspect: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl SetupError {
    pub(crate) fn setting(setting: &str, expected: &str, found: &impl ToString) -> Self {
        Self::Setting { setting: setting.to_owned(), expected: expected.to_owned(), found: found.to_string() }
    }
}
