//! What is to be done, what is under way, and when it is over: shared by the thread that listens and those that work.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::call::Call;
use crate::protocol::{Method, PausedPlace};

/// Something to do.
pub(super) enum Job {
    Work(Call, Method),
    Release(Vec<PausedPlace>),
}

/// How a session ends.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// The host closed the plugin's standard input.
    EndOfInput,
    /// The host asked for it, and waits this long for work under way.
    Shutdown(Duration),
    /// The plugin could not get ready; the host knows why.
    Unready(String),
    /// The two cannot understand each other.
    Broken(String),
}

#[derive(Default)]
struct State {
    is_open: bool,
    jobs: VecDeque<Job>,
    under_way: BTreeMap<u64, Call>,
    at_work: usize,
    ending: Option<Ending>,
}

/// The desk between the thread that listens and those that work.
#[derive(Default)]
pub(super) struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loading is over.
    pub(super) fn open(&self) {
        self.state().is_open = true;
    }

    /// Takes a call on, or says why not.
    pub(super) fn begin(&self, call: Call, method: Method) -> Result<(), &'static str> {
        let mut state = self.state();
        if state.ending.is_some() {
            return Err("the plugin was told to shut down: it takes no more calls");
        }
        if state.under_way.contains_key(&call.id()) {
            return Err("a call of this number is under way");
        }
        state.under_way.insert(call.id(), call.clone());
        state.jobs.push_back(Job::Work(call, method));
        self.changed.notify_all();
        Ok(())
    }

    pub(super) fn release(&self, paused: Vec<PausedPlace>) {
        self.state().jobs.push_back(Job::Release(paused));
        self.changed.notify_all();
    }

    /// A call that has ended meanwhile is none of its business.
    pub(super) fn cancel(&self, id: u64) {
        if let Some(call) = self.state().under_way.get(&id) {
            call.cancel();
        }
    }

    /// Nothing more will come. At the end of input nobody waits for what is under way. True where the plugin still
    /// loads, so that nobody is there to notice.
    pub(super) fn end(&self, ending: Ending) -> bool {
        let mut state = self.state();
        if !matches!(ending, Ending::Shutdown(_)) {
            state.jobs.clear();
            state.under_way.values().for_each(Call::cancel);
        }
        state.ending = Some(ending);
        self.changed.notify_all();
        !state.is_open
    }

    /// The next job; none when nothing more will come. Every job is to be followed by `done`.
    pub(super) fn next(&self) -> Option<Job> {
        let mut state = self.state();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                state.at_work += 1;
                return Some(job);
            }
            if state.ending.is_some() {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The call's number may be forgotten, before its answer is sent: an answered call is not under way.
    pub(super) fn answered(&self, id: u64) {
        self.state().under_way.remove(&id);
    }

    pub(super) fn done(&self) {
        self.state().at_work -= 1;
        self.changed.notify_all();
    }

    /// Waits for the end, and then for work under way: as long as the host does after a shutdown, for `slack` otherwise,
    /// when that work was cancelled.
    pub(super) fn close(&self, slack: Duration) -> Ending {
        let mut state = self.state();
        let mut limit: Option<Instant> = None;
        loop {
            let now = Instant::now();
            if let Some(ending) = state.ending.clone() {
                let grace = if let Ending::Shutdown(grace) = ending { grace } else { slack };
                let end = limit.map_or(now + grace, |limit| limit.min(now + grace));
                limit = Some(end);
                if (state.jobs.is_empty() && state.at_work == 0) || end <= now {
                    return ending;
                }
            }
            let wait = limit.map_or(Duration::from_secs(3600), |limit| limit.saturating_duration_since(now));
            (state, _) = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Asks what is still under way to stop.
    pub(super) fn give_up(&self) {
        self.state().under_way.values().for_each(Call::cancel);
    }
}
