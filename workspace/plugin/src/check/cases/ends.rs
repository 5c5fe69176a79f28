//! Checks of memory, and of every way to end.

use std::time::{Duration, Instant};

use editscale_sdk::protocol::FromHost;

use super::super::bench::{Bench, Fault};
use super::super::pictures::scene;
use super::super::processes::resident;
use super::super::session::Session;
use super::super::work::{Ask, method};
use super::{Case, Level, Outcome, not_applicable, well};

pub(super) const CASES: [Case; 5] = [
    Case {
        name: "memory",
        expected: "over 200 small calls, memory grows by no more than 100 MiB",
        advice: "keep nothing of a call once it is answered, or bound what is kept",
        needs: Level::Work,
        gives: Level::Nothing,
        run: memory,
    },
    Case {
        name: "shutdown",
        expected: "after `shutdown` it ends with exit status 0 within the seconds that were named and a few",
        advice: "leave the loop at `shutdown`, and let no thread keep the process alive",
        needs: Level::Work,
        gives: Level::Nothing,
        run: shutdown,
    },
    Case {
        name: "end_of_input",
        expected: "at the end of standard input it ends within 5 s, also in the middle of a call, and leaves no process behind",
        advice: "read standard input in a thread of its own, and end the process at its end whatever is under way",
        needs: Level::Work,
        gives: Level::Nothing,
        run: end_of_input,
    },
    Case {
        name: "killed",
        expected: "when its process group is killed in the middle of a call, no process is left behind",
        advice: "start helpers within the plugin's own process group (no setsid, no daemons), and have them end with it",
        needs: Level::Work,
        gives: Level::Nothing,
        run: killed,
    },
    Case {
        name: "only_frames",
        expected: "nothing but frames on standard output, all the time",
        advice: "standard output is the protocol's: point print and libraries at stderr before anything is imported",
        needs: Level::Nothing,
        gives: Level::Nothing,
        run: only_frames,
    },
];

/// Calls before memory is measured, and after.
const WARM_UP: usize = 20;
const CALLS: usize = 200;

/// How long the calls may take in all; a plugin that is slow is asked less.
const AT_MOST: Duration = Duration::from_secs(30);

/// How much memory may grow: caches fill, and allocators do not give back at once.
const GROWTH: u64 = 100 << 20;

fn memory(bench: &mut Bench<'_>) -> Outcome {
    let ask = Ask::of(scene(0.5).inline());
    let begun = Instant::now();
    let (mut before, mut made) = (None, 0);
    while made < WARM_UP + CALLS && (begun.elapsed() < AT_MOST || made <= WARM_UP) {
        if made == WARM_UP {
            before = in_memory(bench)?;
        }
        bench.call(std::slice::from_ref(&ask))?;
        made += 1;
    }
    let (Some(before), Some(after)) = (before, in_memory(bench)?) else {
        return not_applicable("the system does not tell how much memory a process has");
    };
    let (grown, calls) = (after.saturating_sub(before), made - WARM_UP);
    let told = format!("it grew by {} MiB to {} MiB over {calls} calls", grown >> 20, after >> 20);
    if grown > GROWTH { Err(Fault::new(told)) } else { well(told) }
}

fn in_memory(bench: &mut Bench<'_>) -> Result<Option<u64>, Fault> {
    bench.with(|session| Ok(resident(&session.link.processes())))
}

fn shutdown(bench: &mut Bench<'_>) -> Outcome {
    let mut session = bench.take()?;
    session.say(&FromHost::Shutdown(2.0));
    let within = Duration::from_secs(2) + bench.grace();
    let begun = Instant::now();
    match session.link.end(begun + within) {
        Some(crate::child::Exit::Code(0)) => well(format!("after {:.1} ms", begun.elapsed().as_secs_f64() * 1e3)),
        Some(exit) => Err(Fault::new(format!("{exit}; its last words: {}", session.link.last_words()))),
        None => Err(Fault::new(format!("it was still there {:.1} s later", within.as_secs_f64()))),
    }
}

/// A session that is in the middle of a call, as far as that can be had.
fn in_a_call(bench: &mut Bench<'_>) -> Result<Session, Fault> {
    let mut session = bench.take()?;
    let count = bench.largest_batch().min(16);
    let asks = vec![Ask::of(scene(0.5).inline()); count];
    let method = method(bench.kind(), &asks, bench.number(count));
    let id = session.begin(method, bench.timeout());
    session.is_at_work(id, Duration::from_millis(50).min(bench.one_item / 4))?;
    Ok(session)
}

fn end_of_input(bench: &mut Bench<'_>) -> Outcome {
    let grace = bench.grace();
    let mut session = in_a_call(bench)?;
    session.link.close_input();
    let begun = Instant::now();
    if session.link.end(begun + grace).is_none() {
        return Err(Fault::new(format!("it was still there {:.1} s after the end of its input", grace.as_secs_f64())));
    }
    let took = begun.elapsed().as_secs_f64() * 1e3;
    nothing_left(&session, grace)?;
    well(format!("it ended after {took:.1} ms"))
}

fn killed(bench: &mut Bench<'_>) -> Outcome {
    let grace = bench.grace();
    let mut session = in_a_call(bench)?;
    session.link.kill();
    nothing_left(&session, grace)?;
    well("nothing is left")
}

/// Whether all that it started is gone, if need be after a while.
fn nothing_left(session: &Session, grace: Duration) -> Result<(), Fault> {
    let until = Instant::now() + grace;
    loop {
        let left = session.link.processes();
        match left.len() {
            0 => return Ok(()),
            count if Instant::now() >= until => {
                return Err(Fault::new(format!("{count} processes that it started are left: {left:?}")));
            }
            _ => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

fn only_frames(bench: &mut Bench<'_>) -> Outcome {
    match bench.not_frames.first() {
        Some(found) => Err(Fault::new(found.clone())),
        None => well("nothing else"),
    }
}
