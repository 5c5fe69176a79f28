//! A shell command under watch: what it prints is kept within bounds, and when it is over, or has to be, all that it
//! started is over too.

use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use editscale_sdk::{Call, ErrorClass, Failed};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::files::Bench;

/// Runs the command in a group of processes with a guard, which kills the group at the end of its standard input: when
/// this plugin dies, in whatever way, its commands die with it. The guard is waited for, so that nobody has to.
const WRAPPER: &str = r#"exec 3<&0 </dev/null
( read -r _ <&3; kill -KILL 0 ) >/dev/null 2>&1 &
guard=$!
sh -c "$1" 3<&-
status=$?
{ kill "$guard"; wait "$guard"; } 2>/dev/null
exit "$status""#;

/// How much of the end of standard error a failure tells.
const LAST_WORDS: usize = 2000;

/// How long output is waited for after the processes are gone: something that left the group may hold it open.
const STRAGGLERS: Duration = Duration::from_secs(2);

/// The exit status by which a command says that another attempt may succeed (`EX_TEMPFAIL`).
const TRY_AGAIN: i32 = 75;

/// A command to run.
pub(super) struct Job<'a> {
    pub(super) script: &'a str,
    pub(super) bench: &'a Bench,
    pub(super) call: &'a Call,
    /// How long it may take.
    pub(super) limit: Duration,
    /// The most bytes that it may print.
    pub(super) most: usize,
}

impl Job<'_> {
    /// Runs it to its end: what it printed.
    pub(super) fn run(&self) -> Result<Vec<u8>, Failed> {
        let mut group = Group(self.start()?);
        let printed = collect(group.0.stdout.take(), Kept::Beginning(self.most.saturating_add(1)));
        let log = collect(group.0.stderr.take(), Kept::End(LAST_WORDS));
        let status = self.watch(&mut group);
        drop(group);
        let printed = printed.take();
        let log = String::from_utf8_lossy(&log.take()).trim().to_owned();
        let status = status.map_err(|why| with_log(why, &log))?;
        if !status.success() {
            return Err(with_log(unhappy(status), &log));
        }
        if printed.len() > self.most {
            return Err(Failed::internal(format!("the command printed more than {} bytes", self.most)));
        }
        Ok(printed)
    }

    fn start(&self) -> Result<Child, Failed> {
        let mut command = Command::new("sh");
        command.args(["-c", WRAPPER, "sh", self.script]).process_group(0);
        command.envs(self.bench.variables().iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map_err(|error| Failed::internal(format!("cannot start `sh` for the command: {error}")))
    }

    /// Waits for its end, or for a reason to end it. Its group is gone afterwards.
    fn watch(&self, group: &mut Group) -> Result<ExitStatus, Failed> {
        let (end, mut pause) = (Instant::now() + self.limit, Duration::from_millis(1));
        while !group.has_ended() {
            self.call.check()?;
            if Instant::now() >= end {
                return Err(Failed::timed_out(format!("the command took longer than {:?}", self.limit)));
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
        group.kill();
        group.0.wait().map_err(|error| Failed::internal(format!("cannot wait for the command: {error}")))
    }
}

/// A process that leads a group. The group is killed and the process waited for when this is dropped.
struct Group(Child);

impl Group {
    /// Whether the leader is over. It stays a zombie, and its number its own, until it is waited for.
    fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        !matches!(waitid(WaitId::Pid(Pid::from_child(&self.0)), options), Ok(None))
    }

    /// Must not be called once the leader was waited for: its number may be another's then.
    fn kill(&self) {
        // A group without processes is what is wanted.
        kill_process_group(Pid::from_child(&self.0), Signal::KILL).ok();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(Some(_))) {
            self.kill();
            self.0.wait().ok();
        }
    }
}

/// Which part of a stream is kept.
#[derive(Clone, Copy)]
enum Kept {
    Beginning(usize),
    /// Of the log, all of which goes on to the plugin's own.
    End(usize),
}

/// What is kept of a stream that a thread of its own reads.
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// Nothing is said on it: it ends when the stream does.
    end: Receiver<()>,
}

impl Collected {
    /// What came to the end of the stream; where something holds that open, what came by now.
    fn take(self) -> Vec<u8> {
        self.end.recv_timeout(STRAGGLERS).ok();
        std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reads a stream to its end, whatever is kept of it, so that nobody is kept from writing.
fn collect(stream: Option<impl Read + Send + 'static>, kept: Kept) -> Collected {
    let (ends, end) = channel();
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let place = Arc::clone(&bytes);
    thread::spawn(move || {
        let _ends = ends;
        let mut buffer = [0; 8192];
        let Some(mut stream) = stream else { return };
        loop {
            let piece = match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => buffer.get(..length).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            kept.keep(&mut place.lock().unwrap_or_else(PoisonError::into_inner), piece);
        }
    });
    Collected { bytes, end }
}

impl Kept {
    fn keep(self, bytes: &mut Vec<u8>, piece: &[u8]) {
        match self {
            Self::Beginning(most) => {
                let room = most.saturating_sub(bytes.len()).min(piece.len());
                bytes.extend_from_slice(piece.get(..room).unwrap_or_default());
            }
            Self::End(most) => {
                io::stderr().write_all(piece).ok();
                bytes.extend_from_slice(piece);
                bytes.drain(..bytes.len().saturating_sub(most));
            }
        }
    }
}

fn unhappy(status: ExitStatus) -> Failed {
    let class = if status.code() == Some(TRY_AGAIN) { ErrorClass::Unavailable } else { ErrorClass::Internal };
    Failed::new(class, format!("the command failed: {status}"))
}

fn with_log(why: Failed, log: &str) -> Failed {
    if log.is_empty() {
        return why;
    }
    Failed { message: format!("{}; standard error ends with: {log}", why.message), ..why }
}
