//! API keys: random, kept only as digests, compared in constant time.
//!
//! A keys file has a line for each: a name, a blank, and the BLAKE3 digest of the key in hexadecimal digits. Keys have 256 bits
//! of chance, so that a fast digest is enough. Lines that begin with `#` are comments.

use std::fmt;

use thiserror::Error;

use crate::runs::Owner;

/// What every key begins with, so that one that leaked can be found.
const PREFIX: &str = "es-";

/// The owner of everything where there are no keys.
pub(crate) const LOCAL: &str = "local";

/// The keys that a server takes.
#[derive(Clone, Default)]
pub struct Keys {
    known: Vec<(Owner, blake3::Hash)>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("known", &self.known.len()).finish()
    }
}

/// A keys file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {reason}")]
pub struct KeysError {
    /// Where.
    pub line: usize,
    /// What was expected and found.
    pub reason: String,
}

impl Keys {
    /// Reads a keys file.
    pub fn parse(text: &str) -> Result<Self, KeysError> {
        let mut known: Vec<(Owner, blake3::Hash)> = Vec::new();
        for (line, content) in (1..).zip(text.lines()) {
            let content = content.trim();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let error = |reason: &str| KeysError { line, reason: reason.to_owned() };
            let (name, digest) =
                content.split_once(char::is_whitespace).ok_or_else(|| error("expected a name and a digest"))?;
            let digest = blake3::Hash::from_hex(digest.trim())
                .map_err(|_| error("expected a digest of 64 hexadecimal digits after the name"))?;
            check_name(name).map_err(|reason| error(&reason))?;
            if known.iter().any(|(owner, _)| owner.0 == name) {
                return Err(error("the name stands in an earlier line"));
            }
            known.push((Owner(name.to_owned()), digest));
        }
        Ok(Self { known })
    }

    /// Whether there are none: then only this machine may call.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whose keys they are, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.known.iter().map(|(owner, _)| owner.0.as_str())
    }

    /// Whose key this is. Every key is compared, each in constant time.
    pub fn owner(&self, key: &str) -> Option<Owner> {
        let digest = blake3::hash(key.as_bytes());
        let mut found = None;
        for (owner, known) in &self.known {
            // Digests compare in constant time.
            if *known == digest {
                found = Some(owner);
            }
        }
        found.cloned()
    }

    /// A new key for this name, and its line for the keys file.
    pub fn make(name: &str) -> Result<(String, String), String> {
        check_name(name)?;
        let mut chance = [0_u8; 32];
        getrandom::fill(&mut chance).map_err(|error| format!("no random numbers: {error}"))?;
        let key = format!("{PREFIX}{}", blake3::Hash::from_bytes(chance).to_hex());
        let line = format!("{name} {}\n", blake3::hash(key.as_bytes()).to_hex());
        Ok((key, line))
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if (1..=64).contains(&name.len()) && name.bytes().all(is_plain) && name != LOCAL {
        return Ok(());
    }
    Err(format!("`{name}` cannot name a key: expected 1 to 64 of a-z, A-Z, 0-9, `-`, `_`, `.`, and not `{LOCAL}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_by_its_digest_alone() {
        let (key, line) = Keys::make("trainer").unwrap();
        let keys = Keys::parse(&format!("# ours\n\n{line}")).unwrap();
        assert_eq!(keys.owner(&key), Some(Owner("trainer".to_owned())));
        assert!(!line.contains(&key) && key.len() > 60);
        for wrong in ["", "es-", &key[1..], &format!("{key} "), &line] {
            assert_eq!(keys.owner(wrong), None, "{wrong}");
        }
        assert_ne!(Keys::make("trainer").unwrap().0, key);
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let digest = blake3::hash(b"").to_hex();
        for (text, line) in [
            ("trainer", 1),
            ("\ntrainer abc", 2),
            (&format!("a {digest}\na {digest}"), 2),
            (&format!("local {digest}"), 1),
            (&format!("ä {digest}"), 1),
        ] {
            assert_eq!(Keys::parse(text).unwrap_err().line, line, "{text}");
        }
    }
}
