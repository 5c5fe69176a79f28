//! Batches on their way through a plugin: who is tried with whom, and what is done about those that were under way when it
//! died.

use std::sync::Arc;
use std::time::{Duration, Instant};

use editscale_core::{Cost, EncodedImage, Failure, FailureKind, Watch};
use editscale_sdk::protocol::{Answer, Method, Outcome, Picture};
use tokio::sync::{OwnedSemaphorePermit, watch};

use crate::calls::{Death, Held, Line, Reply, Word};
use crate::convert::failures::{failure, lie};
use crate::convert::pictures::{Outgoing, received};
use crate::pipe::PipeError;
use crate::quarantine::{Key, Standing};
use crate::session::{NotSent, Session};
use crate::spool::Written;
use crate::supervise::{Phase, Shared};

/// How often a caller that waits looks whether the work is still wanted.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How many times work is begun again that was under way when the plugin had to be killed for another call.
const INNOCENT: u32 = 3;

/// A kind of work: what goes to the plugin and what comes of it.
pub(crate) trait Trade: Send + Sync + 'static {
    /// One item, as the program has it.
    type Item: Clone + Send + Sync + 'static;
    /// What comes of it, as the plugin says it.
    type Said: Send + 'static;
    /// What comes of it, as the program has it.
    type Made: Send + 'static;

    /// The most that one item costs.
    fn most(&self) -> Cost;
    /// Whether an item that was under way when the plugin died may be given to it again.
    fn may_repeat(&self) -> bool;
    /// What decides an item.
    fn key(&self, item: &Self::Item) -> Key;
    /// Which items are only ever tried together, in lists of their places.
    fn units(&self, items: &[Self::Item]) -> Vec<Vec<usize>>;
    /// The call.
    fn method(&self, items: &[Self::Item], pictures: &mut Outgoing<'_>) -> Result<Method, Failure>;
    /// Its outcomes, where the answer is to such a call.
    fn outcomes(&self, answer: Answer) -> Option<Vec<Outcome<Self::Said>>>;
    /// What an item became, or what is wrong with it.
    fn read(&self, said: Self::Said, session: &Session) -> Result<Self::Made, String>;
}

type Results<T> = Vec<Result<<T as Trade>::Made, Failure>>;

/// What came of one call.
enum Tried<T: Trade> {
    /// One result an item.
    Answered(Results<T>),
    /// No call was made.
    Failed(Failure),
    /// The plugin died; whether it was killed because of this very call.
    Died(Death, bool),
}

/// What is given to the plugin, and who is told of it.
pub(crate) struct Desk<'d, T: Trade> {
    pub(crate) shared: &'d Shared,
    pub(crate) trade: &'d Arc<T>,
    pub(crate) watch: &'d dyn Watch,
}

/// Items that are only ever tried together.
#[derive(Debug, Clone)]
struct Unit {
    places: Vec<usize>,
    key: Key,
}

impl<T: Trade> Desk<'_, T> {
    /// Has all items worked on: one result an item, in their order.
    pub(crate) async fn work(&self, items: &[T::Item]) -> Results<T> {
        let mut results: Vec<Option<Result<T::Made, Failure>>> = items.iter().map(|_| None).collect();
        let (mut together, mut alone) = (Vec::new(), Vec::new());
        for unit in self.units(items) {
            match self.shared.quarantine.standing(unit.key) {
                Standing::Free => together.push(unit),
                Standing::Suspect => alone.push(unit),
                Standing::Quarantined(why) => fill_all(&mut results, &unit.places, &self.locked_away(&why)),
            }
        }
        if !together.is_empty() {
            alone.extend(self.together(items, together, &mut results).await);
        }
        // One attempt each and round: what is good is answered between what kills.
        while !alone.is_empty() {
            let mut left = Vec::new();
            for unit in alone {
                if self.alone(items, &unit, &mut results).await {
                    left.push(unit);
                }
            }
            alone = left;
        }
        let lost = || Failure::new(FailureKind::Malformed, "nothing came of this item");
        results.into_iter().map(|result| result.unwrap_or_else(|| Err(lost()))).collect()
    }

    fn units(&self, items: &[T::Item]) -> Vec<Unit> {
        let unit = |places: Vec<usize>| {
            let keys: Vec<Key> =
                places.iter().filter_map(|place| items.get(*place)).map(|item| self.trade.key(item)).collect();
            Unit { key: Key::of_all(&keys), places }
        };
        self.trade.units(items).into_iter().map(unit).collect()
    }

    /// Gives the units to the plugin in one call. Those that are to be tried alone come back.
    async fn together(
        &self,
        items: &[T::Item],
        units: Vec<Unit>,
        results: &mut [Option<Result<T::Made, Failure>>],
    ) -> Vec<Unit> {
        let places: Vec<usize> = units.iter().flat_map(|unit| unit.places.iter().copied()).collect();
        let mut innocent = 0;
        let (death, is_guilty) = loop {
            match self.attempt(items, &units, 1).await {
                Tried::Answered(answers) => {
                    fill(results, &places, answers);
                    return Vec::new();
                }
                Tried::Failed(failure) => {
                    fill_all(results, &places, &failure);
                    return Vec::new();
                }
                // It was killed for another call, and not for this one.
                Tried::Died(death, false)
                    if !death.hung.is_empty() && innocent < INNOCENT && self.trade.may_repeat() =>
                {
                    innocent += 1;
                }
                Tried::Died(death, is_guilty) => break (death, is_guilty),
            }
        };
        match units.as_slice() {
            // Nothing else was under way: it is known what it died of.
            [only] if self.shared.slots == 1 || is_guilty => self.shared.quarantine.blame(only.key, &death.reason),
            several => several.iter().for_each(|unit| self.shared.quarantine.suspect(unit.key)),
        }
        match self.verdict(&death, is_guilty) {
            Some(failure) => {
                fill_all(results, &places, &failure);
                Vec::new()
            }
            None => units,
        }
    }

    /// Tries one unit once with nothing else under way; whether it is to be tried again.
    async fn alone(&self, items: &[T::Item], unit: &Unit, results: &mut [Option<Result<T::Made, Failure>>]) -> bool {
        if let Standing::Quarantined(why) = self.shared.quarantine.standing(unit.key) {
            fill_all(results, &unit.places, &self.locked_away(&why));
            return false;
        }
        match self.attempt(items, std::slice::from_ref(unit), self.shared.slots).await {
            Tried::Answered(answers) => {
                self.shared.quarantine.clear(unit.key);
                fill(results, &unit.places, answers);
            }
            Tried::Failed(failure) => fill_all(results, &unit.places, &failure),
            Tried::Died(death, is_guilty) => {
                self.shared.quarantine.blame(unit.key, &death.reason);
                match self.verdict(&death, is_guilty) {
                    Some(failure) => fill_all(results, &unit.places, &failure),
                    None => return true,
                }
            }
        }
        false
    }

    /// The failure of items that are not tried again although they are not in quarantine.
    fn verdict(&self, death: &Death, is_guilty: bool) -> Option<Failure> {
        let name = self.shared.name();
        let say = |kind, words: &str| Failure::new(kind, format!("the plugin `{name}` {words}: {}", death.reason));
        if !self.trade.may_repeat() {
            let cost = self.trade.most();
            let words = "died while at work, which may have been done and paid elsewhere";
            return Some(Failure { cost, ..say(FailureKind::Ambiguous, words) });
        }
        is_guilty.then(|| say(FailureKind::TimedOut, "took too long"))
    }

    fn locked_away(&self, why: &str) -> Failure {
        Failure::new(FailureKind::Crashed, format!("plugin `{}`: {why}", self.shared.name()))
    }

    /// One call for these units, under so many credits.
    async fn attempt(&self, items: &[T::Item], units: &[Unit], credits: u32) -> Tried<T> {
        let places: Vec<usize> = units.iter().flat_map(|unit| unit.places.iter().copied()).collect();
        let unit = if let [only] = units { Some(only.key) } else { None };
        let chosen: Vec<T::Item> = places.iter().filter_map(|place| items.get(*place)).cloned().collect();
        let chosen = Arc::new(chosen);
        loop {
            let (permit, session) = match self.admitted(credits).await {
                Ok(admitted) => admitted,
                Err(failure) => return Tried::Failed(failure),
            };
            let (method, files) = match self.prepared(&session, &chosen).await {
                Ok(prepared) => prepared,
                Err(failure) => return Tried::Failed(failure),
            };
            let deadline = Instant::now() + session.limits.call;
            let held = Held { items: chosen.len() as u32, unit, deadline, permit, files, hook: None };
            match session.call(method, held) {
                Ok(line) => return self.heard(&session, line, &places).await,
                // It died meanwhile, without having seen any of this.
                Err(NotSent::Over) => {}
                Err(NotSent::Unfit(error)) => return Tried::Failed(self.unasked(&error)),
            }
        }
    }

    /// The failure of what could not be sent: a plugin that does not read may read later, what no frame holds never fits.
    fn unasked(&self, error: &PipeError) -> Failure {
        let is_full = matches!(error, PipeError::Full { .. });
        let kind = if is_full { FailureKind::Unavailable } else { FailureKind::Invalid };
        Failure::new(kind, format!("the plugin `{}` cannot be asked: {error}", self.shared.name()))
    }

    /// Credits, and a session that is up.
    async fn admitted(&self, credits: u32) -> Result<(OwnedSemaphorePermit, Arc<Session>), Failure> {
        let permit = Arc::clone(&self.shared.credits).acquire_many_owned(credits);
        let permit = self.wanted(permit).await?;
        let permit = permit.map_err(|error| Failure::new(FailureKind::Crashed, error.to_string()))?;
        let session = self.wanted(up(self.shared)).await??;
        Ok((permit, session))
    }

    /// Waits for something, as long as the work is wanted.
    async fn wanted<F: Future>(&self, future: F) -> Result<F::Output, Failure> {
        let mut looks = tokio::time::interval(LOOK_EVERY);
        tokio::pin!(future);
        loop {
            tokio::select! {
                biased;
                output = &mut future => return Ok(output),
                _ = looks.tick() => if self.watch.cancelled() {
                    return Err(Failure::new(FailureKind::Cancelled, "cancelled before it was begun"));
                },
            }
        }
    }

    /// The call with its pictures, put together off the async threads.
    async fn prepared(
        &self,
        session: &Arc<Session>,
        chosen: &Arc<Vec<T::Item>>,
    ) -> Result<(Method, Vec<Written>), Failure> {
        let (trade, session, chosen) = (Arc::clone(self.trade), Arc::clone(session), Arc::clone(chosen));
        let put_together = move || {
            let mut pictures = session.outgoing();
            let method = trade.method(&chosen, &mut pictures)?;
            let (images, files) = pictures.end();
            Ok((with_images(method, images), files))
        };
        tokio::task::spawn_blocking(put_together).await.unwrap_or_else(|error| Err(broken(&error)))
    }

    /// Passes on what is told of a call, until it ends.
    async fn heard(&self, session: &Arc<Session>, line: Line, places: &[usize]) -> Tried<T> {
        let Line { id, mut reply, mut words } = line;
        let recall = Recall { session, id };
        let mut looks = tokio::time::interval(LOOK_EVERY);
        let replied = loop {
            tokio::select! {
                biased;
                // First, or a plugin that tells without end would keep it from being seen.
                _ = looks.tick() => if self.watch.cancelled() {
                    session.cancel(id);
                },
                Some(word) = words.recv() => self.pass_on(session, word, places).await,
                replied = &mut reply => break replied,
            }
        };
        drop(recall);
        match replied {
            Ok(Ok(reply)) => Tried::Answered(self.understood(session, reply, places.len()).await),
            Ok(Err(death)) => {
                let is_guilty = death.hung.contains(&id);
                Tried::Died(death, is_guilty)
            }
            Err(_) => Tried::Died(Death::new("its session ended"), false),
        }
    }

    async fn pass_on(&self, session: &Arc<Session>, word: Word, places: &[usize]) {
        match word {
            Word::Step { item, step, steps } => {
                if let Some(place) = places.get(item as usize) {
                    self.watch.step(*place, step, steps);
                }
            }
            Word::Preview { item, image } => match (shown(session, image).await, places.get(item as usize)) {
                (Ok(image), Some(place)) => self.watch.preview(*place, &image),
                (Err(why), _) => tracing::debug!(plugin = self.shared.name(), "a preview cannot be shown: {why}"),
                (Ok(_), None) => {}
            },
        }
    }

    /// The answer as results, read off the async threads: whatever was said, one an item.
    async fn understood(&self, session: &Arc<Session>, reply: Reply, items: usize) -> Results<T> {
        let (trade, session, name) = (Arc::clone(self.trade), Arc::clone(session), self.shared.name().to_owned());
        let read = move || Understanding { trade: &*trade, session: &session, name: &name, items }.of(reply);
        let read = tokio::task::spawn_blocking(read).await;
        read.unwrap_or_else(|error| (0..items).map(|_| Err(broken(&error))).collect())
    }
}

/// A preview, read off the async threads.
async fn shown(session: &Arc<Session>, image: Picture) -> Result<EncodedImage, String> {
    let session = Arc::clone(session);
    let read = tokio::task::spawn_blocking(move || received(image, &session.spool)).await;
    read.unwrap_or_else(|error| Err(error.to_string()))
}

fn broken(error: &tokio::task::JoinError) -> Failure {
    Failure::new(FailureKind::Crashed, format!("the work was not done: {error}"))
}

fn fill<M>(results: &mut [Option<Result<M, Failure>>], places: &[usize], answers: Vec<Result<M, Failure>>) {
    for (place, answer) in places.iter().zip(answers) {
        if let Some(result) = results.get_mut(*place) {
            *result = Some(answer);
        }
    }
}

fn fill_all<M>(results: &mut [Option<Result<M, Failure>>], places: &[usize], failure: &Failure) {
    fill(results, places, places.iter().map(|_| Err(failure.clone())).collect());
}

/// The session that is up, waited for while the plugin is started again; the failure where it is given up.
pub(crate) async fn up(shared: &Shared) -> Result<Arc<Session>, Failure> {
    let mut phases: watch::Receiver<Phase> = shared.phase.subscribe();
    loop {
        match &*phases.borrow_and_update() {
            Phase::Up(session) => return Ok(Arc::clone(session)),
            Phase::GivenUp(why) => return Err(Failure::new(FailureKind::Crashed, Arc::clone(why))),
            Phase::Down => {}
        }
        if phases.changed().await.is_err() {
            return Err(Failure::new(FailureKind::Crashed, format!("the plugin `{}` has ended", shared.name())));
        }
    }
}

/// The same call with its pictures in their place.
fn with_images(method: Method, images: Vec<Picture>) -> Method {
    match method {
        Method::Edit(mut parameters) => {
            parameters.images = images;
            Method::Edit(parameters)
        }
        Method::Score(mut parameters) => {
            parameters.images = images;
            Method::Score(parameters)
        }
        Method::Adopt(parameters) => Method::Adopt(parameters),
    }
}

/// Calls the work off when the caller is gone.
struct Recall<'s> {
    session: &'s Session,
    id: u64,
}

impl Drop for Recall<'_> {
    fn drop(&mut self) {
        // An answer that has come has taken the call off the list.
        self.session.cancel(self.id);
    }
}

/// One answer to be made sense of.
struct Understanding<'u, T: Trade> {
    trade: &'u T,
    session: &'u Session,
    name: &'u str,
    items: usize,
}

impl<T: Trade> Understanding<'_, T> {
    fn of(&self, reply: Reply) -> Results<T> {
        let all = |failure: Failure| (0..self.items).map(|_| Err(failure.clone())).collect();
        if let Answer::Failed { why, .. } = &reply.answer {
            return all(self.failed(why, reply.is_late));
        }
        let Some(outcomes) = self.trade.outcomes(reply.answer) else {
            return all(lie(self.name, "it is the answer to another kind of call"));
        };
        if outcomes.len() != self.items {
            return all(lie(self.name, &format!("{} outcomes, expected {}, one an item", outcomes.len(), self.items)));
        }
        outcomes.into_iter().map(|outcome| self.outcome(outcome, reply.is_late)).collect()
    }

    fn outcome(&self, outcome: Outcome<T::Said>, is_late: bool) -> Result<T::Made, Failure> {
        match outcome {
            Outcome::Done(said) => self.trade.read(said, self.session).map_err(|what| lie(self.name, &what)),
            Outcome::Failed(why) => Err(self.failed(&why, is_late)),
        }
    }

    /// What was cancelled because it took too long has taken too long.
    fn failed(&self, why: &editscale_sdk::protocol::Failed, is_late: bool) -> Failure {
        match failure(why, self.trade.most()) {
            Failure { kind: FailureKind::Cancelled, cost, .. } if is_late => {
                let secs = self.session.limits.call.as_secs_f64();
                let message = format!("the plugin `{}` did not answer within {secs} s (`call_secs`)", self.name);
                Failure { cost, ..Failure::new(FailureKind::TimedOut, message) }
            }
            other => other,
        }
    }
}
