//! Models in this process: synchronous, each owned by named OS threads behind a bounded queue.
//!
//! The async side waits while the queue is full. Work whose caller is gone is skipped. A model that panics costs the
//! batch it was working on and is made anew; if it cannot be made anew, its threads end and what comes later fails.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use editscale_core::{
    BoxFuture, Candidate, CandidateId, EditBackend, EditBatch, EditorCard, EncodedImage, Failure, FailureKind,
    Judgement, LocalEditor, LocalReward, RewardBatch, RewardCard, RewardModel, RunId, Watch,
};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

/// A model's threads could not be started.
#[derive(Debug, Error)]
pub enum SpawnError {
    /// The model could not be made.
    #[error("cannot make `{name}`: {reason}")]
    Make {
        /// The thread's name.
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
trait Model: Send {
    type Batch: Send + Sync + 'static;
    type Answer: Send + 'static;
    /// An order beside the queue that is not answered.
    type Order: Clone + Send + 'static;

    fn work(&mut self, batch: &Self::Batch, watch: &dyn Watch) -> Vec<Result<Self::Answer, Failure>>;
    fn obey(&mut self, order: Self::Order);
    fn items(batch: &Self::Batch) -> usize;
}

impl Model for Box<dyn LocalEditor> {
    type Batch = EditBatch;
    type Answer = Candidate;
    type Order = Vec<(RunId, CandidateId)>;

    fn work(&mut self, batch: &EditBatch, watch: &dyn Watch) -> Vec<Result<Candidate, Failure>> {
        self.edit(batch, watch)
    }

    fn obey(&mut self, released: Self::Order) {
        self.release(&released);
    }

    fn items(batch: &EditBatch) -> usize {
        batch.items.len()
    }
}

impl Model for Box<dyn LocalReward> {
    type Batch = RewardBatch;
    type Answer = Judgement;
    type Order = std::convert::Infallible;

    fn work(&mut self, batch: &RewardBatch, watch: &dyn Watch) -> Vec<Result<Judgement, Failure>> {
        self.score(batch, watch)
    }

    fn obey(&mut self, order: Self::Order) {
        match order {}
    }

    fn items(batch: &RewardBatch) -> usize {
        batch.items.len()
    }
}

enum Task<M: Model> {
    Work {
        batch: M::Batch,
        relay: Arc<Relay>,
        reply: oneshot::Sender<Vec<Result<M::Answer, Failure>>>,
    },
    /// There are orders; a thread that works sees them without being told.
    Look,
}

/// The orders that a thread has not yet seen.
type Orders<M> = Arc<Mutex<Vec<<M as Model>::Order>>>;

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

/// Cancels the work when the waiting future is dropped.
struct CancelOnDrop(Arc<Relay>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancelled.store(true, Ordering::Relaxed);
    }
}

/// The queue into a model's threads.
struct Threads<M: Model> {
    name: Arc<str>,
    tasks: mpsc::Sender<Task<M>>,
    /// One list a thread: an order is for every model.
    orders: Vec<Orders<M>>,
}

impl<M: Model + 'static> Threads<M> {
    fn spawn<F>(name: &str, mut models: Vec<M>, make: F) -> Result<Self, SpawnError>
    where
        F: Fn() -> Result<M, String> + Send + Sync + 'static,
    {
        let (tasks, queue) = mpsc::channel(models.len().max(1));
        let queue = Arc::new(Mutex::new(queue));
        let make = Arc::new(make);
        let mut all_orders = Vec::new();
        for (index, model) in models.drain(..).enumerate() {
            let (queue, make) = (Arc::clone(&queue), Arc::clone(&make));
            let orders = Orders::<M>::default();
            all_orders.push(Arc::clone(&orders));
            std::thread::Builder::new()
                .name(format!("{name}-{index}"))
                .spawn(move || serve(model, &queue, &orders, &*make))
                .map_err(|source| SpawnError::Thread { name: name.to_owned(), source })?;
        }
        Ok(Self { name: name.into(), tasks, orders: all_orders })
    }

    /// Gives an order to every model: it is obeyed before the next work.
    fn order(&self, order: &M::Order) {
        for orders in &self.orders {
            orders.lock().unwrap_or_else(PoisonError::into_inner).push(order.clone());
        }
        // Threads that wait are woken. A full queue means that all are at work, and look by themselves.
        self.orders.iter().for_each(|_| drop(self.tasks.try_send(Task::Look)));
    }

    async fn work(&self, batch: M::Batch, watch: &dyn Watch) -> Vec<Result<M::Answer, Failure>> {
        let items = M::items(&batch);
        let (words, mut heard) = mpsc::unbounded_channel();
        let relay = Arc::new(Relay { cancelled: AtomicBool::new(false), words });
        let guard = CancelOnDrop(Arc::clone(&relay));
        let (reply, mut answer) = oneshot::channel();
        if self.tasks.send(Task::Work { batch, relay, reply }).await.is_err() {
            return self.all_failed(items);
        }
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let answers = loop {
            tokio::select! {
                answers = &mut answer => break answers.ok(),
                Some(word) = heard.recv() => pass_on(word, watch),
                _ = looks.tick() => {
                    if watch.cancelled() {
                        guard.0.cancelled.store(true, Ordering::Relaxed);
                    }
                }
            }
        };
        while let Ok(word) = heard.try_recv() {
            pass_on(word, watch);
        }
        answers.unwrap_or_else(|| self.all_failed(items))
    }

    fn all_failed(&self, items: usize) -> Vec<Result<M::Answer, Failure>> {
        let failure = || Failure::new(FailureKind::Crashed, format!("the thread of `{}` has ended", self.name));
        (0..items).map(|_| Err(failure())).collect()
    }
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

/// A model's thread: works until the queue closes, or a model that panicked cannot be made anew.
fn serve<M: Model>(
    mut model: M,
    queue: &Mutex<mpsc::Receiver<Task<M>>>,
    orders: &Mutex<Vec<M::Order>>,
    make: &dyn Fn() -> Result<M, String>,
) {
    loop {
        let task = queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let waiting = std::mem::take(&mut *orders.lock().unwrap_or_else(PoisonError::into_inner));
        waiting.into_iter().for_each(|order| model.obey(order));
        match task {
            None => return,
            Some(Task::Look) => {}
            Some(Task::Work { reply, .. }) if reply.is_closed() => {}
            Some(Task::Work { batch, relay, reply }) => {
                let (answers, healthy) = work_safely(&mut model, &batch, &relay);
                // A caller that is gone does not want the answers.
                reply.send(answers).ok();
                if !healthy {
                    match make() {
                        Ok(anew) => model = anew,
                        Err(_) => return,
                    }
                }
            }
        }
    }
}

/// The answers, one an item, and whether the model is still to be trusted.
fn work_safely<M: Model>(model: &mut M, batch: &M::Batch, relay: &Relay) -> (Vec<Result<M::Answer, Failure>>, bool) {
    let items = M::items(batch);
    let all = |kind, message: String| (0..items).map(|_| Err(Failure::new(kind, message.as_str()))).collect();
    match catch_unwind(AssertUnwindSafe(|| model.work(batch, relay))) {
        Ok(answers) if answers.len() == items => (answers, true),
        Ok(answers) => {
            let found = answers.len();
            let message = format!("the model answered {found} items of {items}: expected one answer an item");
            (all(FailureKind::Malformed, message), false)
        }
        Err(panic) => (all(FailureKind::Crashed, format!("the model panicked: {}", words_of(&*panic))), false),
    }
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

/// A [`LocalEditor`] on threads of its own.
pub struct ThreadedEditor {
    card: EditorCard,
    threads: Threads<Box<dyn LocalEditor>>,
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
        let first = make().map_err(|reason| SpawnError::Make { name: "editor".to_owned(), reason })?;
        let card = first.card().clone();
        let name = card.name.to_string();
        let models = with_copies(first, card.slots.get(), &make)
            .map_err(|reason| SpawnError::Make { name: name.clone(), reason })?;
        Ok(Self { card, threads: Threads::spawn(&name, models, make)? })
    }
}

/// The first of a kind and as many more as make up `count`.
fn with_copies<M>(first: M, count: u32, make: &dyn Fn() -> Result<M, String>) -> Result<Vec<M>, String> {
    std::iter::once(Ok(first)).chain((1..count).map(|_| make())).collect()
}

impl EditBackend for ThreadedEditor {
    fn card(&self) -> &EditorCard {
        &self.card
    }

    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        Box::pin(self.threads.work(batch, watch))
    }

    fn release(&self, paused: &[(RunId, CandidateId)]) {
        self.threads.order(&paused.to_vec());
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
        let first = make().map_err(|reason| SpawnError::Make { name: "reward".to_owned(), reason })?;
        let card = first.card().clone();
        let name = card.name.to_string();
        let models = with_copies(first, card.slots.get(), &make)
            .map_err(|reason| SpawnError::Make { name: name.clone(), reason })?;
        Ok(Self { card, threads: Threads::spawn(&name, models, make)? })
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
