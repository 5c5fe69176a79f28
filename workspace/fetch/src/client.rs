//! The HTTP client: time limits, redirects, and which answers are worth another attempt.

use std::error::Error;
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, RANGE, RETRY_AFTER};
use reqwest::{Response, StatusCode, Url, redirect};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt;

use crate::backoff::Trouble;
use crate::{FetchError, Token};

/// Redirects that are followed in a row.
const MOST_REDIRECTS: usize = 10;

/// How long to wait for others, and how often to try again.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Attempts in a row without anything new, the first one included.
    pub attempts: u32,
    /// The pause before the second attempt; each later one is twice as long.
    pub first_wait: Duration,
    /// The longest pause, whatever the server asks for.
    pub longest_wait: Duration,
    /// The longest time to connect.
    pub connect: Duration,
    /// The longest silence within an answer.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
            connect: Duration::from_secs(20),
            silence: Duration::from_secs(60),
        }
    }
}

/// Fetches texts and files. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    pub(crate) patience: Patience,
}

/// What every client of this program begins with: its name, and how it encrypts.
pub fn builder() -> reqwest::ClientBuilder {
    // Fails when there is one already, which is then used.
    rustls::crypto::ring::default_provider().install_default().ok();
    let named = reqwest::Client::builder().user_agent(concat!("editscale/", env!("CARGO_PKG_VERSION")));
    match encryption() {
        Some(config) => named.tls_backend_preconfigured(config),
        // Whoever builds it is told why there are no certificates.
        None => named,
    }
}

/// How every client encrypts, by the system's certificates. They are read once: there are hundreds of files of them, and a
/// program that speaks to several servers makes many clients.
fn encryption() -> Option<ClientConfig> {
    static READ: OnceLock<ClientConfig> = OnceLock::new();
    if let Some(config) = READ.get() {
        return Some(config.clone());
    }
    let config = ClientConfig::builder().with_platform_verifier().ok()?.with_no_client_auth();
    Some(READ.get_or_init(|| config).clone())
}

/// One GET.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Get<'a> {
    pub(crate) url: &'a Url,
    /// A bearer token. It goes to the host of `url` alone, not to where that redirects.
    pub(crate) token: Option<&'a Token>,
    /// The first byte wanted.
    pub(crate) from: u64,
    /// The longest time for the whole answer; else only silence is limited.
    pub(crate) within: Option<Duration>,
}

impl Client {
    /// Certificates are the system's. An address that is `https` is never redirected to one that is not.
    pub fn new(patience: Patience) -> Result<Self, FetchError> {
        let http = builder()
            .connect_timeout(patience.connect)
            .read_timeout(patience.silence)
            .redirect(redirect::Policy::custom(follow))
            .build()
            .map_err(|source| FetchError::Client { source })?;
        Ok(Self { http, patience })
    }

    /// One attempt. An answer has a status of success; its body is still to be read.
    pub(crate) async fn attempt(&self, get: Get<'_>) -> Result<Response, Trouble> {
        let mut request = self.http.get(get.url.clone());
        if let Some(token) = get.token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.as_str()));
        }
        if get.from > 0 {
            request = request.header(RANGE, format!("bytes={}-", get.from));
        }
        if let Some(within) = get.within {
            request = request.timeout(within);
        }
        let response = request.send().await.map_err(|error| sent(get.url, &error))?;
        let status = response.status();
        if status.is_success() || (status == StatusCode::RANGE_NOT_SATISFIABLE && get.from > 0) {
            return Ok(response);
        }
        Err(refused(get.url, &response))
    }
}

fn follow(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let was_safe = attempt.previous().last().is_some_and(|previous| previous.scheme() == "https");
    if was_safe && attempt.url().scheme() != "https" {
        return attempt.error("a redirect from https to an address that is not");
    }
    if attempt.previous().len() > MOST_REDIRECTS {
        return attempt.error("too many redirects");
    }
    attempt.follow()
}

/// Checks an address before anything is sent to it.
pub(crate) fn address(text: &str) -> Result<Url, FetchError> {
    let bad = |reason: String| FetchError::Address { text: text.to_owned(), reason };
    let url = Url::parse(text).map_err(|error| bad(error.to_string()))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        _ => Err(bad("expected https://HOST/…".to_owned())),
    }
}

/// What an error says, with all of its causes and without the address.
pub fn say(error: &reqwest::Error) -> String {
    let own = match error.url() {
        Some(url) => error.to_string().replace(&format!(" for url ({url})"), ""),
        None => error.to_string(),
    };
    let mut said = with_causes(own, error);
    if said.contains("InvalidContentType") {
        said.push_str(" (this server does not speak https: is it `http://`?)");
    }
    said
}

/// What is said of an error, followed by all of its causes that are not in it already.
pub fn with_causes(mut said: String, error: &dyn Error) -> String {
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        cause = error.source();
    }
    said
}

fn sent(url: &Url, error: &reqwest::Error) -> Trouble {
    if error.is_builder() || error.is_redirect() {
        return FetchError::Answer { url: url.to_string(), reason: say(error) }.into();
    }
    Trouble::Passing { reason: say(error), after: None }
}

fn refused(url: &Url, response: &Response) -> Trouble {
    let status = response.status();
    let header = |name: &str| text(response.headers(), name).unwrap_or_default().chars().take(300).collect::<String>();
    let (code, said) = (header("x-error-code"), header("x-error-message"));
    let passing = matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504);
    if passing {
        let after = text(response.headers(), RETRY_AFTER.as_str()).and_then(|seconds| seconds.parse().ok());
        let reason = format!("status {status}{}", if said.is_empty() { String::new() } else { format!(": {said}") });
        return Trouble::Passing { reason, after: after.map(Duration::from_secs) };
    }
    FetchError::Status { url: url.to_string(), status: status.as_u16(), code, said }.into()
}

/// A header as text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked() {
        for good in ["https://example.org/a", "http://127.0.0.1:80/"] {
            assert!(address(good).is_ok(), "{good}");
        }
        for bad in ["", "example.org/a", "ftp://example.org", "file:///etc/passwd", "https://"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }
}
