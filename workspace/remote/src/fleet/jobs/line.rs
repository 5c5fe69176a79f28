//! A line to the server that a job is on: exchanges that take no slot of their own.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use editscale_core::EncodedImage;
use reqwest::header::HeaderMap;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::Jobs;
use crate::fleet::call::Fleet;
use crate::fleet::server::{Server, lock};
use crate::http::client::{Http, Message, Reply};
use crate::http::endpoint::Endpoint;
use crate::http::multipart::Payload;
use crate::http::way::{Way, is_same, way};
use crate::trouble::classify::{refused, reported};
use crate::trouble::error::{ErrorClass, RemoteError};
use crate::trouble::retry::asked_wait;
use crate::trouble::words::found;

/// The longest wait for the head of an answer about a job.
const ANSWER: Duration = Duration::from_secs(60);

/// What a job's task tells whoever waits for it.
#[derive(Debug, Clone)]
pub(super) enum Event {
    /// The server's name for the job.
    Known(String),
    /// Step so of so many is done.
    Step(u32, u32),
    /// What there is so far.
    Preview(Box<EncodedImage>),
    /// It cannot be stopped.
    WorksOn,
}

/// Tells whoever waits for a job how far it is.
#[derive(Debug, Clone)]
pub(crate) struct Teller(UnboundedSender<Event>);

impl Teller {
    /// Step `step` of `steps` is done.
    pub(crate) fn step(&self, step: u32, steps: u32) {
        // Nobody may listen any more.
        self.0.send(Event::Step(step, steps)).ok();
    }

    /// What there is so far.
    pub(crate) fn preview(&self, image: EncodedImage) {
        self.0.send(Event::Preview(Box::new(image))).ok();
    }
}

/// A line to one server.
#[derive(Debug)]
pub(crate) struct Line {
    server: Arc<Server>,
    submitting: Http,
    asking: Http,
    most_bytes: u64,
    is_gateway: bool,
    events: UnboundedSender<Event>,
    /// The wait that the last answer asked for.
    asked: Mutex<Option<Duration>>,
}

impl Line {
    /// A line whose events go to `events`.
    pub(super) fn new(fleet: &Fleet, server: &Arc<Server>, is_gateway: bool, events: UnboundedSender<Event>) -> Self {
        Self {
            server: Arc::clone(server),
            submitting: fleet.http.clone(),
            asking: fleet.http.hastier(ANSWER),
            most_bytes: fleet.most_answer_bytes,
            is_gateway,
            events,
            asked: Mutex::new(None),
        }
    }

    /// The server.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.server.endpoint
    }

    /// The client for answers about jobs, for what is more than one exchange.
    pub(crate) fn http(&self) -> &Http {
        &self.asking
    }

    /// Asks one of the server's own paths. An answer without a status of success is an error.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<Payload>) -> Result<Reply, RemoteError> {
        self.at(method, self.endpoint().at(path), body, |_| false).await
    }

    /// Asks an address that the server named: on the same server, on the public internet over https, or on this machine for
    /// a server on this machine; anything else is refused. The secret goes to the same server, and over https to those that
    /// `trusts` lets see it.
    pub(crate) async fn at(
        &self,
        method: Method,
        url: Url,
        body: Option<Payload>,
        trusts: impl Fn(&Url) -> bool,
    ) -> Result<Reply, RemoteError> {
        let home = self.endpoint().base();
        let is_home = is_same(home, &url);
        let way = way(home, &url, false).map_err(|reason| self.refused_address(&url, &reason))?;
        let is_trusted = is_home || (way == Way::Public && trusts(&url));
        let headers = if is_trusted { self.endpoint().headers().clone() } else { HeaderMap::new() };
        let message = Message { method, url, headers, body, most_bytes: self.most_bytes, listener: None };
        let outcome = self.exchange(&self.asking, way, message, |_, error| error).await;
        *lock(&self.asked) = match &outcome {
            Ok(reply) => asked_wait(reply, SystemTime::now()),
            Err(error) => error.after,
        };
        outcome
    }

    /// The same for a text that should be an address.
    pub(crate) fn address(&self, text: &str) -> Result<Url, RemoteError> {
        Url::parse(text).map_err(|error| self.malformed(&format!("expected an address, found `{text}`: {error}")))
    }

    pub(super) async fn submit(&self, message: Message, jobs: &dyn Jobs) -> Result<Reply, RemoteError> {
        self.exchange(&self.submitting, Way::Named, message, |reply, error| jobs.refused(reply, error)).await
    }

    async fn exchange(
        &self,
        http: &Http,
        way: Way,
        message: Message,
        meant: impl Fn(&Reply, RemoteError) -> RemoteError,
    ) -> Result<Reply, RemoteError> {
        match http.exchange(way, message).await {
            Ok(reply) if (200..300).contains(&reply.status) => Ok(reply),
            Ok(reply) => Err(meant(&reply, refused(self.endpoint(), &reply).through_gateway(self.is_gateway))),
            Err(broken) => Err(RemoteError::broken(&broken).named(self.endpoint())),
        }
    }

    /// The wait that the last answer asked for.
    pub(super) fn asked_wait(&self) -> Option<Duration> {
        lock(&self.asked).take()
    }

    /// Step `step` of `steps` is done.
    pub(crate) fn step(&self, step: u32, steps: u32) {
        self.teller().step(step, steps);
    }

    /// For a task of the dialect's own that hears how far the job is.
    pub(crate) fn teller(&self) -> Teller {
        Teller(self.events.clone())
    }

    pub(super) fn tell(&self, event: Event) {
        // Nobody may listen any more.
        self.events.send(event).ok();
    }

    /// An answer as JSON.
    pub(crate) fn json(&self, reply: &Reply) -> Result<Value, RemoteError> {
        reply.json().ok_or_else(|| self.malformed(&format!("expected JSON, found {}", found(&reply.body))))
    }

    /// An answer that is none.
    pub(crate) fn malformed(&self, message: &str) -> RemoteError {
        RemoteError::malformed(self.endpoint(), message)
    }

    /// What the server says of a job that failed, by its own name for the error and its words. What is called by none of
    /// the known names is final: the same would come of it again.
    pub(crate) fn failed(&self, code: Option<&str>, message: &str) -> RemoteError {
        let error = reported(self.endpoint(), &json!({"error": {"code": code, "message": message}}));
        match error.class {
            ErrorClass::Retryable => RemoteError { class: ErrorClass::Malformed, ..error },
            _ => error,
        }
    }

    /// A sentence about this server, without its secret and cut short.
    pub(crate) fn said(&self, message: &str) -> String {
        let message = self.endpoint().hide(&format!("{}: {message}", self.endpoint().base()));
        message.chars().take(500).collect()
    }

    fn refused_address(&self, url: &Url, reason: &str) -> RemoteError {
        let shown = url.as_str().split(['?', '#']).next().unwrap_or_default();
        let error = self.malformed(&format!("{shown} was not asked: {reason}"));
        // It would be as wrong the next time.
        RemoteError { should_retry: Some(false), ..error }
    }
}
