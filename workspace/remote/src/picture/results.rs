//! Pictures that a server names by an address: fetched only from where such a picture may lie.

use std::time::SystemTime;

use bytes::Bytes;
use editscale_core::EncodedImage;
use reqwest::Url;
use reqwest::header::{HeaderMap, LOCATION};
use tokio::time::{sleep, timeout};

use super::declared::is_cut_short;
use super::received::{PictureLimits, decoded, received};
use crate::http::client::{Http, Message, Reply, seconds};
use crate::http::endpoint::Endpoint;
use crate::http::way::{Way, is_same, way};
use crate::trouble::error::{ErrorClass, RemoteError};
use crate::trouble::retry::asked_wait;
use crate::trouble::words::short;

/// Redirects that are followed in a row.
const MOST_REDIRECTS: usize = 5;

/// A picture that `home` named by an address or wrote as a data URL.
pub(crate) async fn picture(
    http: &Http,
    home: &Endpoint,
    text: &str,
    limits: &PictureLimits,
) -> Result<EncodedImage, RemoteError> {
    let malformed = |words: String| RemoteError::malformed(home, &words);
    if text.starts_with("data:") {
        return decoded(text, limits).and_then(|bytes| received(bytes, limits)).map_err(malformed);
    }
    let fetched = fetch(http, home, text, limits).await?;
    received(fetched[..].into(), limits).map_err(malformed)
}

/// How an answer holds a picture.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Written<'a> {
    /// As base64.
    Base64(&'a str),
    /// By where it lies, or as a data URL.
    Address(&'a str),
}

/// The picture that an answer of `home` holds.
pub(crate) async fn taken(
    http: &Http,
    home: &Endpoint,
    written: Written<'_>,
    limits: &PictureLimits,
) -> Result<EncodedImage, RemoteError> {
    match written {
        Written::Base64(text) => decoded(text, limits)
            .and_then(|bytes| received(bytes, limits))
            .map_err(|words| RemoteError::malformed(home, &words)),
        Written::Address(text) => picture(http, home, text, limits).await,
    }
}

/// Fetches a picture that `home` named. Each address on the way is checked:
/// the same server is allowed, another is only over https and on the public internet, and one on this machine only for a
/// server on this machine. The secret goes to the same server alone.
pub(crate) async fn fetch(
    http: &Http,
    home: &Endpoint,
    address: &str,
    limits: &PictureLimits,
) -> Result<Bytes, RemoteError> {
    let refused = |reason: String| {
        let hidden = home.hide(address);
        let shown = short(hidden.split(['?', '#']).next().unwrap_or_default());
        let message = format!("the picture at {shown} was not fetched: {}", short(&home.hide(&reason)));
        RemoteError::maybe_done(ErrorClass::Malformed, message)
    };
    let mut url = Url::parse(address).map_err(|error| refused(error.to_string()))?;
    let mut was_public = false;
    for _ in 0..=MOST_REDIRECTS {
        let way = way(home.base(), &url, was_public).map_err(&refused)?;
        was_public = way == Way::Public;
        let headers =
            if way == Way::Named && is_same(home.base(), &url) { home.headers().clone() } else { HeaderMap::new() };
        let message = || Message::get(url.clone(), headers.clone(), limits.bytes);
        let reply = patiently(http, way, message).await.map_err(&refused)?;
        match reply.status {
            200 | 203 => return Ok(reply.body),
            300..400 => {
                let to = reply.headers.get(LOCATION).and_then(|to| to.to_str().ok());
                let to = to.ok_or_else(|| refused("a redirect to nowhere".to_owned()))?;
                url = url.join(to).map_err(|error| refused(error.to_string()))?;
            }
            status => return Err(refused(format!("status {status}"))),
        }
    }
    Err(refused(format!("more than {MOST_REDIRECTS} redirects")))
}

/// Fetches a file, and does so again where what went wrong may pass: results lie on stores of their own, which may not have
/// them at once. It was paid for, and asking for it again costs nothing.
async fn patiently(http: &Http, way: Way, message: impl Fn() -> Message) -> Result<Reply, String> {
    // A file that is there is not made first: it has no time for that.
    let limit = http.file_limit();
    let mut attempt = 1;
    loop {
        let Ok(exchanged) = timeout(limit, http.exchange(way, message())).await else {
            return Err(format!("it took longer than {}", seconds(limit)));
        };
        let (words, asked) = match exchanged {
            Ok(reply) if reply.status == 200 && is_cut_short(&reply.body) => ("the file is cut short".to_owned(), None),
            Ok(reply) if matches!(reply.status, 404 | 408 | 425 | 429 | 500..) => {
                (format!("status {}", reply.status), asked_wait(&reply, SystemTime::now()))
            }
            Ok(reply) => return Ok(reply),
            Err(broken) => {
                let error = RemoteError::broken(&broken);
                if error.class == ErrorClass::Malformed {
                    return Err(error.message);
                }
                (error.message, None)
            }
        };
        let Some(wait) = http.file_wait(attempt, asked) else { return Err(words) };
        sleep(wait).await;
        attempt += 1;
    }
}
