//! The plugin `command` as a process: what becomes of its commands when it dies, and the examples of its page. The test
//! program is the plugin too.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use editscale_sdk::PluginKind;
use editscale_sdk::protocol::{
    Answer, EditItem, EditParameters, EditProposal, Edited, Failed, FromPlugin, Judged, Method, Outcome, Picture,
    PictureBody, RewardItem, ScoreParameters, Start,
};
use editscale_testkit::PluginHost;
use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};

/// Set for the process that is the plugin.
const IS_PLUGIN: &str = "EDITSCALE_COMMAND_TEST";

/// The command as a plugin that is ready.
fn start(kind: PluginKind, config: Value) -> PluginHost {
    let Value::Object(config) = config else { panic!("no map") };
    let mut program = Command::new(std::env::current_exe().unwrap());
    let mut host = PluginHost::start(program.env(IS_PLUGIN, "1"), kind, config);
    let ready = host.hear();
    assert!(matches!(ready, FromPlugin::Ready(_)), "{ready:?}");
    host
}

fn answer(host: &mut PluginHost, method: Method) -> Answer {
    host.call(method);
    let FromPlugin::Answer(answer) = host.hear() else { panic!("no answer") };
    answer
}

fn picture(media: &str, bytes: &[u8]) -> Picture {
    Picture { media: media.into(), width: None, height: None, body: PictureBody::Inline(bytes.to_vec().into()) }
}

fn pair(instruction: &str) -> Method {
    let images = vec![picture("image/png", &[0; 100]), picture("image/png", &[0; 75])];
    let item = RewardItem { source: 0, candidate: 1, instruction: instruction.into(), mask: None };
    Method::Score(ScoreParameters { images, items: vec![item] })
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/command/examples").join(name).canonicalize().unwrap()
}

fn judged(run: &str, instruction: &str) -> Judged {
    let mut host = start(PluginKind::Reward, json!({ "run": run, "range": [0, 1] }));
    let Answer::Judged { mut items, .. } = answer(&mut host, pair(instruction)) else { panic!("no judgement") };
    match items.remove(0) {
        Outcome::Done(judged) => judged,
        Outcome::Failed(why) => panic!("{why:?}"),
    }
}

fn the_rewards_of_the_page_judge() {
    let smaller = judged(&format!("sh '{}' {{source}} {{edited}}", example("smaller_file.sh").display()), "");
    assert_eq!(smaller.mean, 0.25);
    assert_eq!(smaller.parts.iter().map(|part| part.mean).collect::<Vec<_>>(), [75.0, 100.0]);
    let words = format!("sh '{}' {{instruction_file}}", example("words.sh").display());
    assert_eq!(judged(&words, "--help\nmake it Red").mean, 1.0);
    assert_eq!(judged(&words, "make it better").mean, 0.0);
}

/// A picture of 8 by 8 pixels of one grey.
fn bmp() -> Vec<u8> {
    let (head, side, pixels) = (54_u32, 8_u32, 8 * 8 * 3_u32);
    let mut file = b"BM".to_vec();
    for number in [head + pixels, 0, head, 40, side, side, 1 | (24 << 16), 0, pixels, 0, 0, 0, 0] {
        file.extend(number.to_le_bytes());
    }
    file.extend([200; 8 * 8 * 3]);
    file
}

fn darkened(seed: u64) -> Result<Vec<u8>, Failed> {
    let run = format!("bash '{}' {{source}} {{output}} {{seed}} {{knob:strength}}", example("darken_bmp.sh").display());
    let knobs = json!({"strength": {"low": 0, "high": 1, "default": 0.5}});
    let mut host = start(PluginKind::Editor, json!({ "run": run, "knobs": knobs }));
    let (instruction, knobs) = ("darker".to_owned(), [("strength".to_owned(), 0.8)].into());
    let proposal = EditProposal { candidate: 0, start: Start::Source, until_step: None, seed, instruction, knobs };
    let item = EditItem {
        run: "r".into(),
        source: 0,
        mask: None,
        request_instruction: "darker".into(),
        output_size: None,
        start_picture: 0,
        proposal,
        path: Vec::new(),
    };
    let asked = EditParameters { images: vec![picture("image/bmp", &bmp())], items: vec![item] };
    let Answer::Edited { mut items, .. } = answer(&mut host, Method::Edit(asked)) else { panic!("no edit") };
    match items.remove(0) {
        Outcome::Done(Edited { image: Picture { media, body: PictureBody::Inline(bytes), .. }, .. }) => {
            assert_eq!(media, "image/bmp");
            Ok(bytes.into_vec())
        }
        Outcome::Done(other) => panic!("{other:?}"),
        Outcome::Failed(why) => Err(why),
    }
}

fn the_editor_of_the_page_edits() {
    let one = darkened(1).unwrap();
    assert_eq!(one.len(), bmp().len());
    assert_eq!(one[..54], bmp()[..54]);
    assert!(one[54..].iter().all(|value| *value == one[54] && (40..=120).contains(value)), "{one:?}");
    assert_eq!(darkened(1).unwrap(), one);
    assert_ne!(darkened(123_456).unwrap(), one);
}

/// The command holds a pipe open; its end tells that no process of it is left.
fn commands_die_with_the_plugin() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let run = format!("exec 9>'{}'; echo started >&9; sleep 600 & sleep 600", pipe.display());
    let mut host = start(PluginKind::Reward, json!({ "run": run }));
    host.call(pair(""));
    let mut held = File::open(&pipe).unwrap();
    let mut started = [0; 8];
    held.read_exact(&mut started).unwrap();
    host.kill();
    let mut rest = Vec::new();
    held.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty());
}

fn main() -> ExitCode {
    if std::env::var_os(IS_PLUGIN).is_some() {
        return editscale_plugin::command::main();
    }
    let tests: [(&str, fn()); 3] = [
        ("the_rewards_of_the_page_judge", the_rewards_of_the_page_judge),
        ("the_editor_of_the_page_edits", the_editor_of_the_page_edits),
        ("commands_die_with_the_plugin", commands_die_with_the_plugin),
    ];
    let trial = |(name, test): (&str, fn())| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    libtest_mimic::run(&Arguments::from_args(), tests.into_iter().map(trial).collect()).exit_code()
}
