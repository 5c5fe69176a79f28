//! The program as the host sees it: frames over standard input and output.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod pipelines;

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use editscale_picture::{Limits, decode_rgb8};
use editscale_sdk::protocol::{
    Answer, Call, Card, EditItem, EditParameters, EditProposal, Edited, EditorCard, ErrorClass, Frames, FromHost,
    FromPlugin, LONGEST_FRAME, Method, Outcome, PauseSupport, PausedPlace, Picture, PictureBody, PluginKind,
    SamplerKind, Start, Version, Welcome, decode, encode,
};
use pipelines::{FLAT, pipeline, scheduler, source};
use serde_json::{Value, json};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(240);
const STEPS: u32 = 4;

/// A plugin at work.
struct Plugin {
    child: Child,
    input: ChildStdin,
    heard: Receiver<FromPlugin>,
    spool: tempfile::TempDir,
}

impl Plugin {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_editscale-diffusers-rs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut output, input) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
        let (tell, heard) = channel();
        thread::spawn(move || {
            let (mut frames, mut bytes) = (Frames::new(LONGEST_FRAME), vec![0; 1 << 16]);
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                frames.push(&bytes[..count]);
                while let Some(body) = frames.next_body().unwrap() {
                    drop(tell.send(decode(&body).unwrap()));
                }
            }
        });
        Self { child, input, heard, spool: tempfile::tempdir().unwrap() }
    }

    fn say(&mut self, message: &FromHost) {
        self.input.write_all(&encode(message).unwrap()).unwrap();
        self.input.flush().unwrap();
    }

    fn hear(&self) -> FromPlugin {
        self.heard.recv_timeout(PATIENCE).unwrap()
    }

    /// What it says to a config: a card, or why not.
    fn welcome(&mut self, config: &Value) -> Result<EditorCard, String> {
        assert!(matches!(self.hear(), FromPlugin::Hello(hello) if hello.kinds == [PluginKind::Editor]));
        self.say(&FromHost::Welcome(Welcome {
            version: Version::OURS,
            kind: PluginKind::Editor,
            name: "torch".to_owned(),
            session: "session".to_owned(),
            spool: self.spool.path().to_string_lossy().into_owned(),
            config: config.as_object().unwrap().clone(),
            frame_bytes: LONGEST_FRAME,
            inline_bytes: 1 << 20,
        }));
        match self.hear() {
            FromPlugin::Ready(Card::Editor(card)) => Ok(card),
            FromPlugin::Unready(failed) => Err(failed.message),
            other => panic!("{other:?}"),
        }
    }

    fn call(&mut self, id: u64, items: Vec<EditItem>) {
        let bytes = std::fs::read(source("euler")).unwrap();
        let body = PictureBody::Inline(bytes.into());
        let images = vec![Picture { media: "image/png".to_owned(), width: Some(48), height: Some(32), body }];
        let method = Method::Edit(EditParameters { images, items });
        self.say(&FromHost::Call(Call { id, deadline_secs: 600.0, method }));
    }

    /// The results of a call, and how often it told of a step.
    fn answer(&self, expected: u64) -> (Vec<Outcome<Edited>>, usize) {
        let mut steps = 0;
        loop {
            match self.hear() {
                FromPlugin::Progress(progress) => steps += usize::from(progress.id == expected),
                FromPlugin::Answer(Answer::Edited { id, items }) if id == expected => return (items, steps),
                FromPlugin::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn end(mut self) {
        self.say(&FromHost::Shutdown(5.0));
        assert!(self.child.wait().unwrap().success());
    }
}

fn item(candidate: u32, start: Start, until_step: Option<u32>, seed: u64) -> EditItem {
    let proposal = EditProposal {
        candidate,
        start,
        until_step,
        seed,
        instruction: "make it snow".to_owned(),
        knobs: [("guidance".to_owned(), 4.0)].into(),
    };
    EditItem {
        run: "run".to_owned(),
        source: 0,
        mask: None,
        request_instruction: "make it snow".to_owned(),
        output_size: None,
        start_picture: 0,
        proposal,
        path: Vec::new(),
    }
}

fn done(outcome: &Outcome<Edited>) -> &Edited {
    match outcome {
        Outcome::Done(edited) => edited,
        Outcome::Failed(failed) => panic!("{failed:?}"),
    }
}

fn bytes(edited: &Edited) -> Vec<u8> {
    match &edited.image.body {
        PictureBody::Inline(bytes) => bytes.to_vec(),
        PictureBody::File(place) => std::fs::read(Path::new(&place.path)).unwrap(),
    }
}

fn config(folder: &Path) -> Value {
    json!({"dir": folder, "steps": STEPS, "trajectory": true})
}

#[test]
fn edits_are_made_paused_and_gone_on_with() {
    let folder = pipeline("pix2pix_f16", FLAT, &scheduler("EulerAncestralDiscreteScheduler"));
    let mut plugin = Plugin::start();
    let card = plugin.welcome(&config(folder.path())).unwrap();
    assert_eq!((card.seed_bits, card.pause, card.sampler), (Some(53), PauseSupport::Fork, SamplerKind::Stochastic));
    assert_eq!(card.cost.nfe, 3 * u64::from(STEPS));
    assert_eq!(card.knobs.iter().map(|knob| knob.name.as_str()).collect::<Vec<_>>(), ["guidance", "image_guidance"]);

    plugin.call(
        1,
        vec![item(0, Start::Source, None, 7), item(1, Start::Source, Some(1), 7), item(2, Start::Source, None, 8)],
    );
    plugin.say(&FromHost::Ping(77));
    let (made, steps) = plugin.answer(1);
    assert_eq!(steps, 2 * STEPS as usize + 1);
    let whole = done(&made[0]);
    assert_eq!(whole.cost.nfe, 3 * u64::from(STEPS));
    let way = whole.trajectory.as_ref().unwrap();
    assert_eq!((way.shape.as_slice(), way.timesteps.len()), (&[4_u64, 4, 6][..], STEPS as usize));
    let picture = decode_rgb8(&bytes(whole), &Limits::default()).unwrap();
    assert_eq!((picture.width, picture.height), (48, 32));
    assert_ne!(bytes(whole), bytes(done(&made[1])), "a preview is another picture");

    // Gone on from with the same seed it is the whole; a fork with another seed is not; alone is as among others.
    plugin.call(2, vec![item(3, Start::Paused(1), None, 7), item(4, Start::Paused(1), None, 9)]);
    let (went_on, _) = plugin.answer(2);
    assert_eq!(bytes(done(&went_on[0])), bytes(whole));
    assert_ne!(bytes(done(&went_on[1])), bytes(whole));
    plugin.say(&FromHost::Release(vec![PausedPlace { run: "run".to_owned(), candidate: 1 }]));
    plugin.call(3, vec![item(5, Start::Source, None, 8)]);
    let (alone, _) = plugin.answer(3);
    assert_eq!(bytes(done(&alone[0])), bytes(done(&made[2])));
    plugin.end();
}

#[test]
fn a_cancelled_call_is_answered_within_a_step() {
    let folder = pipeline("pix2pix_f16", FLAT, &scheduler("DDIMScheduler"));
    let mut plugin = Plugin::start();
    let mut config = config(folder.path());
    config["steps"] = json!(900);
    assert_eq!(plugin.welcome(&config).unwrap().cancel, editscale_sdk::protocol::CancelRule::WithinStep);
    plugin.call(1, vec![item(0, Start::Source, None, 7), item(1, Start::Source, None, 8)]);
    assert!(matches!(plugin.hear(), FromPlugin::Progress(_)));
    plugin.say(&FromHost::Cancel(1));
    let (outcomes, steps) = plugin.answer(1);
    assert!(steps < 1800, "{steps} steps of 1800 were made");
    for outcome in outcomes {
        assert!(
            matches!(outcome, Outcome::Failed(failed) if failed.class == ErrorClass::Cancelled && failed.cost.nfe > 0)
        );
    }
    plugin.end();
}

#[test]
fn mistakes_of_a_config_are_the_reason_why_it_is_not_ready() {
    let table = [
        (json!({}), "dir"),
        (json!({"dir": "nowhere"}), "nowhere"),
        (json!({"dir": "nowhere", "steps": 5000}), "`steps` is 5000: expected 1 to 1000"),
        (json!({"dir": "nowhere", "stepz": 5}), "stepz"),
        (json!({"dir": pipelines::fixtures().join("pipelines/pix2pix_f16")}), "`norm_num_groups` is 4: expected 32"),
    ];
    for (config, expected) in table {
        let mut plugin = Plugin::start();
        let said = plugin.welcome(&config).unwrap_err();
        assert!(said.contains(expected), "{said}");
        drop(plugin.input);
        plugin.child.wait().unwrap();
    }
}

#[test]
fn what_it_cannot_edit_fails_alone() {
    let folder = pipeline("pix2pix_f16", FLAT, &scheduler("DDIMScheduler"));
    let mut plugin = Plugin::start();
    plugin.welcome(&config(folder.path())).unwrap();
    let mut masked = item(0, Start::Source, None, 7);
    masked.mask = Some(0);
    let mut odd = item(1, Start::Source, None, 7);
    odd.proposal.knobs = [("Guidance!".to_owned(), 1.0)].into();
    plugin.call(1, vec![masked, odd, item(2, Start::Source, None, 7), item(3, Start::Paused(77), None, 7)]);
    let (outcomes, _) = plugin.answer(1);
    let class = |outcome: &Outcome<Edited>| match outcome {
        Outcome::Done(_) => None,
        Outcome::Failed(failed) => Some(failed.class),
    };
    let classes: Vec<_> = outcomes.iter().map(class).collect();
    assert_eq!(classes[..3], [Some(ErrorClass::Invalid), Some(ErrorClass::Invalid), None]);
    assert!(classes[3].is_some(), "there is no such state");
    plugin.end();
}
