//! All runs that this server knows, and what waits to be carried out.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use editscale_core::RunId;
use editscale_engine::{Job, RunDirectory};
use tokio::sync::watch;
use tracing::{Instrument, Span};

use super::accept::{discard, ended_state};
use super::carry::{carry_out, failed};
use super::live::{Live, State};
use super::queue::FairQueue;
use super::record::{EndedBy, Idempotency, Owner, ServiceRecord};
use crate::refusal::Refusal;
use crate::settings::Settings;
use crate::telemetry::{self, Telemetry};

/// Runs that ended whose events are kept.
const FOLLOWED: usize = 64;

/// Runs that ended that are kept in memory at all.
const REMEMBERED: usize = 512;

/// Everything that a run needs to be carried out.
pub(crate) struct Ready {
    pub(crate) live: Arc<Live>,
    pub(crate) job: Job,
    pub(crate) directory: RunDirectory,
    pub(crate) retain: editscale_config::Retain,
    /// What is logged of it says whose request it was.
    pub(crate) span: Span,
}

impl Ready {
    /// The span of a run that the present request asked for, or that goes on from an earlier life.
    pub(crate) fn span_of(live: &Live) -> Span {
        let (run, recipe, asked) = (live.id(), live.recipe(), telemetry::current());
        let (request, trace) = asked.map(|ids| (ids.request, ids.trace)).unzip();
        let span = tracing::info_span!(parent: None, "run", %run, recipe, request_id = request, trace_id = trace);
        span.follows_from(Span::current());
        span
    }
}

/// All runs of a server. Cheap to clone.
#[derive(Clone)]
pub struct Runs(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) settings: Settings,
    book: Mutex<Book>,
    /// How many are carried out.
    running: watch::Sender<usize>,
    /// Whether no more is taken.
    closing: watch::Sender<bool>,
    telemetry: Arc<Telemetry>,
}

struct Book {
    /// Whose every run is, the earliest first.
    owners: BTreeMap<RunId, Owner>,
    /// Runs that have not ended, and those that ended last.
    known: HashMap<RunId, Arc<Live>>,
    /// Those that ended, the earliest first.
    ended: VecDeque<RunId>,
    keys: HashMap<(Owner, String), (String, RunId)>,
    /// Keys under which a run is being put on disk.
    claimed: HashSet<(Owner, String)>,
    waiting: FairQueue<Owner, Ready>,
    running: usize,
    /// Seconds that a run takes, of late.
    pace: f64,
}

impl fmt::Debug for Runs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let book = self.book();
        f.debug_struct("Runs").field("known", &book.known.len()).field("waiting", &book.waiting.len()).finish()
    }
}

impl Runs {
    /// No runs yet. `callers` is how many there can be.
    pub(crate) fn new(settings: Settings, callers: usize, telemetry: Arc<Telemetry>) -> Self {
        let most = settings.waiting;
        let share = if callers > 1 { most.div_ceil(2) } else { most };
        let book = Book {
            owners: BTreeMap::new(),
            known: HashMap::new(),
            ended: VecDeque::new(),
            keys: HashMap::new(),
            claimed: HashSet::new(),
            waiting: FairQueue::new(most, share),
            running: 0,
            pace: 5.0,
        };
        let (running, closing) = (watch::Sender::new(0), watch::Sender::new(false));
        Self(Arc::new(Shared { settings, book: Mutex::new(book), running, closing, telemetry }))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn telemetry(&self) -> &Arc<Telemetry> {
        &self.0.telemetry
    }

    /// A run of this owner. Reads files where it ended long ago.
    pub fn find(&self, id: &str, owner: &Owner) -> Result<Arc<Live>, Refusal> {
        let (name, known) = self.at_hand(id, owner)?;
        known.or_else(|| self.recall(name)).ok_or_else(|| Refusal::absent("run", id))
    }

    /// The same without a look at files: the run's name, and the run where it is in memory.
    pub(crate) fn at_hand(&self, id: &str, owner: &Owner) -> Result<(RunId, Option<Arc<Live>>), Refusal> {
        let absent = || Refusal::absent("run", id);
        let name = RunId::new(id).map_err(|_| absent())?;
        let book = self.book();
        book.owners.get(&name).filter(|whose| *whose == owner).ok_or_else(absent)?;
        let known = book.known.get(&name).cloned();
        Ok((name, known))
    }

    /// A run, whoever's it is: for those alone who have shown that they may see it.
    pub(crate) fn find_shown(&self, id: &str) -> Result<Arc<Live>, Refusal> {
        let absent = || Refusal::absent("run", id);
        let id = RunId::new(id).map_err(|_| absent())?;
        let owner = self.book().owners.get(&id).cloned().ok_or_else(absent)?;
        self.find(id.as_str(), &owner)
    }

    /// A run that ended and was let go of, from its folder.
    fn recall(&self, id: RunId) -> Option<Arc<Live>> {
        let path = self.settings().runs_dir.join(id.as_str());
        let record = ServiceRecord::read(&path)?;
        let state = ended_state(&path, &record)?;
        Some(Arc::new(Live::new(id, path, record, state)))
    }

    /// This owner's runs, the latest first. Reads files where they ended long ago.
    pub fn of(&self, owner: &Owner, most: usize) -> Vec<Arc<Live>> {
        let names = self.names_of(owner, None, most);
        names.iter().filter_map(|id| self.find(id.as_str(), owner).ok()).collect()
    }

    /// The names of this owner's runs that were accepted before the one of this name, the latest first; of all where none is
    /// said, which need not be there any more.
    pub(crate) fn names_of(&self, owner: &Owner, before: Option<&RunId>, most: usize) -> Vec<RunId> {
        let (book, end) = (self.book(), before.map_or(Bound::Unbounded, Bound::Excluded));
        let earlier = book.owners.range((Bound::Unbounded, end)).rev();
        earlier.filter(|(_, whose)| *whose == owner).take(most).map(|(id, _)| id.clone()).collect()
    }

    /// The names of all runs.
    pub(crate) fn all(&self) -> Vec<RunId> {
        self.book().owners.keys().cloned().collect()
    }

    /// Removes a run that has ended, with its folder. Whether it did.
    pub(crate) fn remove(&self, id: &RunId) -> bool {
        let path = self.settings().runs_dir.join(id.as_str());
        let record = ServiceRecord::read(&path);
        let mut book = self.book();
        if book.known.get(id).is_some_and(|live| !live.state().is_final()) {
            return false;
        }
        book.known.remove(id);
        book.owners.remove(id);
        let key = record.and_then(|record| Some((record.owner, record.idempotency?.key)));
        if let Some(key) = key.filter(|key| book.keys.get(key).is_some_and(|(_, run)| run == id)) {
            book.keys.remove(&key);
        }
        drop(book);
        discard(&path)
    }

    /// How many wait, and how many are carried out.
    pub fn load(&self) -> (usize, usize) {
        let book = self.book();
        (book.waiting.len(), book.running)
    }

    /// The run that was accepted under this key, if what was wished for is the same.
    pub(crate) fn earlier(&self, owner: &Owner, key: &Idempotency) -> Result<Option<Arc<Live>>, Refusal> {
        let book = self.book();
        let Some((digest, id)) = book.keys.get(&(owner.clone(), key.key.clone())) else { return Ok(None) };
        if *digest != key.digest {
            let message = "the idempotency key was used for another request: expected the same body";
            return Err(Refusal::Conflict(message.to_owned()));
        }
        let id = id.clone();
        drop(book);
        self.find(id.as_str(), owner).map(Some)
    }

    /// Keeps a key for whoever puts its run on disk.
    pub(crate) fn claim(&self, owner: &Owner, key: &Idempotency) -> Result<Claim, Refusal> {
        let key = (owner.clone(), key.key.clone());
        if self.book().claimed.insert(key.clone()) {
            return Ok(Claim { runs: self.clone(), key });
        }
        Err(Refusal::Conflict("a request with this idempotency key is being accepted: ask again".to_owned()))
    }

    /// Whether a run of this owner would be taken now.
    pub(crate) fn check_room(&self, owner: &Owner) -> Result<(), Refusal> {
        let book = self.book();
        if self.is_closing() {
            return Err(Refusal::Closing);
        }
        if book.running < self.settings().running || book.waiting.has_room(owner) {
            return Ok(());
        }
        Err(self.busy(&book))
    }

    /// There is no room, and when there may be.
    fn busy(&self, book: &Book) -> Refusal {
        self.telemetry().refused();
        let waiting = book.waiting.len();
        let secs = book.pace * (waiting + 1) as f64 / self.settings().running.max(1) as f64;
        let after = Duration::from_secs_f64(secs.clamp(1.0, 600.0));
        Refusal::Busy { message: format!("{waiting} runs are waiting: there is no room for another"), after }
    }

    /// Takes a run that is on disk. `promised`: whether it was accepted earlier, and is taken in any case.
    pub(crate) fn enter(&self, ready: Ready, promised: bool) -> Result<(), Refusal> {
        let (live, owner) = (Arc::clone(&ready.live), ready.live.owner());
        let idempotency = live.record().idempotency.clone();
        let mut book = self.book();
        if book.running < self.settings().running && book.waiting.len() == 0 && !self.is_closing() {
            book.running += 1;
            self.0.running.send_replace(book.running);
            self.start(ready);
        } else if promised {
            book.waiting.push_anyway(owner.clone(), ready);
        } else if self.is_closing() {
            return Err(Refusal::Closing);
        } else if book.waiting.push(owner.clone(), ready).is_err() {
            return Err(self.busy(&book));
        }
        if let Some(Idempotency { key, digest }) = idempotency {
            book.keys.insert((owner, key), (digest, live.id().clone()));
        }
        book.owners.insert(live.id().clone(), live.owner());
        book.known.insert(live.id().clone(), live);
        Ok(())
    }

    /// Knows a run of an earlier life that has ended.
    pub(crate) fn remember(&self, live: &Live) {
        // Taken beforehand: the record may not be locked when the owner is asked for.
        let idempotency = live.record().idempotency.clone();
        let mut book = self.book();
        if let Some(Idempotency { key, digest }) = idempotency {
            book.keys.insert((live.owner(), key), (digest, live.id().clone()));
        }
        book.owners.insert(live.id().clone(), live.owner());
    }

    /// A run has ended: it is kept for a while for those who follow it, and then lies in its folder alone.
    fn let_go(&self, live: &Live) {
        let mut book = self.book();
        book.ended.push_back(live.id().clone());
        if book.ended.len() > FOLLOWED
            && let Some(id) = book.ended.iter().rev().nth(FOLLOWED).cloned()
            && let Some(earlier) = book.known.get(&id)
        {
            earlier.events().forget();
        }
        while book.ended.len() > REMEMBERED {
            if let Some(id) = book.ended.pop_front() {
                book.known.remove(&id);
            }
        }
    }

    /// Carries a run out, and then those that wait.
    fn start(&self, ready: Ready) {
        let runs = self.clone();
        tokio::spawn(async move {
            let mut next = Some(ready);
            while let Some(ready) = next {
                let (began, live, span) = (Instant::now(), Arc::clone(&ready.live), ready.span.clone());
                // A run that panics takes nobody's turn away.
                let state = match tokio::spawn(carry_out(ready).instrument(span)).await {
                    Ok(state) => state,
                    Err(panic) => failed(&live, format!("the run could not be carried out: {panic}")).await,
                };
                // Whoever sees how it ended finds it in the figures.
                runs.telemetry().run_ended(&live.recipe(), &state, Some(began.elapsed()));
                live.set_state(state);
                runs.let_go(&live);
                next = runs.next(began.elapsed());
            }
        });
    }

    /// The next one to be carried out by whoever has just done one.
    fn next(&self, took: Duration) -> Option<Ready> {
        let mut book = self.book();
        book.pace = 0.8 * book.pace + 0.2 * took.as_secs_f64();
        let next = if self.is_closing() { None } else { book.waiting.pop() };
        if next.is_none() {
            book.running -= 1;
            self.0.running.send_replace(book.running);
        }
        next
    }

    /// Ends a run for its caller. One that waits gives its place back at once.
    pub fn cancel(&self, live: &Live) {
        self.stop(live, EndedBy::Caller, State::Cancelled);
    }

    pub(crate) fn stop(&self, live: &Live, by: EndedBy, state: State) {
        if live.state().is_final() || !live.end_by(by) {
            return;
        }
        let removed = self.book().waiting.remove(|ready| ready.live.id() == live.id());
        if !removed.is_empty() {
            self.end_idle(live, state);
            self.let_go(live);
        }
        live.stopper().stop();
    }

    /// Begins nothing more, stops what is under way, and waits until it is put aside; what waits is put aside too. All of it
    /// goes on when a server is started over the same folder.
    pub async fn close(&self) {
        self.refuse_more();
        let running: Vec<_> = {
            let book = self.book();
            book.known.values().filter(|live| !live.state().is_final()).cloned().collect()
        };
        running.iter().for_each(|live| live.stopper().stop());
        // The sender lives as long as self.
        self.0.running.subscribe().wait_for(|running| *running == 0).await.ok();
    }

    /// Refuses new runs from now on and puts aside what waits; what is under way goes on.
    pub fn refuse_more(&self) {
        let waiting = {
            let mut book = self.book();
            self.0.closing.send_replace(true);
            book.waiting.remove(|_| true)
        };
        waiting.iter().for_each(|ready| self.end_idle(&ready.live, State::Paused));
    }

    /// Ends a run that is not at work.
    pub(super) fn end_idle(&self, live: &Live, state: State) {
        self.telemetry().run_ended(&live.recipe(), &state, None);
        live.set_state(state);
    }

    /// Waits until new runs are refused.
    pub async fn closing(&self) {
        // The sender lives as long as self.
        self.0.closing.subscribe().wait_for(|closing| *closing).await.ok();
    }

    /// Whether new runs are refused.
    pub fn is_closing(&self) -> bool {
        *self.0.closing.borrow()
    }

    /// Waits until nothing is carried out.
    pub async fn idle(&self) {
        self.0.running.subscribe().wait_for(|running| *running == 0).await.ok();
    }
}

/// A key that is kept until this is dropped.
pub(crate) struct Claim {
    runs: Runs,
    key: (Owner, String),
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.runs.book().claimed.remove(&self.key);
    }
}
