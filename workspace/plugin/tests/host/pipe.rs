//! Processes and pipes, before anything is agreed on.

use std::time::{Duration, Instant};

use editscale_plugin::{Exit, Launch, Pipe, PipeError};
use editscale_sdk::protocol::{FromHost, FromPlugin};

use crate::Test;
use crate::world::{is_alive, peer, soon, wait_until};

pub(crate) const TESTS: &[Test] = &[
    ("what_is_said_is_answered", what_is_said_is_answered),
    ("ends_are_told", ends_are_told),
    ("what_is_no_frame_is_told", what_is_no_frame_is_told),
    ("nobody_waits_for_one_that_does_not_read", nobody_waits_for_one_that_does_not_read),
    ("an_output_that_is_closed_is_told", an_output_that_is_closed_is_told),
    ("what_a_plugin_starts_ends_with_it", what_a_plugin_starts_ends_with_it),
    ("only_allowed_variables_are_passed", only_allowed_variables_are_passed),
    #[cfg(target_os = "linux")]
    ("a_host_that_is_killed_leaves_no_child", a_host_that_is_killed_leaves_no_child),
];

fn start(part: &str) -> Pipe {
    Pipe::start(&peer(part), part).unwrap()
}

fn what_is_said_is_answered() {
    let pipe = start("echo");
    for number in [0, 7, u64::MAX] {
        pipe.send(&FromHost::Ping(number)).unwrap();
        assert_eq!(pipe.receive(soon()).unwrap(), FromPlugin::Pong(number));
    }
    assert!(matches!(pipe.receive(Instant::now()), Err(PipeError::TimedOut)));
    pipe.close();
    assert!(matches!(pipe.receive(soon()), Err(PipeError::Ended(Exit::Code(0)))));
    assert!(matches!(pipe.send(&FromHost::Ping(1)), Err(PipeError::Closed)));
}

fn ends_are_told() {
    for (part, expected) in [("exit 0", Exit::Code(0)), ("exit 3", Exit::Code(3)), ("abort", Exit::Signal(6))] {
        let pipe = start(part);
        assert!(matches!(pipe.receive(soon()), Err(PipeError::Ended(exit)) if exit == expected), "{part}");
    }
    let pipe = start("deaf");
    pipe.kill();
    assert_eq!(pipe.wait(soon()), Some(Exit::Signal(9)));
    pipe.kill();
}

fn what_is_no_frame_is_told() {
    let said = |part: &str| start(part).receive(soon()).unwrap_err().to_string();
    assert!(said("print").contains("prints to standard output"), "{}", said("print"));
    assert!(said("cut").contains("expected 13 bytes, found 5"), "{}", said("cut"));
}

fn nobody_waits_for_one_that_does_not_read() {
    let pipe = start("deaf");
    let begun = Instant::now();
    let mut sent = 0_u64;
    let refused = loop {
        match pipe.send_bytes(vec![0; 32 << 20]) {
            Ok(()) => sent += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, PipeError::Full { .. }), "{refused}");
    assert!((10..=20).contains(&sent), "{sent}");
    let pid = pipe.pid();
    drop(pipe);
    assert!(!is_alive(pid) && begun.elapsed() < Duration::from_secs(30));
}

fn an_output_that_is_closed_is_told() {
    // The shell takes the place of the peer, so that nobody else holds the output.
    let launch = Launch::of(["sh", "-c", "exec 1>&-; exec sleep 600"]);
    let pipe = Pipe::start(&launch, "closed").unwrap();
    assert!(matches!(pipe.receive(soon()), Err(PipeError::Silenced)));
}

pub(crate) fn number_told(pipe: &Pipe) -> i32 {
    wait_until("a number on standard error", || pipe.last_words().parse::<i32>().is_ok());
    pipe.last_words().parse().unwrap()
}

fn what_a_plugin_starts_ends_with_it() {
    // By being dropped, by ending by itself, and by being killed from outside.
    for end in [drop, |pipe: Pipe| pipe.close(), |pipe: Pipe| pipe.kill()] {
        let pipe = start("parent");
        let (own, child) = (pipe.pid(), number_told(&pipe));
        assert!(is_alive(own) && is_alive(child));
        end(pipe);
        wait_until("nobody is left", || !is_alive(own) && !is_alive(child));
    }
}

fn only_allowed_variables_are_passed() {
    let pipe = start("environment");
    assert!(pipe.wait(soon()).is_some());
    let passed = || pipe.last_words().lines().map(str::to_owned).collect::<Vec<_>>();
    wait_until("the variables", || passed().iter().any(|name| name == "PATH"));
    let own = |name: &String| editscale_plugin::is_usual(name) || name == crate::peer::PART;
    assert!(passed().iter().all(own), "{:?}", passed());
}

/// It is killed with the signal that nobody can catch: its plugin ends all the same, with what that has started.
#[cfg(target_os = "linux")]
fn a_host_that_is_killed_leaves_no_child() {
    let host = start("host");
    let told = || host.last_words().split(' ').filter_map(|word| word.parse().ok()).collect::<Vec<i32>>();
    wait_until("two numbers on standard error", || told().len() == 2);
    let left = told();
    assert!(left.iter().all(|process| is_alive(*process)));
    // Only the host itself: its plugin is in a group of its own.
    host.kill();
    wait_until("nobody is left", || !left.iter().any(|process| is_alive(*process)));
}
