//! What opens a server's doors.

use std::fmt;

/// A bearer token. Its text is in no log: `Debug` shows a dot for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The text between white space; nothing where there is no more.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{Download, HubSettings};

    #[test]
    fn a_token_is_not_shown() {
        let token = Token::new("hf_secret\n").unwrap();
        let download =
            Download { url: "", token: Some(&token), to: Path::new(""), version: "", bytes: None, sha256: None };
        let settings = HubSettings::from_variables(|name| (name == "HF_TOKEN").then(|| "hf_secret".to_owned()));
        assert_eq!(settings.token.as_ref(), Some(&token));
        for shown in [format!("{token:?}"), format!("{download:?}"), format!("{settings:?}")] {
            assert!(!shown.contains("secret"), "{shown}");
        }
    }
}
