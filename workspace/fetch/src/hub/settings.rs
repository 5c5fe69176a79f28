//! Where the hub is, who asks, and whether to ask at all.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Token;

/// The hub that is asked where `HF_ENDPOINT` names no other.
const ENDPOINT: &str = "https://huggingface.co";

/// What the environment says about the hub, by the names that its own tools use.
#[derive(Debug, Clone)]
pub struct HubSettings {
    /// `HF_ENDPOINT`.
    pub endpoint: String,
    /// `HF_TOKEN`, or the token file that its own tools write when somebody logs in.
    pub token: Option<Token>,
    /// The cache that its own tools share. It is read and never written.
    pub cache: PathBuf,
    /// `HF_HUB_OFFLINE`: only the cache.
    pub is_offline: bool,
}

impl HubSettings {
    /// Reads `HF_ENDPOINT`, `HF_TOKEN`, `HF_TOKEN_PATH`, `HF_HOME`, `HF_HUB_CACHE`, `HF_HUB_OFFLINE` and
    /// `HF_HUB_DISABLE_IMPLICIT_TOKEN`.
    pub fn from_env() -> Self {
        Self::from_variables(|name| env::var(name).ok())
    }

    /// The same, of any source of variables. An empty one counts as not set.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let home = set("HF_HOME").map_or_else(|| default_home(&set), PathBuf::from);
        let token_file = set("HF_TOKEN_PATH").map_or_else(|| home.join("token"), PathBuf::from);
        let stored = || if is_true(set("HF_HUB_DISABLE_IMPLICIT_TOKEN")) { None } else { read_token(&token_file) };
        Self {
            endpoint: set("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.to_owned()),
            token: set("HF_TOKEN").and_then(|token| Token::new(&token)).or_else(stored),
            cache: set("HF_HUB_CACHE").map_or_else(|| home.join("hub"), PathBuf::from),
            is_offline: is_true(set("HF_HUB_OFFLINE")),
        }
    }
}

fn default_home(set: &impl Fn(&str) -> Option<String>) -> PathBuf {
    let cache = set("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| env::home_dir().map(|home| home.join(".cache")));
    cache.unwrap_or_default().join("huggingface")
}

fn read_token(file: &Path) -> Option<Token> {
    Token::new(&fs::read_to_string(file).ok()?)
}

fn is_true(value: Option<String>) -> bool {
    value.is_some_and(|value| matches!(value.to_ascii_uppercase().as_str(), "1" | "ON" | "YES" | "TRUE"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> HubSettings {
        HubSettings::from_variables(|name| {
            variables.iter().find(|(each, _)| *each == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn variables_have_their_usual_meaning() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        fs::write(folder.path().join("token"), "hf_file\n").unwrap();
        let read = settings(&[("HF_HOME", home), ("HF_HUB_OFFLINE", "yes"), ("HF_ENDPOINT", "")]);
        assert_eq!((read.token, read.is_offline), (Token::new("hf_file"), true));
        assert_eq!((read.endpoint.as_str(), read.cache), (ENDPOINT, folder.path().join("hub")));
        let read = settings(&[("HF_HOME", home), ("HF_TOKEN", "hf_variable"), ("HF_HUB_CACHE", "/elsewhere")]);
        assert_eq!((read.token, read.cache), (Token::new("hf_variable"), PathBuf::from("/elsewhere")));
        let read = settings(&[("HF_HOME", home), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"), ("HF_HUB_OFFLINE", "0")]);
        assert_eq!((read.token, read.is_offline), (None, false));
        assert_eq!(settings(&[("XDG_CACHE_HOME", "/c")]).cache, PathBuf::from("/c/huggingface/hub"));
    }
}
