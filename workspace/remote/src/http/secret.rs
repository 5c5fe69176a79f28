//! Secrets: where they come from, and how they stay out of every text.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use reqwest::header::HeaderValue;

use super::escapes::places;
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
    pub(crate) fn read(&self) -> Result<Secret, SetupError> {
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

/// Reads no more than a secret has: a pipe or a device tells no length beforehand.
fn read_file(path: &Path) -> Result<String, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut text = String::new();
    file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > MOST_BYTES {
        return Err(format!("expected at most {MOST_BYTES} bytes, found more"));
    }
    Ok(text)
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
pub(crate) struct Secret {
    text: String,
    /// How it stands in what others say once escapes are undone, in lower case.
    spellings: Vec<String>,
}

impl Secret {
    /// A secret of printable ASCII, less the white space around it; nothing if that is not what the text is.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_good = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_good.then(|| Self { text: text.to_owned(), spellings: spellings(text) })
    }

    /// A text without the secret, in whichever case and however it is escaped or encoded: servers like to quote what they
    /// refuse, within addresses, within pages, within JSON, within headers in base64.
    pub(crate) fn hide(&self, text: &str) -> String {
        let mut shown = String::with_capacity(text.len());
        let mut after = 0;
        for place in places(text, &self.spellings) {
            // What overlaps is hidden by the same words.
            if place.start >= after {
                shown.push_str(text.get(after..place.start).unwrap_or_default());
                shown.push_str("[secret]");
            }
            after = after.max(place.end);
        }
        shown.push_str(text.get(after..).unwrap_or_default());
        shown
    }

    /// Whether a text holds the secret in any spelling.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        !places(text, &self.spellings).is_empty()
    }

    /// The secret after a prefix, marked so that no HTTP library shows it.
    pub(crate) fn header(&self, prefix: &str) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("{prefix}{}", self.text)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The secret as it is, in hexadecimal digits, and in base64.
fn spellings(text: &str) -> Vec<String> {
    let mut all = vec![text.to_owned()];
    // Of something short, these are too short to be known for what they are.
    if text.len() >= 8 {
        all.push(text.bytes().map(|byte| format!("{byte:02x}")).collect());
        (0..3).for_each(|before| all.extend(in_base64(text, before)));
    }
    all.iter_mut().for_each(|spelling| spelling.make_ascii_lowercase());
    all.sort_unstable();
    all.dedup();
    all
}

/// What is sure of the secret's base64 where so many bytes stand before it, in both alphabets.
fn in_base64(text: &str, before: usize) -> [String; 2] {
    let bytes = [vec![0; before], text.as_bytes().to_vec()].concat();
    let (first, last) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
    let sure = |encoded: String| encoded.get(first..last).unwrap_or_default().to_owned();
    [sure(STANDARD_NO_PAD.encode(&bytes)), sure(URL_SAFE_NO_PAD.encode(&bytes))]
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
    fn secrets_are_hidden_however_they_are_written() {
        let text = r#"sk+ab/12=="\x&z"#;
        let secret = Secret::new(text).unwrap();
        for said in [
            text.to_owned(),
            text.to_uppercase(),
            "key=sk%2Bab%2F12%3D%3D%22%5Cx%26z".to_owned(),
            "key=sk%2bab%2f12%3d%3d%22%5cx%26z".to_owned(),
            "key=sk+ab/12==%22%5Cx&z".to_owned(),
            serde_json::json!({ "key": text }).to_string(),
            r#"{"key":"sk+ab\/12==\"\\x&z"}"#.to_owned(),
            r#"{"key":"sk\u002Bab/12\u003D\u003D\u0022\u005Cx\u0026z"}"#.to_owned(),
            serde_json::json!(serde_json::json!({ "key": text }).to_string()).to_string(),
            "key=sk%252Bab%252F12%253D%253D%2522%255Cx%2526z".to_owned(),
            r"<p>sk+ab/12==&quot;\x&amp;z".to_owned(),
            r"<p>sk&#43;ab&#x2F;12&#061;&equals;&#34;\x&#38;z".to_owned(),
            "<p>sk%2Bab/12==&amp;quot;%5Cx&amp;amp;z".to_owned(),
            "736b2b61622f31323d3d225c78267a".to_owned(),
            "736B2B61622F31323D3D225C78267A".to_owned(),
            STANDARD_NO_PAD.encode(text),
            URL_SAFE_NO_PAD.encode(format!("Bearer {text}")),
            STANDARD_NO_PAD.encode(format!("me:{text}")),
            STANDARD_NO_PAD.encode(format!("user:{text}, and more")),
        ] {
            let shown = secret.hide(&said);
            assert!(shown.contains("[secret]"), "{said} is shown as {shown}");
            assert!(!shown.contains("ab") && secret.is_in(&said) && !secret.is_in(&shown), "{said}: {shown}");
        }
        assert_eq!(Secret::new("abc").unwrap().hide("YWJj abd"), "YWJj abd");
    }

    #[test]
    fn no_more_is_read_than_a_secret_has() {
        let endless = SecretSource::File("/dev/zero".into()).read().unwrap_err().to_string();
        assert!(endless.contains("at most 16384 bytes"), "{endless}");
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
