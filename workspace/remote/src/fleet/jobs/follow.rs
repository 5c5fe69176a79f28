//! The task that follows one job to its end, whoever still waits for it.

use std::sync::Arc;
use std::time::Duration;

use editscale_core::Watch;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::line::{Event, Line};
use super::{Jobs, PollRules, Standing, Stopped, checked_id};
use crate::fleet::server::Slot;
use crate::http::client::{Message, seconds};
use crate::http::multipart::Payload;
use crate::trouble::error::{ErrorClass, RemoteError};

/// How often in a row a server must say that it does not know a job, or say nothing sensible, before that is believed.
const BELIEVED: u32 = 3;
/// For how long it must do so besides: a server that begins again, or a gateway in front of it, does so for a while.
const BELIEVED_AFTER: Duration = Duration::from_secs(20);
/// Attempts to stop a job.
const STOPS: u32 = 3;
/// A deadline that nobody lives to see: later ones could not be counted.
const FAR: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// How a job comes about.
pub(super) enum Beginning {
    /// It is submitted, perhaps under an id that we chose.
    Submit { message: Box<Message>, expected: Option<String> },
    /// It is on the server.
    Known(String),
}

/// A job under way, as whoever waits for it sees it. Dropping it tells the task that nobody does any more.
pub(super) struct Followed {
    task: JoinHandle<Result<Value, RemoteError>>,
    events: UnboundedReceiver<Event>,
    wanted: Option<oneshot::Sender<()>>,
}

impl Followed {
    /// Begins. `events` are those of the follower's line.
    pub(super) fn begin(mut follower: Follower, events: UnboundedReceiver<Event>, beginning: Beginning) -> Self {
        let (wanted, unwanted) = oneshot::channel();
        follower.unwanted = Some(unwanted);
        Self { task: tokio::spawn(follower.run(beginning)), events, wanted: Some(wanted) }
    }

    /// Waits for the end. Every event is heard before.
    pub(super) async fn finish(
        &mut self,
        place: usize,
        watch: &dyn Watch,
        known: &(dyn Fn(&str) + Sync),
    ) -> Result<Value, RemoteError> {
        loop {
            tokio::select! {
                biased;
                Some(event) = self.events.recv() => match event {
                    Event::Known(id) => known(&id),
                    Event::Step(step, steps) => watch.step(place, step, steps),
                    Event::Preview(image) => watch.preview(place, &image),
                    Event::WorksOn => return Err(RemoteError::cancelled(true)),
                },
                outcome = &mut self.task => return outcome.unwrap_or_else(|_| {
                    Err(RemoteError::maybe_done(ErrorClass::Retryable, "the task that followed the job died"))
                }),
            }
        }
    }

    /// Nobody wants it any more.
    pub(super) fn stop(&mut self) {
        self.wanted = None;
    }
}

/// Who follows a job, and keeps its slot busy for as long.
pub(super) struct Follower {
    line: Line,
    slot: Slot,
    jobs: Arc<dyn Jobs>,
    rules: PollRules,
    /// Ends when nobody wants the job any more; nothing once that was heard.
    unwanted: Option<oneshot::Receiver<()>>,
    /// Whether that was heard and the job is still to be stopped.
    is_unwanted: bool,
    /// Why nobody knows whether the submission arrived.
    lost: Option<RemoteError>,
}

impl Follower {
    pub(super) fn new(line: Line, slot: Slot, jobs: Arc<dyn Jobs>, rules: PollRules) -> Self {
        Self { line, slot, jobs, rules, unwanted: None, is_unwanted: false, lost: None }
    }

    async fn run(mut self, beginning: Beginning) -> Result<Value, RemoteError> {
        let is_new = matches!(beginning, Beginning::Submit { .. });
        let id = match beginning {
            Beginning::Submit { message, expected } => self.submit(*message, expected).await?,
            Beginning::Known(id) => id,
        };
        let first = if is_new { self.rules.first_wait } else { Duration::ZERO };
        self.follow(&id, first).await
    }

    /// The job's id. A submission whose answer got lost is looked for under the id that we chose.
    async fn submit(&mut self, mut message: Message, expected: Option<String>) -> Result<String, RemoteError> {
        if let Some(body) = self.prepare().await? {
            message.body = Some(body);
        }
        let outcome = self.line.submit(message, &*self.jobs).await;
        self.slot.learn(outcome.as_ref());
        let admitted = outcome.and_then(|reply| self.jobs.admitted(&reply, &self.line));
        match (admitted, expected) {
            (Ok(id), _) => {
                let id = checked_id(id, &self.line)?;
                self.line.tell(Event::Known(id.clone()));
                Ok(id)
            }
            (Err(error), Some(id)) if error.maybe_done => {
                self.lost = Some(error);
                Ok(id)
            }
            (Err(error), _) => Err(error),
        }
    }

    /// What has to be on the server first. Nothing was submitted where that fails.
    async fn prepare(&mut self) -> Result<Option<Payload>, RemoteError> {
        let jobs = Arc::clone(&self.jobs);
        match unless_unwanted(&mut self.unwanted, jobs.cancels(), jobs.prepare(&self.line)).await {
            Some(Ok(body)) => Ok(body),
            Some(Err(error)) => {
                let error = RemoteError { maybe_done: false, ..error };
                self.slot.learn(Err(&error));
                Err(error)
            }
            None => Err(RemoteError::cancelled(false)),
        }
    }

    async fn follow(&mut self, id: &str, first: Duration) -> Result<Value, RemoteError> {
        let ends = Instant::now() + self.rules.deadline.min(FAR);
        let (mut pause, mut wait) = (first, self.rules.first_wait);
        let mut trouble = Trouble::default();
        loop {
            let left = ends.saturating_duration_since(Instant::now());
            if self.wait(pause.min(left)).await.is_none()
                && let Some(stopped) = self.stop(id).await
            {
                return Err(RemoteError::cancelled(stopped != Stopped::BeforeWork));
            }
            // It is looked at once more when its time is over: it may have ended since the last look.
            let is_last = Instant::now() >= ends;
            let (jobs, line) = (Arc::clone(&self.jobs), &self.line);
            let looked = unless_unwanted(&mut self.unwanted, jobs.cancels(), jobs.look(id, line)).await;
            // It is stopped before the next look.
            let Some(looked) = looked else {
                (pause, self.is_unwanted) = (Duration::ZERO, true);
                continue;
            };
            match self.judge(looked, &mut trouble)? {
                Standing::Done(answer) => return Ok(answer),
                Standing::Working { step, steps } => self.line.step(step, steps),
                _ => {}
            }
            if is_last {
                return self.late(id).await;
            }
            pause = self.line.asked_wait().unwrap_or_default().clamp(wait, self.rules.deadline.max(wait));
            wait = wait.saturating_add(wait / 2).min(self.rules.longest_wait);
        }
    }

    /// What an answer means: an end, or that the job is asked about again.
    fn judge(&mut self, looked: Result<Standing, RemoteError>, trouble: &mut Trouble) -> Result<Standing, RemoteError> {
        let (error, is_odd) = match looked {
            Ok(Standing::Failed(error)) => {
                // What the server itself failed at is told of it; what was wrong with the job is not.
                if error.class == ErrorClass::Retryable {
                    self.slot.server().was_read(Err(&error));
                }
                return Err(error);
            }
            Ok(Standing::Unknown) => (self.gone(), true),
            Ok(standing) => {
                *trouble = Trouble::default();
                return Ok(standing);
            }
            Err(error) if matches!(error.status, Some(404 | 410)) => (self.gone(), true),
            Err(error) => {
                self.slot.learn(Err(&error));
                let is_odd = error.class == ErrorClass::Malformed;
                (error, is_odd)
            }
        };
        let since = *trouble.since.get_or_insert_with(Instant::now);
        trouble.odd = if is_odd { trouble.odd + 1 } else { 0 };
        let is_young = since.elapsed() < self.rules.lost_after.min(BELIEVED_AFTER);
        let passes = if is_odd { trouble.odd < BELIEVED || is_young } else { is_passing(error.class) };
        if passes && error.should_retry != Some(false) && since.elapsed() < self.rules.lost_after {
            return Ok(Standing::Waiting);
        }
        // The job may have been done, whatever was heard of it last; moderation is the server's own last word.
        let maybe_done = error.maybe_done || error.class != ErrorClass::Moderated;
        Err(RemoteError { maybe_done, ..error })
    }

    /// The server does not know the job. Why the submission got lost says more, where it did.
    fn gone(&self) -> RemoteError {
        let message = self.line.said("the server does not know the job any more; it may have been done");
        self.lost.clone().unwrap_or_else(|| RemoteError::maybe_done(ErrorClass::Dead, message))
    }

    /// Stops the job; nothing where it works on, so that it is followed to its end and its slot stays busy.
    async fn stop(&mut self, id: &str) -> Option<Stopped> {
        self.is_unwanted = false;
        let stopped = self.cancel(id).await;
        if stopped == Some(Stopped::WorksOn) {
            self.line.tell(Event::WorksOn);
            return None;
        }
        Some(stopped.unwrap_or(Stopped::AtWork))
    }

    async fn late(&mut self, id: &str) -> Result<Value, RemoteError> {
        if self.jobs.cancels() {
            self.cancel(id).await;
        }
        let message = format!("the job did not end within {}", seconds(self.rules.deadline));
        Err(RemoteError::maybe_done(ErrorClass::TimedOut, self.line.said(&message)))
    }

    /// Asks a few times; a server that cannot be reached ends jobs by its own rules.
    async fn cancel(&self, id: &str) -> Option<Stopped> {
        for attempt in 1..=STOPS {
            match self.jobs.cancel(id, &self.line).await {
                Ok(stopped) => return Some(stopped),
                Err(error) if attempt < STOPS && is_passing(error.class) => sleep(self.rules.first_wait).await,
                Err(_) => break,
            }
        }
        None
    }

    /// Waits, unless something tells that there is news; nothing once nobody wants the job any more and it can be stopped.
    async fn wait(&mut self, pause: Duration) -> Option<()> {
        if self.is_unwanted {
            return None;
        }
        let jobs = Arc::clone(&self.jobs);
        let news = async {
            tokio::select! {
                () = sleep(pause) => (),
                () = jobs.woken() => (),
            }
        };
        unless_unwanted(&mut self.unwanted, jobs.cancels(), news).await
    }
}

/// The future's value; nothing once nobody wants the job any more and it can be stopped.
async fn unless_unwanted<T>(
    unwanted: &mut Option<oneshot::Receiver<()>>,
    cancels: bool,
    work: impl Future<Output = T>,
) -> Option<T> {
    let Some(signal) = unwanted.as_mut().filter(|_| cancels) else { return Some(work.await) };
    tokio::select! {
        biased;
        _ = signal => {
            *unwanted = None;
            None
        }
        value = work => Some(value),
    }
}

/// What went wrong since the last good answer.
#[derive(Debug, Default)]
struct Trouble {
    since: Option<Instant>,
    /// Answers in a row that made no sense or said that there is no such job.
    odd: u32,
}

fn is_passing(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::Retryable
            | ErrorClass::Overloaded
            | ErrorClass::Dead
            | ErrorClass::TimedOut
            | ErrorClass::Malformed
    )
}
