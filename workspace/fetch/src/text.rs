//! Short texts, into memory.

use std::time::Duration;

use reqwest::{Response, Url};
use sha2::{Digest, Sha256};

use crate::backoff::{Backoff, Trouble};
use crate::client::{Get, address, say};
use crate::partial::hex;
use crate::{Client, FetchError, Token};

/// What a text must keep to.
#[derive(Debug, Clone, Copy)]
pub struct TextRules<'a> {
    /// The most bytes that are read.
    pub most_bytes: u64,
    /// The longest time for one attempt.
    pub within: Duration,
    /// Its SHA-256 in hexadecimal, where it is known.
    pub sha256: Option<&'a str>,
}

impl TextRules<'_> {
    /// A limit on its length, and a minute.
    pub fn up_to(most_bytes: u64) -> Self {
        Self { most_bytes, within: Duration::from_secs(60), sha256: None }
    }
}

impl Client {
    /// Fetches a UTF-8 text. It is checked before anything is done with it.
    pub async fn text(&self, url: &str, rules: &TextRules<'_>) -> Result<String, FetchError> {
        self.text_with(&address(url)?, None, rules).await
    }

    /// The same, with a bearer token for the host.
    pub(crate) async fn text_with(
        &self,
        url: &Url,
        token: Option<&Token>,
        rules: &TextRules<'_>,
    ) -> Result<String, FetchError> {
        let bytes = self.bytes_with(url, token, rules).await?;
        let reason = |error: std::string::FromUtf8Error| format!("expected UTF-8 text: {}", error.utf8_error());
        String::from_utf8(bytes).map_err(|error| FetchError::Answer { url: url.to_string(), reason: reason(error) })
    }

    /// Fetches bytes of any kind.
    pub async fn bytes(&self, url: &str, rules: &TextRules<'_>) -> Result<Vec<u8>, FetchError> {
        self.bytes_with(&address(url)?, None, rules).await
    }

    async fn bytes_with(
        &self,
        url: &Url,
        token: Option<&Token>,
        rules: &TextRules<'_>,
    ) -> Result<Vec<u8>, FetchError> {
        let get = Get { url, token, from: 0, within: Some(rules.within) };
        let mut backoff = Backoff::new(self.patience);
        let bytes = loop {
            match self.once(get, rules.most_bytes).await {
                Ok(bytes) => break bytes,
                Err(trouble) => {
                    backoff.wait(trouble, false).await.map_err(|gave_up| gave_up.without_answer(url.as_str()))?;
                }
            }
        };
        FetchError::unless_same(url.as_str(), rules.sha256, || hex(&Sha256::digest(&bytes)))?;
        Ok(bytes)
    }

    async fn once(&self, get: Get<'_>, most: u64) -> Result<Vec<u8>, Trouble> {
        let response = self.attempt(get).await?;
        let declared = response.content_length();
        if declared.is_some_and(|declared| declared > most) {
            return Err(FetchError::TooLong { url: get.url.to_string(), most, found: declared }.into());
        }
        collect(response, get.url, most).await
    }
}

async fn collect(mut response: Response, url: &Url, most: u64) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if (bytes.len() + chunk.len()) as u64 > most => {
                return Err(FetchError::TooLong { url: url.to_string(), most, found: None }.into());
            }
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return Ok(bytes),
            Err(error) => return Err(Trouble::Passing { reason: say(&error), after: None }),
        }
    }
}
