//! The queue of many machines: NATS `JetStream`.
//!
//! One stream holds the work, a message an item; a message that is acknowledged is gone. Another holds **facts**, each under a
//! subject that takes one message for ever: that is what makes an end exactly-once. An item's end is written down as a fact
//! first and acknowledged then, so a message that comes once more, for whatever reason, is found to have ended. How far
//! entering came is a fact too, so it can be gone on with long after the server has forgotten which messages it had.

mod address;
mod ledger;
mod server;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_nats::jetstream;
use editscale_core::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};

use self::address::Address;
pub use self::address::{NATS_CERTIFICATES, NATS_CREDENTIALS};
use self::ledger::{Fact, Ledger};
use self::server::{Published, Server};
use super::{
    Done, End, Entry, GiveBack, Item, Lease, LeaseToken, QueueError, QueueRules, Recorded, Spent, Tallies, WorkQueue,
};

/// How long a call waits for a server that is away.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long `lease` waits for something to come.
const LEASE_PATIENCE: Duration = Duration::from_millis(500);
/// Requests that are under way at once.
const AT_ONCE: usize = 128;

/// A message of the stream of work.
#[derive(Debug, Serialize, Deserialize)]
struct Offer {
    item: Item,
    /// How often it was put back after it had ended.
    round: u32,
}

/// An open queue.
#[derive(Debug)]
pub struct NatsQueue {
    server: Server,
    rules: QueueRules,
    /// Of one reader at a time.
    ledger: tokio::sync::Mutex<Ledger>,
    held: Mutex<HashMap<u64, Held>>,
    /// Names of messages about ends of which it is not known whether they arrived.
    unsure: Mutex<HashMap<(u64, u32), String>>,
    /// What the names of this handle's messages begin with.
    nonce: String,
    count: AtomicU64,
}

/// A lease of this handle.
#[derive(Debug, Clone)]
struct Held {
    token: LeaseToken,
    until: Instant,
}

/// A token taken apart.
struct Ticket<'a> {
    round: u32,
    /// As the server counts.
    delivered: i64,
    /// Where the server listens for what becomes of the message.
    reply: &'a str,
}

impl NatsQueue {
    /// Whether a text is an address that [`NatsQueue::connect`] can try; otherwise what was expected.
    pub fn check_address(address: &str) -> Result<(), String> {
        Address::parse(address).map(|_| ())
    }

    /// Connects to `nats://HOST:PORT` or `tls://HOST:PORT`, with `USER:PASSWORD@` or `TOKEN@` before the host and
    /// `?replicas=N` behind it where needed, and makes the queue of a run where there is none. A file with credentials may be
    /// named by the variable [`NATS_CREDENTIALS`], and one with certificates by [`NATS_CERTIFICATES`].
    pub async fn connect(address: &str, name: &str, rules: QueueRules) -> Result<Self, QueueError> {
        let bad = |reason| QueueError::Unusable { queue: "of NATS".to_owned(), reason };
        let address = Address::parse(address).map_err(bad)?;
        let server = Box::pin(Server::connect(&address, name, rules)).await?;
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| server.unusable(error.to_string()))?;
        Ok(Self {
            server,
            rules,
            ledger: tokio::sync::Mutex::default(),
            held: Mutex::default(),
            unsure: Mutex::default(),
            nonce: format!("{:016x}", u64::from_ne_bytes(random)),
            count: AtomicU64::new(0),
        })
    }

    /// The ledger, with all facts that there are at this moment.
    async fn facts(&self) -> Result<tokio::sync::MutexGuard<'_, Ledger>, QueueError> {
        let mut ledger = self.ledger.lock().await;
        let last = self.server.last_fact().await?;
        let missing = stream::iter(ledger.sequence + 1..=last)
            .map(|sequence| async move { Ok::<_, QueueError>((sequence, self.server.fact(sequence).await?)) });
        let mut found = std::pin::pin!(missing.buffered(AT_ONCE));
        while let Some((sequence, fact)) = found.try_next().await? {
            match fact {
                Some(fact) => ledger.learn(sequence, &fact).map_err(|reason| self.server.unusable(reason))?,
                None => ledger.sequence = sequence,
            }
        }
        Ok(ledger)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<u64, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unsure(&self) -> MutexGuard<'_, HashMap<(u64, u32), String>> {
        self.unsure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn name(&self) -> String {
        format!("{}.{}", self.nonce, self.count.fetch_add(1, Ordering::Relaxed))
    }

    /// The lease, if it is still this handle's as far as time tells.
    fn holds<'a>(&self, lease: &'a Lease) -> Result<Ticket<'a>, QueueError> {
        let held = self.held();
        let is_held =
            held.get(&lease.item.ordinal).is_some_and(|held| held.token == lease.token && Instant::now() < held.until);
        ticket(lease).filter(|_| is_held).ok_or(QueueError::LeaseLost { ordinal: lease.item.ordinal })
    }

    async fn enter_all(&self, entries: &[Entry]) -> Result<(), QueueError> {
        let Tallies { entered, is_complete, .. } = self.facts().await?.tallies;
        let fresh: Vec<&Entry> = entries.iter().filter(|entry| entry.item().ordinal >= entered).collect();
        for (expected, entry) in (entered..).zip(&fresh) {
            let found = entry.item().ordinal;
            if is_complete {
                let reason = format!("all {entered} items had been entered, and item {found} comes now");
                return Err(self.server.unusable(reason));
            }
            if found != expected {
                let reason = format!("expected item {expected} to be entered next, found item {found}");
                return Err(self.server.unusable(reason));
            }
        }
        let count = entered + fresh.len() as u64;
        if fresh.is_empty() {
            return Ok(());
        }
        let published: Vec<_> = fresh.into_iter().map(|entry| self.enter_one(entry)).collect();
        stream::iter(published).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        self.server.record(&Fact::Entered(count), &self.name()).await?;
        Ok(())
    }

    async fn enter_one(&self, entry: &Entry) -> Result<(), QueueError> {
        match entry {
            Entry::Work(item) => self.server.offer(item, 0).await?,
            Entry::Skipped { item, reason } => {
                let end = End::Skipped { reason: reason.clone() };
                let fact = Fact::Ended { item: item.clone(), round: 0, end, spent: Spent::default() };
                self.server.record(&fact, &self.name()).await?
            }
        };
        Ok(())
    }

    async fn lease_some(&self, most: usize) -> Result<Vec<Lease>, QueueError> {
        let until = Instant::now() + LEASE_PATIENCE;
        let mut leases = Vec::new();
        while leases.is_empty() && most > 0 {
            let messages = self.fetch(most).await?;
            let is_idle = messages.is_empty();
            if !is_idle {
                leases = self.sort_out(messages).await?;
            }
            if Instant::now() >= until || (is_idle && self.facts().await?.tallies.is_over()) {
                break;
            }
        }
        Ok(leases)
    }

    /// What waits at once; where nothing does, the first that comes.
    async fn fetch(&self, most: usize) -> Result<Vec<(jetstream::Message, Instant)>, QueueError> {
        let away = |error: &dyn std::fmt::Display| self.server.away(error);
        let at_once = self.server.consumer.fetch().max_messages(most).messages();
        let mut found = self.collect(at_once.await.map_err(|error| away(&error))?).await?;
        if found.is_empty() {
            let soon = self.server.consumer.batch().max_messages(1).expires(LEASE_PATIENCE).messages();
            found = self.collect(soon.await.map_err(|error| away(&error))?).await?;
        }
        Ok(found)
    }

    async fn collect(
        &self,
        batch: jetstream::consumer::pull::Batch,
    ) -> Result<Vec<(jetstream::Message, Instant)>, QueueError> {
        let all = batch.map_ok(|message| (message, Instant::now())).try_collect();
        match tokio::time::timeout(PATIENCE, all).await {
            Ok(found) => found.map_err(|error| self.server.away(error)),
            Err(_) => Err(self.server.away("no answer")),
        }
    }

    /// Keeps what is to be done, and lays to rest what has ended or was handed out too often.
    async fn sort_out(&self, messages: Vec<(jetstream::Message, Instant)>) -> Result<Vec<Lease>, QueueError> {
        let mut leases = Vec::with_capacity(messages.len());
        let facts = self.facts().await?;
        let mut over = Vec::new();
        for (message, came) in messages {
            let offer: Offer = serde_json::from_slice(&message.payload).map_err(|error| {
                self.server.unusable(format!("a message of the stream of work is damaged: {error}"))
            })?;
            let delivered = message.info().map_err(|error| self.server.unusable(error.to_string()))?.delivered;
            let reply = message.reply.as_ref().map(ToString::to_string).unwrap_or_default();
            let known = facts.known(offer.item.ordinal);
            let delivery = u32::try_from(delivered - i64::from(known.stops)).unwrap_or(1).max(1);
            let is_over = known.round > offer.round || (known.round == offer.round && known.ended > 0);
            let token = LeaseToken(format!("{} {delivered} {reply}", offer.round));
            let vain = facts.vain(offer.item.ordinal);
            let lease = Lease { item: offer.item, delivery, token };
            if is_over || delivery > self.rules.deliveries {
                over.push((lease, vain, is_over));
                continue;
            }
            let held = Held { token: lease.token.clone(), until: came + self.rules.lease };
            self.held().insert(lease.item.ordinal, held);
            leases.push(lease);
        }
        drop(facts);
        for (lease, vain, is_over) in over {
            self.lay_to_rest(&lease, vain, is_over).await?;
        }
        Ok(leases)
    }

    async fn lay_to_rest(&self, lease: &Lease, vain: Spent, is_over: bool) -> Result<(), QueueError> {
        let Some(ticket) = ticket(lease) else { return Ok(()) };
        if !is_over {
            let end = End::silent(lease.delivery - 1, vain);
            let fact = Fact::Ended { item: lease.item.clone(), round: ticket.round, end, spent: Spent::default() };
            self.server.record(&fact, &self.name()).await?;
        }
        self.server.acknowledge(ticket.reply, "+ACK".to_owned()).await
    }

    async fn extend_all(&self, leases: &[Lease]) -> Vec<Result<(), QueueError>> {
        let ended: Result<Vec<bool>, QueueError> = self.facts().await.map(|facts| {
            let has_ended = |lease: &Lease| {
                let (known, round) = (facts.known(lease.item.ordinal), ticket(lease).map_or(0, |ticket| ticket.round));
                known.ended > 0 || known.round != round
            };
            leases.iter().map(has_ended).collect()
        });
        // Without the facts, a lease is extended that may have ended: that does no harm.
        let ended = ended.unwrap_or_else(|_| vec![false; leases.len()]);
        let extended: Vec<_> =
            leases.iter().zip(ended).map(|(lease, has_ended)| self.extend_one(lease, has_ended)).collect();
        stream::iter(extended).buffered(AT_ONCE).collect().await
    }

    async fn extend_one(&self, lease: &Lease, has_ended: bool) -> Result<(), QueueError> {
        if has_ended {
            return Err(QueueError::LeaseLost { ordinal: lease.item.ordinal });
        }
        let (ticket, since) = (self.holds(lease)?, Instant::now());
        self.server.acknowledge(ticket.reply, "+WPI".to_owned()).await?;
        if let Some(held) = self.held().get_mut(&lease.item.ordinal) {
            held.until = since + self.rules.lease;
        }
        Ok(())
    }

    async fn end_one(&self, lease: &Lease, end: End, spent: Spent) -> Result<Recorded, QueueError> {
        let ordinal = lease.item.ordinal;
        let ticket =
            ticket(lease).ok_or_else(|| self.server.unusable(format!("{} is no lease of it", lease.token.0)))?;
        let fact = Fact::Ended { item: lease.item.clone(), round: ticket.round, end, spent };
        let name = self.unsure().remove(&(ordinal, ticket.round)).unwrap_or_else(|| self.name());
        let recorded = self.record_first(&fact, &name).await;
        match &recorded {
            // A message that was not answered may have arrived: the same name finds it again.
            Err(QueueError::Away { .. }) => {
                self.unsure().insert((ordinal, ticket.round), name);
            }
            Err(_) => {}
            Ok(_) => {
                let is_held = self.holds(lease).is_ok();
                if is_held {
                    self.held().remove(&ordinal);
                }
                let acknowledged = if is_held {
                    self.server.acknowledge(ticket.reply, "+ACK".to_owned()).await
                } else {
                    self.server.wave(ticket.reply).await
                };
                if let Err(error) = acknowledged {
                    tracing::debug!(ordinal, %error, "not acknowledged: the message will be found to have ended");
                }
            }
        }
        recorded
    }

    async fn record_first(&self, fact: &Fact, name: &str) -> Result<Recorded, QueueError> {
        let is_first = match self.server.record(fact, name).await? {
            Published::New => true,
            Published::There => self.server.is_ours(fact, name).await?,
        };
        Ok(if is_first { Recorded::First } else { Recorded::Already })
    }

    async fn give_one_back(&self, lease: &Lease, why: GiveBack) -> Result<Option<End>, QueueError> {
        let (ordinal, ticket) = (lease.item.ordinal, self.holds(lease)?);
        let (round, delivered) = (ticket.round, ticket.delivered);
        let (fact, after) = match why {
            GiveBack::Stopping => (Fact::Stopped { ordinal, round, delivered }, Duration::ZERO),
            GiveBack::InUse { after } => (Fact::Stopped { ordinal, round, delivered }, after),
            GiveBack::Again { reason, spent, .. } if lease.delivery >= self.rules.deliveries => {
                let vain = self.facts().await?.vain(ordinal);
                let end = End::Dead { reason, deliveries: lease.delivery, spent: vain + spent };
                self.end_one(lease, end.clone(), spent).await?;
                return Ok(Some(end));
            }
            GiveBack::Again { after, spent, .. } => (Fact::Again { ordinal, round, delivered, spent }, after),
        };
        self.server.record(&fact, &self.name()).await?;
        let said = if after.is_zero() { "-NAK".to_owned() } else { format!("-NAK {{\"delay\":{}}}", after.as_nanos()) };
        self.server.acknowledge(ticket.reply, said).await?;
        self.held().remove(&ordinal);
        Ok(None)
    }

    async fn ended_from(&self, from: u64, most: usize) -> Result<Vec<(Item, End)>, QueueError> {
        let places: Vec<u64> = {
            let facts = self.facts().await?;
            let ended = (from..facts.tallies.entered).map(|ordinal| facts.known(ordinal).ended);
            ended.take_while(|place| *place > 0).take(most).collect()
        };
        let found = stream::iter(places).map(|place| async move {
            match self.server.fact(place).await? {
                Some(Fact::Ended { item, end, .. }) => Ok((item, end)),
                other => Err(self.server.unusable(format!("expected an end as fact {place}, found {other:?}"))),
            }
        });
        found.buffered(AT_ONCE).try_collect().await
    }

    async fn reopen_one(&self, item: &Item) -> Result<(), QueueError> {
        let ordinal = item.ordinal;
        let (known, entered) = {
            let facts = self.facts().await?;
            (facts.known(ordinal), facts.tallies.entered)
        };
        if ordinal >= entered {
            return Err(self.server.unusable(format!("it has no item {ordinal} to put back")));
        }
        if known.ended == 0 {
            // Whoever put it back may have been killed before it was offered.
            return if known.round > 0 { self.server.offer(item, known.round).await.map(|_| ()) } else { Ok(()) };
        }
        let candidates = match self.server.fact(known.ended).await? {
            Some(Fact::Ended { end: End::Done(Done { candidates, .. }), .. }) => Some(candidates),
            Some(Fact::Ended { end: End::Dead { .. }, .. }) => None,
            _ => return Err(self.server.unusable(format!("item {ordinal} was skipped: its row cannot be used"))),
        };
        self.server.record(&Fact::Reopened { ordinal, round: known.round, candidates }, &self.name()).await?;
        self.server.offer(item, known.round + 1).await.map(|_| ())
    }

    async fn count_all(&self) -> Result<Tallies, QueueError> {
        let tallies = self.facts().await?.tallies;
        let open = tallies.entered.saturating_sub(tallies.ended());
        let leased = if open == 0 { 0 } else { self.server.pending().await?.min(open) };
        Ok(Tallies { leased, waiting: open - leased, ..tallies })
    }
}

/// Items that wait to be tried again are counted as leased: the server does not tell them apart.
impl WorkQueue for NatsQueue {
    fn enter<'a>(&'a self, entries: &'a [Entry]) -> BoxFuture<'a, Result<(), QueueError>> {
        Box::pin(self.enter_all(entries))
    }

    fn complete_entering(&self) -> BoxFuture<'_, Result<(), QueueError>> {
        Box::pin(async { self.server.record(&Fact::Complete, &self.name()).await.map(|_| ()) })
    }

    fn lease(&self, most: usize) -> BoxFuture<'_, Result<Vec<Lease>, QueueError>> {
        Box::pin(self.lease_some(most))
    }

    fn extend<'a>(&'a self, leases: &'a [Lease]) -> BoxFuture<'a, Vec<Result<(), QueueError>>> {
        Box::pin(self.extend_all(leases))
    }

    fn end<'a>(&'a self, lease: &'a Lease, end: End) -> BoxFuture<'a, Result<Recorded, QueueError>> {
        let spent = end.spent();
        Box::pin(self.end_one(lease, end, spent))
    }

    fn give_back<'a>(&'a self, lease: &'a Lease, why: GiveBack) -> BoxFuture<'a, Result<Option<End>, QueueError>> {
        Box::pin(self.give_one_back(lease, why))
    }

    fn ended(&self, from: u64, most: usize) -> BoxFuture<'_, Result<Vec<(Item, End)>, QueueError>> {
        Box::pin(self.ended_from(from, most))
    }

    fn reopen<'a>(&'a self, item: &'a Item) -> BoxFuture<'a, Result<(), QueueError>> {
        Box::pin(self.reopen_one(item))
    }

    fn tallies(&self) -> BoxFuture<'_, Result<Tallies, QueueError>> {
        Box::pin(self.count_all())
    }
}

fn ticket(lease: &Lease) -> Option<Ticket<'_>> {
    let mut parts = lease.token.0.splitn(3, ' ');
    let (round, delivered) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Some(Ticket { round, delivered, reply: parts.next()? })
}
