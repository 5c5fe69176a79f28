//! One file, however large, onto the disk.

use std::path::Path;

use reqwest::header::CONTENT_RANGE;
use reqwest::{Response, StatusCode, Url};

use crate::backoff::{Backoff, GaveUp, Trouble};
use crate::client::{Get, address, say, text};
use crate::partial::Partial;
use crate::{Client, FetchError, Token};

/// What to download, and what is known of it.
#[derive(Debug, Clone, Copy)]
pub struct Download<'a> {
    /// Where from.
    pub url: &'a str,
    /// A bearer token for the host of `url`.
    pub token: Option<&'a Token>,
    /// Where to. The file appears there when it is whole and checked.
    pub to: &'a Path,
    /// What tells one content of this address from another, such as a checksum or a commit: a broken download is gone on
    /// with only under the same version.
    pub version: &'a str,
    /// Its length in bytes, where it is known.
    pub bytes: Option<u64>,
    /// Its SHA-256 in hexadecimal, where it is known.
    pub sha256: Option<&'a str>,
}

impl Client {
    /// Downloads a file, going on where an earlier call or a broken connection left off. `arrived` is told how many bytes
    /// are there, those from before included.
    pub async fn download(&self, wanted: &Download<'_>, arrived: &(dyn Fn(u64) + Sync)) -> Result<(), FetchError> {
        let url = address(wanted.url)?;
        let mut partial = Partial::open(wanted.to, wanted.version)?;
        if wanted.bytes.is_some_and(|expected| partial.length() > expected) {
            partial.restart()?;
        }
        let mut backoff = Backoff::new(self.patience);
        // A server that knows no ranges begins anew each time: only what lies beyond all earlier attempts is progress, or a
        // download that breaks now here and now there would never end.
        let mut furthest = partial.length();
        while wanted.bytes.is_none_or(|expected| partial.length() < expected) {
            let Err(trouble) = self.go_on(wanted, &url, &mut partial, arrived).await else { break };
            let was_of_use = partial.length() > furthest;
            furthest = furthest.max(partial.length());
            if let Err(gave_up) = backoff.wait(trouble, was_of_use).await {
                return Err(gave_up_on(gave_up, wanted, partial));
            }
        }
        arrived(partial.length());
        check(wanted, partial)
    }

    /// One attempt, from where the last one ended.
    async fn go_on(
        &self,
        wanted: &Download<'_>,
        url: &Url,
        partial: &mut Partial,
        arrived: &(dyn Fn(u64) + Sync),
    ) -> Result<(), Trouble> {
        let get = Get { url, token: wanted.token, from: partial.length(), within: None };
        let mut response = self.attempt(get).await?;
        let total = whole_length(&response, partial)?;
        if let (Some(expected), Some(found)) = (wanted.bytes, total)
            && expected != found
        {
            return Err(FetchError::Length { url: url.to_string(), expected, found }.into());
        }
        let expected = wanted.bytes.or(total);
        loop {
            arrived(partial.length());
            match response.chunk().await {
                Ok(Some(chunk)) => partial.append(&chunk)?,
                Ok(None) => break,
                Err(error) => return Err(Trouble::Passing { reason: say(&error), after: None }),
            }
            if let Some(expected) = expected.filter(|expected| partial.length() > *expected) {
                return Err(FetchError::Length { url: url.to_string(), expected, found: partial.length() }.into());
            }
        }
        match expected {
            Some(expected) if partial.length() < expected => {
                Err(Trouble::Passing { reason: "the answer ended early".to_owned(), after: None })
            }
            _ => Ok(()),
        }
    }
}

/// The length of the whole file as the server declares it. Throws away what is there when the server does not go on from
/// it: then the answer begins at the first byte, or has to be asked for again.
fn whole_length(response: &Response, partial: &mut Partial) -> Result<Option<u64>, Trouble> {
    match response.status() {
        StatusCode::PARTIAL_CONTENT => {
            let range = text(response.headers(), CONTENT_RANGE.as_str()).and_then(content_range);
            match range {
                Some((from, total)) if from == partial.length() => Ok(total),
                _ => {
                    partial.restart()?;
                    let reason = "the answer does not go on where the file ends".to_owned();
                    Err(Trouble::Passing { reason, after: None })
                }
            }
        }
        StatusCode::RANGE_NOT_SATISFIABLE => {
            partial.restart()?;
            let reason = "the server has fewer bytes than are there already".to_owned();
            Err(Trouble::Passing { reason, after: None })
        }
        _ => {
            if partial.length() > 0 {
                partial.restart()?;
            }
            Ok(response.content_length())
        }
    }
}

/// The first byte and the length of the whole in `bytes FIRST-LAST/WHOLE`.
fn content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, whole) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, _) = range.split_once('-')?;
    Some((first.trim().parse().ok()?, whole.trim().parse().ok()))
}

fn gave_up_on(gave_up: GaveUp, wanted: &Download<'_>, partial: Partial) -> FetchError {
    let (url, at) = (wanted.url.to_owned(), partial.length());
    match gave_up {
        GaveUp::Lasting(error) => {
            if at == 0 || matches!(error, FetchError::Length { .. }) {
                partial.discard();
            }
            error
        }
        GaveUp::Tired { reason, attempts } if at == 0 => {
            partial.discard();
            FetchError::NoAnswer { url, attempts, reason }
        }
        GaveUp::Tired { reason, attempts } => {
            FetchError::BrokeOff { url, at, expected: wanted.bytes, attempts, reason }
        }
    }
}

fn check(wanted: &Download<'_>, partial: Partial) -> Result<(), FetchError> {
    match FetchError::unless_same(wanted.url, wanted.sha256, || partial.sha256()) {
        Ok(()) => partial.finish(wanted.to),
        Err(error) => {
            partial.discard();
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::content_range;

    #[test]
    fn content_ranges_are_read() {
        for (text, expected) in [
            ("bytes 10-99/100", Some((10, Some(100)))),
            ("bytes 10-99/*", Some((10, None))),
            ("bytes */100", None),
            ("pages 1-2/3", None),
            ("", None),
        ] {
            assert_eq!(content_range(text), expected, "{text}");
        }
    }
}
