//! One server with what is known of it, and the right to call it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::breaker::{Breaker, BreakerRules, Health};
use super::pace::{Bucket, pause_in};
use crate::http::client::Reply;
use crate::http::endpoint::Endpoint;
use crate::trouble::error::{ErrorClass, RemoteError};

/// One server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) endpoint: Endpoint,
    slots: Arc<Semaphore>,
    /// Calls that are out or wait for a slot.
    outstanding: AtomicUsize,
    pace: Mutex<Bucket>,
    breaker: Mutex<Breaker>,
    /// When it failed the last time, and why.
    failed: Mutex<Option<(Instant, String)>>,
}

impl Server {
    pub(crate) fn new(endpoint: Endpoint, slots: usize, bucket: Bucket, rules: BreakerRules) -> Self {
        Self {
            endpoint,
            slots: Arc::new(Semaphore::new(slots)),
            outstanding: AtomicUsize::new(0),
            pace: Mutex::new(bucket),
            breaker: Mutex::new(Breaker::new(rules)),
            failed: Mutex::default(),
        }
    }

    pub(crate) fn outstanding(&self) -> usize {
        self.outstanding.load(Ordering::Relaxed)
    }

    /// Whether it can be called now; else how long to wait before asking again.
    pub(crate) fn admits(&self, now: Instant) -> Result<(), Duration> {
        lock(&self.breaker).admits(now)
    }

    /// Whether it asked for a pause that is not over.
    pub(crate) fn is_held(&self, now: Instant) -> bool {
        lock(&self.pace).is_held(now)
    }

    /// Learns whether what it answered was an answer once it was read.
    pub(crate) fn was_read(&self, answer: Result<(), &RemoteError>) {
        let is_none = |error: &&RemoteError| matches!(error.class, ErrorClass::Malformed | ErrorClass::Retryable);
        let spoiled = answer.err().filter(is_none);
        self.learn(if spoiled.is_some() { Health::Spoiled } else { Health::Read }, spoiled);
    }

    /// When it failed the last time, and why, if it ever did.
    pub(crate) fn failed(&self) -> Option<(Instant, String)> {
        lock(&self.failed).clone()
    }

    /// Learns how a call went. Why it fails is what is told while it is left alone.
    fn learn(&self, health: Health, error: Option<&RemoteError>) {
        let now = Instant::now();
        if let (Health::Bad | Health::Spoiled, Some(error)) = (health, error) {
            *lock(&self.failed) = Some((now, error.message.clone()));
        }
        lock(&self.breaker).report(health, now);
    }

    /// Waits for a slot and for the pace. Nothing comes back if the server must be left alone by then.
    pub(crate) async fn enter(self: &Arc<Self>) -> Option<Slot> {
        let counted = Outstanding::new(self);
        let permit = Arc::clone(&self.slots).acquire_owned().await.ok()?;
        loop {
            let paced = lock(&self.pace).take(Instant::now());
            match paced {
                Ok(()) => break,
                Err(wait) => tokio::time::sleep(wait).await,
            }
        }
        lock(&self.breaker).begin(Instant::now()).ok()?;
        Some(Slot { _permit: permit, counted, reported: false })
    }

    /// Waits for a slot for work that is on the server already, which neither pace nor breaker can keep away any more.
    pub(crate) async fn reenter(self: &Arc<Self>) -> Option<Slot> {
        let counted = Outstanding::new(self);
        let permit = Arc::clone(&self.slots).acquire_owned().await.ok()?;
        Some(Slot { _permit: permit, counted, reported: true })
    }
}

/// Counts a call as long as it lives.
#[derive(Debug)]
struct Outstanding(Arc<Server>);

impl Outstanding {
    fn new(server: &Arc<Server>) -> Self {
        server.outstanding.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(server))
    }
}

impl Drop for Outstanding {
    fn drop(&mut self) {
        self.0.outstanding.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The right to one call. Whoever holds it keeps one of the server's slots busy.
#[derive(Debug)]
pub(crate) struct Slot {
    _permit: OwnedSemaphorePermit,
    counted: Outstanding,
    reported: bool,
}

impl Slot {
    pub(crate) fn server(&self) -> &Arc<Server> {
        &self.counted.0
    }

    /// Learns from what the call came to, and lets the slot go.
    pub(crate) fn leave(mut self, outcome: &Result<Reply, RemoteError>) {
        self.learn(outcome.as_ref());
    }

    /// Learns from what a call came to, and keeps the slot.
    pub(crate) fn learn(&mut self, outcome: Result<&Reply, &RemoteError>) {
        let server = self.server();
        let pause = match outcome {
            Ok(reply) => pause_in(reply),
            Err(error) => error.after,
        };
        if let Some(pause) = pause {
            lock(&server.pace).hold(Instant::now(), pause);
        }
        server.learn(health(outcome), outcome.err());
        self.reported = true;
    }
}

/// A call that was dropped half way says nothing of its server, but frees a probe.
impl Drop for Slot {
    fn drop(&mut self) {
        if !self.reported {
            lock(&self.server().breaker).report(Health::Unknown, Instant::now());
        }
    }
}

fn health(outcome: Result<&Reply, &RemoteError>) -> Health {
    let Err(error) = outcome else { return Health::Good };
    match error.class {
        ErrorClass::Retryable | ErrorClass::Dead | ErrorClass::TimedOut | ErrorClass::Malformed => Health::Bad,
        ErrorClass::Overloaded | ErrorClass::Cancelled => Health::Unknown,
        ErrorClass::Moderated | ErrorClass::BadRequest | ErrorClass::Auth | ErrorClass::Quota => Health::Good,
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
