//! The plugin `command` as a process: what becomes of its commands when it dies, and the examples of its page. The test
//! program is the plugin too.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use editscale_sdk::PluginKind;
use editscale_sdk::protocol::{
    Answer, Call, EditItem, EditParameters, EditProposal, Edited, Failed, Frames, FromHost, FromPlugin, Judged,
    LONGEST_FRAME, Method, Outcome, Picture, PictureBody, RewardItem, ScoreParameters, Start, Version, Welcome, decode,
    encode,
};
use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};

/// Set for the process that is the plugin.
const IS_PLUGIN: &str = "EDITSCALE_COMMAND_TEST";

struct Host {
    child: Child,
    frames: Frames,
}

impl Host {
    fn start(kind: PluginKind, config: Value) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .env(IS_PLUGIN, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut host = Self { child, frames: Frames::new(LONGEST_FRAME) };
        assert!(matches!(host.hear(), FromPlugin::Hello(_)));
        let Value::Object(config) = config else { panic!("no map") };
        let (version, name, session, spool) = (Version::OURS, "test".into(), "1".into(), "/nowhere".into());
        let (frame_bytes, inline_bytes) = (LONGEST_FRAME, LONGEST_FRAME);
        host.say(&FromHost::Welcome(Welcome {
            version,
            kind,
            name,
            session,
            spool,
            config,
            frame_bytes,
            inline_bytes,
        }));
        let ready = host.hear();
        assert!(matches!(ready, FromPlugin::Ready(_)), "{ready:?}");
        host
    }

    fn say(&mut self, message: &FromHost) {
        self.child.stdin.as_mut().unwrap().write_all(&encode(message).unwrap()).unwrap();
    }

    fn hear(&mut self) -> FromPlugin {
        let mut buffer = [0; 4096];
        loop {
            if let Some(body) = self.frames.next_body().unwrap() {
                return decode(&body).unwrap();
            }
            let length = self.child.stdout.as_mut().unwrap().read(&mut buffer).unwrap();
            assert!(length > 0, "the plugin ended");
            self.frames.push(&buffer[..length]);
        }
    }

    fn call(&mut self, method: Method) {
        self.say(&FromHost::Call(Call { id: 1, deadline_secs: 600.0, method }));
    }

    fn answer(&mut self, method: Method) -> Answer {
        self.call(method);
        let FromPlugin::Answer(answer) = self.hear() else { panic!("no answer") };
        answer
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
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
    let mut host = Host::start(PluginKind::Reward, json!({ "run": run, "range": [0, 1] }));
    let Answer::Judged { mut items, .. } = host.answer(pair(instruction)) else { panic!("no judgement") };
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
    let mut host = Host::start(PluginKind::Editor, json!({ "run": run, "knobs": knobs }));
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
    let Answer::Edited { mut items, .. } = host.answer(Method::Edit(asked)) else { panic!("no edit") };
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
    let mut host = Host::start(PluginKind::Reward, json!({ "run": run }));
    host.call(pair(""));
    let mut held = File::open(&pipe).unwrap();
    let mut started = [0; 8];
    held.read_exact(&mut started).unwrap();
    host.child.kill().unwrap();
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
