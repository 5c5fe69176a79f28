//! The client: time limits by phase, limits on what is read, and how far a broken exchange had got.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use editscale_fetch::{PublicNames, builder, say};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Method, Response, Url, redirect};
use tokio::time::timeout;

use super::events::Listener;
use super::multipart::Payload;
use crate::SetupError;

/// How long each phase of one exchange may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// To connect.
    pub connect: Duration,
    /// From there to the head of the answer: what a server takes to make a picture, and what it lets calls wait for.
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

/// Two clients: one for servers that the user named, one for addresses that servers name. None follows a redirect by
/// itself.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    named: Client,
    public: Client,
    timeouts: Timeouts,
}

/// Which client sends a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// To a server that the user named, wherever it stands.
    Named,
    /// To the public internet only; a name that leads elsewhere is refused after it is resolved. It goes past any proxy,
    /// because behind one nobody knows where a name leads.
    Public,
}

impl Http {
    pub(crate) fn new(timeouts: Timeouts) -> Result<Self, SetupError> {
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
        Ok(Self { named: made(common())?, public: made(public)?, timeouts })
    }

    /// The same clients, which wait no longer than this for the head of an answer.
    pub(crate) fn hastier(&self, answer: Duration) -> Self {
        let timeouts = Timeouts { answer: self.timeouts.answer.min(answer), ..self.timeouts };
        Self { timeouts, ..self.clone() }
    }

    /// One exchange, whatever its status.
    pub(crate) async fn exchange(&self, way: Way, message: Message) -> Result<Reply, Broken> {
        let client = if way == Way::Named { &self.named } else { &self.public };
        let mut request = client.request(message.method, message.url).headers(message.headers);
        if let Some(Payload { media, bytes }) = message.body {
            request = request.header(CONTENT_TYPE, media).body(bytes);
        }
        let Timeouts { connect, answer, .. } = self.timeouts;
        let response = match timeout(connect.saturating_add(answer), request.send()).await {
            Ok(sent) => sent.map_err(|error| broke(&error))?,
            Err(_) => return Err(Broken::TimedOut { reason: format!("no answer within {}", seconds(answer)) }),
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let limit = match &message.listener {
            Some(_) => self.timeouts.body.saturating_add(answer),
            None => self.timeouts.body,
        };
        let body = timeout(limit, self.read(response, message.most_bytes, message.listener)).await;
        let late = || Broken::TimedOut { reason: format!("the answer took longer than {}", seconds(limit)) };
        Ok(Reply { status, headers, body: body.map_err(|_| late())?? })
    }

    async fn read(&self, mut response: Response, most: u64, mut listener: Option<Listener>) -> Result<Bytes, Broken> {
        let declared = response.content_length();
        if declared.is_some_and(|declared| declared > most) {
            return Err(Broken::TooLong { most });
        }
        // What a server declares is memory asked for only as far as answers usually go.
        let mut body = BytesMut::with_capacity(declared.unwrap_or_default().min(16 << 20) as usize);
        let Timeouts { silence, answer, .. } = self.timeouts;
        let longest = if listener.is_some() { silence.max(answer) } else { silence };
        loop {
            let Ok(chunk) = timeout(longest, response.chunk()).await else {
                let silence = seconds(longest);
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

fn broke(error: &reqwest::Error) -> Broken {
    let reason = say(error);
    // A request that cannot be built and a connection that does not come about have sent nothing.
    if error.is_connect() || error.is_builder() { Broken::NotSent { reason } } else { Broken::Unanswered { reason } }
}

/// For people: `10 s`, or `250 ms`.
pub(crate) fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(1) { format!("{} ms", time.as_millis()) } else { format!("{} s", time.as_secs()) }
}
