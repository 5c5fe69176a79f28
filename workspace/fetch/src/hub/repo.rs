//! Names of repositories.

use std::fmt;

use thiserror::Error;

/// `OWNER/NAME` of a model repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepoId(String);

/// A text is no repository.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no repository: expected OWNER/NAME, of letters, digits, `-`, `_` and `.`")]
pub struct RepoIdError(String);

impl RepoId {
    /// Checks a name.
    pub fn new(text: &str) -> Result<Self, RepoIdError> {
        let is_word = |word: &str| {
            let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
            (1..=96).contains(&word.len())
                && word.chars().all(is_good)
                && !word.starts_with('.')
                && !word.contains("..")
        };
        match text.split_once('/') {
            Some((owner, name)) if is_word(owner) && is_word(name) => Ok(Self(text.to_owned())),
            _ => Err(RepoIdError(text.to_owned())),
        }
    }

    /// `OWNER/NAME`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `NAME`.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// The folder of the shared cache that holds it.
    pub(super) fn cache_folder(&self) -> String {
        format!("models--{}", self.0.replace('/', "--"))
    }
}

impl fmt::Display for RepoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        assert_eq!(RepoId::new("Qwen/Qwen2.5-VL-7B-Instruct").unwrap().name(), "Qwen2.5-VL-7B-Instruct");
        for bad in ["", "a", "a/", "/a", "a/b/c", "a/../b", "../a", "a/.b", "a b/c", "a/b?c", "a/b..c", "a/b#c"] {
            assert!(RepoId::new(bad).is_err(), "{bad}");
        }
    }
}
