//! Models in this process: synchronous, each owned by named OS threads behind a bounded queue.
//!
//! The async side waits while the queue is full. Work that nobody wants any more is taken back from the queue at once,
//! and asked to end where it has begun. A model that panics costs the batch it was working on and is made anew; if it
//! cannot be made anew, its thread ends, and once all have ended what comes later fails.

mod critic;
mod orders;
mod policy;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use editscale_core::{
    AdoptedPolicy, BoxFuture, Candidate, CandidateId, EditBackend, EditBatch, EditorCard, EncodedImage, Failure,
    FailureKind, Judgement, LocalEditor, LocalReward, PolicySupport, PolicyWeights, RewardBatch, RewardCard,
    RewardModel, RunId, Watch,
};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

pub use self::critic::ThreadedCritic;
use self::orders::{Closing, Orders};
use self::policy::{Adoption, EditorOrder, InForce, Poll, take_up};

/// A model's threads could not be started.
#[derive(Debug, Error)]
pub enum SpawnError {
    /// The model could not be made.
    #[error("cannot make `{name}`: {reason}")]
    Make {
        /// The thread's name, or what kind of model it was to be where not even the first could be made.
        name: String,
        /// What the maker said.
        reason: String,
    },
    /// The system gave no thread.
    #[error("cannot start a thread for `{name}`: {source}")]
    Thread {
        /// The thread's name.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// How often the waiting side looks whether its caller still wants the work.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A kind of model: what it works on and what comes of it.
trait Model: Send + 'static {
    /// What people call one whose own name is not known yet.
    const KIND: &'static str;

    type Card: Clone;
    type Batch: Send + Sync + 'static;
    type Answer: Send + 'static;
    /// An order beside the queue.
    type Order: Clone + Send + 'static;

    fn card(&self) -> Self::Card;
    /// The name of its threads, and how many there are.
    fn threads(card: &Self::Card) -> (String, u32);
    fn work(&mut self, batch: &Self::Batch, watch: &dyn Watch) -> Vec<Result<Self::Answer, Failure>>;
    /// Whether the model is still to be trusted.
    fn obey(&mut self, order: Self::Order) -> bool;
    fn items(batch: &Self::Batch) -> usize;
}

impl Model for Box<dyn LocalEditor> {
    const KIND: &'static str = "editor";

    type Card = (EditorCard, PolicySupport);
    type Batch = EditBatch;
    type Answer = Candidate;
    type Order = EditorOrder;

    fn card(&self) -> Self::Card {
        (LocalEditor::card(&**self).clone(), self.adopts())
    }

    fn threads((card, _): &Self::Card) -> (String, u32) {
        (card.name.to_string(), card.slots.get())
    }

    fn work(&mut self, batch: &EditBatch, watch: &dyn Watch) -> Vec<Result<Candidate, Failure>> {
        self.edit(batch, watch)
    }

    fn obey(&mut self, order: EditorOrder) -> bool {
        match order {
            EditorOrder::Release(paused) => {
                self.release(&paused);
                true
            }
            EditorOrder::Adopt(adoption) => adoption.carry_out(&mut **self),
        }
    }

    fn items(batch: &EditBatch) -> usize {
        batch.items.len()
    }
}

impl Model for Box<dyn LocalReward> {
    const KIND: &'static str = "reward";

    type Card = RewardCard;
    type Batch = RewardBatch;
    type Answer = Judgement;
    type Order = std::convert::Infallible;

    fn card(&self) -> RewardCard {
        LocalReward::card(&**self).clone()
    }

    fn threads(card: &RewardCard) -> (String, u32) {
        (card.name.to_string(), card.slots.get())
    }

    fn work(&mut self, batch: &RewardBatch, watch: &dyn Watch) -> Vec<Result<Judgement, Failure>> {
        self.score(batch, watch)
    }

    fn obey(&mut self, order: Self::Order) -> bool {
        match order {}
    }

    fn items(batch: &RewardBatch) -> usize {
        batch.items.len()
    }
}

type Answers<M> = Vec<Result<<M as Model>::Answer, Failure>>;

/// One batch to work on, and where its answers go.
struct Work<M: Model> {
    batch: M::Batch,
    relay: Arc<Relay>,
    reply: oneshot::Sender<Answers<M>>,
}

/// Work on its way to a thread. Whoever takes it first has it: a thread to do it, or the waiting side to call it off.
type Ticket<M> = Mutex<Option<Work<M>>>;

enum Task<M: Model> {
    Work(Arc<Ticket<M>>),
    /// There are orders; a thread that works sees them without being told.
    Look,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a model tells while it works, on its way to the async side.
enum Word {
    Step { item: usize, step: u32, steps: u32 },
    Preview { item: usize, image: EncodedImage },
    Submitted { item: usize, key: String, remote_id: Option<String>, heard: std::sync::mpsc::Sender<()> },
}

/// The [`Watch`] that a model's thread sees.
struct Relay {
    cancelled: AtomicBool,
    words: mpsc::UnboundedSender<Word>,
}

impl Watch for Relay {
    fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    fn step(&self, item: usize, step: u32, steps: u32) {
        // A caller that is gone hears nothing; that is not the model's business.
        self.words.send(Word::Step { item, step, steps }).ok();
    }

    fn preview(&self, item: usize, image: &EncodedImage) {
        self.words.send(Word::Preview { item, image: image.clone() }).ok();
    }

    fn submitted(&self, item: usize, key: &str, remote_id: Option<&str>) {
        let (heard, wait) = std::sync::mpsc::channel();
        let (key, remote_id) = (key.to_owned(), remote_id.map(str::to_owned));
        if self.words.send(Word::Submitted { item, key, remote_id, heard }).is_ok() {
            wait.recv().ok();
        }
    }
}

/// Calls the work off: by itself when the waiting future is dropped.
struct Recall<M: Model> {
    relay: Arc<Relay>,
    /// Not an `Arc`, which would keep alive what a closed queue has dropped, and its reply with it.
    ticket: Weak<Ticket<M>>,
}

impl<M: Model> Recall<M> {
    /// Whether the work had not begun and will not.
    fn recall(&self) -> bool {
        self.relay.cancelled.store(true, Ordering::Relaxed);
        self.ticket.upgrade().is_some_and(|ticket| lock(&ticket).take().is_some())
    }
}

impl<M: Model> Drop for Recall<M> {
    fn drop(&mut self) {
        self.recall();
    }
}

/// The queue into a model's threads.
struct Threads<M: Model> {
    name: Arc<str>,
    tasks: mpsc::Sender<Task<M>>,
    /// One list a thread: an order is for every model.
    orders: Vec<Arc<Orders<M>>>,
    /// Why the last thread that ended has ended.
    ended: Arc<Mutex<Option<String>>>,
}

impl<M: Model> Threads<M> {
    /// Makes the model once for each of its threads and starts them.
    fn spawn<F>(make: F) -> Result<(M::Card, Self), SpawnError>
    where
        F: Fn() -> Result<M, String> + Send + Sync + 'static,
    {
        let first = make().map_err(|reason| SpawnError::Make { name: M::KIND.to_owned(), reason })?;
        let card = first.card();
        let (name, count) = M::threads(&card);
        let others = (1..count).map(|_| make());
        let models: Vec<M> = std::iter::once(Ok(first))
            .chain(others)
            .collect::<Result<_, _>>()
            .map_err(|reason| SpawnError::Make { name: name.clone(), reason })?;
        let (tasks, queue) = mpsc::channel(models.len());
        let (queue, make, ended) = (Arc::new(Mutex::new(queue)), Arc::new(make), Arc::default());
        let mut all_orders = Vec::new();
        for (index, model) in models.into_iter().enumerate() {
            let orders = Arc::new(Orders::<M>::open());
            all_orders.push(Arc::clone(&orders));
            let (queue, make, ended) = (Arc::clone(&queue), Arc::clone(&make), Arc::clone(&ended));
            std::thread::Builder::new()
                .name(format!("{name}-{index}"))
                .spawn(move || {
                    if let Err(reason) = serve(model, &queue, &orders, &*make) {
                        *lock(&ended) = Some(reason);
                    }
                })
                .map_err(|source| SpawnError::Thread { name: name.clone(), source })?;
        }
        Ok((card, Self { name: name.into(), tasks, orders: all_orders, ended }))
    }

    /// Gives an order to every model: it is obeyed before the next work.
    fn order(&self, order: M::Order) {
        self.orders.iter().for_each(|orders| orders.put(order.clone()));
        drop(order);
        // Threads that wait are woken. A full queue wakes as many by itself.
        self.orders.iter().for_each(|_| drop(self.tasks.try_send(Task::Look)));
    }

    async fn work(&self, batch: M::Batch, watch: &dyn Watch) -> Answers<M> {
        let items = M::items(&batch);
        let (words, mut heard) = mpsc::unbounded_channel();
        let relay = Arc::new(Relay { cancelled: AtomicBool::new(false), words });
        let (reply, mut answer) = oneshot::channel();
        let ticket = Arc::new(Mutex::new(Some(Work { batch, relay: Arc::clone(&relay), reply })));
        let recall = Recall { relay, ticket: Arc::downgrade(&ticket) };
        let sent = self.tasks.send(Task::Work(ticket));
        tokio::pin!(sent);
        let (mut is_sent, mut looks) = (false, tokio::time::interval(LOOK_EVERY));
        let answers = loop {
            tokio::select! {
                result = &mut sent, if !is_sent => match result {
                    Ok(()) => is_sent = true,
                    Err(_) => break None,
                },
                answers = &mut answer, if is_sent => break answers.ok(),
                Some(word) = heard.recv() => pass_on(word, watch),
                _ = looks.tick() => {
                    if watch.cancelled() && recall.recall() {
                        return all_failed::<M>(items, FailureKind::Cancelled, "cancelled before it was begun");
                    }
                }
            }
        };
        while let Ok(word) = heard.try_recv() {
            pass_on(word, watch);
        }
        answers.unwrap_or_else(|| all_failed::<M>(items, FailureKind::Crashed, &self.obituary()))
    }

    /// Why nothing can be asked of it any more, where that is so.
    fn trouble(&self) -> Option<String> {
        self.tasks.is_closed().then(|| self.obituary())
    }

    fn obituary(&self) -> String {
        match &*lock(&self.ended) {
            Some(reason) => format!("`{}` died and could not be made anew: {reason}", self.name),
            None => format!("the thread of `{}` has ended", self.name),
        }
    }
}

fn all_failed<M: Model>(items: usize, kind: FailureKind, message: &str) -> Answers<M> {
    (0..items).map(|_| Err(Failure::new(kind, message))).collect()
}

fn pass_on(word: Word, watch: &dyn Watch) {
    match word {
        Word::Step { item, step, steps } => watch.step(item, step, steps),
        Word::Preview { item, image } => watch.preview(item, &image),
        Word::Submitted { item, key, remote_id, heard } => {
            watch.submitted(item, &key, remote_id.as_deref());
            heard.send(()).ok();
        }
    }
}

/// A model's thread: works until the queue closes, or a model that panicked cannot be made anew, for which it says why.
fn serve<M: Model>(
    mut model: M,
    queue: &Mutex<mpsc::Receiver<Task<M>>>,
    orders: &Orders<M>,
    make: &dyn Fn() -> Result<M, String>,
) -> Result<(), String> {
    let _closing = Closing(orders);
    let make_anew = || catch_unwind(AssertUnwindSafe(make)).unwrap_or_else(|panic| Err(words_of(&*panic).to_owned()));
    loop {
        let task = lock(queue).blocking_recv();
        for order in orders.take() {
            if !catch_unwind(AssertUnwindSafe(|| model.obey(order))).unwrap_or(false) {
                model = make_anew()?;
            }
        }
        let ticket = match task {
            None => return Ok(()),
            Some(Task::Look) => continue,
            Some(Task::Work(ticket)) => ticket,
        };
        let Some(Work { batch, relay, reply }) = lock(&ticket).take() else { continue };
        let (answers, healthy) = work_safely(&mut model, &batch, &relay);
        // A caller that is gone does not want the answers.
        reply.send(answers).ok();
        if !healthy {
            model = make_anew()?;
        }
    }
}

/// The answers, one an item, and whether the model is still to be trusted.
fn work_safely<M: Model>(model: &mut M, batch: &M::Batch, relay: &Relay) -> (Answers<M>, bool) {
    let items = M::items(batch);
    match catch_unwind(AssertUnwindSafe(|| model.work(batch, relay))) {
        Ok(answers) if answers.len() == items => (answers, true),
        Ok(answers) => {
            let found = answers.len();
            let message = format!("the model answered {found} items of {items}: expected one answer an item");
            (all_failed::<M>(items, FailureKind::Malformed, &message), false)
        }
        Err(panic) => {
            let message = format!("the model panicked: {}", words_of(&*panic));
            (all_failed::<M>(items, FailureKind::Crashed, &message), false)
        }
    }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// A [`LocalEditor`] on threads of its own.
pub struct ThreadedEditor {
    card: EditorCard,
    adopts: PolicySupport,
    threads: Threads<Box<dyn LocalEditor>>,
    in_force: InForce,
    /// Held while weights are taken up: models that wait for each other must wait for the same.
    adopting: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for ThreadedEditor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ThreadedEditor").field("card", &self.card).finish_non_exhaustive()
    }
}

impl ThreadedEditor {
    /// Makes the editor once for each slot of its card and gives each a thread. `make` is called again after a panic.
    pub fn spawn<F>(make: F) -> Result<Self, SpawnError>
    where
        F: Fn() -> Result<Box<dyn LocalEditor>, String> + Send + Sync + 'static,
    {
        let in_force = InForce::default();
        let known = Arc::clone(&in_force);
        let make = move || {
            let mut model = make()?;
            take_up(&known, &mut *model)?;
            Ok(model)
        };
        let ((card, adopts), threads) = Threads::spawn(make)?;
        Ok(Self { card, adopts, threads, in_force, adopting: tokio::sync::Mutex::new(()) })
    }

    async fn adopt_everywhere(&self, weights: &PolicyWeights) -> Result<AdoptedPolicy, Failure> {
        if let Some(refusal) = self.adopts.refusal(&self.card.name, weights) {
            return Err(refusal);
        }
        let _alone = self.adopting.lock().await;
        let (replies, heard) = mpsc::unbounded_channel();
        let earlier = lock(&self.in_force).clone();
        self.threads.order(EditorOrder::Adopt(Adoption { weights: weights.clone(), earlier, replies }));
        let settled = Poll::take(heard).await.settle(weights, &self.in_force);
        settled.unwrap_or_else(|| Err(Failure::new(FailureKind::Crashed, self.threads.obituary())))
    }

    /// Why nothing can be asked of it any more: its last thread ended. Nothing while it lives.
    pub fn trouble(&self) -> Option<String> {
        self.threads.trouble()
    }
}

impl EditBackend for ThreadedEditor {
    fn card(&self) -> &EditorCard {
        &self.card
    }

    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        Box::pin(self.threads.work(batch, watch))
    }

    fn release(&self, paused: &[(RunId, CandidateId)]) {
        self.threads.order(EditorOrder::Release(paused.to_vec()));
    }

    fn adopts(&self) -> PolicySupport {
        self.adopts
    }

    fn adopt<'a>(&'a self, weights: &'a PolicyWeights) -> BoxFuture<'a, Result<AdoptedPolicy, Failure>> {
        Box::pin(self.adopt_everywhere(weights))
    }
}

/// A [`LocalReward`] on threads of its own.
pub struct ThreadedReward {
    card: RewardCard,
    threads: Threads<Box<dyn LocalReward>>,
}

impl std::fmt::Debug for ThreadedReward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ThreadedReward").field("card", &self.card).finish_non_exhaustive()
    }
}

impl ThreadedReward {
    /// Makes the reward once for each slot of its card and gives each a thread. `make` is called again after a panic.
    pub fn spawn<F>(make: F) -> Result<Self, SpawnError>
    where
        F: Fn() -> Result<Box<dyn LocalReward>, String> + Send + Sync + 'static,
    {
        Threads::spawn(make).map(|(card, threads)| Self { card, threads })
    }

    /// Why nothing can be asked of it any more: its last thread ended. Nothing while it lives.
    pub fn trouble(&self) -> Option<String> {
        self.threads.trouble()
    }
}

impl RewardModel for ThreadedReward {
    fn card(&self) -> &RewardCard {
        &self.card
    }

    fn score<'a>(&'a self, batch: RewardBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Judgement, Failure>>> {
        Box::pin(self.threads.work(batch, watch))
    }
}
