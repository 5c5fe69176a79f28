//! The three streams of a plugin, each with a thread of its own: nobody waits for a plugin that does not read, and what it
//! says is taken only as fast as somebody listens.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{ChildStdin, ChildStdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use editscale_sdk::protocol::{FrameError, Frames, FromHost, FromPlugin, LONGEST_FRAME, decode, encode, name_in};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use thiserror::Error;

use crate::child::{Child, Exit, Streams};
use crate::convert::readable;
use crate::launch::{Launch, LaunchError};
use crate::stderr::{self, LastWords};

/// The most bytes that wait to be read by a plugin. One frame may always wait.
const MOST_WAITING: usize = 512 << 20;

/// The most frames that wait to be read by a plugin.
const MOST_FRAMES: usize = 10_000;

/// How often a thread that waits looks whether it is still wanted.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What a pipe holds at most where the system allows as much. Fewer turns make pictures faster.
const PIPE_BYTES: usize = 1 << 20;

/// How long the end of a process is waited for once its output has ended.
const END_WITHIN: Duration = Duration::from_secs(2);

/// How long more is waited for from a process that has ended while something that it started holds its output open.
pub(crate) const STRAGGLERS: Duration = Duration::from_secs(1);

/// Why nothing could be said or heard.
#[derive(Debug, Error)]
pub enum PipeError {
    /// Nothing came until then.
    #[error("nothing was heard in time")]
    TimedOut,
    /// It has ended.
    #[error("{0}")]
    Ended(Exit),
    /// It lives, and says nothing any more.
    #[error("it closed its standard output")]
    Silenced,
    /// It said something that is no message.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A message of a later version, to be left aside.
    #[error("it said `{0}`, which this version of the protocol does not have")]
    Unknown(String),
    /// It does not read, or not fast enough.
    #[error("it does not read its standard input: {frames} messages of {bytes} bytes wait for it")]
    Full {
        /// Messages that wait.
        frames: usize,
        /// Their bytes.
        bytes: usize,
    },
    /// Its standard input has been closed.
    #[error("its standard input is closed")]
    Closed,
}

/// What is on its way to the plugin.
#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<Vec<u8>>,
    bytes: usize,
    is_closed: bool,
    /// The plugin closed its end.
    is_refused: bool,
}

#[derive(Debug, Default)]
struct Outgoing {
    waiting: Mutex<Waiting>,
    more: Condvar,
}

impl Outgoing {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The frames that came with one piece of the stream, or why there are no more.
type Heard = Result<Vec<Vec<u8>>, FrameError>;

/// What has been heard: frames that are there, and where more come from.
#[derive(Debug)]
struct Incoming {
    ready: VecDeque<Vec<u8>>,
    heard: Receiver<Heard>,
}

/// A plugin's process, and what is said between it and the host. It is killed when this is dropped.
#[derive(Debug)]
pub struct Pipe {
    child: Child,
    outgoing: Arc<Outgoing>,
    /// In a lock, so that a pipe can be shared; one thread listens.
    incoming: Mutex<Incoming>,
    is_over: Arc<AtomicBool>,
    last_words: Arc<LastWords>,
}

impl Pipe {
    /// Starts the plugin. What it writes to standard error goes to the log under `name`.
    pub fn start(launch: &Launch, name: &str) -> Result<Self, LaunchError> {
        let (child, Streams { input, output, log }) = Child::start(launch)?;
        let (outgoing, is_over) = (Arc::new(Outgoing::default()), Arc::new(AtomicBool::new(false)));
        let last_words = Arc::new(LastWords::default());
        // One piece waits beside the one that is being read: what a plugin says is bounded by what is listened to.
        let (heard, incoming) = sync_channel(1);
        let threads = Threads { program: launch.run.first().cloned().unwrap_or_default() };
        let (queue, stop) = (Arc::clone(&outgoing), Arc::clone(&is_over));
        threads.spawn("plugin-writer", move || write(input, &queue, &stop))?;
        let stop = Arc::clone(&is_over);
        threads.spawn("plugin-reader", move || read(output, &heard, &stop))?;
        let (words, stop, name) = (Arc::clone(&last_words), Arc::clone(&is_over), name.to_owned());
        threads.spawn("plugin-stderr", move || stderr::listen(log, &name, &words, &stop))?;
        let incoming = Mutex::new(Incoming { ready: VecDeque::new(), heard: incoming });
        Ok(Self { child, outgoing, incoming, is_over, last_words })
    }

    /// Says something. It does not wait for the plugin to read it.
    pub fn send(&self, message: &FromHost) -> Result<(), PipeError> {
        self.send_bytes(encode(message)?)
    }

    /// Puts bytes into the stream as they are, a frame or not.
    pub fn send_bytes(&self, bytes: Vec<u8>) -> Result<(), PipeError> {
        let mut waiting = self.outgoing.lock();
        if waiting.is_closed {
            return Err(PipeError::Closed);
        }
        let is_full = waiting.bytes.saturating_add(bytes.len()) > MOST_WAITING || waiting.frames.len() >= MOST_FRAMES;
        if is_full && !waiting.frames.is_empty() {
            return Err(PipeError::Full { frames: waiting.frames.len(), bytes: waiting.bytes });
        }
        waiting.bytes = waiting.bytes.saturating_add(bytes.len());
        waiting.frames.push_back(bytes);
        self.outgoing.more.notify_one();
        Ok(())
    }

    /// The next message, waited for until then.
    pub fn receive(&self, until: Instant) -> Result<FromPlugin, PipeError> {
        let body = self.receive_body(until)?;
        decode(&body).map_err(|error| unknown(&body).map_or(PipeError::Frame(error), PipeError::Unknown))
    }

    /// The bytes of the next frame without its length, waited for until then.
    pub fn receive_body(&self, until: Instant) -> Result<Vec<u8>, PipeError> {
        let mut incoming = self.incoming.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(body) = incoming.ready.pop_front() {
                return Ok(body);
            }
            match incoming.heard.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(heard) => incoming.ready = heard?.into(),
                Err(RecvTimeoutError::Timeout) => return Err(PipeError::TimedOut),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.wait(Instant::now() + END_WITHIN).map_or(PipeError::Silenced, PipeError::Ended));
                }
            }
        }
    }

    /// Whether it does not want to hear anything any more, although nothing was closed here.
    pub(crate) fn is_refused(&self) -> bool {
        self.outgoing.lock().is_refused
    }

    /// Closes its standard input once all that waits has been read.
    pub fn close(&self) {
        self.outgoing.lock().is_closed = true;
        self.outgoing.more.notify_one();
    }

    /// Kills it and all that it started.
    pub fn kill(&self) {
        self.child.kill();
    }

    /// How it ended, where it has by then.
    pub fn wait(&self, until: Instant) -> Option<Exit> {
        self.child.wait(until)
    }

    /// How it ended, once that is known for so long; `since` keeps since when it is.
    pub(crate) fn ended_for(&self, time: Duration, since: &mut Option<Instant>) -> Option<Exit> {
        let now = Instant::now();
        let exit = self.wait(now)?;
        (now.duration_since(*since.get_or_insert(now)) >= time).then_some(exit)
    }

    /// The number of its process, which is that of its group of processes too.
    pub fn pid(&self) -> i32 {
        self.child.pid()
    }

    /// Waits until it can write nothing more to standard error, or for so long.
    pub fn wait_for_words(&self, most: Duration) {
        self.last_words.wait(most);
    }

    /// The last lines that it wrote to standard error; empty where there are none.
    pub fn last_words(&self) -> String {
        self.last_words.text()
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.close();
    }
}

/// The name of a message that this version does not have; none where it is no message at all.
fn unknown(body: &[u8]) -> Option<String> {
    name_in(body).filter(|name| !FromPlugin::NAMES.contains(&name.as_str())).map(|name| readable(&name, 80))
}

/// Starts the threads of one plugin.
struct Threads {
    program: String,
}

impl Threads {
    fn spawn(&self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), LaunchError> {
        let builder = std::thread::Builder::new().name(name.into());
        let system = |source| LaunchError::System { program: self.program.clone(), source };
        builder.spawn(work).map(drop).map_err(system)
    }
}

/// Whether the stream is ready within a moment. An end and an error count: the next turn tells them.
pub(crate) fn is_ready(stream: &impl AsFd, flags: PollFlags) -> bool {
    let mut streams = [PollFd::new(stream, flags)];
    let moment = Timespec { tv_sec: 0, tv_nsec: LOOK_EVERY.as_nanos() as i64 };
    // A signal came between: not ready.
    poll(&mut streams, Some(&moment)).is_ok_and(|ready| ready > 0)
}

/// Writes what waits, frame by frame, until the input is closed or the plugin does not want more.
fn write(mut input: ChildStdin, queue: &Outgoing, is_over: &AtomicBool) {
    #[cfg(target_os = "linux")]
    rustix::pipe::fcntl_setpipe_size(&input, PIPE_BYTES).ok();
    if rustix::io::ioctl_fionbio(&input, true).is_err() {
        return;
    }
    while let Some(frame) = next(queue) {
        if write_frame(&mut input, &frame, is_over).is_err() {
            break;
        }
    }
    // Nobody reads any more: what waits is given up, and more is refused.
    let mut waiting = queue.lock();
    let is_refused = !waiting.is_closed;
    *waiting = Waiting { is_closed: true, is_refused, ..Waiting::default() };
}

/// The next frame; nothing once the queue is closed and empty.
fn next(queue: &Outgoing) -> Option<Vec<u8>> {
    let mut waiting = queue.lock();
    loop {
        if let Some(frame) = waiting.frames.pop_front() {
            waiting.bytes = waiting.bytes.saturating_sub(frame.len());
            return Some(frame);
        }
        if waiting.is_closed {
            return None;
        }
        waiting = queue.more.wait(waiting).unwrap_or_else(PoisonError::into_inner);
    }
}

fn write_frame(input: &mut ChildStdin, frame: &[u8], is_over: &AtomicBool) -> std::io::Result<()> {
    let mut rest = frame;
    while !rest.is_empty() {
        if is_over.load(Ordering::Relaxed) {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
        match input.write(rest) {
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                is_ready(input, PollFlags::OUT);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Cuts the output into frames until it ends, or what comes is no frame.
fn read(mut output: ChildStdout, heard: &SyncSender<Heard>, is_over: &AtomicBool) {
    #[cfg(target_os = "linux")]
    rustix::pipe::fcntl_setpipe_size(&output, PIPE_BYTES).ok();
    let (mut frames, mut piece) = (Frames::new(LONGEST_FRAME), vec![0; 256 << 10]);
    loop {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        if !is_ready(&output, PollFlags::IN) {
            continue;
        }
        match output.read(&mut piece) {
            Ok(0) => {
                frames.end().map_err(|cut| heard.send(Err(cut))).ok();
                return;
            }
            Ok(length) => frames.push(piece.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
        if !tell_all(&mut frames, heard) {
            return;
        }
    }
}

/// Whether more can follow. A listener that is slow is waited for, one that is gone is not.
fn tell_all(frames: &mut Frames, heard: &SyncSender<Heard>) -> bool {
    let mut bodies = Vec::new();
    let wrong = loop {
        match frames.next_body() {
            Ok(Some(body)) => bodies.push(body),
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    let is_heard = bodies.is_empty() || heard.send(Ok(bodies)).is_ok();
    match wrong {
        None => is_heard,
        Some(error) => {
            heard.send(Err(error)).ok();
            false
        }
    }
}
