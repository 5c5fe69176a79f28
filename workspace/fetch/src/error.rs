//! What can go wrong with a download.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why something was not fetched.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The client could not be set up: for example, the system has no certificates.
    #[error("no HTTPS client can be made: {source}")]
    Client {
        /// What reqwest said.
        source: reqwest::Error,
    },
    /// A text is no address.
    #[error("`{text}` is no address to fetch from: {reason}")]
    Address {
        /// The text.
        text: String,
        /// What was expected.
        reason: String,
    },
    /// Nobody answered, or the connection broke, again and again.
    #[error("{url}: no answer after {attempts} attempts: {reason}")]
    NoAnswer {
        /// The address.
        url: String,
        /// How often it was tried.
        attempts: u32,
        /// What went wrong the last time.
        reason: String,
    },
    /// The connection broke again and again without anything new.
    #[error("{url}: broke off at byte {at}{} after {attempts} attempts without progress: {reason}; what is there is kept", of(*.expected))]
    BrokeOff {
        /// The address.
        url: String,
        /// How many bytes are there.
        at: u64,
        /// How many there should be.
        expected: Option<u64>,
        /// How often it was tried since the last new byte.
        attempts: u32,
        /// What went wrong the last time.
        reason: String,
    },
    /// The server refused.
    #[error("{url}: expected status 200, found {status}{}", colon(.said))]
    Status {
        /// The address.
        url: String,
        /// The status.
        status: u16,
        /// What the hub calls the reason, such as `GatedRepo`; else empty.
        code: String,
        /// The server's own words.
        said: String,
    },
    /// The hub does not give this to everybody.
    #[error("{repo}: access was denied (status {status}{}): {reason}", comma(.code))]
    Denied {
        /// The repository.
        repo: String,
        /// The status.
        status: u16,
        /// What the hub calls the reason.
        code: String,
        /// What is needed.
        reason: &'static str,
    },
    /// The hub does not have it.
    #[error("{what}: not found on {endpoint} (status {status}{})", comma(.code))]
    Missing {
        /// The repository, revision or file.
        what: String,
        /// Where it was looked for.
        endpoint: String,
        /// The status.
        status: u16,
        /// What the hub calls the reason.
        code: String,
    },
    /// More bytes than allowed.
    #[error("{url}: expected at most {most} bytes, found {}", found.map_or_else(|| "more".to_owned(), |found| found.to_string()))]
    TooLong {
        /// The address.
        url: String,
        /// The limit.
        most: u64,
        /// What the server declared, where it did.
        found: Option<u64>,
    },
    /// Another length than was promised.
    #[error("{url}: expected {expected} bytes, found {found}")]
    Length {
        /// The address.
        url: String,
        /// As promised.
        expected: u64,
        /// As sent.
        found: u64,
    },
    /// Other bytes than were promised.
    #[error("{url}: expected SHA-256 {expected}, found {found}; what was downloaded was thrown away")]
    Checksum {
        /// The address.
        url: String,
        /// As promised.
        expected: String,
        /// As computed.
        found: String,
    },
    /// Not what such an answer looks like.
    #[error("{url}: {reason}")]
    Answer {
        /// The address.
        url: String,
        /// What was expected and what was found.
        reason: String,
    },
    /// The disk is too full.
    #[error("{}: {needed} bytes ({}) are to be written, {free} bytes ({}) are free", folder.display(), readable(*.needed), readable(*.free))]
    Space {
        /// The folder.
        folder: PathBuf,
        /// What is needed.
        needed: u64,
        /// What there is.
        free: u64,
    },
    /// The network must not be used, and the cache does not have it.
    #[error("{what} is not in {}, and HF_HUB_OFFLINE forbids to ask the hub", cache.display())]
    Offline {
        /// The repository, revision or file.
        what: String,
        /// The place in the cache where it would be.
        cache: PathBuf,
    },
    /// Somebody else is at it.
    #[error("{}: another process is downloading this file", file.display())]
    Busy {
        /// The `.part` file.
        file: PathBuf,
    },
    /// The disk refused.
    #[error("{}: {source}", file.display())]
    Disk {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl FetchError {
    /// For `map_err` around work on a file.
    pub(crate) fn disk(file: &Path) -> impl Fn(io::Error) -> Self + '_ {
        |source| Self::Disk { file: file.to_owned(), source }
    }

    /// That some bytes have a SHA-256, where it is known. Hexadecimal digits are the same in upper case.
    pub(crate) fn unless_same(url: &str, expected: Option<&str>, found: impl FnOnce() -> String) -> Result<(), Self> {
        let Some(expected) = expected else { return Ok(()) };
        let found = found();
        if found.eq_ignore_ascii_case(expected) {
            return Ok(());
        }
        Err(Self::Checksum { url: url.to_owned(), expected: expected.to_owned(), found })
    }
}

fn colon(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

fn comma(code: &str) -> String {
    if code.is_empty() { String::new() } else { format!(", {code}") }
}

fn of(expected: Option<u64>) -> String {
    expected.map(|expected| format!(" of {expected}")).unwrap_or_default()
}

/// A number of bytes in the unit that people read it in.
fn readable(bytes: u64) -> String {
    let units = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let unit = units.into_iter().find(|(size, _)| bytes as f64 >= *size);
    unit.map_or_else(|| format!("{bytes} B"), |(size, name)| format!("{:.1} {name}", bytes as f64 / size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_readable() {
        for (bytes, text) in [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (16_593_377_480, "16.6 GB")] {
            assert_eq!(readable(bytes), text);
        }
    }

    #[test]
    fn both_figures_are_said() {
        let error = FetchError::Space { folder: "models".into(), needed: 2_000_000, free: 500 };
        assert_eq!(error.to_string(), "models: 2000000 bytes (2.0 MB) are to be written, 500 bytes (500 B) are free");
    }
}
