//! The smallest host of a plugin: one process, its frames, and no supervision.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use editscale_sdk::protocol::{
    Call, Frames, FromHost, FromPlugin, LONGEST_FRAME, Method, PluginKind, Version, Welcome, decode, encode,
};
use serde_json::{Map, Value};

/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// A plugin that was started and said hello. Every trouble panics: it is a test that cannot go on.
#[derive(Debug)]
pub struct PluginHost {
    child: Child,
    frames: Frames,
}

impl PluginHost {
    /// Starts a program, hears its greeting and welcomes it as this kind, with what a recipe would set. Its log is kept.
    pub fn start(program: &mut Command, kind: PluginKind, config: Map<String, Value>) -> Self {
        let child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut host = Self { child, frames: Frames::new(LONGEST_FRAME) };
        assert!(matches!(host.hear(), FromPlugin::Hello(_)));
        host.say(&FromHost::Welcome(Welcome {
            version: Version::OURS,
            kind,
            name: "test".into(),
            session: "1".into(),
            spool: "/nowhere".into(),
            config,
            frame_bytes: LONGEST_FRAME,
            inline_bytes: LONGEST_FRAME,
        }));
        host
    }

    /// Sends a message.
    pub fn say(&mut self, message: &FromHost) {
        self.child.stdin.as_mut().unwrap().write_all(&encode(message).unwrap()).unwrap();
    }

    /// Sends a call, the first.
    pub fn call(&mut self, method: Method) {
        self.say(&FromHost::Call(Call { id: 1, deadline_secs: 600.0, method }));
    }

    /// The next message.
    pub fn hear(&mut self) -> FromPlugin {
        let mut buffer = [0; 4096];
        loop {
            if let Some(body) = self.frames.next_body().unwrap() {
                return decode(&body).unwrap();
            }
            let length = self.child.stdout.as_mut().unwrap().read(&mut buffer).unwrap();
            assert!(length > 0, "the plugin ended");
            self.frames.push(buffer.get(..length).unwrap());
        }
    }

    /// Kills the process, as nothing but a crash does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Closes the plugin's input: its exit status and its log.
    pub fn end(mut self) -> (Option<i32>, String) {
        drop(self.child.stdin.take());
        // Read beside it: a log that nobody takes in holds a plugin up once the pipe is full.
        let mut stderr = self.child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            stderr.read_to_string(&mut log).map(|_| log)
        });
        let begin = Instant::now();
        while self.child.try_wait().unwrap().is_none() && begin.elapsed() < LONG {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.child.kill().ok();
        (self.child.wait().unwrap().code(), log.join().unwrap().unwrap())
    }
}

impl Drop for PluginHost {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
