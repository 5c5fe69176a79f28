//! Calls of a reward: as many at a time as it has slots, each begun by a task that lives as long as there is work.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use editscale_core::{Failure, FailureKind, RewardBatch, RewardKind, RewardModel};
use futures_util::FutureExt;
use tokio::sync::Notify;

use super::company::Company;
use super::reply::{Answer, Crowd, Reply};
use super::turns::{Turns, Waiting};

/// The longest that a free reward waits for callers that come together. Requests that a trainer sends at once arrive within about
/// this time of each other, and it is little beside a model's call of tens of milliseconds.
const LINGER: Duration = Duration::from_millis(2);

/// The longest that it waits for as many as there were of late. Whoever was just answered may be about to ask again: without it,
/// two groups of callers that once fell apart would take turns for ever, each at the cost of a call.
const REUNION: Duration = Duration::from_millis(10);

/// The part of a call's time that is waited at most: more would not be made up for by a shared call.
const SHARE: u32 = 4;

/// Less than this is no wait: the runtime's clock ticks in milliseconds.
const TICK: Duration = Duration::from_micros(500);

/// How a reward is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Load {
    /// Items that wait.
    pub(crate) waiting: usize,
    /// Calls under way.
    pub(crate) at_work: usize,
    /// Calls that were answered.
    pub(crate) calls: u64,
    /// Items of these calls.
    pub(crate) items: u64,
}

/// A reward, what waits at it, and who works it off.
pub(super) struct Calls {
    reward: Arc<dyn RewardModel>,
    book: Mutex<Book>,
    /// A full batch is there.
    full: Notify,
    calls: AtomicU64,
    items: AtomicU64,
    /// Hears how many items each call had.
    meter: OnceLock<Meter>,
}

#[derive(Default)]
struct Book {
    turns: Turns,
    callers: u64,
    /// Tasks, at most one a slot of the reward.
    tasks: u32,
    /// Whether one of the tasks waits for company.
    gathering: bool,
    at_work: usize,
    /// Items of the calls under way.
    under_way: usize,
    company: Company,
    /// How many items the one that gathers expects, going by earlier calls.
    expected: usize,
    /// How many that wait are enough for the one that gathers.
    enough: usize,
    /// How long a call takes, of late; nothing before the first.
    pace: Option<Duration>,
}

/// What hears how many items a call had.
pub(crate) type Meter = Box<dyn Fn(usize) + Send + Sync>;

impl Calls {
    /// Says who hears of the sizes of calls; the first one stands.
    pub(super) fn set_meter(&self, meter: Meter) {
        self.meter.set(meter).ok();
    }

    pub(super) fn new(reward: Arc<dyn RewardModel>) -> Self {
        Self {
            reward,
            book: Mutex::default(),
            full: Notify::new(),
            calls: AtomicU64::new(0),
            items: AtomicU64::new(0),
            meter: OnceLock::new(),
        }
    }

    pub(super) fn reward(&self) -> &dyn RewardModel {
        &*self.reward
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn largest(&self) -> usize {
        self.reward.card().largest_batch.get() as usize
    }

    fn is_whole(&self) -> bool {
        self.reward.card().kind == RewardKind::Listwise
    }

    pub(super) fn load(&self) -> Load {
        let book = self.book();
        let (calls, items) = (self.calls.load(Ordering::Relaxed), self.items.load(Ordering::Relaxed));
        Load { waiting: book.turns.waiting(), at_work: book.at_work, calls, items }
    }

    /// How long it takes until there is room again: as long as what waits, of late.
    pub(super) fn patience(&self) -> Duration {
        let card = self.reward.card();
        let book = self.book();
        let calls = book.turns.waiting().div_ceil(self.largest()).div_ceil(card.slots.get() as usize);
        let secs = book.pace.unwrap_or_default().as_secs_f64() * calls as f64;
        Duration::from_secs_f64(secs.clamp(1.0, 600.0))
    }

    /// Takes a caller's items, and sees to it that somebody works on them. Needs a runtime.
    pub(super) fn enter(self: &Arc<Self>, items: VecDeque<Waiting>) -> u64 {
        let mut book = self.book();
        book.callers += 1;
        let id = book.callers;
        book.turns.push(id, items);
        // What comes now is no sign of what else will come.
        let (expected, there) = (book.company.expected(), book.turns.waiting() + book.under_way);
        book.company.see(there);
        self.staff(&mut book, expected);
        if book.gathering && book.turns.waiting() >= book.enough {
            self.full.notify_one();
        }
        id
    }

    /// Takes back what a caller has waiting. What is under way for it is told once nobody else wants it.
    pub(super) fn withdraw(&self, id: u64, reply: &Reply) -> VecDeque<Waiting> {
        reply.leave();
        self.book().turns.withdraw(id)
    }

    /// Begins a task where one is needed: a slot is free and nobody is about to take what waits.
    fn staff(self: &Arc<Self>, book: &mut Book, expected: usize) {
        if book.turns.waiting() > 0 && !book.gathering && book.tasks < self.reward.card().slots.get() {
            book.tasks += 1;
            (book.gathering, book.expected) = (true, expected);
            tokio::spawn(Self::work(Arc::clone(self)));
        }
    }

    /// Works until nothing waits. It begins as the one that gathers.
    async fn work(self: Arc<Self>) {
        let mut usual = LINGER;
        while let Some(batch) = self.gather(usual).await {
            self.call(batch).await;
            usual = Duration::ZERO;
            if !self.go_on() {
                return;
            }
        }
    }

    /// Whether a task that has done its call is the next to gather; it ends otherwise.
    fn go_on(&self) -> bool {
        let mut book = self.book();
        let is_needed = book.turns.waiting() > 0 && !book.gathering;
        if is_needed {
            (book.gathering, book.expected) = (true, book.company.expected());
        } else {
            book.tasks -= 1;
        }
        is_needed
    }

    /// The next call's worth, after waiting for company; nothing where all that waited has left.
    async fn gather(self: &Arc<Self>, usual: Duration) -> Option<Vec<Waiting>> {
        self.linger(usual).await;
        let mut book = self.book();
        book.gathering = false;
        let batch = if self.is_whole() { book.turns.next_whole() } else { book.turns.next(self.largest()) };
        if batch.is_empty() {
            book.tasks -= 1;
            return None;
        }
        book.at_work += 1;
        book.under_way += batch.len();
        // What is left is for another slot.
        let expected = book.company.expected();
        self.staff(&mut book, expected);
        Some(batch)
    }

    /// Waits for company: for as many as there were of late, for the usual time where there was none, and not beyond a full batch.
    async fn linger(&self, usual: Duration) {
        let Some((wait, enough)) = self.plan(usual) else { return };
        if wait < TICK {
            // Those that are ready at this moment still come along.
            return tokio::task::yield_now().await;
        }
        let late = tokio::time::sleep(wait);
        tokio::pin!(late);
        while self.book().turns.waiting() < enough {
            tokio::select! {
                () = self.full.notified() => {}
                () = &mut late => return,
            }
        }
    }

    /// How long to wait, and for how many; nothing where enough are there.
    fn plan(&self, usual: Duration) -> Option<(Duration, usize)> {
        let (mut book, largest) = (self.book(), self.largest());
        let expected = book.expected.min(largest);
        // Whoever comes first after a time alone does not know what else is about to come.
        let (longest, enough) = if expected > 1 { (REUNION, expected) } else { (usual, largest) };
        book.enough = enough;
        if self.is_whole() || book.turns.waiting() >= enough {
            return None;
        }
        Some((book.pace.map_or(LINGER, |pace| longest.min(pace / SHARE)), enough))
    }

    /// One call, and its answers to whoever they are for.
    async fn call(&self, batch: Vec<Waiting>) {
        let (items, ends): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|waiting| (waiting.item, (waiting.place, waiting.reply))).unzip();
        let count = items.len();
        let crowd = Crowd(ends.iter().map(|(_, reply)| Arc::clone(reply)).collect());
        let began = Instant::now();
        let asked = AssertUnwindSafe(async { self.reward.score(RewardBatch { items }, &crowd).await });
        let answers = checked(asked.catch_unwind().await, count);
        self.note(count, began.elapsed());
        for ((place, reply), answer) in ends.into_iter().zip(answers) {
            reply.put(place, answer);
        }
    }

    fn note(&self, items: usize, took: Duration) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.items.fetch_add(items as u64, Ordering::Relaxed);
        tracing::debug!(reward = %self.reward.card().name, items, ?took, "a call of a reward");
        if let Some(meter) = self.meter.get() {
            meter(items);
        }
        let mut book = self.book();
        book.at_work -= 1;
        book.under_way -= items;
        book.company.pass();
        book.pace = Some(book.pace.map_or(took, |pace| pace.mul_f64(0.8) + took.mul_f64(0.2)));
    }
}

/// One answer an item, whatever the reward did.
fn checked(said: Result<Vec<Answer>, Box<dyn std::any::Any + Send>>, count: usize) -> Vec<Answer> {
    let failure = match said {
        Ok(answers) if answers.len() == count => return answers,
        Ok(answers) => {
            let found = answers.len();
            let message = format!("the reward answered {found} items of {count}: expected one answer an item");
            Failure::new(FailureKind::Malformed, message)
        }
        Err(_) => Failure::new(FailureKind::Crashed, "the reward panicked"),
    };
    vec![Err(failure); count]
}
