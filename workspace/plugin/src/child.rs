//! A child process in a group of its own: it dies with this process, its whole group is killed, and its end is told.
//!
//! A thread starts the child and waits for its end. It lives as long as the child: the system would take its end for that
//! of the parent. The group is killed once more when the child has ended and before its number is free again, so that
//! nothing that it started is left, and nobody else is hit. Where this process is killed itself, a guard in the group does
//! the same.

use std::fmt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::launch::{Launch, LaunchError, Prepared, find};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, signal) => Self::Signal(signal.unwrap_or_default()),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "it ended with code {code}"),
            Self::Signal(signal) => write!(f, "it was killed by signal {signal}{}", meaning(*signal)),
        }
    }
}

fn meaning(signal: i32) -> &'static str {
    match signal {
        4 => " (SIGILL: an instruction that this processor does not have)",
        6 => " (SIGABRT: it gave up by itself)",
        7 => " (SIGBUS: memory that is not there)",
        8 => " (SIGFPE: a division by zero)",
        9 => " (SIGKILL: by somebody, or by the system for want of memory)",
        11 => " (SIGSEGV: memory that is not its own)",
        13 => " (SIGPIPE: nobody listened any more)",
        15 => " (SIGTERM: somebody asked it to end)",
        _ => "",
    }
}

/// Its number while it is there, and how it ended.
#[derive(Debug, Default)]
struct State {
    alive: Option<Pid>,
    exit: Option<Exit>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    ended: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The ends of its three streams.
#[derive(Debug)]
pub(crate) struct Streams {
    pub(crate) input: ChildStdin,
    pub(crate) output: ChildStdout,
    pub(crate) log: ChildStderr,
}

/// A child process. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Child {
    shared: Arc<Shared>,
    pid: Pid,
}

impl Child {
    /// Starts it.
    pub(crate) fn start(launch: &Launch) -> Result<(Self, Streams), LaunchError> {
        let prepared = launch.prepare()?;
        let program = prepared.program.display().to_string();
        let system = |source| LaunchError::System { program: program.clone(), source };
        let shared = Arc::new(Shared::default());
        let (tell, told) = mpsc::channel();
        let keeper = Arc::clone(&shared);
        let builder = std::thread::Builder::new().name("plugin-child".into());
        builder.spawn(move || keep(&prepared, &keeper, &tell)).map_err(system)?;
        let lost = || std::io::Error::other("the thread that starts it has ended");
        let (pid, streams) = told.recv().map_err(|_| system(lost()))?.map_err(system)?;
        Ok((Self { shared, pid }, streams))
    }

    /// Its number, which is that of its group too.
    pub(crate) fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Kills it and all that it started.
    pub(crate) fn kill(&self) {
        kill_group(&self.shared.lock());
    }

    /// How it ended, where it has by then.
    pub(crate) fn wait(&self, until: Instant) -> Option<Exit> {
        let mut state = self.shared.lock();
        while state.exit.is_none() {
            let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            state = self.shared.ended.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.exit
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
        // The thread reaps it; a process that the system does not let die is not waited for.
        self.wait(Instant::now() + Duration::from_secs(2));
    }
}

fn kill_group(state: &State) {
    if let Some(pid) = state.alive {
        // It may have ended by itself; nobody is left to be killed then.
        kill_process_group(pid, Signal::KILL).ok();
    }
}

fn command(prepared: &Prepared) -> Command {
    let mut command = match setpriv() {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", "--"]).arg(&prepared.program);
            command
        }
        None => Command::new(&prepared.program),
    };
    command.args(&prepared.arguments).env_clear().envs(prepared.variables.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    command
}

/// The program that has the system kill a child when its parent dies, where there is one that can. Without it a plugin
/// learns of the death from the end of its standard input.
fn setpriv() -> Option<&'static std::path::Path> {
    static FOUND: OnceLock<Option<std::path::PathBuf>> = OnceLock::new();
    let look = || {
        let path = find("setpriv")?;
        let mut command = Command::new(&path);
        command.args(["--pdeathsig", "KILL", "--", "true"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().ok()?.success().then_some(path)
    };
    FOUND.get_or_init(look).as_deref()
}

/// What a guard does: at the end of its standard input, which is that of the host, its whole group is killed. Signals by
/// which a plugin ends its own children are not meant for it.
const GUARD: &str = "trap '' HUP INT QUIT TERM; read -r _; kill -KILL 0";

/// A guard in the group of a plugin, where there is a shell for it: the system kills only the plugin itself when its host
/// dies, and not what the plugin has started.
fn guard(group: Pid) -> Option<std::process::Child> {
    let mut command = Command::new(find("sh")?);
    command.args(["-c", GUARD]).env_clear().current_dir("/").process_group(group.as_raw_nonzero().get());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // A plugin that has ended already has no group to enter.
    command.spawn().ok()
}

type Told = Result<(Pid, Streams), std::io::Error>;

/// The thread of a child: starts it, waits for its end, kills what is left of its group, and only then has its number freed.
fn keep(prepared: &Prepared, shared: &Shared, tell: &mpsc::Sender<Told>) {
    let (mut child, pid, streams) = match spawn(command(prepared)) {
        Ok(spawned) => spawned,
        Err(error) => {
            tell.send(Err(error)).ok();
            return;
        }
    };
    shared.lock().alive = Some(pid);
    if tell.send(Ok((pid, streams))).is_err() {
        kill_group(&shared.lock());
    }
    let guard = guard(pid);
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while matches!(waitid(WaitId::Pid(pid), options), Err(rustix::io::Errno::INTR)) {}
    let mut state = shared.lock();
    kill_group(&state);
    if let Some(mut guard) = guard {
        // It has the signal already, but where it left the group.
        guard.kill().and_then(|()| guard.wait()).ok();
    }
    state.alive = None;
    state.exit = Some(child.wait().map_or(Exit::Signal(0), Exit::from));
    shared.ended.notify_all();
}

fn spawn(mut command: Command) -> std::io::Result<(std::process::Child, Pid, Streams)> {
    let mut child = command.spawn()?;
    let pid = Pid::from_child(&child);
    match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
        (Some(input), Some(output), Some(log)) => Ok((child, pid, Streams { input, output, log })),
        _ => Err(std::io::Error::other("it has no standard streams")),
    }
}
