//! The parts that this program plays as a plugin.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use editscale_plugin::Pipe;
use editscale_sdk::protocol::{Frames, FromHost, FromPlugin, LONGEST_FRAME, decode, encode};

use crate::world::peer;

/// The variable that tells this program which part to play.
pub(crate) const PART: &str = "EDITSCALE_TEST_PART";

/// Plays a part until it is over.
pub(crate) fn play(part: &str) {
    let (part, rest) = part.split_once(' ').unwrap_or((part, ""));
    match part {
        "echo" => echo(),
        "exit" => std::process::exit(rest.parse().unwrap()),
        "abort" => std::process::abort(),
        "deaf" => std::thread::sleep(Duration::from_secs(600)),
        "print" => println!("Loading checkpoint shards: 100%"),
        "cut" => std::io::stdout().write_all(&[9, 0, 0, 0, 1]).unwrap(),
        "environment" => std::env::vars_os().for_each(|(name, _)| eprintln!("{}", name.display())),
        "hello" => say(&crate::plugin::hello("")),
        // The rest names a feature that it lacks.
        "plugin" => crate::plugin::play(rest),
        "parent" => parent(),
        "host" => host(),
        other => panic!("no such part: {other}"),
    }
}

/// Says something.
pub(crate) fn say(message: &FromPlugin) {
    let mut output = std::io::stdout().lock();
    // A host that is gone hears nothing.
    output.write_all(&encode(message).unwrap()).and_then(|()| output.flush()).ok();
}

/// What the host says, until its end.
pub(crate) struct Hearing {
    frames: Frames,
}

impl Hearing {
    pub(crate) fn new() -> Self {
        Self { frames: Frames::new(LONGEST_FRAME) }
    }
}

impl Iterator for Hearing {
    type Item = FromHost;

    fn next(&mut self) -> Option<FromHost> {
        let mut piece = vec![0; 1 << 16];
        loop {
            if let Some(body) = self.frames.next_body().unwrap() {
                return Some(decode(&body).unwrap());
            }
            match std::io::stdin().lock().read(&mut piece).unwrap_or(0) {
                0 => return None,
                length => self.frames.push(&piece[..length]),
            }
        }
    }
}

fn echo() {
    for message in Hearing::new() {
        if let FromHost::Ping(number) = message {
            say(&FromPlugin::Pong(number));
        }
    }
}

/// Starts a child of its own, which would outlive it, and tells its number.
fn parent() {
    let mut child = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap();
    eprintln!("{}", child.id());
    echo();
    // It ends without having waited where the host has gone; nobody asks how it ended.
    child.try_wait().ok();
}

/// A host of its own, to be killed: tells the numbers of its plugin and of what that has started.
fn host() {
    let pipe = Pipe::start(&peer("parent"), "parent").unwrap();
    eprintln!("{} {}", pipe.pid(), crate::pipe::number_told(&pipe));
    std::thread::sleep(Duration::from_secs(600));
}
