//! A plugin as a process: its standard streams, and how it ends. The test program is the plugin too.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stdout, reason = "printing is what is tested")]

use std::process::{Command, ExitCode};
use std::time::Duration;

use editscale_sdk::protocol::{
    Answer, Card, FromPlugin, Method, Outcome, Picture, PictureBody, RewardItem, ScoreParameters,
};
use editscale_sdk::{About, Call, Failed, Judged, Pair, PluginKind, Reward, RewardCard, Welcome, serve_reward};
use editscale_testkit::PluginHost;
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

fn start(manner: &str) -> PluginHost {
    let mut program = Command::new(std::env::current_exe().unwrap());
    PluginHost::start(program.env(MANNER, manner), PluginKind::Reward, serde_json::Map::new())
}

fn score() -> Method {
    let image =
        Picture { media: "image/png".into(), width: None, height: None, body: PictureBody::Inline(vec![1].into()) };
    let item = RewardItem { source: 0, candidate: 0, instruction: String::new(), mask: None };
    Method::Score(ScoreParameters { images: vec![image], items: vec![item] })
}

fn what_is_printed_is_no_frame() {
    let mut host = start("chatty");
    assert!(matches!(host.hear(), FromPlugin::Ready(Card::Reward(_))));
    host.call(score());
    let FromPlugin::Answer(Answer::Judged { items, .. }) = host.hear() else { panic!("no answer") };
    assert_eq!(items, vec![Outcome::Done(Judged::new(0.0))], "a child process read the host's frames");
    let (status, log) = host.end();
    assert_eq!(status, Some(0));
    for printed in ["Loading checkpoint shards", "asked for the card", "1 pairs to judge", "a child prints"] {
        assert!(log.contains(printed), "{printed} is not in {log}");
    }
}

fn the_end_of_input_ends_a_process_that_is_at_work() {
    let mut host = start("stuck");
    assert!(matches!(host.hear(), FromPlugin::Ready(_)));
    host.call(score());
    assert_eq!(host.end().0, Some(0));
    assert_eq!(start("loads for ever").end().0, Some(0));
}

fn what_cannot_get_ready_ends_with_a_reason() {
    let mut host = start("unready");
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
