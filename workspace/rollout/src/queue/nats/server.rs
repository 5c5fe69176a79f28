//! The conversation with the server: two streams, one consumer, and what its refusals mean.

use std::fmt::Display;
use std::time::Duration;

use async_nats::client::Request;
use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::context::{Context, ContextBuilder, CreateStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, Stream};
use async_nats::{Client, ConnectErrorKind, HeaderMap};
use serde::Deserialize;

use super::address::Address;
use super::ledger::Fact;
use crate::queue::{Item, QueueError, QueueRules};

/// What the streams say of themselves before the run's name.
const VERSION: &str = "editscale work queue 1";
const CONSUMER: &str = "workers";
const MESSAGE_ID: &str = "Nats-Msg-Id";

/// A connection to the streams of one run.
#[derive(Debug)]
pub(super) struct Server {
    client: Client,
    /// What all subjects begin with.
    subjects: String,
    facts: Stream,
    work: Stream,
    pub(super) consumer: PullConsumer,
    shown: String,
}

/// Whether a message was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Published {
    New,
    /// There is one of its subject.
    There,
}

/// What the server answers to a message.
#[derive(Debug, Deserialize)]
struct Answer {
    error: Option<Refusal>,
    #[serde(default)]
    duplicate: bool,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    code: u32,
    #[serde(default)]
    description: String,
}

impl Server {
    pub(super) async fn connect(address: &Address, name: &str, rules: QueueRules) -> Result<Self, QueueError> {
        let shown = address.shown();
        let options = address.options(|name| std::env::var(name).ok()).await;
        let options = options.map_err(|reason| unusable(&shown, reason))?;
        // Fails when there is one already, which is then used.
        rustls::crypto::ring::default_provider().install_default().ok();
        let client = async_nats::connect_with_options(&address.servers, options).await.map_err(|error| {
            use ConnectErrorKind::{Authentication, AuthorizationViolation, ServerParse, Tls};
            match error.kind() {
                Authentication | AuthorizationViolation | ServerParse | Tls => unusable(&shown, error.to_string()),
                _ => away(&shown, error),
            }
        })?;
        let context = ContextBuilder::new().timeout(super::PATIENCE).build(client.clone());
        let run = safe(name);
        let subjects = format!("editscale.{run}");
        let [facts, work] = [false, true].map(|is_work| config(is_work, (&run, name), address.replicas));
        let facts = stream(&context, facts, &shown).await?;
        let work = stream(&context, work, &shown).await?;
        let consumer = work.create_consumer(pull::Config {
            durable_name: Some(CONSUMER.to_owned()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: rules.lease,
            // Deliveries are counted here, since those to workers that are stopped do not count.
            max_deliver: -1,
            max_ack_pending: -1,
            ..pull::Config::default()
        });
        let consumer = consumer.await.map_err(|error| away(&shown, error))?;
        Ok(Self { client, subjects, facts, work, consumer, shown })
    }

    pub(super) fn unusable(&self, reason: impl Into<String>) -> QueueError {
        unusable(&self.shown, reason)
    }

    pub(super) fn away(&self, reason: impl Display) -> QueueError {
        away(&self.shown, reason)
    }

    /// Writes a fact down, for ever.
    pub(super) async fn record(&self, fact: &Fact, id: &str) -> Result<Published, QueueError> {
        let subject = self.subject_of(fact);
        self.publish(subject, fact, id).await
    }

    /// Puts an item where workers find it.
    pub(super) async fn offer(&self, item: &Item, round: u32) -> Result<Published, QueueError> {
        let name = format!("work.{}.{round}", item.ordinal);
        self.publish(format!("{}.{name}", self.subjects), &super::Offer { item: item.clone(), round }, &name).await
    }

    fn subject_of(&self, fact: &Fact) -> String {
        format!("{}.fact.{}", self.subjects, fact.subject())
    }

    async fn publish(
        &self,
        subject: String,
        message: &impl serde::Serialize,
        id: &str,
    ) -> Result<Published, QueueError> {
        let payload = serde_json::to_vec(message).map_err(|error| self.unusable(error.to_string()))?;
        let mut headers = HeaderMap::new();
        headers.insert(MESSAGE_ID, id);
        let request = Request::new().payload(payload.into()).headers(headers).timeout(Some(super::PATIENCE));
        let said = self.client.send_request(subject, request).await.map_err(|error| self.away(error))?;
        let answer: Answer = serde_json::from_slice(&said.payload)
            .map_err(|error| self.away(format!("the server's answer is not understood: {error}")))?;
        match answer.error {
            None if answer.duplicate => Ok(Published::There),
            None => Ok(Published::New),
            Some(refusal) if refusal.description.contains("per subject") => Ok(Published::There),
            // Among these are a server that has just started and a cluster without a leader.
            Some(refusal) if refusal.code == 503 && !is_full(&refusal) => Err(self.away(refusal.description)),
            Some(refusal) => Err(self.unusable(refusal.description)),
        }
    }

    /// Whether the fact of this subject is the message that had this name.
    pub(super) async fn is_ours(&self, fact: &Fact, id: &str) -> Result<bool, QueueError> {
        let found = self.facts.get_last_raw_message_by_subject(&self.subject_of(fact)).await;
        let found = found.map_err(|error| self.away(error))?;
        Ok(found.headers.get(MESSAGE_ID).is_some_and(|found| found.as_str() == id))
    }

    /// The number of the last fact.
    pub(super) async fn last_fact(&self) -> Result<u64, QueueError> {
        let info = self.facts.get_info().await.map_err(|error| self.away(error))?;
        Ok(info.state.last_sequence)
    }

    /// A fact by its number; nothing where a cluster left a gap.
    pub(super) async fn fact(&self, sequence: u64) -> Result<Option<Fact>, QueueError> {
        use async_nats::jetstream::stream::LastRawMessageErrorKind::NoMessageFound;
        let found = match self.facts.get_raw_message(sequence).await {
            Ok(found) => found,
            Err(error) if error.kind() == NoMessageFound => return Ok(None),
            Err(error) => return Err(self.away(error)),
        };
        serde_json::from_slice(&found.payload)
            .map(Some)
            .map_err(|error| self.unusable(format!("fact {sequence} is damaged: {error}")))
    }

    /// Items that were handed out and are neither ended nor handed out again.
    pub(super) async fn pending(&self) -> Result<u64, QueueError> {
        let info = self.work.consumer_info(CONSUMER).await.map_err(|error| self.away(error))?;
        Ok(info.num_ack_pending as u64)
    }

    /// Says that a message is done with, without waiting: somebody else may have said so before.
    pub(super) async fn wave(&self, reply: &str) -> Result<(), QueueError> {
        self.client.publish(reply.to_owned(), "+ACK".into()).await.map_err(|error| self.away(error))
    }

    /// Says something of a message that was handed out, and waits until the server has heard it.
    pub(super) async fn acknowledge(&self, reply: &str, what: String) -> Result<(), QueueError> {
        let said = self.client.request(reply.to_owned(), what.into()).await;
        said.map(|_| ()).map_err(|error| self.away(error))
    }
}

fn unusable(queue: &str, reason: impl Into<String>) -> QueueError {
    QueueError::Unusable { queue: queue.to_owned(), reason: reason.into() }
}

fn away(queue: &str, reason: impl Display) -> QueueError {
    QueueError::Away { queue: queue.to_owned(), reason: reason.to_string() }
}

fn is_full(refusal: &Refusal) -> bool {
    ["no space", "insufficient", "exceeded"].iter().any(|words| refusal.description.contains(words))
}

/// A run's name in letters that subjects and streams may have, and different for different names.
fn safe(name: &str) -> String {
    let letters: String =
        name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' }).take(32).collect();
    let digest = blake3::hash(name.as_bytes()).to_hex();
    format!("{letters}-{}", digest.get(..12).unwrap_or_default())
}

fn config(is_work: bool, (run, name): (&str, &str), replicas: usize) -> Config {
    let kind = if is_work { "work" } else { "fact" };
    Config {
        name: format!("editscale-{run}-{kind}"),
        subjects: vec![format!("editscale.{run}.{kind}.>")],
        description: Some(format!("{VERSION}: {name}")),
        retention: if is_work { RetentionPolicy::WorkQueue } else { RetentionPolicy::Limits },
        max_messages_per_subject: 1,
        discard: DiscardPolicy::New,
        discard_new_per_subject: true,
        deny_delete: !is_work,
        duplicate_window: Duration::from_secs(120),
        num_replicas: replicas,
        ..Config::default()
    }
}

async fn stream(context: &Context, config: Config, shown: &str) -> Result<Stream, QueueError> {
    let expected = config.description.clone().unwrap_or_default();
    let stream = context.get_or_create_stream(config).await.map_err(|error| match error.kind() {
        CreateStreamErrorKind::JetStream(said) if said.code() == 503 && said.error_code().0 != 10076 => {
            away(shown, said)
        }
        CreateStreamErrorKind::JetStream(said) => unusable(shown, said.to_string()),
        _ => away(shown, error),
    })?;
    let found = stream.cached_info().config.description.clone().unwrap_or_default();
    if found != expected {
        return Err(unusable(shown, format!("expected the stream of `{expected}`, found `{found}`")));
    }
    Ok(stream)
}
