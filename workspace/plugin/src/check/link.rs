//! The pipe to a plugin that is checked: whole messages, raw bytes, and what became of the process.

use std::fmt;
use std::io::{Read, Write};
use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use editscale_sdk::protocol::{FrameError, Frames, FromPlugin, LONGEST_FRAME, decode, name_in};

use super::processes::{self, MARK};
use crate::child::{Child, Exit};
use crate::launch::{Launch, LaunchError};

/// How many messages may wait to be looked at. A plugin that floods is made to wait.
const WAITING: usize = 256;

/// How much of what a plugin says on stderr is kept.
const LAST_WORDS: usize = 4096;

/// What came from a plugin.
#[derive(Debug)]
pub(super) enum Heard {
    /// A message.
    Message(FromPlugin),
    /// A message of a name that this version does not know.
    Unknown(String),
}

/// Why nothing more comes from a plugin, or nothing did in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It said nothing for this long.
    Silent(Duration),
    /// Its standard output is at an end; whether it has also ended itself, and what it said.
    Ended { how: String },
    /// What it sent is no frame, or no message.
    NotAFrame(String),
    /// A frame's message is known by name, but not what is in it.
    NotAMessage(String),
    /// It did something that no plugin may.
    Nonsense(String),
    /// It says that it cannot get ready.
    Unready(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silent(waited) => write!(f, "nothing came within {:.1} s", waited.as_secs_f64()),
            Self::Ended { how } => f.write_str(how),
            Self::NotAFrame(what) | Self::NotAMessage(what) | Self::Nonsense(what) | Self::Unready(what) => {
                f.write_str(what)
            }
        }
    }
}

impl Trouble {
    /// What to do about it, where the trouble itself says so.
    pub(super) fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Silent(_) => Some("look at its log (stderr); where it only needs longer, give more with --timeout"),
            Self::Ended { .. } => Some("look at its log (stderr): an error within a call is an outcome, never the end"),
            Self::NotAFrame(_) => Some(
                "standard output is the protocol's: write nothing else to it, point print and libraries at stderr \
                 before anything is imported, and write whole frames under a lock",
            ),
            Self::NotAMessage(_) => Some("compare the message with docs/plugin-protocol.md"),
            Self::Unready(_) => Some("mend what it names; what a recipe would set is given with --config"),
            Self::Nonsense(_) => None,
        }
    }
}

/// The end of what a plugin says on stderr, as it comes.
#[derive(Debug, Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// The last lines that say something, each of at most 600 characters.
    pub(super) fn last_lines(&self, most: usize) -> Vec<String> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let clean = |line: &&str| line.chars().filter(|letter| !letter.is_control()).take(600).collect();
        lines.get(lines.len().saturating_sub(most)..).unwrap_or_default().iter().map(clean).collect()
    }

    /// The end of the last lines, in one.
    fn last_words(&self) -> String {
        end_of(&self.last_lines(3).join(" | "))
    }
}

/// A plugin that was started.
pub(super) struct Link {
    child: Child,
    input: Option<Sender<Vec<u8>>>,
    output: Receiver<Result<Vec<u8>, Trouble>>,
    errors: Log,
    mark: String,
}

impl Link {
    /// Starts the program.
    pub(super) fn start(launch: &Launch) -> Result<Self, LaunchError> {
        let mark = new_mark();
        let mut launch = launch.clone();
        launch.variables.push((MARK.to_owned(), mark.clone()));
        let (child, streams) = Child::start(&launch)?;
        let (input, output, errors) = (writer(streams.input), reader(streams.output), listener(streams.log));
        Ok(Self { child, input: Some(input), output, errors, mark })
    }

    /// Sends bytes as they are. That nobody reads them shows in what does not come back.
    pub(super) fn send(&self, bytes: Vec<u8>) {
        if let Some(input) = &self.input {
            input.send(bytes).ok();
        }
    }

    /// Ends the plugin's standard input once all is sent.
    pub(super) fn close_input(&mut self) {
        self.input = None;
    }

    /// The next message.
    pub(super) fn next(&mut self, until: Instant) -> Result<Heard, Trouble> {
        let begun = Instant::now();
        let body = match self.output.recv_timeout(until.saturating_duration_since(begun)) {
            Ok(Ok(body)) => body,
            Ok(Err(Trouble::Ended { .. })) | Err(RecvTimeoutError::Disconnected) => {
                return Err(Trouble::Ended { how: self.how_it_ended() });
            }
            Ok(Err(trouble)) => return Err(trouble),
            Err(RecvTimeoutError::Timeout) => return Err(Trouble::Silent(begun.elapsed())),
        };
        understood(&body)
    }

    /// Waits until the plugin's process has ended.
    pub(super) fn end(&mut self, until: Instant) -> Option<Exit> {
        loop {
            let step = Instant::now() + Duration::from_millis(20);
            if let Some(exit) = self.child.wait(step.min(until)) {
                return Some(exit);
            }
            if Instant::now() >= until {
                return None;
            }
            // What it still says is drained, so that a full pipe does not keep it from ending.
            (0..WAITING).take_while(|_| self.output.try_recv().is_ok()).for_each(drop);
        }
    }

    /// The end of what it said on stderr.
    pub(super) fn last_words(&self) -> String {
        self.errors.last_words()
    }

    /// What it says on stderr, also after this is gone.
    pub(super) fn log(&self) -> Log {
        self.errors.clone()
    }

    /// The processes that this start brought about and that are still there, the plugin included.
    pub(super) fn processes(&self) -> Vec<i32> {
        processes::marked(&self.mark)
    }

    /// Kills the plugin's group, as the host does with one that is lost.
    pub(super) fn kill(&mut self) {
        self.child.kill();
        self.end(Instant::now() + Duration::from_secs(10));
    }

    /// How it ended, in words; it has closed its standard output.
    fn how_it_ended(&mut self) -> String {
        let how = match self.end(Instant::now() + Duration::from_secs(1)) {
            None => "it closed its standard output but goes on living".to_owned(),
            Some(exit) => exit.to_string(),
        };
        // Its last words come through another pipe.
        let until = Instant::now() + Duration::from_millis(300);
        while self.last_words().is_empty() && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
        match self.last_words() {
            words if words.is_empty() => format!("{how}, without a word on stderr"),
            words => format!("{how}; its last words: {words}"),
        }
    }
}

/// The end of a text that may be long: where an error says what it is.
fn end_of(words: &str) -> String {
    const MOST: usize = 600;
    match words.char_indices().rev().nth(MOST - 1).filter(|(at, _)| *at > 0) {
        Some((at, _)) => format!("…{}", words.get(at..).unwrap_or_default().trim_start()),
        None => words.to_owned(),
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.input = None;
        self.kill();
        processes::kill_all(&self.processes());
    }
}

fn new_mark() -> String {
    static STARTS: AtomicU64 = AtomicU64::new(0);
    format!("{}-{}", std::process::id(), STARTS.fetch_add(1, Ordering::Relaxed))
}

fn understood(body: &[u8]) -> Result<Heard, Trouble> {
    let error = match decode::<FromPlugin>(body) {
        Ok(message) => return Ok(Heard::Message(message)),
        Err(error) => error,
    };
    match name_in(body) {
        Some(name) if FromPlugin::NAMES.contains(&name.as_str()) => {
            Err(Trouble::NotAMessage(format!("its `{name}` is not as the protocol has it: {}", reason(&error))))
        }
        Some(name) => Ok(Heard::Unknown(name.chars().take(80).collect())),
        None => Err(Trouble::NotAFrame(error.to_string())),
    }
}

fn reason(error: &FrameError) -> String {
    match error {
        FrameError::NotAMessage { reason, .. } => reason.clone(),
        other => other.to_string(),
    }
}

fn writer(mut input: ChildStdin) -> Sender<Vec<u8>> {
    let (sender, bytes) = mpsc::channel::<Vec<u8>>();
    thread::spawn(move || {
        for bytes in bytes {
            if input.write_all(&bytes).and_then(|()| input.flush()).is_err() {
                break;
            }
        }
    });
    sender
}

fn reader(mut output: ChildStdout) -> Receiver<Result<Vec<u8>, Trouble>> {
    let (sender, bodies) = mpsc::sync_channel(WAITING);
    thread::spawn(move || {
        let trouble = read_frames(&mut output, &sender);
        sender.send(Err(trouble)).ok();
    });
    bodies
}

/// Hands out frames until there are no more, and says why.
fn read_frames(output: &mut impl Read, sender: &SyncSender<Result<Vec<u8>, Trouble>>) -> Trouble {
    let mut frames = Frames::new(LONGEST_FRAME);
    let mut bytes = vec![0; 1 << 16];
    let ended = || Trouble::Ended { how: String::new() };
    loop {
        let count = match output.read(&mut bytes) {
            Ok(0) => return frames.end().map_or_else(|error| Trouble::NotAFrame(error.to_string()), |()| ended()),
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return ended(),
        };
        frames.push(bytes.get(..count).unwrap_or_default());
        loop {
            match frames.next_body() {
                Ok(Some(body)) => {
                    if sender.send(Ok(body)).is_err() {
                        return ended();
                    }
                }
                Ok(None) => break,
                Err(error) => return Trouble::NotAFrame(error.to_string()),
            }
        }
    }
}

fn listener(mut errors: ChildStderr) -> Log {
    let log = Log::default();
    let place = Arc::clone(&log.0);
    thread::spawn(move || {
        let mut bytes = [0; 1024];
        while let Ok(count @ 1..) = errors.read(&mut bytes) {
            let mut kept = place.lock().unwrap_or_else(PoisonError::into_inner);
            kept.extend_from_slice(bytes.get(..count).unwrap_or_default());
            let surplus = kept.len().saturating_sub(LAST_WORDS);
            kept.drain(..surplus);
        }
    });
    log
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_the_end_of_the_log() {
        let log = |text: &str| Log(Arc::new(Mutex::new(text.as_bytes().to_vec())));
        assert_eq!(log("one\ntwo\n\nthree\nfour\n").last_words(), "two | three | four");
        let words = log(&format!("{0}\n{0}\nout of memory\n", "x".repeat(500))).last_words();
        assert!(words.starts_with('…') && words.ends_with("xxx | out of memory"), "{words}");
        assert_eq!(words.chars().count(), 601);
    }
}
