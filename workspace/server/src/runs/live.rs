//! A run that this server knows: its state, and who may follow it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use editscale_core::RunId;
use editscale_engine::{RunRecord, Stopper, read_run};
use tokio::sync::watch;

use super::events::EventLog;
use super::record::{EndedBy, Owner, ServiceRecord};

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It waits for its turn.
    Queued,
    /// It is carried out.
    Running,
    /// It came to its own end, with a picture.
    Done,
    /// It came to an end without a picture, for this reason.
    Failed(String),
    /// Its caller ended it. What was made until then is there.
    Cancelled,
    /// Its deadline passed. What was made until then is there.
    Expired,
    /// It was put aside because the server ends; it goes on when the server is started again.
    Paused,
}

impl State {
    /// The word used on the wire.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed(_) => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Paused => "paused",
        }
    }

    /// Whether nothing will change it any more, in this life of the server.
    pub fn is_final(&self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// A run that this server knows. Shared by whoever follows it.
#[derive(Debug)]
pub struct Live {
    id: RunId,
    path: PathBuf,
    record: Mutex<ServiceRecord>,
    state: watch::Sender<State>,
    stopper: Stopper,
    events: Arc<EventLog>,
}

impl Live {
    /// A run that stands so.
    pub(crate) fn new(id: RunId, path: PathBuf, record: ServiceRecord, state: State) -> Self {
        let (stopper, _) = Stopper::new();
        let events = Arc::<EventLog>::default();
        if state.is_final() {
            events.end(&state);
        }
        Self { id, path, record: Mutex::new(record), state: watch::Sender::new(state), stopper, events }
    }

    /// Its name.
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The recipe's name.
    pub fn recipe(&self) -> String {
        self.record().recipe.clone()
    }

    /// What was asked for.
    pub fn instruction(&self) -> String {
        self.record().instruction.clone()
    }

    /// The candidate of an earlier run that it goes on from, as `RUN:CANDIDATE`.
    pub fn continues(&self) -> Option<String> {
        self.record().continues.clone()
    }

    /// Whose it is.
    pub fn owner(&self) -> Owner {
        self.record().owner.clone()
    }

    /// Seconds since 1970 at which it was accepted.
    pub fn accepted(&self) -> u64 {
        self.record().accepted()
    }

    /// The candidate that a person thinks is best.
    pub fn picked(&self) -> Option<u32> {
        self.record().picked
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// Waits until it ends.
    pub async fn ended(&self) -> State {
        let mut state = self.state.subscribe();
        match state.wait_for(State::is_final).await {
            Ok(state) => state.clone(),
            Err(_) => self.state(),
        }
    }

    /// Its record, from its folder. One that cannot be read is as good as none, and the log says why.
    pub(crate) fn read(&self) -> Option<RunRecord> {
        let read = read_run(&self.path);
        read.map_err(|error| tracing::warn!(run = %self.id, %error, "the record of a run cannot be read")).ok()
    }

    /// What happened in it, in this life of the server.
    pub fn events(&self) -> &Arc<EventLog> {
        &self.events
    }

    pub(crate) fn stopper(&self) -> &Stopper {
        &self.stopper
    }

    pub(crate) fn record(&self) -> MutexGuard<'_, ServiceRecord> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_state(&self, state: State) {
        if state.is_final() {
            self.events.end(&state);
        }
        self.state.send_replace(state);
    }

    /// Notes how it was ended from outside; the first word stands. Whether this was it.
    pub(crate) fn end_by(&self, by: EndedBy) -> bool {
        let mut record = self.record();
        if record.ended.is_some() {
            return false;
        }
        record.ended = Some(by);
        self.write(&record);
        true
    }

    /// Writes the record down. A disk that refuses costs what was noted, and not the run.
    pub(crate) fn keep(&self) {
        let record = self.record();
        self.write(&record);
    }

    /// Under the record's lock, so that what is written last is what is known.
    fn write(&self, record: &ServiceRecord) {
        if let Err(error) = record.write(&self.path) {
            tracing::error!(run = %self.id, %error, "cannot write the record of a run");
        }
    }
}
