//! What work under way can ask and tell.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::outbox::Outbox;
use super::picture::NewImage;
use crate::protocol::{self, Failed, FromPlugin};

/// A year: longer than any work.
pub(super) const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// The call that work belongs to: whether it is still wanted, and how to tell of its progress.
#[derive(Clone)]
pub struct Call {
    id: u64,
    deadline: Instant,
    cancelled: Arc<AtomicBool>,
    outbox: Option<Arc<Outbox>>,
}

impl Call {
    pub(super) fn new(call: &protocol::Call, outbox: Arc<Outbox>) -> Self {
        let left = Duration::try_from_secs_f64(call.deadline_secs).unwrap_or(LONGEST).min(LONGEST);
        Self { id: call.id, deadline: Instant::now() + left, cancelled: Arc::default(), outbox: Some(outbox) }
    }

    /// A call that nobody cancels and nobody listens to, for tests of an editor or reward.
    pub fn detached() -> Self {
        Self { id: 0, deadline: Instant::now() + LONGEST, cancelled: Arc::default(), outbox: None }
    }

    /// Its number in this session.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// How long somebody waits for the answer.
    pub fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Whether nobody wants the answer any more: it was cancelled, or it is too late. To be looked at once a step.
    pub fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed) || self.left().is_zero()
    }

    /// The failure to answer with where nobody wants the answer any more.
    pub fn check(&self) -> Result<(), Failed> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Failed::cancelled());
        }
        if self.left().is_zero() {
            return Err(Failed::timed_out("this was not done before the call's deadline"));
        }
        Ok(())
    }

    /// Steps that are done of an item, which is named by its place in the call.
    pub fn progress(&self, item: usize, step: u32, steps: u32) {
        let progress = protocol::Progress { id: self.id, item: place(item), step, steps };
        self.tell(&FromPlugin::Progress(progress));
    }

    /// What an item looks like so far. A preview that cannot be sent is left out.
    pub fn preview(&self, item: usize, image: &NewImage) {
        let Some(picture) = self.outbox.as_ref().and_then(|outbox| outbox.pack().picture(image).ok()) else { return };
        let preview = protocol::Preview { id: self.id, item: place(item), image: picture };
        self.tell(&FromPlugin::Preview(preview));
    }

    pub(super) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// News on the way are no reason to fail: where nobody listens any more, the end of standard input says so.
    fn tell(&self, news: &FromPlugin) {
        if let Some(outbox) = &self.outbox {
            drop(outbox.send(news));
        }
    }
}

fn place(item: usize) -> u32 {
    u32::try_from(item).unwrap_or(u32::MAX)
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Call({}, {:?} left, cancelled: {})", self.id, self.left(), self.cancelled())
    }
}
