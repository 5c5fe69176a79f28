//! The Hugging Face hub: what a repository holds, and its files.

mod cache;
mod repo;
mod settings;
mod snapshot;

use std::path::Path;

use reqwest::Url;

pub use repo::{RepoId, RepoIdError};
pub use settings::HubSettings;
pub use snapshot::{Licence, RemoteFile, Snapshot};

use crate::client::address;
use crate::partial::Partial;
use crate::{Client, Download, FetchError, TextRules, Token};

/// The longest answer about a repository. The largest list some ten thousand files, which take 2 MB.
const MOST_FACTS_BYTES: u64 = 16 << 20;

/// The hub, or a mirror of it.
#[derive(Debug, Clone)]
pub struct Hub {
    client: Client,
    settings: HubSettings,
    endpoint: Url,
}

impl Hub {
    /// Checks the endpoint. Nothing is sent yet.
    pub fn new(client: Client, settings: HubSettings) -> Result<Self, FetchError> {
        let endpoint = address(&settings.endpoint)?;
        Ok(Self { client, settings, endpoint })
    }

    /// What a repository holds at a revision: a branch, a tag or a commit. Offline, what the cache has of it.
    pub async fn snapshot(&self, repo: &RepoId, revision: &str) -> Result<Snapshot, FetchError> {
        let cached = cache::snapshot(&self.settings.cache, repo, revision);
        if self.settings.is_offline {
            let cache = cache::folder(&self.settings.cache, repo);
            return cached.ok_or_else(|| FetchError::Offline { what: format!("{repo} at `{revision}`"), cache });
        }
        let mut url = self.path(&["api", "models"], repo, &["revision", revision])?;
        url.set_query(Some("blobs=true"));
        let rules = TextRules::up_to(MOST_FACTS_BYTES);
        let text = self.client.text_with(&url, self.token(), &rules).await;
        let text = text.map_err(|error| self.explain(error, repo, &format!("{repo} at `{revision}`")))?;
        let mut snapshot =
            Snapshot::read(repo, &text).map_err(|reason| FetchError::Answer { url: url.to_string(), reason })?;
        if let Some(cached) = cache::snapshot(&self.settings.cache, repo, &snapshot.commit) {
            for file in &mut snapshot.files {
                file.cached = cached.file(&file.path).and_then(|cached| cached.cached.clone());
            }
        }
        Ok(snapshot)
    }

    /// Brings one file: from the cache, or from the hub, going on where an earlier call left off. It appears at `to` whole
    /// and checked. `arrived` is told how many of its bytes are there.
    pub async fn fetch(
        &self,
        snapshot: &Snapshot,
        file: &RemoteFile,
        to: &Path,
        arrived: &(dyn Fn(u64) + Sync),
    ) -> Result<(), FetchError> {
        let what = || format!("{}: `{}`", snapshot.repo, file.path);
        if let Some(cached) = &file.cached {
            match cache::take(file, cached, to) {
                Ok(()) => {
                    arrived(file.bytes.unwrap_or_default());
                    return Ok(());
                }
                Err(error) if self.settings.is_offline => return Err(error),
                // A broken cache is no reason to fail: the hub has it too.
                Err(_) => {}
            }
        }
        if self.settings.is_offline {
            let cache = cache::folder(&self.settings.cache, &snapshot.repo);
            return Err(FetchError::Offline { what: what(), cache });
        }
        let parts: Vec<&str> = ["resolve", &snapshot.commit].into_iter().chain(file.path.split('/')).collect();
        let url = self.path(&[], &snapshot.repo, &parts)?;
        let wanted = Download {
            url: url.as_str(),
            token: self.token(),
            to,
            version: &file.version,
            bytes: file.bytes,
            sha256: file.sha256.as_deref(),
        };
        let done = self.client.download(&wanted, arrived).await;
        done.map_err(|error| self.explain(error, &snapshot.repo, &what()))
    }

    /// How many bytes [`Hub::fetch`] would write for a file: less than its length when a part of it is there, none when the
    /// cache has it, which costs no room on the same disk.
    pub fn to_fetch(&self, file: &RemoteFile, to: &Path) -> u64 {
        let part = std::fs::metadata(Partial::path(to, &file.version)).map_or(0, |facts| facts.len());
        if file.cached.is_some() { 0 } else { file.bytes.unwrap_or(0).saturating_sub(part) }
    }

    /// Whether the network must not be used.
    pub fn is_offline(&self) -> bool {
        self.settings.is_offline
    }

    /// The page of a repository, for people.
    pub fn page(&self, repo: &RepoId) -> String {
        format!("{}/{repo}", self.settings.endpoint.trim_end_matches('/'))
    }

    /// An address below the endpoint, every part of it escaped.
    fn path(&self, before: &[&str], repo: &RepoId, after: &[&str]) -> Result<Url, FetchError> {
        let mut url = self.endpoint.clone();
        let bad = || FetchError::Address { text: self.settings.endpoint.clone(), reason: "expected a base".to_owned() };
        let is_bad = |part: &&str| matches!(*part, "" | "." | "..");
        if after.iter().any(is_bad) {
            let text = after.join("/");
            return Err(FetchError::Address { text, reason: "expected no empty part and no `..`".to_owned() });
        }
        let mut path = url.path_segments_mut().map_err(|()| bad())?;
        path.pop_if_empty().extend(before).extend(repo.as_str().split('/')).extend(after);
        drop(path);
        Ok(url)
    }

    /// The token, if it may be sent: over https, or to this machine.
    fn token(&self) -> Option<&Token> {
        let is_here = matches!(self.endpoint.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let may = self.endpoint.scheme() == "https" || is_here;
        self.settings.token.as_ref().filter(|_| may)
    }

    /// What the hub means by a status.
    fn explain(&self, error: FetchError, repo: &RepoId, what: &str) -> FetchError {
        let FetchError::Status { url, status, code, said } = error else { return error };
        let has_token = self.token().is_some();
        let denied = |reason| FetchError::Denied { repo: repo.to_string(), status, code: code.clone(), reason };
        match (status, code.as_str()) {
            (_, "GatedRepo") if has_token => denied("its terms have not been accepted with the account of this token"),
            (_, "GatedRepo") => denied("it is gated, and no token was given"),
            // Whoever may not see a repository is not told that it exists.
            (401, _) if !has_token => denied("there is no such repository, or it is private and no token was given"),
            (401, _) => denied("there is no such repository, or the token is not valid for it"),
            (403, _) => denied("the token does not allow it"),
            (404, _) => {
                let endpoint = self.settings.endpoint.clone();
                FetchError::Missing { what: what.to_owned(), endpoint, status, code }
            }
            _ => FetchError::Status { url, status, code, said },
        }
    }
}
