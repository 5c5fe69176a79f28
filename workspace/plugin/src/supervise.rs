//! Supervision: a thread that listens to a plugin, starts it again when it has died, and gives it up when that is of no use.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use editscale_core::AdoptedPolicy;
use editscale_sdk::protocol::{AdoptParameters, Answer, Card, Method};
use thiserror::Error;
use tokio::sync::{Semaphore, watch};

use crate::calls::{Death, Held};
use crate::convert::edits::adopted;
use crate::convert::failures::failure;
use crate::memory;
use crate::opening::{NotReady, Plugin, Role, last_words, open};
use crate::quarantine::{Key, Quarantine};
use crate::session::{End, NotSent, Session};

/// The longest that is waited between two starts.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// A plugin that did not get ready.
#[derive(Debug, Error)]
#[error("the plugin `{program}` {reason}")]
pub struct PluginError {
    program: String,
    reason: String,
}

impl PluginError {
    pub(crate) fn new(program: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { program: program.into(), reason: reason.into() }
    }
}

/// How a plugin has done since it was first ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Health {
    /// How many times it died, or had to be killed.
    pub deaths: u64,
    /// How many items are in quarantine.
    pub quarantined: usize,
    /// How many things it said that nobody asked for, such as answers to what was not under way.
    pub strange: u64,
}

/// What can be asked of a plugin now.
#[derive(Debug, Clone)]
pub(crate) enum Phase {
    /// It takes calls.
    Up(Arc<Session>),
    /// It is being started again.
    Down,
    /// It is not started any more; the words say why.
    GivenUp(Arc<str>),
}

/// Weights that were taken up, to be taken up again after a restart.
#[derive(Debug, Clone)]
pub(crate) struct InForce {
    pub(crate) asked: AdoptParameters,
    pub(crate) taken: AdoptedPolicy,
}

/// What the thread and the callers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) plugin: Plugin,
    pub(crate) role: Role,
    pub(crate) card: Card,
    pub(crate) phase: watch::Sender<Phase>,
    /// A permit for each call that the plugin takes at a time.
    pub(crate) credits: Arc<Semaphore>,
    pub(crate) slots: u32,
    pub(crate) quarantine: Quarantine,
    pub(crate) in_force: Arc<Mutex<Option<InForce>>>,
    deaths: AtomicU64,
    /// What earlier sessions said that nobody asked for.
    strange: AtomicU64,
    stop: AtomicBool,
    asleep: Mutex<()>,
    wake: Condvar,
}

impl Shared {
    /// What messages call the plugin.
    pub(crate) fn name(&self) -> &str {
        &self.role.name
    }

    /// Why nothing can be asked of it any more, where that is so.
    pub(crate) fn trouble(&self) -> Option<String> {
        match &*self.phase.borrow() {
            Phase::GivenUp(why) => Some(why.to_string()),
            _ => None,
        }
    }

    /// The number of its process while it is up.
    pub(crate) fn process(&self) -> Option<i32> {
        match &*self.phase.borrow() {
            Phase::Up(session) => Some(session.pipe.pid()),
            _ => None,
        }
    }

    /// How it has done up to now.
    pub(crate) fn health(&self) -> Health {
        let strange = match &*self.phase.borrow() {
            Phase::Up(session) => session.strange(),
            _ => 0,
        };
        Health {
            deaths: self.deaths.load(Ordering::Relaxed),
            quarantined: self.quarantine.count(),
            strange: self.strange.load(Ordering::Relaxed) + strange,
        }
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Sleeps, unless it is to end meanwhile.
    fn sleep(&self, time: Duration) {
        let until = Instant::now() + time;
        let mut guard = lock(&self.asleep);
        while !self.is_stopped() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            guard = self.wake.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A plugin at work. It is told to end when this is dropped, and killed where it does not.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Host {
    /// Starts the plugin and waits until it is ready. `slots` reads its card, and refuses it where it is wrong.
    pub(crate) fn start(
        plugin: Plugin,
        role: Role,
        slots: impl FnOnce(&Card) -> Result<u32, String>,
    ) -> Result<Self, PluginError> {
        let program = plugin.launch.run.join(" ");
        if plugin.limits.memory_mib.is_some() && !memory::IS_TOLD {
            tracing::warn!(
                plugin = role.name,
                "`memory_mib` has no effect: this system does not tell what a plugin uses"
            );
        }
        let failed = |reason: String| PluginError::new(program.clone(), reason);
        let session = open(&plugin, &role, &AtomicBool::new(false))
            .map_err(|(error, words)| failed(format!("cannot be used: {error}{words}")))?;
        let slots = slots(&session.card).map_err(|reason| failed(format!("has a card that is wrong: {reason}")))?;
        let shared = Arc::new(Shared {
            card: session.card.clone(),
            phase: watch::Sender::new(Phase::Down),
            credits: Arc::new(Semaphore::new(slots as usize)),
            slots,
            quarantine: Quarantine::new(plugin.limits.crashes),
            in_force: Arc::default(),
            deaths: AtomicU64::new(0),
            strange: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            asleep: Mutex::default(),
            wake: Condvar::new(),
            plugin,
            role,
        });
        let (keeper, session) = (Arc::clone(&shared), Arc::new(session));
        shared.phase.send_replace(Phase::Up(Arc::clone(&session)));
        let builder = std::thread::Builder::new().name(format!("plugin-{}", shared.name()));
        let thread = builder.spawn(move || supervise(&keeper, session));
        let thread = thread.map_err(|error| failed(format!("cannot be given a thread: {error}")))?;
        Ok(Self { shared, thread: Some(thread) })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        drop(lock(&self.shared.asleep));
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing left to end: the session's own end kills the plugin.
            thread.join().ok();
        }
    }
}

/// Deaths in a row: since a call was answered.
#[derive(Debug, Default)]
struct Row {
    deaths: u32,
    /// Those that nothing explains, since one was explained.
    vain: u32,
    /// Items that were found to kill it in this row.
    killers: u32,
    /// All that were ever found to. Their further deaths are bounded by the quarantine.
    known: BTreeSet<Key>,
}

impl Row {
    /// One more death, of a session that answered calls or not, and what it died of where that is known.
    fn died(&mut self, has_answered: bool, of: Option<Key>) {
        let is_new = of.is_some_and(|key| self.known.insert(key));
        if has_answered {
            (self.deaths, self.vain, self.killers) = (0, 0, 0);
            return;
        }
        self.deaths += 1;
        match of {
            Some(_) => (self.vain, self.killers) = (0, self.killers + u32::from(is_new)),
            None => self.vain += 1,
        }
    }

    /// Whether it is of no use to start it again: bad items among good ones are put up with, a plugin that dies of all
    /// is not.
    fn is_too_long(&self, restarts: u32) -> bool {
        self.vain + self.killers > restarts
    }
}

/// Listens, and starts again, until it is to end or the plugin is given up.
fn supervise(shared: &Shared, mut session: Arc<Session>) {
    let mut row = Row::default();
    loop {
        let End::Died(death) = session.listen(&shared.stop) else {
            shared.phase.send_replace(Phase::Down);
            return session.shut_down();
        };
        shared.phase.send_replace(Phase::Down);
        let guilty = session.bury(&death);
        shared.deaths.fetch_add(1, Ordering::Relaxed);
        shared.strange.fetch_add(session.strange(), Ordering::Relaxed);
        row.died(session.answered() > 0, guilty);
        let reason = format!("{}{}", death.reason, last_words(&session.pipe));
        tracing::warn!(plugin = shared.name(), "the plugin died: {reason}");
        drop(session);
        session = match again(shared, &mut row, reason) {
            Ok(session) => session,
            Err(None) => return,
            Err(Some(why)) => {
                tracing::error!(plugin = shared.name(), "{why}");
                shared.phase.send_replace(Phase::GivenUp(why.into()));
                return;
            }
        };
        shared.phase.send_replace(Phase::Up(Arc::clone(&session)));
    }
}

/// Starts the plugin again, as often as it is put up with. The error says why it is given up; it is none where nobody wants
/// it any more.
fn again(shared: &Shared, row: &mut Row, mut reason: String) -> Result<Arc<Session>, Option<String>> {
    let given_up = |words: String| Some(format!("the plugin `{}` was given up: {words}", shared.name()));
    loop {
        if row.is_too_long(shared.plugin.limits.restarts) {
            let count = row.deaths;
            return Err(given_up(format!(
                "it died {count} times in a row without having answered a call (`restarts`), the last time like this: \
                 {reason}"
            )));
        }
        let doubled = shared.plugin.limits.backoff.saturating_mul(1 << row.vain.saturating_sub(1).min(16));
        shared.sleep(doubled.min(LONGEST_BACKOFF));
        match open(&shared.plugin, &shared.role, &shared.stop) {
            Err((NotReady::Stopped, _)) => return Err(None),
            Ok(session) if session.card != shared.card => return Err(given_up(other_card(shared, &session.card))),
            Ok(session) => match take_up(shared, &session) {
                Ok(()) => return Ok(Arc::new(session)),
                Err(why) => reason = why,
            },
            Err((error, words)) => reason = format!("{error}{words}"),
        }
        row.died(false, None);
        tracing::warn!(plugin = shared.name(), "the plugin did not get ready again: {reason}");
    }
}

fn other_card(shared: &Shared, found: &Card) -> String {
    let revision = |card: &Card| match card {
        Card::Editor(card) => card.revision.clone(),
        Card::Reward(card) => card.revision.clone(),
    };
    let (earlier, found) = (revision(&shared.card), revision(found));
    if earlier == found {
        return format!("started again, it has another card (of the same revision `{found}`)");
    }
    format!("started again, it has the revision `{found}`: expected `{earlier}`, as before")
}

/// Has a new session take up the weights that are in force.
fn take_up(shared: &Shared, session: &Session) -> Result<(), String> {
    let Some(in_force) = lock(&shared.in_force).clone() else { return Ok(()) };
    let again = |reason: String| format!("it did not take up the weights `{}` again: {reason}", in_force.asked.version);
    let answer = ask_alone(shared, session, Method::Adopt(in_force.asked.clone())).map_err(again)?;
    let taken = match answer {
        Answer::Adopted { weights, .. } => adopted(&weights, &in_force.asked.version).map_err(again)?,
        Answer::Failed { why, .. } => return Err(again(failure(&why, editscale_core::Cost::default()).to_string())),
        _ => return Err(again("its answer is to something else".into())),
    };
    if taken.checksum != in_force.taken.checksum {
        return Err(again(format!("their checksum is {}, expected {}", taken.checksum, in_force.taken.checksum)));
    }
    Ok(())
}

/// A call before anybody else can call, listened to here.
fn ask_alone(shared: &Shared, session: &Session, method: Method) -> Result<Answer, String> {
    let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().map_err(|error| error.to_string())?;
    let deadline = Instant::now() + shared.plugin.limits.call;
    let held = Held { items: 1, unit: None, deadline, permit, files: Vec::new(), hook: None };
    let mut line = session.call(method, held).map_err(|not_sent| match not_sent {
        NotSent::Over => "it has ended".to_owned(),
        NotSent::Unfit(error) => error.to_string(),
    })?;
    let mut replied = None;
    let end = session.listen_until(&shared.stop, || {
        replied = line.reply.try_recv().ok();
        replied.is_some()
    });
    match (replied, end) {
        (Some(replied), _) => replied.map(|reply| reply.answer).map_err(|death: Death| death.reason.to_string()),
        (None, Some(End::Died(death))) => Err(format!("{}{}", death.reason, last_words(&session.pipe))),
        (None, _) => Err("it is not wanted any more".into()),
    }
}
