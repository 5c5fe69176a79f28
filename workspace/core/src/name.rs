//! Names and identifiers: what things are called in recipes, journals and reports.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{found}` is not a {what} name: expected 1 to 64 of a-z, A-Z, 0-9, `_`, `-`, `.`, starting with a letter or digit"
)]
pub struct NameError {
    what: &'static str,
    found: String,
}

fn is_name(text: &str) -> bool {
    let body = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=64).contains(&text.len()) && text.as_bytes()[0].is_ascii_alphanumeric() && text.bytes().all(body)
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal) => {
        $(#[$doc])*
        ///
        /// One to 64 characters of `a-z A-Z 0-9 _ - .`, starting with a letter or digit. Cheap to clone.
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $type(Arc<str>);

        impl $type {
            /// Checks a text and makes it a name.
            pub fn new(text: &str) -> Result<Self, NameError> {
                if is_name(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(NameError { what: $what, found: text.chars().take(80).collect() })
                }
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
    };
}

name!(
    /// What a recipe calls an editor.
    EditorName, "editor"
);
name!(
    /// What a recipe calls a reward.
    RewardName, "reward"
);
name!(
    /// What a recipe calls a critic.
    CriticName, "critic"
);
name!(
    /// A setting that an editor's card offers to a search.
    KnobName, "knob"
);
name!(
    /// A named part of a score.
    PartName, "score part"
);
name!(
    /// One run of a recipe on one request. It names the run directory.
    RunId, "run"
);

/// A candidate's place in its run's ask order, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CandidateId(pub u32);

impl fmt::Display for CandidateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        for (text, good) in [
            ("darkroom", true),
            ("flux.1-kontext_dev", true),
            ("8bit", true),
            ("", false),
            ("-x", false),
            ("a b", false),
            ("../up", false),
            ("é", false),
            (&"x".repeat(64), true),
            (&"x".repeat(65), false),
        ] {
            assert_eq!(EditorName::new(text).is_ok(), good, "{text:?}");
        }
    }
}
