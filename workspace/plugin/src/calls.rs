//! The calls that are under way in a session.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use editscale_sdk::protocol::{Answer, Picture};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::quarantine::Key;
use crate::spool::Written;

/// Words of progress that wait for a caller. One that does not listen misses what comes beyond.
const WORDS: usize = 32;

/// How a session ended that nobody ended on purpose.
#[derive(Debug, Clone)]
pub(crate) struct Death {
    /// A sentence for people.
    pub(crate) reason: Arc<str>,
    /// The calls that it was killed for, where it was killed because of them.
    pub(crate) hung: Arc<[u64]>,
}

impl Death {
    pub(crate) fn new(reason: impl Into<Arc<str>>) -> Self {
        Self { reason: reason.into(), hung: Arc::default() }
    }
}

/// What is told of an item while it is made.
#[derive(Debug)]
pub(crate) enum Word {
    Step { item: u32, step: u32, steps: u32 },
    Preview { item: u32, image: Picture },
}

/// Why a word was not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unheard {
    /// No such call is under way, or it has no such item.
    NoSuchItem,
    /// More came than is listened to.
    NoRoom,
}

/// The answer to a call.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) answer: Answer,
    /// Whether it came after the deadline, when the plugin had been told to stop.
    pub(crate) is_late: bool,
}

/// What is done with an answer before anybody else sees it.
pub(crate) type Hook = Box<dyn FnOnce(&Answer) + Send>;

/// What a call needs for as long as it is under way.
pub(crate) struct Held {
    pub(crate) items: u32,
    /// What is in it, where that is one unit: items that are only ever tried together.
    pub(crate) unit: Option<Key>,
    pub(crate) deadline: Instant,
    pub(crate) permit: OwnedSemaphorePermit,
    pub(crate) files: Vec<Written>,
    pub(crate) hook: Option<Hook>,
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("items", &self.items).finish_non_exhaustive()
    }
}

/// Where a caller hears of its call.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) id: u64,
    pub(crate) reply: oneshot::Receiver<Result<Reply, Death>>,
    pub(crate) words: mpsc::Receiver<Word>,
}

#[derive(Debug)]
struct Pending {
    held: Held,
    words: mpsc::Sender<Word>,
    reply: oneshot::Sender<Result<Reply, Death>>,
    is_cancelled: bool,
    is_late: bool,
}

/// All calls of a session.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    next: u64,
    pending: BTreeMap<u64, Pending>,
    over: Option<Death>,
}

impl Calls {
    /// Enters a call; refused when the session is over.
    pub(crate) fn enter(&mut self, held: Held) -> Result<Line, Death> {
        if let Some(death) = &self.over {
            return Err(death.clone());
        }
        let (tell, words) = mpsc::channel(WORDS);
        let (send, reply) = oneshot::channel();
        self.next += 1;
        let id = self.next;
        self.pending.insert(id, Pending { held, words: tell, reply: send, is_cancelled: false, is_late: false });
        Ok(Line { id, reply, words })
    }

    /// A call that was never sent.
    pub(crate) fn withdraw(&mut self, id: u64) {
        self.pending.remove(&id);
    }

    /// Whether the plugin is to be told that this call is not wanted any more: once, while it is under way.
    pub(crate) fn cancel(&mut self, id: u64) -> bool {
        self.pending.get_mut(&id).is_some_and(|pending| !std::mem::replace(&mut pending.is_cancelled, true))
    }

    /// Passes a word on to the caller. A word that nobody hears comes back with the reason.
    pub(crate) fn tell(&self, id: u64, item: u32, word: Word) -> Result<(), (Unheard, Word)> {
        match self.pending.get(&id) {
            Some(pending) if item < pending.held.items => pending.words.try_send(word).map_err(|error| match error {
                TrySendError::Full(word) | TrySendError::Closed(word) => (Unheard::NoRoom, word),
            }),
            _ => Err((Unheard::NoSuchItem, word)),
        }
    }

    /// Ends a call with its answer, which comes back where no such call is under way.
    pub(crate) fn answer(&mut self, answer: Answer) -> Result<(), Answer> {
        let Some(pending) = self.pending.remove(&answer.id()) else { return Err(answer) };
        let Pending { held, reply, is_late, .. } = pending;
        if let Some(hook) = held.hook {
            hook(&answer);
        }
        // The credit is free before the caller hears of it. A caller that is gone does not want to know.
        drop((held.permit, held.files));
        reply.send(Ok(Reply { answer, is_late })).ok();
        Ok(())
    }

    /// The calls that are past their deadline and have not been told so.
    pub(crate) fn overdue(&mut self, now: Instant) -> Vec<u64> {
        let overdue = self.pending.iter_mut().filter(|(_, pending)| !pending.is_late && now >= pending.held.deadline);
        overdue
            .map(|(id, pending)| {
                pending.is_late = true;
                *id
            })
            .collect()
    }

    /// The calls whose deadline passed before then.
    pub(crate) fn hung(&self, since: Option<Instant>) -> Arc<[u64]> {
        let Some(since) = since else { return Arc::default() };
        self.pending.iter().filter(|(_, pending)| pending.held.deadline < since).map(|(id, _)| *id).collect()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// The one unit that the plugin died of, where that is known: it was killed for it, or had nothing else to do.
    pub(crate) fn guilty(&self, death: &Death) -> Option<Key> {
        let mut suspects = self.pending.iter().filter(|(id, _)| death.hung.is_empty() || death.hung.contains(id));
        match (suspects.next(), suspects.next()) {
            (Some((_, only)), None) => only.held.unit,
            _ => None,
        }
    }

    /// Ends all calls, and refuses new ones.
    pub(crate) fn end(&mut self, death: &Death) {
        self.over = Some(death.clone());
        for (_, pending) in std::mem::take(&mut self.pending) {
            drop((pending.held.permit, pending.held.files));
            pending.reply.send(Err(death.clone())).ok();
        }
    }
}
