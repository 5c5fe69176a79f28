//! Secrets: where they come from, and how they stay out of every text.

use std::fmt;
use std::path::{Path, PathBuf};

use reqwest::header::HeaderValue;

use crate::SetupError;

/// The most bytes that a secret has.
const MOST_BYTES: u64 = 16 * 1024;

/// Where a secret comes from. A recipe names the place, never the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// An environment variable.
    Environment(String),
    /// A file; white space around the secret does not belong to it.
    File(PathBuf),
}

impl SecretSource {
    /// Reads it.
    pub fn read(&self) -> Result<Secret, SetupError> {
        let text = match self {
            Self::Environment(name) => std::env::var(name).map_err(|_| SetupError::Secret {
                place: self.to_string(),
                reason: "it is not set to a text".into(),
            })?,
            Self::File(path) => {
                read_file(path).map_err(|reason| SetupError::Secret { place: self.to_string(), reason })?
            }
        };
        Secret::new(&text).ok_or_else(|| SetupError::Secret {
            place: self.to_string(),
            reason: "expected one line of printable ASCII, at least one character".into(),
        })
    }
}

fn read_file(path: &Path) -> Result<String, String> {
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > MOST_BYTES {
        return Err(format!("expected at most {MOST_BYTES} bytes, found {length}"));
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
        }
    }
}

/// A secret that a server asks for. It is in no `Debug` text, and [`Secret::hide`] takes it out of what others say.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// A secret of printable ASCII, less the white space around it; nothing if that is not what the text is.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_good = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_good.then(|| Self(text.to_owned()))
    }

    /// A text without the secret, in whichever case: servers like to quote what they refuse, and names of hosts come back
    /// in lower case.
    pub fn hide(&self, text: &str) -> String {
        // Changing the case of ASCII letters moves nothing, so that places in one text are places in the other.
        let (lower, secret) = (text.to_ascii_lowercase(), self.0.to_ascii_lowercase());
        let mut shown = String::with_capacity(text.len());
        let mut after = 0;
        for (at, _) in lower.match_indices(&secret) {
            shown.push_str(text.get(after..at).unwrap_or_default());
            shown.push_str("[secret]");
            after = at + secret.len();
        }
        shown.push_str(text.get(after..).unwrap_or_default());
        shown
    }

    /// The secret after a prefix, marked so that no HTTP library shows it.
    pub(crate) fn header(&self, prefix: &str) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("{prefix}{}", self.0)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_come_from_files_and_are_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, " sk-1234 \n").unwrap();
        let secret = SecretSource::File(path).read().unwrap();
        assert_eq!(format!("{secret:?}"), "Secret");
        assert_eq!(secret.hide("Incorrect key: sk-1234."), "Incorrect key: [secret].");
        assert_eq!(secret.hide("é SK-1234sk-1234"), "é [secret][secret]");
        let value = secret.header("Bearer ").unwrap();
        assert!(!format!("{value:?}").contains("1234"));
    }

    #[test]
    fn what_is_no_secret_is_refused_without_being_shown() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["", " \n", "two words", "line\nline", "\u{e9}"] {
            let path = folder.path().join("key");
            std::fs::write(&path, text).unwrap();
            let error = SecretSource::File(path).read().unwrap_err().to_string();
            assert!(error.contains("printable ASCII") && !error.contains("words"), "{error}");
        }
        let unset = SecretSource::Environment("EDITSCALE_NO_SUCH_VARIABLE".to_owned());
        assert!(unset.read().unwrap_err().to_string().contains("EDITSCALE_NO_SUCH_VARIABLE"));
    }
}
