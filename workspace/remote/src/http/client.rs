//! The client: time limits by phase, limits on what is read, and how far a broken exchange had got.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use editscale_fetch::{PublicNames, builder, say};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Body, Client, Method, RequestBuilder, Response, StatusCode, Upgraded, Url, redirect};
use serde_json::Value;
use tokio::time::timeout;

use super::events::Listener;
use super::multipart::Payload;
use super::way::{Way, is_this_machine};
use crate::SetupError;
use crate::picture::lifted::Lifted;
use crate::trouble::retry::RetryRules;

/// How long each phase of one exchange may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// To connect.
    pub connect: Duration,
    /// From there to the head of the answer: what a server takes to make a picture, and what it lets calls wait for. What is
    /// left of the time to connect is added to it.
    pub answer: Duration,
    /// The longest silence within the answer; for a stream of events, which begins before the work does, `answer`.
    pub silence: Duration,
    /// The whole answer, from its head on; a stream of events has `answer` besides.
    pub body: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(600),
            silence: Duration::from_secs(30),
            body: Duration::from_secs(120),
        }
    }
}

/// The most values of an answer in JSON. A picture in base64 is one.
const MOST_VALUES: usize = 1 << 20;

/// How an exchange broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Broken {
    /// Nobody was reached: nothing of the request has left.
    NotSent { reason: String },
    /// The request has left, at least in part, and there is no whole answer.
    Unanswered { reason: String },
    /// The same, because of a time limit.
    TimedOut { reason: String },
    /// The answer is longer than allowed.
    TooLong { most: u64 },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent { reason } => write!(f, "nobody was reached: {reason}"),
            Self::Unanswered { reason } => write!(f, "no answer: {reason}"),
            Self::TimedOut { reason } => f.write_str(reason),
            Self::TooLong { most } => write!(f, "expected an answer of at most {most} bytes, found more"),
        }
    }
}

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body, where it is JSON that is not made of very many values: those take much more memory than their text.
    pub(crate) fn json(&self) -> Option<Value> {
        is_bounded(&self.body).then(|| serde_json::from_slice(&self.body).ok()).flatten()
    }

    /// The same, where long texts stay where they are.
    pub(crate) fn lifted(&self) -> Option<Lifted> {
        is_bounded(&self.body).then(|| Lifted::new(&self.body).ok()).flatten()
    }
}

/// Whether a text in JSON is not made of very many values.
pub(crate) fn is_bounded(body: &[u8]) -> bool {
    memchr::memchr2_iter(b',', b'[', body).take(MOST_VALUES + 1).count() <= MOST_VALUES
}

/// One request.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Payload>,
    /// The most bytes of an answer that are read.
    pub(crate) most_bytes: u64,
    /// Who hears the events of an answer that comes as a stream of them.
    pub(crate) listener: Option<Listener>,
}

impl Message {
    /// A request for a file.
    pub(crate) fn get(url: Url, headers: HeaderMap, most_bytes: u64) -> Self {
        Self { method: Method::GET, url, headers, body: None, most_bytes, listener: None }
    }
}

/// Three clients: for servers that the user named, for those of them on this machine, and for addresses that servers name.
/// None follows a redirect by itself.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    named: Client,
    /// Past any proxy: what is meant for this machine, secrets too, would go to another, which has its own `localhost`.
    here: Client,
    public: Client,
    timeouts: Timeouts,
    retry: RetryRules,
}

impl Http {
    pub(crate) fn new(timeouts: Timeouts, retry: RetryRules) -> Result<Self, SetupError> {
        // Connections are not kept: one that a server closes just as a request leaves on it leaves it open whether the
        // request was read, which is worse than a handshake more for each picture.
        let common = || {
            let limited = builder().connect_timeout(timeouts.connect).pool_max_idle_per_host(0);
            limited.redirect(redirect::Policy::none())
        };
        let made = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|error| SetupError::Client { reason: say(&error) })
        };
        let public = common().no_proxy().https_only(true).dns_resolver(Arc::new(PublicNames));
        Ok(Self { named: made(common())?, here: made(common().no_proxy())?, public: made(public)?, timeouts, retry })
    }

    /// How long it may take to fetch a file that is there.
    pub(crate) fn file_limit(&self) -> Duration {
        let Timeouts { connect, silence, body, .. } = self.timeouts;
        connect.saturating_add(silence).saturating_add(body)
    }

    /// How long to wait before a file is fetched once more, after attempt number `attempt` (from 1); nothing where there is to
    /// be no other. A wait that its server asks for is kept to, up to a limit. By the usual rules 0.3, 1 and 3 seconds.
    pub(crate) fn file_wait(&self, attempt: usize, asked: Option<Duration>) -> Option<Duration> {
        let RetryRules { first_wait, longest_wait, longest_asked, .. } = self.retry;
        let fifths = *[3, 10, 30].get(attempt.checked_sub(1)?)?;
        let own = (first_wait / 5).saturating_mul(fifths).min(longest_wait);
        asked.map_or(Some(own), |asked| (asked <= longest_asked).then(|| asked.max(own)))
    }

    /// The same clients, which wait no longer than this for the head of an answer.
    pub(crate) fn hastier(&self, answer: Duration) -> Self {
        let timeouts = Timeouts { answer: self.timeouts.answer.min(answer), ..self.timeouts };
        Self { timeouts, ..self.clone() }
    }

    fn client(&self, way: Way, url: &Url) -> &Client {
        match way {
            Way::Named if is_this_machine(url) => &self.here,
            Way::Named => &self.named,
            Way::Public => &self.public,
        }
    }

    /// One exchange, whatever its status.
    pub(crate) async fn exchange(&self, way: Way, message: Message) -> Result<Reply, Broken> {
        let client = self.client(way, &message.url);
        let mut request = client.request(message.method, message.url).headers(message.headers);
        if let Some(Payload { media, bytes }) = message.body {
            request = request.header(CONTENT_TYPE, media).body(Body::wrap(bytes));
        }
        let Timeouts { connect, answer, .. } = self.timeouts;
        let response = begun(connect.saturating_add(answer), request).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        // A stream begins before the work: what may pass before the answer passes within it.
        let is_stream =
            headers.get(CONTENT_TYPE).is_some_and(|media| media.as_bytes().starts_with(b"text/event-stream"));
        let Timeouts { body, silence, .. } = self.timeouts;
        let (limit, silence) =
            if is_stream { (body.saturating_add(answer), answer.max(silence)) } else { (body, silence) };
        let body = timeout(limit, Self::read(response, message.most_bytes, silence, message.listener)).await;
        let late = || Broken::TimedOut { reason: format!("the answer took longer than {}", seconds(limit)) };
        Ok(Reply { status, headers, body: body.map_err(|_| late())?? })
    }

    /// Asks a named server to go on in another protocol on the same connection. Gives the head of its answer with it.
    pub(crate) async fn upgrade(&self, url: Url, headers: HeaderMap) -> Result<(HeaderMap, Upgraded), Broken> {
        let request = self.client(Way::Named, &url).get(url).headers(headers);
        let response = begun(self.timeouts.connect, request).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(Broken::Unanswered { reason: format!("status {} instead of 101", response.status().as_u16()) });
        }
        let headers = response.headers().clone();
        Ok((headers, response.upgrade().await.map_err(|error| broke(&error))?))
    }

    async fn read(
        mut response: Response,
        most: u64,
        silence: Duration,
        mut listener: Option<Listener>,
    ) -> Result<Bytes, Broken> {
        let declared = response.content_length();
        if declared.is_some_and(|declared| declared > most) {
            return Err(Broken::TooLong { most });
        }
        // What a server declares is memory asked for only as far as answers usually go.
        let mut body = BytesMut::with_capacity(declared.unwrap_or_default().min(16 << 20) as usize);
        loop {
            let Ok(chunk) = timeout(silence, response.chunk()).await else {
                let silence = seconds(silence);
                let reason = format!("the answer fell silent for {silence} after {} bytes", body.len());
                return Err(Broken::TimedOut { reason });
            };
            match chunk {
                Ok(Some(chunk)) if (body.len() + chunk.len()) as u64 > most => return Err(Broken::TooLong { most }),
                Ok(Some(chunk)) => {
                    body.extend_from_slice(&chunk);
                    if let Some(listener) = &mut listener {
                        listener.hear(&chunk);
                    }
                }
                Ok(None) => return Ok(body.freeze()),
                Err(error) => {
                    let reason = format!("the answer broke off after {} bytes: {}", body.len(), say(&error));
                    return Err(Broken::Unanswered { reason });
                }
            }
        }
    }
}

/// Sends a request and waits so long for the head of its answer.
async fn begun(limit: Duration, request: RequestBuilder) -> Result<Response, Broken> {
    match timeout(limit, request.send()).await {
        Ok(sent) => sent.map_err(|error| broke(&error)),
        Err(_) => Err(Broken::TimedOut { reason: format!("no answer within {}", seconds(limit)) }),
    }
}

fn broke(error: &reqwest::Error) -> Broken {
    let reason = say(error);
    // A request that cannot be built and a connection that does not come about have sent nothing.
    if error.is_connect() || error.is_builder() { Broken::NotSent { reason } } else { Broken::Unanswered { reason } }
}

/// For people: `10 s`, or `250 ms`.
pub(crate) fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(1) { format!("{} ms", time.as_millis()) } else { format!("{} s", time.as_secs()) }
}
