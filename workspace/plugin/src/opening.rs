//! From a command to a session that is ready: start, `hello`, `welcome`, `ready`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use editscale_core::Cost;
use editscale_sdk::protocol::{
    Card, FromHost, FromPlugin, Hello, LONGEST_FRAME, PluginKind, Version, VersionError, Welcome,
};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::convert::failures::failure;
use crate::convert::pictures::INLINE_BYTES;
use crate::convert::readable;
use crate::launch::{Launch, LaunchError, Limits};
use crate::pipe::{Pipe, PipeError, STRAGGLERS};
use crate::session::Session;
use crate::spool::{Spool, SpoolError};

/// How often a start looks whether it is still wanted.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long the last words of a process that has ended are waited for.
const WORDS_WITHIN: Duration = Duration::from_millis(200);

/// Everything that decides what is started, and how it is spoken to.
#[derive(Debug, Clone)]
pub struct Plugin {
    /// What is started.
    pub launch: Launch,
    /// How long and how often it is put up with.
    pub limits: Limits,
    /// What the recipe sets, which the plugin is told as it is.
    pub config: Map<String, Value>,
    /// A picture above this many bytes goes through the spool, where the plugin takes files.
    pub inline_bytes: u32,
}

impl Plugin {
    /// A program with its arguments, under the usual limits.
    pub fn of<S: Into<String>>(run: impl IntoIterator<Item = S>) -> Self {
        Self { launch: Launch::of(run), limits: Limits::default(), config: Map::new(), inline_bytes: INLINE_BYTES }
    }
}

/// What a plugin is to be.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    pub(crate) kind: PluginKind,
    pub(crate) name: String,
}

/// Why a plugin did not get ready.
#[derive(Debug, Error)]
pub(crate) enum NotReady {
    /// It could not be started at all.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// There is no folder for its pictures.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// It speaks another protocol or version.
    #[error("{0}")]
    Version(#[from] VersionError),
    /// It is no such thing.
    #[error("it is no {wanted}: its `kinds` are {found}")]
    OtherKind { wanted: &'static str, found: String },
    /// It said so itself.
    #[error("it cannot get ready: {0}")]
    Unready(String),
    /// It said something else than what is next.
    #[error("it said `{found}`: expected {expected}")]
    OutOfTurn { expected: &'static str, found: &'static str },
    /// It took too long.
    #[error("it said no `{expected}` within {secs} s (`start_secs`)")]
    TooLong { expected: &'static str, secs: f64 },
    /// It ended, or said something that is no message.
    #[error("{reason} before it said `{expected}`")]
    Ended { expected: &'static str, reason: String },
    /// Nobody waits for it any more.
    #[error("it is not wanted any more")]
    Stopped,
}

/// One opening under way.
struct Opening<'o> {
    plugin: &'o Plugin,
    role: &'o Role,
    stop: &'o AtomicBool,
    until: Instant,
}

/// Starts the plugin and waits until it is ready. The error is a sentence, with the last that it wrote to standard error.
pub(crate) fn open(plugin: &Plugin, role: &Role, stop: &AtomicBool) -> Result<Session, (NotReady, String)> {
    let silent = |error| (error, String::new());
    let pipe = Pipe::start(&plugin.launch, &role.name).map_err(|error| silent(error.into()))?;
    let spool = Spool::make().map_err(|error| silent(error.into()))?;
    let opening = Opening { plugin, role, stop, until: Instant::now() + plugin.limits.start };
    match opening.greet(&pipe, &spool) {
        Ok(greeting) => Ok(Session::new(pipe, spool, greeting, plugin)),
        Err(error) => {
            let words = last_words(&pipe);
            Err((error, words))
        }
    }
}

/// The last that a plugin wrote to standard error, as the end of a sentence; empty where there is nothing.
pub(crate) fn last_words(pipe: &Pipe) -> String {
    // What it wrote last may still be on its way.
    if pipe.wait(Instant::now()).is_some() {
        pipe.wait_for_words(WORDS_WITHIN);
    }
    match pipe.last_words() {
        words if words.is_empty() => String::new(),
        words => format!("; the last that it wrote to standard error:\n{words}"),
    }
}

impl Opening<'_> {
    fn greet(&self, pipe: &Pipe, spool: &Spool) -> Result<(Hello, Card), NotReady> {
        let hello = match self.next(pipe, "hello")? {
            FromPlugin::Hello(hello) => hello,
            other => return Err(NotReady::OutOfTurn { expected: "`hello`", found: other.name() }),
        };
        self.meet(&hello)?;
        let welcome = FromHost::Welcome(self.welcome(spool));
        let ended = |error: PipeError| NotReady::Ended { expected: "ready", reason: error.to_string() };
        pipe.send(&welcome).map_err(ended)?;
        match self.next(pipe, "ready")? {
            FromPlugin::Ready(card) => Ok((hello, card)),
            FromPlugin::Unready(why) => Err(NotReady::Unready(failure(&why, Cost::default()).to_string())),
            other => Err(NotReady::OutOfTurn { expected: "`ready` or `unready`", found: other.name() }),
        }
    }

    fn meet(&self, hello: &Hello) -> Result<(), NotReady> {
        Version::OURS.meet(&hello.protocol, hello.version)?;
        if hello.kinds.contains(&self.role.kind) {
            return Ok(());
        }
        let found: Vec<&str> = hello.kinds.iter().map(|kind| kind.word()).collect();
        let found = if found.is_empty() { "none".to_owned() } else { found.join(" and ") };
        Err(NotReady::OtherKind { wanted: self.role.kind.word(), found })
    }

    fn welcome(&self, spool: &Spool) -> Welcome {
        Welcome {
            version: Version::OURS,
            kind: self.role.kind,
            name: self.role.name.clone(),
            session: spool.name(),
            spool: spool.path().to_string_lossy().into_owned(),
            config: self.plugin.config.clone(),
            frame_bytes: LONGEST_FRAME,
            inline_bytes: self.plugin.inline_bytes,
        }
    }

    /// The next message, waited for until the start has taken too long.
    fn next(&self, pipe: &Pipe, expected: &'static str) -> Result<FromPlugin, NotReady> {
        let mut ended = None;
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(NotReady::Stopped);
            }
            let now = Instant::now();
            if now >= self.until {
                return Err(NotReady::TooLong { expected, secs: self.plugin.limits.start.as_secs_f64() });
            }
            match pipe.receive(self.until.min(now + LOOK_EVERY)) {
                Ok(message) => return Ok(message),
                // Something that left its group may hold its output open.
                Err(PipeError::TimedOut) => {
                    if let Some(exit) = pipe.ended_for(STRAGGLERS, &mut ended) {
                        return Err(NotReady::Ended { expected, reason: exit.to_string() });
                    }
                }
                Err(PipeError::Unknown(_)) => {}
                Err(error) => {
                    let reason = readable(&error.to_string(), 1000);
                    return Err(NotReady::Ended { expected, reason });
                }
            }
            self.weigh(pipe, expected)?;
        }
    }

    /// Loading is when memory runs out.
    fn weigh(&self, pipe: &Pipe, expected: &'static str) -> Result<(), NotReady> {
        let Some(most) = self.plugin.limits.memory_mib else { return Ok(()) };
        let found = crate::memory::resident(pipe.pid()).unwrap_or(0) >> 20;
        if found <= most {
            return Ok(());
        }
        let reason = format!("it was killed: it used {found} MiB of memory, expected at most {most} (`memory_mib`)");
        Err(NotReady::Ended { expected, reason })
    }
}
