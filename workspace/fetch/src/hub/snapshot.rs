//! What a repository holds at one commit.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use crate::RepoId;

/// A repository at one commit.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The repository.
    pub repo: RepoId,
    /// The commit: 40 hexadecimal digits on the real hub.
    pub commit: String,
    /// Its files, in the hub's order.
    pub files: Vec<RemoteFile>,
    /// The licence that its card names.
    pub licence: Licence,
}

/// One file of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteFile {
    /// Its path within the repository. It is a stranger's text: never make a local path of it unchecked.
    pub path: String,
    /// Its length, where the hub says it.
    pub bytes: Option<u64>,
    /// Its SHA-256, where the hub says it: it does for large files.
    pub sha256: Option<String>,
    /// What tells this content from others of the same name: its checksum, its git identity, or the commit.
    pub version: String,
    /// Where it lies in the shared cache, if it does.
    pub cached: Option<PathBuf>,
}

/// The licence that a model card names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Licence {
    /// The hub's short name of it, such as `apache-2.0` or `other`.
    pub id: Option<String>,
    /// Its name, where the short one is `other`.
    pub name: Option<String>,
    /// Where its text is.
    pub link: Option<String>,
}

impl fmt::Display for Licence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.id, &self.name) {
            (_, Some(name)) => f.write_str(name)?,
            (Some(id), None) => f.write_str(id)?,
            (None, None) => f.write_str("not named by its card")?,
        }
        self.link.as_ref().map_or(Ok(()), |link| write!(f, " ({link})"))
    }
}

#[derive(Deserialize)]
struct RawInfo {
    sha: Option<String>,
    #[serde(default)]
    siblings: Vec<RawFile>,
    #[serde(rename = "cardData")]
    card: Option<Value>,
}

#[derive(Deserialize)]
struct RawFile {
    #[serde(rename = "rfilename")]
    path: String,
    size: Option<u64>,
    #[serde(rename = "blobId")]
    blob: Option<String>,
    lfs: Option<RawLarge>,
}

#[derive(Deserialize)]
struct RawLarge {
    size: Option<u64>,
    sha256: Option<String>,
}

impl Snapshot {
    /// Reads what the hub answers about a revision.
    pub(super) fn read(repo: &RepoId, text: &str) -> Result<Self, String> {
        let raw: RawInfo = serde_json::from_str(text).map_err(|error| format!("expected facts as JSON: {error}"))?;
        let commit = raw.sha.filter(|sha| is_plain(sha)).ok_or("expected `sha`, the commit, found none")?;
        let files = raw.siblings.into_iter().map(|file| RemoteFile::of(file, &commit)).collect();
        let licence = raw.card.as_ref().map(Licence::of_card).unwrap_or_default();
        Ok(Self { repo: repo.clone(), commit, files, licence })
    }

    /// A file by its path.
    pub fn file(&self, path: &str) -> Option<&RemoteFile> {
        self.files.iter().find(|file| file.path == path)
    }
}

impl RemoteFile {
    fn of(raw: RawFile, commit: &str) -> Self {
        let (large_bytes, sha256) = raw.lfs.map_or((None, None), |large| (large.size, large.sha256));
        let sha256 = sha256.filter(|sum| is_sha256(sum)).map(|sum| sum.to_ascii_lowercase());
        let version = sha256.clone().or(raw.blob).unwrap_or_else(|| commit.to_owned());
        Self { path: raw.path, bytes: large_bytes.or(raw.size), sha256, version, cached: None }
    }
}

impl Licence {
    /// Of a card's data, where `license` is a name or a list of them.
    fn of_card(card: &Value) -> Self {
        let word = |key: &str| match card.get(key)? {
            Value::String(word) => Some(word.clone()),
            Value::Array(words) => words.iter().find_map(Value::as_str).map(ToOwned::to_owned),
            _ => None,
        };
        Self { id: word("license"), name: word("license_name"), link: word("license_link") }
    }

    /// Of a card's text, for a repository in the cache: the plain `key: value` lines of its head.
    pub(super) fn of_text(card: &str) -> Self {
        let head = card.strip_prefix("---").and_then(|rest| rest.split_once("\n---")).map_or("", |(head, _)| head);
        let word = |key: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
            let word = line.trim().trim_matches(['"', '\'']);
            (!word.is_empty()).then(|| word.to_owned())
        };
        Self { id: word("license"), name: word("license_name"), link: word("license_link") }
    }
}

/// Whether a text is fit for a part of a path.
pub(super) fn is_plain(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric())
}

pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hubs_answer_is_read() {
        let sum = "AB".repeat(32);
        let text = format!(
            r#"{{"sha":"c0ffee","gated":false,"cardData":{{"license":"other","license_name":"x-licence"}},"siblings":[
            {{"rfilename":"a.bin","size":9,"blobId":"b1","lfs":{{"size":9,"sha256":"{sum}","pointerSize":3}}}},
            {{"rfilename":"b.json","size":2,"blobId":"b2"}},{{"rfilename":"c.txt"}}]}}"#
        );
        let repo = RepoId::new("o/n").unwrap();
        let snapshot = Snapshot::read(&repo, &text).unwrap();
        let facts: Vec<_> = snapshot.files.iter().map(|file| (file.bytes, file.version.as_str())).collect();
        assert_eq!(facts, [(Some(9), "ab".repeat(32).as_str()), (Some(2), "b2"), (None, "c0ffee")]);
        assert_eq!(snapshot.licence.to_string(), "x-licence");
        for bad in ["", "[]", "{}", r#"{"sha":"../.."}"#] {
            assert!(Snapshot::read(&repo, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn licences_are_read_from_cards() {
        let card = "---\ntags: [a]\nlicense: apache-2.0\nlicense_link: 'https://x/LICENSE'\n---\nlicense: mit\n";
        assert_eq!(Licence::of_text(card).to_string(), "apache-2.0 (https://x/LICENSE)");
        assert_eq!(Licence::of_text("license: mit").to_string(), "not named by its card");
    }
}
