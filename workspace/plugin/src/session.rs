//! A session: one start of a plugin that is ready, its calls, and the thread that listens to it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use editscale_sdk::protocol::{
    Answer, Call, Card, Feature, FromHost, FromPlugin, Hello, Method, Picture, PictureBody, Preview, Progress,
};

use crate::calls::{Calls, Death, Held, Line, Unheard, Word};
use crate::convert::failures::failure;
use crate::convert::pictures::{Outgoing, unwanted};
use crate::launch::Limits;
use crate::memory;
use crate::opening::Plugin;
use crate::pipe::{Pipe, PipeError, STRAGGLERS};
use crate::quarantine::Key;
use crate::spool::Spool;

/// How often the clocks are looked at.
const TICK: Duration = Duration::from_millis(25);

/// How often memory is looked at.
const MEMORY_EVERY: Duration = Duration::from_millis(500);

/// How often what a plugin left in the spool is looked for, and how old it must be at least.
const TIDY_EVERY: Duration = Duration::from_secs(60);

/// The longest preview that is passed on, in bytes: it is for looking at, not for keeping.
const LONGEST_PREVIEW: usize = 8 << 20;

/// How long a plugin may go on that does not listen any more: it may be about to end.
const REFUSED_FOR: Duration = Duration::from_secs(1);

/// How long the end of a plugin that was killed is waited for.
const END_WITHIN: Duration = Duration::from_secs(2);

/// How many things that nobody asked for are put up with.
const MOST_STRANGE: u64 = 100_000;

/// Why a call was not sent.
#[derive(Debug)]
pub(crate) enum NotSent {
    /// The session is over.
    Over,
    /// It cannot be sent at all.
    Unfit(PipeError),
}

/// How the listening ended.
#[derive(Debug)]
pub(crate) enum End {
    /// Because it was to end.
    Stopped,
    /// By itself, or because it was killed.
    Died(Death),
}

/// One start of a plugin.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) pipe: Pipe,
    pub(crate) spool: Spool,
    pub(crate) hello: Hello,
    pub(crate) card: Card,
    pub(crate) limits: Limits,
    inline_bytes: u32,
    calls: Mutex<Calls>,
    answered: AtomicU64,
    strange: AtomicU64,
}

/// What the listening thread keeps in mind.
#[derive(Debug)]
struct Clocks {
    heard: Instant,
    pinged: Instant,
    weighed: Instant,
    tidied: Instant,
    looked: Instant,
    /// Since when it is known that the plugin does not listen.
    refused: Option<Instant>,
    /// Since when it is known that its process has ended.
    ended: Option<Instant>,
    pings: u64,
}

impl Clocks {
    fn new(now: Instant) -> Self {
        Self { heard: now, pinged: now, weighed: now, tidied: now, looked: now, refused: None, ended: None, pings: 0 }
    }
}

impl Session {
    pub(crate) fn new(pipe: Pipe, spool: Spool, (hello, card): (Hello, Card), plugin: &Plugin) -> Self {
        let (limits, inline_bytes) = (plugin.limits.clone(), plugin.inline_bytes);
        let (calls, answered, strange) = (Mutex::default(), AtomicU64::new(0), AtomicU64::new(0));
        Self { pipe, spool, hello, card, limits, inline_bytes, calls, answered, strange }
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the plugin said that it can do this.
    pub(crate) fn can(&self, feature: Feature) -> bool {
        self.hello.features.iter().any(|word| word == feature.word())
    }

    /// Pictures on their way to it: long ones through the spool, where the plugin takes files.
    pub(crate) fn outgoing(&self) -> Outgoing<'_> {
        Outgoing::new(Some(&self.spool).filter(|_| self.can(Feature::Spool)), self.inline_bytes)
    }

    /// How many calls it has answered.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }

    /// How much it said that nobody asked for.
    pub(crate) fn strange(&self) -> u64 {
        self.strange.load(Ordering::Relaxed)
    }

    /// Sends a call.
    pub(crate) fn call(&self, method: Method, held: Held) -> Result<Line, NotSent> {
        let deadline_secs = held.deadline.saturating_duration_since(Instant::now()).as_secs_f64();
        let line = self.calls().enter(held).map_err(|_| NotSent::Over)?;
        let call = Call { id: line.id, deadline_secs, method };
        match self.pipe.send(&FromHost::Call(call)) {
            Ok(()) => Ok(line),
            // It is about to be told that it has ended.
            Err(PipeError::Closed) => Ok(line),
            Err(error) => {
                self.calls().withdraw(line.id);
                Err(NotSent::Unfit(error))
            }
        }
    }

    /// Tells the plugin that a call is not wanted any more, where it is still under way.
    pub(crate) fn cancel(&self, id: u64) {
        if self.calls().cancel(id) {
            self.say(&FromHost::Cancel(id));
        }
    }

    /// Says something that has no answer. Where it cannot be said, the plugin is about to be found silent or dead.
    pub(crate) fn say(&self, message: &FromHost) {
        if let Err(error) = self.pipe.send(message) {
            tracing::debug!(plugin = self.hello.name, "not sent: {error}");
        }
    }

    /// Listens until the plugin dies, has to be killed, or is to end.
    pub(crate) fn listen(&self, stop: &AtomicBool) -> End {
        self.listen_until(stop, || false).unwrap_or(End::Stopped)
    }

    /// The same, also until something is so; nothing is the end of it then.
    pub(crate) fn listen_until(&self, stop: &AtomicBool, mut is_so: impl FnMut() -> bool) -> Option<End> {
        let mut clocks = Clocks::new(Instant::now());
        while !is_so() {
            if stop.load(Ordering::Relaxed) {
                return Some(End::Stopped);
            }
            if let Err(death) = self.turn(&mut clocks) {
                return Some(End::Died(death));
            }
        }
        None
    }

    /// Hears at most one message, and looks at the clocks.
    fn turn(&self, clocks: &mut Clocks) -> Result<(), Death> {
        match self.pipe.receive(Instant::now() + TICK) {
            Ok(message) => {
                clocks.heard = Instant::now();
                self.hear(message)?;
            }
            Err(PipeError::TimedOut) => self.look_at_end(clocks)?,
            Err(PipeError::Unknown(_)) => {
                clocks.heard = Instant::now();
                self.stranger("a message of a later version")?;
            }
            Err(error) => return Err(Death::new(error.to_string())),
        }
        self.look(clocks)
    }

    fn hear(&self, message: FromPlugin) -> Result<(), Death> {
        match message {
            FromPlugin::Pong(_) => Ok(()),
            FromPlugin::Progress(Progress { id, item, step, steps }) if (1..=steps).contains(&step) => {
                match self.calls().tell(id, item, Word::Step { item, step, steps }) {
                    Err((Unheard::NoSuchItem, _)) => self.stranger("progress of what is not under way"),
                    _ => Ok(()),
                }
            }
            FromPlugin::Progress(_) => self.stranger("progress beyond the last step"),
            FromPlugin::Preview(Preview { id, item, image }) => self.preview(id, item, image),
            FromPlugin::Answer(answer) => self.take(answer),
            FromPlugin::Unready(why) => {
                Err(Death::new(format!("it cannot go on: {}", failure(&why, editscale_core::Cost::default()))))
            }
            FromPlugin::Hello(_) | FromPlugin::Ready(_) => self.stranger("a second greeting"),
        }
    }

    fn preview(&self, id: u64, item: u32, image: Picture) -> Result<(), Death> {
        let length = match &image.body {
            PictureBody::Inline(bytes) => bytes.len(),
            PictureBody::File(place) => place.length as usize,
        };
        if length > LONGEST_PREVIEW {
            unwanted(&image, &self.spool);
            return self.stranger("a preview that is too long");
        }
        let told = self.calls().tell(id, item, Word::Preview { item, image });
        let Err((why, word)) = told else { return Ok(()) };
        if let Word::Preview { image, .. } = &word {
            unwanted(image, &self.spool);
        }
        if why == Unheard::NoSuchItem { self.stranger("a preview of what is not under way") } else { Ok(()) }
    }

    fn take(&self, answer: Answer) -> Result<(), Death> {
        // It is counted before the caller can look.
        self.answered.fetch_add(1, Ordering::Relaxed);
        let Err(_unasked) = self.calls().answer(answer) else { return Ok(()) };
        self.answered.fetch_sub(1, Ordering::Relaxed);
        self.stranger("an answer to what is not under way")
    }

    /// Counts what nobody asked for. It is put up with, for long.
    fn stranger(&self, what: &str) -> Result<(), Death> {
        let count = self.strange.fetch_add(1, Ordering::Relaxed) + 1;
        if count.is_power_of_two() {
            tracing::warn!(plugin = self.hello.name, "it said {what}: {count} such things by now");
        }
        if count < MOST_STRANGE {
            return Ok(());
        }
        Err(Death::new(format!("it said {count} things that nobody asked for, the last one {what}")))
    }

    /// Looks at the clocks: deadlines, silence, memory.
    fn look(&self, clocks: &mut Clocks) -> Result<(), Death> {
        let now = Instant::now();
        // Where this process was stopped for a while, so that nothing could be heard, that while counts for nothing.
        let away = now.duration_since(clocks.looked).saturating_sub(Duration::from_secs(1));
        clocks.heard = (clocks.heard + away).min(now);
        clocks.looked = now;
        self.look_at_deadlines(now)?;
        self.look_at_silence(now, clocks)?;
        self.look_at_input(now, clocks)?;
        if now.duration_since(clocks.weighed) >= MEMORY_EVERY {
            clocks.weighed = now;
            self.look_at_memory()?;
        }
        if now.duration_since(clocks.tidied) >= TIDY_EVERY {
            clocks.tidied = now;
            self.spool.tidy(self.nobodys());
        }
        Ok(())
    }

    /// How old a file in the spool is that nobody takes any more: while calls are under way, older than any of them.
    fn nobodys(&self) -> Duration {
        let Limits { call, grace, .. } = self.limits;
        if self.calls().is_idle() { TIDY_EVERY } else { TIDY_EVERY.saturating_add(call).saturating_add(grace) }
    }

    fn look_at_deadlines(&self, now: Instant) -> Result<(), Death> {
        let (overdue, hung) = {
            let mut calls = self.calls();
            (calls.overdue(now), calls.hung(now.checked_sub(self.limits.grace)))
        };
        overdue.into_iter().for_each(|id| self.cancel(id));
        if hung.is_empty() {
            return Ok(());
        }
        let Limits { call, grace, .. } = self.limits;
        let reason = format!(
            "it was killed: it answered neither within {} s nor within {} s of being told to stop",
            call.as_secs_f64(),
            grace.as_secs_f64()
        );
        Err(Death { reason: reason.into(), hung })
    }

    fn look_at_silence(&self, now: Instant, clocks: &mut Clocks) -> Result<(), Death> {
        let silence = self.limits.silence;
        if now.duration_since(clocks.heard) >= silence {
            let secs = silence.as_secs_f64();
            return Err(Death::new(format!("it was killed: it was silent for {secs} s, with pings unanswered")));
        }
        if now.duration_since(clocks.pinged) >= silence / 4 {
            (clocks.pinged, clocks.pings) = (now, clocks.pings + 1);
            self.say(&FromHost::Ping(clocks.pings));
        }
        Ok(())
    }

    /// One that lives and does not listen cannot be asked for anything. The end of one that dies is told by its output.
    fn look_at_input(&self, now: Instant, clocks: &mut Clocks) -> Result<(), Death> {
        if !self.pipe.is_refused() {
            return Ok(());
        }
        let since = *clocks.refused.get_or_insert(now);
        if now.duration_since(since) < REFUSED_FOR || self.pipe.wait(now).is_some() {
            return Ok(());
        }
        Err(Death::new("it was killed: it closed its standard input, so that nothing can be asked of it"))
    }

    /// The end of the process is told by that of its output, unless something that left its group holds that open.
    fn look_at_end(&self, clocks: &mut Clocks) -> Result<(), Death> {
        match self.pipe.ended_for(STRAGGLERS, &mut clocks.ended) {
            Some(exit) => Err(Death::new(exit.to_string())),
            None => Ok(()),
        }
    }

    fn look_at_memory(&self) -> Result<(), Death> {
        let Some(most) = self.limits.memory_mib else { return Ok(()) };
        let found = memory::resident(self.pipe.pid()).unwrap_or(0) >> 20;
        if found <= most {
            return Ok(());
        }
        Err(Death::new(format!("it was killed: it used {found} MiB of memory, expected at most {most} (`memory_mib`)")))
    }

    /// Ends all calls with this death, and kills what is left: the one unit that it died of, where that is known.
    pub(crate) fn bury(&self, death: &Death) -> Option<Key> {
        self.pipe.kill();
        let mut calls = self.calls();
        let guilty = calls.guilty(death);
        calls.end(death);
        guilty
    }

    /// Asks it to end, and kills it where it does not.
    pub(crate) fn shut_down(&self) {
        let grace = self.limits.grace;
        self.say(&FromHost::Shutdown(grace.as_secs_f64()));
        self.pipe.close();
        if self.pipe.wait(Instant::now() + grace).is_none() {
            tracing::warn!(
                plugin = self.hello.name,
                "it did not end within {} s of being told to",
                grace.as_secs_f64()
            );
        }
        self.bury(&Death::new("it was told to end"));
        self.pipe.wait(Instant::now() + END_WITHIN);
    }
}
