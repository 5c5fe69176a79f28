//! A plugin as a process: its standard streams, and how it ends. The test program is the plugin too.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, reason = "printing is what is tested")]

use std::io::{Read, Write};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use editscale_sdk::protocol::{
    Answer, Card, Frames, FromHost, FromPlugin, LONGEST_FRAME, Method, Outcome, Picture, PictureBody, RewardItem,
    ScoreParameters, Version, decode, encode,
};
use editscale_sdk::{
    About, Call, Failed, Judged, Pair, PluginKind, Reward, RewardCard, Welcome, protocol, serve_reward,
};
use libtest_mimic::{Arguments, Trial};

/// Set for the process that is the plugin; says what it does.
const MANNER: &str = "EDITSCALE_SDK_TEST_MANNER";

/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// A reward that talks a lot.
struct Chatty;

impl Reward for Chatty {
    fn card(&self) -> RewardCard {
        println!("asked for the card");
        RewardCard::new("chatty 1")
    }

    fn score(&self, pairs: &[Pair], _: &Call) -> Vec<Result<Judged, Failed>> {
        println!("{} pairs to judge", pairs.len());
        assert!(Command::new("sh").args(["-c", "echo a child prints"]).status().unwrap().success());
        let read = Command::new("cat").output().unwrap();
        vec![Ok(Judged::new(read.stdout.len() as f64)); pairs.len()]
    }
}

/// A reward that never answers.
struct Stuck;

impl Reward for Stuck {
    fn card(&self) -> RewardCard {
        RewardCard::new("stuck 1")
    }

    fn score(&self, _: &[Pair], _: &Call) -> Vec<Result<Judged, Failed>> {
        sleep_for_ever()
    }
}

fn sleep_for_ever() -> ! {
    loop {
        std::thread::sleep(LONG);
    }
}

fn be_a_plugin(manner: &str) -> ExitCode {
    let about = About::new("test", "1");
    match manner {
        "chatty" => serve_reward(about, |_: &Welcome| {
            println!("Loading checkpoint shards: 100%");
            Ok(Chatty)
        }),
        "stuck" => serve_reward(about, |_: &Welcome| Ok(Stuck)),
        "loads for ever" => serve_reward(about, |_: &Welcome| -> Result<Stuck, Failed> { sleep_for_ever() }),
        _ => serve_reward(about, |_: &Welcome| -> Result<Stuck, Failed> { Err(Failed::refused("no weights")) }),
    }
}

struct Host {
    child: Child,
    frames: Frames,
}

impl Host {
    fn start(manner: &str) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .env(MANNER, manner)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut host = Self { child, frames: Frames::new(LONGEST_FRAME) };
        assert!(matches!(host.hear(), FromPlugin::Hello(_)));
        host.say(&FromHost::Welcome(Welcome {
            version: Version::OURS,
            kind: PluginKind::Reward,
            name: "test".into(),
            session: "1".into(),
            spool: "/nowhere".into(),
            config: serde_json::Map::new(),
            frame_bytes: LONGEST_FRAME,
            inline_bytes: LONGEST_FRAME,
        }));
        host
    }

    fn say(&mut self, message: &FromHost) {
        self.child.stdin.as_mut().unwrap().write_all(&encode(message).unwrap()).unwrap();
    }

    fn hear(&mut self) -> FromPlugin {
        let mut buffer = [0; 1024];
        loop {
            if let Some(body) = self.frames.next_body().unwrap() {
                return decode(&body).unwrap();
            }
            let length = self.child.stdout.as_mut().unwrap().read(&mut buffer).unwrap();
            assert!(length > 0, "the plugin ended");
            self.frames.push(&buffer[..length]);
        }
    }

    /// Closes the plugin's input: its exit status and its log.
    fn end(mut self) -> (Option<i32>, String) {
        drop(self.child.stdin.take());
        let begin = Instant::now();
        while self.child.try_wait().unwrap().is_none() && begin.elapsed() < LONG {
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(self.child.kill());
        let output = self.child.wait_with_output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    }
}

fn score() -> FromHost {
    let image =
        Picture { media: "image/png".into(), width: None, height: None, body: PictureBody::Inline(vec![1].into()) };
    let item = RewardItem { source: 0, candidate: 0, instruction: String::new(), mask: None };
    let method = Method::Score(ScoreParameters { images: vec![image], items: vec![item] });
    FromHost::Call(protocol::Call { id: 1, deadline_secs: 600.0, method })
}

fn what_is_printed_is_no_frame() {
    let mut host = Host::start("chatty");
    assert!(matches!(host.hear(), FromPlugin::Ready(Card::Reward(_))));
    host.say(&score());
    let FromPlugin::Answer(Answer::Judged { items, .. }) = host.hear() else { panic!("no answer") };
    assert_eq!(items, vec![Outcome::Done(Judged::new(0.0))], "a child process read the host's frames");
    let (status, log) = host.end();
    assert_eq!(status, Some(0));
    for printed in ["Loading checkpoint shards", "asked for the card", "1 pairs to judge", "a child prints"] {
        assert!(log.contains(printed), "{printed} is not in {log}");
    }
}

fn the_end_of_input_ends_a_process_that_is_at_work() {
    let mut host = Host::start("stuck");
    assert!(matches!(host.hear(), FromPlugin::Ready(_)));
    host.say(&score());
    assert_eq!(host.end().0, Some(0));
    assert_eq!(Host::start("loads for ever").end().0, Some(0));
}

fn what_cannot_get_ready_ends_with_a_reason() {
    let mut host = Host::start("unready");
    assert_eq!(host.hear(), FromPlugin::Unready(Failed::refused("no weights")));
    assert_eq!(host.end(), (Some(1), "cannot get ready: no weights\n".into()));
}

fn main() -> ExitCode {
    if let Ok(manner) = std::env::var(MANNER) {
        return be_a_plugin(&manner);
    }
    let tests: [(&str, fn()); 3] = [
        ("what_is_printed_is_no_frame", what_is_printed_is_no_frame),
        ("the_end_of_input_ends_a_process_that_is_at_work", the_end_of_input_ends_a_process_that_is_at_work),
        ("what_cannot_get_ready_ends_with_a_reason", what_cannot_get_ready_ends_with_a_reason),
    ];
    let trial = |(name, test): (&str, fn())| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    libtest_mimic::run(&Arguments::from_args(), tests.into_iter().map(trial).collect()).exit_code()
}
