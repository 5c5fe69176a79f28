//! One call to whichever server is best: admission, attempts, waits, and giving up when nobody waits any more.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Instant;

use editscale_core::{Seed, Watch};
use editscale_schema::remote::SecretHeader;
use reqwest::Method;
use reqwest::header::HeaderMap;
use tokio::sync::mpsc::unbounded_channel;

use super::breaker::BreakerRules;
use super::pace::{Bucket, Rate};
use super::server::{Server, Slot};
use super::wanted::{UnderWay, while_wanted};
use crate::SetupError;
use crate::http::client::{Http, Message, Reply, Timeouts, seconds};
use crate::http::endpoint::Endpoint;
use crate::http::events::Listener;
use crate::http::multipart::Payload;
use crate::http::secret::SecretSource;
use crate::http::way::Way;
use crate::trouble::classify::refused;
use crate::trouble::error::{ErrorClass, RemoteError};
use crate::trouble::retry::{Repeat, RetryRules};

/// One server, as a recipe names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerOptions {
    /// Its address up to and with the version, such as `https://api.openai.com/v1`.
    pub base: String,
    /// Where its secret is.
    pub secret: Option<SecretSource>,
    /// The header that carries it.
    pub secret_header: SecretHeader,
    /// Calls that it works on at a time.
    pub concurrency: NonZeroU32,
    /// How often it is asked, where that is limited.
    pub rate: Option<Rate>,
}

impl ServerOptions {
    /// A server without a secret that works on one call at a time.
    pub fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            secret: None,
            secret_header: SecretHeader::Bearer,
            concurrency: NonZeroU32::MIN,
            rate: None,
        }
    }
}

/// The servers that have one model, and how they are spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// At least one. Several are replicas: each gives the same answer.
    pub servers: Vec<ServerOptions>,
    /// Time limits.
    pub timeouts: Timeouts,
    /// When a call is sent again.
    pub retry: RetryRules,
    /// When a server is left alone.
    pub breaker: BreakerRules,
    /// The most bytes of one answer.
    pub most_answer_bytes: u64,
}

impl Connection {
    /// These servers under the usual rules.
    pub fn new(servers: Vec<ServerOptions>) -> Self {
        Self {
            servers,
            timeouts: Timeouts::default(),
            retry: RetryRules::default(),
            breaker: BreakerRules::default(),
            most_answer_bytes: 128 << 20,
        }
    }

    /// Calls that all servers together work on at a time.
    pub(crate) fn slots(&self) -> NonZeroU32 {
        let sum = self.servers.iter().fold(0_u32, |sum, server| sum.saturating_add(server.concurrency.get()));
        NonZeroU32::new(sum).unwrap_or(NonZeroU32::MIN)
    }
}

/// What is asked, of any of the servers.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: Cow<'static, str>,
    pub(crate) body: Option<Payload>,
    pub(crate) headers: HeaderMap,
    pub(crate) repeat: Repeat,
    /// Decides the jitter of the waits.
    pub(crate) seed: Seed,
    /// Whether it stands in front of another server: then its own failure leaves open what that one did.
    pub(crate) is_gateway: bool,
    /// Whether the answer comes as a stream of events, which are heard one by one.
    pub(crate) streams: bool,
    /// Whether the server works on when its caller hangs up: then its slot stays busy until it answers.
    pub(crate) works_on: bool,
}

/// Who asks.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    /// Tells when the work is not wanted any more.
    pub(crate) watch: &'a dyn Watch,
    /// Is told before each attempt; the attempt is not made if the work is not wanted after that.
    pub(crate) leaving: &'a (dyn Fn() + Sync),
    /// Hears the events of an answer that comes as a stream.
    pub(crate) hear: &'a (dyn Fn(&str) + Sync),
}

impl Ask {
    /// A request whose answer comes in one piece, from a server that stops when its caller hangs up.
    pub(crate) fn post(
        path: impl Into<Cow<'static, str>>,
        body: impl Into<Option<Payload>>,
        repeat: Repeat,
        seed: Seed,
    ) -> Self {
        Self {
            method: Method::POST,
            path: path.into(),
            body: body.into(),
            headers: HeaderMap::new(),
            repeat,
            seed,
            is_gateway: false,
            streams: false,
            works_on: false,
        }
    }
}

impl<'a> Caller<'a> {
    /// Who waits for the answer and for nothing else.
    pub(crate) fn waiting(watch: &'a dyn Watch) -> Self {
        Self { watch, leaving: &|| (), hear: &|_| () }
    }
}

/// The servers of one editor or judge.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(super) servers: Vec<Arc<Server>>,
    pub(crate) http: Http,
    retry: RetryRules,
    pub(super) most_answer_bytes: u64,
}

impl Fleet {
    /// Reads the secrets and checks the addresses; nobody is called.
    pub(crate) fn new(connection: &Connection) -> Result<Self, SetupError> {
        if connection.servers.is_empty() {
            return Err(SetupError::setting("servers", "at least one", &"none"));
        }
        for (setting, count) in [("attempts", connection.retry.attempts), ("failures", connection.breaker.failures)] {
            if count == 0 {
                return Err(SetupError::setting(setting, "at least 1", &count));
            }
        }
        let server = |options: &ServerOptions| {
            let secret = options.secret.as_ref().map(SecretSource::read).transpose()?;
            let endpoint = Endpoint::new(&options.base, secret, &options.secret_header)?;
            let bucket = Bucket::new(options.rate, connection.retry.longest_asked, Instant::now());
            let slots = options.concurrency.get() as usize;
            Ok(Arc::new(Server::new(endpoint, slots, bucket, connection.breaker)))
        };
        Ok(Self {
            servers: connection.servers.iter().map(server).collect::<Result<_, _>>()?,
            http: Http::new(connection.timeouts, connection.retry)?,
            retry: connection.retry,
            most_answer_bytes: connection.most_answer_bytes,
        })
    }

    /// All of them, in the order in which the recipe names them.
    pub(crate) fn servers(&self) -> &[Arc<Server>] {
        &self.servers
    }

    /// Asks until there is an answer with a status of success or there is to be no other attempt.
    pub(crate) async fn call(&self, ask: &Ask, caller: Caller<'_>) -> Result<(Reply, Arc<Server>), RemoteError> {
        self.repeated(ask, caller.watch, |slot| self.attempt(ask, slot, caller)).await
    }

    /// Asks until there is an answer that can be read, or there is to be no other attempt. What is no answer is a failure
    /// of its server like any other, and is tried again where that is harmless.
    pub(crate) async fn answer<T, R: Future<Output = Result<T, RemoteError>>>(
        &self,
        ask: &Ask,
        caller: Caller<'_>,
        read: impl Fn(Reply, Arc<Server>) -> R,
    ) -> Result<T, RemoteError> {
        let attempt = async |slot: Slot| {
            let server = Arc::clone(slot.server());
            let reply = self.attempt(ask, slot, caller).await?;
            let answer = read(reply, Arc::clone(&server)).await;
            server.was_read(answer.as_ref().map(|_| ()));
            answer
        };
        Ok(self.repeated(ask, caller.watch, attempt).await?.0)
    }

    /// Makes attempts, each with a slot of its own, until one succeeds or there is to be no other.
    pub(super) async fn repeated<T, F: Future<Output = Result<T, RemoteError>>>(
        &self,
        ask: &Ask,
        watch: &dyn Watch,
        attempt: impl Fn(Slot) -> F,
    ) -> Result<(T, Arc<Server>), RemoteError> {
        let mut number = 1;
        let mut failed: Option<Arc<Server>> = None;
        // Once one attempt may have done the work, no later one can take that back.
        let mut in_doubt = false;
        loop {
            let slot = while_wanted(watch, self.admit(ask, failed.as_ref())).await;
            let slot = slot.unwrap_or_else(|| Err(RemoteError::cancelled(false)));
            let slot = slot.map_err(|error| error.doubted(in_doubt))?;
            let server = Arc::clone(slot.server());
            let error = match attempt(slot).await {
                Ok(made) => return Ok((made, server)),
                Err(error) => error.doubted(in_doubt),
            };
            in_doubt = error.maybe_done;
            let wait = self.retry.wait(&error, ask.repeat, number, ask.seed);
            let Some(wait) = wait else { return Err(self.retry.given_up(error)) };
            // A wait that a server asks for is kept by its own pace: one that asks for none need not wait.
            if error.after.is_none() || !self.has_another(ask, &server) {
                let waited = while_wanted(watch, tokio::time::sleep(wait)).await;
                waited.ok_or_else(|| RemoteError::cancelled(in_doubt))?;
            }
            failed = Some(server);
            number += 1;
        }
    }

    /// The server with this address, with or without a slash at its end.
    pub(super) fn server_at(&self, base: &str) -> Option<&Arc<Server>> {
        let bare = |url: &str| url.trim_end_matches('/').to_owned();
        self.servers.iter().find(|server| bare(server.endpoint.base().as_str()) == bare(base))
    }

    /// What is sent to one of the servers.
    pub(super) fn message(&self, ask: &Ask, endpoint: &Endpoint, listener: Option<Listener>) -> Message {
        let mut headers = endpoint.headers().clone();
        headers.extend(ask.headers.clone());
        Message {
            method: ask.method.clone(),
            url: endpoint.at(&ask.path),
            headers,
            body: ask.body.clone(),
            most_bytes: self.most_answer_bytes,
            listener,
        }
    }

    async fn attempt(&self, ask: &Ask, slot: Slot, caller: Caller<'_>) -> Result<Reply, RemoteError> {
        (caller.leaving)();
        if caller.watch.cancelled() {
            return Err(RemoteError::cancelled(false));
        }
        let mut under_way = self.send(ask, slot);
        match while_wanted(caller.watch, under_way.finish(caller.hear)).await {
            Some(Ok(outcome)) => outcome,
            Some(Err(_)) => {
                Err(RemoteError::maybe_done(ErrorClass::Retryable, "the task that waited for the answer died"))
            }
            None => Err(RemoteError::cancelled(true)),
        }
    }

    /// The exchange as a task of its own, which holds the slot however long its caller waits.
    fn send(&self, ask: &Ask, slot: Slot) -> UnderWay {
        let (to, events) = unbounded_channel();
        let is_gateway = ask.is_gateway;
        let http = self.http.clone();
        let message = self.message(ask, &slot.server().endpoint, ask.streams.then(|| Listener::new(to)));
        let task = tokio::spawn(async move {
            let outcome = match http.exchange(Way::Named, message).await {
                Ok(reply) if (200..300).contains(&reply.status) => Ok(reply),
                Ok(reply) => Err(refused(&slot.server().endpoint, &reply).through_gateway(is_gateway)),
                Err(broken) => Err(RemoteError::broken(&broken).named(&slot.server().endpoint)),
            };
            slot.leave(&outcome);
            outcome
        });
        UnderWay { task, events, works_on: ask.works_on }
    }

    /// The servers that may be asked. Of those that do calls under one key once, each knows only its own keys: a call has
    /// one home among them, the same in every life of the program, and goes to no other.
    fn who_may(&self, ask: &Ask) -> Cow<'_, [Arc<Server>]> {
        if ask.repeat != Repeat::Keyed {
            return Cow::Borrowed(&self.servers);
        }
        let draw = |server: &&Arc<Server>| ask.seed.mix(hash(server.endpoint.base().as_str())).get();
        Cow::Owned(self.servers.iter().max_by_key(draw).cloned().into_iter().collect())
    }

    /// Whether there is another server, which is well and asked for no pause.
    fn has_another(&self, ask: &Ask, server: &Arc<Server>) -> bool {
        let now = Instant::now();
        let may = |other: &Arc<Server>| other.admits(now).is_ok() && !other.is_held(now);
        self.who_may(ask).iter().any(|other| !Arc::ptr_eq(other, server) && may(other))
    }

    /// The right to call the server that has the least to do among those that are well, if possible not one that asked for
    /// a pause, nor the one that just failed. Waits while all are being left alone, if that is not for too long.
    async fn admit(&self, ask: &Ask, failed: Option<&Arc<Server>>) -> Result<Slot, RemoteError> {
        let servers = self.who_may(ask);
        loop {
            let now = Instant::now();
            let well = servers.iter().filter(|server| server.admits(now).is_ok());
            let has_failed = |server: &Arc<Server>| failed.is_some_and(|failed| Arc::ptr_eq(failed, server));
            let rank = |server: &&Arc<Server>| (server.is_held(now), has_failed(server), server.outstanding());
            if let Some(server) = well.min_by_key(rank) {
                if let Some(slot) = server.enter().await {
                    return Ok(slot);
                }
                continue;
            }
            let soonest = servers.iter().filter_map(|server| server.admits(now).err()).min().unwrap_or_default();
            if soonest > self.retry.longest_wait {
                let (count, pause) = (servers.len(), seconds(soonest));
                let failures = servers.iter().filter_map(|server| server.failed());
                let last = failures.max_by_key(|(at, _)| *at).map(|(_, why)| why).unwrap_or_default();
                let who = if count == 1 { "the server".to_owned() } else { format!("all {count} servers") };
                let message = format!("{who} failed again and again and will be left alone for {pause}; last: {last}");
                return Err(RemoteError { after: Some(soonest), ..RemoteError::new(ErrorClass::Dead, message) });
            }
            tokio::time::sleep(soonest).await;
        }
    }
}

/// A number for an address (FNV-1a, 64 bits).
fn hash(base: &str) -> u64 {
    base.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
