//! Signals by which people and systems ask the program to end.

use std::future::pending;
use std::io;
use std::process;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use editscale_engine::{StopSignal, Stopper};

use crate::failure::INTERRUPTED;
use crate::progress::{clear_bar, tell_beside_bar};

/// What people are told when they ask the program to end.
#[derive(Debug)]
pub(crate) struct StopWords {
    /// At the first signal: what is still done, and that a second one ends the program at once.
    pub(crate) first: String,
    /// At the second: how to go on.
    pub(crate) last: String,
}

/// Ctrl-C and a polite kill ask for a stop; a second one ends the program.
///
/// A thread of its own listens until the program ends: a signal that is caught once is never again what ends the program by
/// itself, whichever runtime is gone by then and whatever is being computed. It listens when this returns.
pub(crate) fn stop_on_signal(words: StopWords) -> StopSignal {
    let (stopper, signal) = Stopper::new();
    let (ready, listening) = channel();
    // Where nothing can listen, signals end the program as they always do, and nothing is waited for.
    thread::Builder::new().name("signals".to_owned()).spawn(move || listen(&stopper, &words, ready)).ok();
    listening.recv().ok();
    signal
}

fn listen(stopper: &Stopper, words: &StopWords, ready: Sender<()>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut signals = Signals::listen();
        drop(ready);
        signals.next().await;
        tell_beside_bar(&words.first);
        stopper.stop();
        signals.next().await;
        clear_bar();
        tell_beside_bar(&words.last);
        process::exit(INTERRUPTED)
    })
}

/// The signals that ask for an end. None is lost between two waits.
#[cfg(unix)]
struct Signals([Option<tokio::signal::unix::Signal>; 2]);

#[cfg(unix)]
impl Signals {
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self([SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok()))
    }

    /// Waits for Ctrl-C or a polite kill; for ever where neither can be heard.
    async fn next(&mut self) {
        let [interrupt, terminate] = &mut self.0;
        tokio::select! {
            Some(()) = received(interrupt) => {}
            Some(()) = received(terminate) => {}
            else => pending().await,
        }
    }
}

#[cfg(unix)]
async fn received(signal: &mut Option<tokio::signal::unix::Signal>) -> Option<()> {
    signal.as_mut()?.recv().await
}

/// The signals that ask for an end.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Self {
        Self
    }

    /// Waits for Ctrl-C; for ever where it cannot be heard.
    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            pending::<()>().await;
        }
    }
}
