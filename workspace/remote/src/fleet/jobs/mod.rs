//! Work that is submitted, and then asked about until it ends.
//!
//! A job keeps its slot from its submission until it ended on the server, also when nobody waits for it any more: a task of
//! its own follows it. What only one dialect knows (how a job is named, how it is asked about, how it is stopped) is its
//! [`Jobs`].

mod follow;
mod line;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use editscale_core::{BoxFuture, Submission, Watch};
use serde_json::Value;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::timeout;

use self::follow::{Beginning, Followed, Follower};
pub(crate) use self::line::{Line, Teller};
use super::call::{Ask, Fleet};
use super::server::{Server, Slot};
use super::wanted::while_wanted;
use crate::SetupError;
use crate::http::client::{Reply, seconds};
use crate::http::multipart::Payload;
use crate::trouble::error::{ErrorClass, RemoteError};
use crate::trouble::retry::Repeat;

/// How long a caller that lost interest waits to hear what stopping the job came to. The job is stopped all the same.
const SETTLE: Duration = Duration::from_secs(3);
/// The most characters of a server's name for a job.
const LONGEST_ID: usize = 2000;

const UNNAMED: &str = "the program died while this edit was on its way to the server; it may have been paid";

/// How a job is asked about until it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PollRules {
    /// The wait before it is asked about for the first time; from then on waits grow by half.
    pub first_wait: Duration,
    /// The longest wait of our own counting; a server that asks for a longer one gets it.
    pub longest_wait: Duration,
    /// The longest that a job may take from its submission on, waiting in the server's queue included.
    pub deadline: Duration,
    /// The longest that asking may fail without a break before the job is given up as lost.
    pub lost_after: Duration,
}

impl Default for PollRules {
    fn default() -> Self {
        Self {
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(5),
            deadline: Duration::from_secs(1800),
            lost_after: Duration::from_secs(120),
        }
    }
}

impl PollRules {
    /// Refuses rules under which a server would be asked without a pause, or never.
    pub(crate) fn check(&self) -> Result<(), SetupError> {
        if self.first_wait.is_zero() || self.first_wait > self.longest_wait {
            let found = format!("{} and {}", seconds(self.first_wait), seconds(self.longest_wait));
            return Err(SetupError::setting("poll waits", "a first one above 0, the longest no shorter", &found));
        }
        if self.deadline < self.first_wait {
            return Err(SetupError::setting("deadline", "no less than the first wait", &seconds(self.deadline)));
        }
        Ok(())
    }
}

/// How a job stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Standing {
    /// In the queue, or at work without saying how far it is.
    Waiting,
    /// At work: step `step` of `steps` is done.
    Working { step: u32, steps: u32 },
    /// It ended well, with this.
    Done(Value),
    /// It ended badly. Whether it may have been paid is up to the error.
    Failed(RemoteError),
    /// The server knows no such job. Believed when it says so several times in a row.
    Unknown,
}

/// What stopping a job came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// It had not begun, so that nothing was spent.
    BeforeWork,
    /// It was at work, or had ended before.
    AtWork,
    /// It cannot be stopped now: it is followed to its end.
    WorksOn,
}

/// What one dialect knows of jobs. An `id` is whatever the dialect needs to ask about a job: the server's name for it or the
/// address to ask at, of printable ASCII; it comes back from a journal after a crash, so an address in it is checked each
/// time ([`Line::at`] does).
pub(crate) trait Jobs: Send + Sync {
    /// The id in the answer to a submission.
    fn admitted(&self, reply: &Reply, line: &Line) -> Result<String, RemoteError>;

    /// Asks how a job stands. An error says that asking failed: passing ones are repeated, status 404 and 410 count as
    /// [`Standing::Unknown`], and all others end the job as one that may have been done.
    fn look<'a>(&'a self, id: &'a str, line: &'a Line) -> BoxFuture<'a, Result<Standing, RemoteError>>;

    /// Does what must be done on the server before the submission, such as sending files, and gives the body to submit where
    /// it follows from that. Nothing of it may cost anything.
    fn prepare<'a>(&'a self, line: &'a Line) -> BoxFuture<'a, Result<Option<Payload>, RemoteError>> {
        let _: &Line = line;
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Ends when it makes sense to ask about the job before the wait is over.
    fn woken(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    /// What the refusal of a submission means here, where that differs from what it means everywhere.
    fn refused(&self, reply: &Reply, error: RemoteError) -> RemoteError {
        let _: &Reply = reply;
        error
    }

    /// Whether a job can be stopped on the server.
    fn cancels(&self) -> bool {
        false
    }

    /// Stops a job; only called where `cancels` says so.
    fn cancel<'a>(&'a self, id: &'a str, line: &'a Line) -> BoxFuture<'a, Result<Stopped, RemoteError>> {
        let _: (&str, &Line) = (id, line);
        Box::pin(std::future::ready(Ok(Stopped::AtWork)))
    }
}

/// One job that is to be done.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    /// The submission. `repeat` decides what becomes of one whose answer got lost.
    pub(crate) ask: Ask,
    /// The item's place in its batch, for the watch.
    pub(crate) place: usize,
    /// The edit's name in the world.
    pub(crate) key: String,
    /// The id that the job will have, where we choose it: a submission whose answer got lost is then looked for under it.
    pub(crate) expected: Option<String>,
    /// The submission of an earlier life of this program.
    pub(crate) earlier: Option<Submission>,
    /// How it is asked about.
    pub(crate) rules: PollRules,
}

/// A job that ended well.
#[derive(Debug, Clone)]
pub(crate) struct Finished {
    /// What [`Jobs::look`] found.
    pub(crate) answer: Value,
    /// Where it was done.
    pub(crate) server: Arc<Server>,
}

impl Fleet {
    /// A line to each server, for questions that are no work.
    pub(crate) fn lines(&self) -> impl Iterator<Item = Line> {
        // Nobody hears of steps where no job is done.
        self.servers.iter().map(|server| Line::new(self, server, false, unbounded_channel().0))
    }

    /// Has a job done: submits it, follows it, and stops it when it is not wanted any more. A job of an earlier life is
    /// asked about; it is submitted again only where nobody knows it any more and doing it twice harms nobody. What it made is
    /// read by `read`; a result that is none is a failure of its server like any other.
    pub(crate) async fn job<T, R: Future<Output = Result<T, RemoteError>>>(
        &self,
        order: &Order,
        jobs: &Arc<dyn Jobs>,
        watch: &dyn Watch,
        read: impl Fn(Finished) -> R,
    ) -> Result<T, RemoteError> {
        if let Some(earlier) = &order.earlier {
            let found = match &earlier.remote_id {
                Some(remote) => self.resume(remote, order, jobs, watch).await,
                None => Err(RemoteError::maybe_done(ErrorClass::Dead, UNNAMED)),
            };
            match found {
                Err(error) if is_lost(&error) && order.ask.repeat != Repeat::Never => {}
                Ok(finished) => return read(finished).await,
                Err(error) => return Err(error),
            }
        }
        let attempt = async |slot: Slot| {
            let server = Arc::clone(slot.server());
            let made = read(self.submit(order, slot, jobs, watch).await?).await;
            server.was_read(made.as_ref().map(|_| ()));
            made
        };
        Ok(self.repeated(&order.ask, watch, attempt).await?.0)
    }

    async fn submit(
        &self,
        order: &Order,
        slot: Slot,
        jobs: &Arc<dyn Jobs>,
        watch: &dyn Watch,
    ) -> Result<Finished, RemoteError> {
        let expected = order.expected.as_deref().map(|id| remote_id(slot.server(), id));
        watch.submitted(order.place, &order.key, expected.as_deref());
        if watch.cancelled() {
            return Err(RemoteError::cancelled(false));
        }
        let message = Box::new(self.message(&order.ask, &slot.server().endpoint, None));
        let beginning = Beginning::Submit { message, expected: order.expected.clone() };
        self.follow(order, (slot, beginning), jobs, watch).await
    }

    /// Asks about a job that an earlier life of this program submitted. It takes up a slot as it did then.
    async fn resume(
        &self,
        remote: &str,
        order: &Order,
        jobs: &Arc<dyn Jobs>,
        watch: &dyn Watch,
    ) -> Result<Finished, RemoteError> {
        let lost = |message: String| RemoteError::maybe_done(ErrorClass::Dead, message);
        let (base, id) = remote.split_once(' ').unwrap_or(("", remote));
        let server = self.server_at(base).ok_or_else(|| {
            lost(format!("the job was submitted to `{base}`, which is none of the servers now; it may have been paid"))
        })?;
        let slot = while_wanted(watch, server.reenter()).await.ok_or_else(|| RemoteError::cancelled(true))?;
        let slot = slot.ok_or_else(|| lost("the server's slots are gone".to_owned()))?;
        self.follow(order, (slot, Beginning::Known(id.to_owned())), jobs, watch).await
    }

    async fn follow(
        &self,
        order: &Order,
        (slot, beginning): (Slot, Beginning),
        jobs: &Arc<dyn Jobs>,
        watch: &dyn Watch,
    ) -> Result<Finished, RemoteError> {
        let server = Arc::clone(slot.server());
        let (events, heard) = unbounded_channel();
        let line = Line::new(self, &server, order.ask.is_gateway, events);
        let follower = Follower::new(line, slot, Arc::clone(jobs), order.rules);
        let mut followed = Followed::begin(follower, heard, beginning);
        let hear = |id: &str| watch.submitted(order.place, &order.key, Some(&remote_id(&server, id)));
        match while_wanted(watch, followed.finish(order.place, watch, &hear)).await {
            Some(outcome) => outcome.map(|answer| Finished { answer, server }),
            None => Err(settled(followed, order.place, watch, jobs.cancels()).await),
        }
    }
}

/// Whether nobody knows what became of a job.
fn is_lost(error: &RemoteError) -> bool {
    error.class == ErrorClass::Dead && error.maybe_done
}

/// What is left to say of a job that is not wanted any more.
async fn settled(mut followed: Followed, place: usize, watch: &dyn Watch, cancels: bool) -> RemoteError {
    followed.stop();
    if !cancels {
        return RemoteError::cancelled(true);
    }
    match timeout(SETTLE, followed.finish(place, watch, &|_| ())).await {
        Ok(Err(error)) if error.class == ErrorClass::Cancelled => error,
        _ => RemoteError::cancelled(true),
    }
}

/// A job's name for a journal: enough to find it again among several servers.
fn remote_id(server: &Server, id: &str) -> String {
    format!("{} {id}", server.endpoint.base())
}

/// Whether a server's name for a job can be a part of a path: letters, digits, `_` and `-`, nothing that could lead elsewhere.
pub(crate) fn is_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !text.is_empty() && text.len() <= 200 && text.bytes().all(is_letter)
}

/// An id as it may be kept: short, printable, and without the server's secret.
fn checked_id(id: String, line: &Line) -> Result<String, RemoteError> {
    let is_plain = !id.is_empty() && id.len() <= LONGEST_ID && id.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain && line.endpoint().hide(&id) == id {
        return Ok(id);
    }
    let message = format!("expected a name of at most {LONGEST_ID} printable characters for the job, found another");
    Err(line.malformed(&message))
}
