//! Sessions over pipes, without a process.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::io::{PipeReader, PipeWriter, Read, Write, pipe};
use std::thread::JoinHandle;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;
use crate::protocol::{
    self, Answer, Card, EditItem, EditParameters, EditProposal, EditorCard, ErrorClass, Failed, FilePlace, Frames,
    FromHost, FromPlugin, Judged, LONGEST_FRAME, Method, Outcome, Picture, PictureBody, PluginKind, Preview, Progress,
    RewardCard, RewardItem, ScoreParameters, Start, Version, Welcome, decode, encode,
};

/// The host's side of a session.
struct Host {
    to: Option<PipeWriter>,
    from: PipeReader,
    frames: Frames,
    thread: JoinHandle<Ending>,
    spool: tempfile::TempDir,
}

impl Host {
    fn of(build: impl FnOnce() -> Plugin + Send + 'static) -> Self {
        let ((plugin_in, to), (from, plugin_out)) = (pipe().unwrap(), pipe().unwrap());
        let thread = std::thread::spawn(move || build().serve_over(plugin_in, plugin_out));
        Self { to: Some(to), from, frames: Frames::new(LONGEST_FRAME), thread, spool: tempfile::tempdir().unwrap() }
    }

    fn say(&mut self, message: &FromHost) {
        self.raw(&encode(message).unwrap());
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.to.as_mut().unwrap().write_all(bytes).unwrap();
    }

    fn hear(&mut self) -> FromPlugin {
        self.next().unwrap_or_else(|| panic!("the plugin ended"))
    }

    fn next(&mut self) -> Option<FromPlugin> {
        let mut buffer = [0; 4096];
        loop {
            if let Some(body) = self.frames.next_body().unwrap() {
                return Some(decode(&body).unwrap());
            }
            match self.from.read(&mut buffer).unwrap() {
                0 => return None,
                length => self.frames.push(&buffer[..length]),
            }
        }
    }

    fn welcome(&mut self, kind: PluginKind, config: serde_json::Value) -> FromPlugin {
        assert!(matches!(self.hear(), FromPlugin::Hello(_)));
        let serde_json::Value::Object(config) = config else { panic!("no map") };
        let spool = self.spool.path().to_str().unwrap().to_owned();
        let (version, name, session) = (Version::OURS, "mine".to_owned(), "s/../1".to_owned());
        let (frame_bytes, inline_bytes) = (1 << 20, 1000);
        self.say(&FromHost::Welcome(Welcome {
            version,
            kind,
            name,
            session,
            spool,
            config,
            frame_bytes,
            inline_bytes,
        }));
        self.hear()
    }

    fn end(mut self) -> Ending {
        self.to = None;
        while self.next().is_some() {}
        self.thread.join().unwrap()
    }
}

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    slots: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { slots: 1 }
    }
}

/// Scores by what the instruction says.
struct Obedient(Settings);

impl Reward for Obedient {
    fn card(&self) -> RewardCard {
        RewardCard { slots: self.0.slots, largest_batch: 4, ..RewardCard::new("obedient 1") }
    }

    fn score(&self, pairs: &[Pair], call: &Call) -> Vec<Result<Judged, Failed>> {
        if pairs[0].instruction == "one too many" {
            return vec![Ok(Judged::new(1.0)); pairs.len() + 1];
        }
        let one = |pair: &Pair| match pair.instruction.as_str() {
            "panic" => panic!("told to {}", pair.instruction),
            "wait" => {
                while !call.cancelled() {
                    std::thread::yield_now();
                }
                Err(call.check().unwrap_err())
            }
            "nan" => Ok(Judged::new(f64::NAN)),
            "sigma" => Ok(Judged { sigma: Some(-1.0), ..Judged::new(0.5) }),
            _ => Ok(Judged::new(pair.candidate.bytes()?.len() as f64)),
        };
        pairs.iter().map(one).collect()
    }
}

/// Gives the source back, with progress, a preview and numbers on the way.
struct Copy;

impl Editor for Copy {
    fn card(&self) -> EditorCard {
        EditorCard { largest_batch: 2, ..EditorCard::new("copy 1") }
    }

    fn edit(&self, edits: &[Edit], call: &Call) -> Vec<Result<Made, Failed>> {
        let one = |(item, edit): (usize, &Edit)| {
            let image = NewImage::new(edit.source.media(), edit.source.bytes()?.to_vec());
            call.progress(item, 1, 2);
            call.preview(item, &image);
            let (latents, shape) = (vec![0.5; 2], vec![1]);
            let (timesteps, sigmas, log_probabilities) = (vec![1.0], vec![1.0, 0.0], vec![None]);
            let trajectory = Trajectory { shape, latents, timesteps, sigmas, log_probabilities };
            Ok(Made { trajectory: Some(trajectory), ..Made::new(image) })
        };
        edits.iter().enumerate().map(one).collect()
    }
}

fn reward() -> Plugin {
    Plugin::new(About::new("obedient", "1")).reward(|welcome| welcome.settings().map(Obedient))
}

fn inline(bytes: Vec<u8>) -> Picture {
    Picture { media: "image/png".into(), width: Some(1), height: Some(1), body: PictureBody::Inline(bytes.into()) }
}

fn score(id: u64, instructions: &[&str], images: Vec<Picture>) -> FromHost {
    let item = |told: &&str| RewardItem { source: 0, candidate: 1, instruction: (*told).into(), mask: None };
    let items = instructions.iter().map(item).collect();
    FromHost::Call(protocol::Call { id, deadline_secs: 60.0, method: Method::Score(ScoreParameters { images, items }) })
}

fn pictures() -> Vec<Picture> {
    vec![inline(vec![1]), inline(vec![1, 2, 3])]
}

fn failed(answer: FromPlugin) -> Failed {
    match answer {
        FromPlugin::Answer(Answer::Failed { why, .. }) => why,
        FromPlugin::Answer(Answer::Judged { items, .. }) => match items.into_iter().next() {
            Some(Outcome::Failed(why)) => why,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reward_judges_until_its_input_ends() {
    let mut host = Host::of(reward);
    assert!(matches!(host.welcome(PluginKind::Reward, json!({})), FromPlugin::Ready(Card::Reward(_))));
    host.say(&score(1, &["", ""], pictures()));
    let FromPlugin::Answer(Answer::Judged { id: 1, items }) = host.hear() else { panic!("no answer") };
    assert_eq!(items, vec![Outcome::Done(Judged::new(3.0)); 2]);
    assert_eq!(host.end(), Ending::EndOfInput);
}

#[test]
fn mistakes_in_a_call_are_its_failure_and_the_next_call_is_answered() {
    let cases: [(FromHost, ErrorClass, &str); 6] = [
        (score(1, &["panic"], pictures()), ErrorClass::Internal, "the plugin's code panicked: told to panic"),
        (score(2, &["nan"], pictures()), ErrorClass::Internal, "score is NaN: expected a finite number"),
        (score(3, &[""], vec![inline(vec![])]), ErrorClass::Invalid, "names picture 1: the call has 1"),
        (score(4, &["one too many"], pictures()), ErrorClass::Internal, "gave 2 results: expected 1"),
        (score(5, &["", "", "", "", ""], pictures()), ErrorClass::Invalid, "5 items: expected 1 to 4"),
        (score(6, &["sigma"], pictures()), ErrorClass::Internal, "standard deviation is -1: expected at least 0"),
    ];
    let mut host = Host::of(reward);
    host.welcome(PluginKind::Reward, json!({}));
    for (call, class, said) in cases {
        host.say(&call);
        let why = failed(host.hear());
        assert!(why.class == class && why.message.contains(said), "{why:?}");
    }
    host.say(&score(9, &[""], pictures()));
    assert!(matches!(host.hear(), FromPlugin::Answer(Answer::Judged { id: 9, .. })));
}

#[test]
fn pings_and_cancels_are_seen_to_while_calls_run() {
    let mut host = Host::of(reward);
    host.welcome(PluginKind::Reward, json!({"slots": 2}));
    host.say(&score(1, &["wait"], pictures()));
    host.say(&score(2, &["wait"], pictures()));
    host.say(&FromHost::Ping(7));
    assert_eq!(host.hear(), FromPlugin::Pong(7));
    for id in [2, 1] {
        host.say(&FromHost::Cancel(id));
        let FromPlugin::Answer(answer) = host.hear() else { panic!("no answer") };
        assert_eq!(answer.id(), id);
        assert_eq!(failed(FromPlugin::Answer(answer)).class, ErrorClass::Cancelled);
    }
}

#[test]
fn the_end_of_input_cancels_and_a_shutdown_waits() {
    let mut host = Host::of(reward);
    host.welcome(PluginKind::Reward, json!({}));
    host.say(&score(1, &["wait"], pictures()));
    assert_eq!(host.end(), Ending::EndOfInput);

    let mut host = Host::of(reward);
    host.welcome(PluginKind::Reward, json!({}));
    host.say(&score(1, &[""], pictures()));
    host.say(&FromHost::Shutdown(60.0));
    assert!(matches!(host.hear(), FromPlugin::Answer(Answer::Judged { id: 1, .. })));
    assert!(matches!(host.thread.join().unwrap(), Ending::Shutdown(_)));

    // More seconds than any clock counts.
    let mut host = Host::of(reward);
    host.welcome(PluginKind::Reward, json!({}));
    host.say(&FromHost::Shutdown(1e19));
    assert!(matches!(host.thread.join().unwrap(), Ending::Shutdown(_)));
}

#[test]
fn what_cannot_get_ready_says_why() {
    type Case = (fn() -> Plugin, PluginKind, serde_json::Value, &'static str);
    let cases: [Case; 4] = [
        (
            reward,
            PluginKind::Reward,
            json!({"slots": "two"}),
            "the config of `mine` is not right at `slots`: invalid type",
        ),
        (reward, PluginKind::Reward, json!({"slot": 2}), "at `slot`: unknown field `slot`, expected `slots`"),
        (reward, PluginKind::Editor, json!({}), "obedient is no editor: it can be reward"),
        (
            || Plugin::new(About::new("late", "1")).reward(|_| -> Result<Obedient, Failed> { panic!("no weights") }),
            PluginKind::Reward,
            json!({}),
            "panicked: no weights",
        ),
    ];
    for (plugin, kind, config, said) in cases {
        let mut host = Host::of(plugin);
        let FromPlugin::Unready(why) = host.welcome(kind, config) else { panic!("it got ready") };
        assert!(why.message.contains(said), "{why:?}");
        assert_eq!(host.end(), Ending::Unready(why.message));
    }
}

#[test]
fn large_pictures_go_through_the_spool() {
    let mut host = Host::of(|| Plugin::new(About::new("copy", "1")).editor(|_| Ok(Copy)));
    assert!(matches!(host.welcome(PluginKind::Editor, json!({})), FromPlugin::Ready(Card::Editor(_))));
    let bytes = vec![9; 1001];
    let given = host.spool.path().join("given.png");
    std::fs::write(&given, &bytes).unwrap();
    let place = FilePlace::of(given.to_str().unwrap(), &bytes);
    host.say(&edit(1, place.clone()));
    assert_eq!(host.hear(), FromPlugin::Progress(Progress { id: 1, item: 0, step: 1, steps: 2 }));
    let FromPlugin::Preview(Preview { id: 1, item: 0, image }) = host.hear() else { panic!("no preview") };
    let FromPlugin::Answer(Answer::Edited { items, .. }) = host.hear() else { panic!("no answer") };
    let [Outcome::Done(edited)] = items.as_slice() else { panic!("{items:?}") };
    let (PictureBody::File(shown), PictureBody::File(made)) = (&image.body, &edited.image.body) else {
        panic!("inline")
    };
    assert_ne!(shown.path, made.path);
    assert!(std::path::Path::new(&made.path).starts_with(host.spool.path().join("plugin")), "{}", made.path);
    assert_eq!(made.check(&std::fs::read(&made.path).unwrap()), Ok(()));
    assert!(edited.trajectory.is_some());

    let wrong = FilePlace { sha256: "0".repeat(64), ..place };
    host.say(&edit(2, wrong));
    let FromPlugin::Answer(Answer::Edited { items, .. }) = host.hear() else { panic!("no answer") };
    let [Outcome::Failed(why)] = items.as_slice() else { panic!("{items:?}") };
    assert!(why.message.contains("has the SHA-256"), "{why:?}");
}

fn edit(id: u64, place: FilePlace) -> FromHost {
    let image = Picture { media: "image/png".into(), width: None, height: None, body: PictureBody::File(place) };
    let (start, knobs) = (Start::Source, BTreeMap::new());
    let proposal = EditProposal { candidate: 0, start, until_step: None, seed: 1, instruction: String::new(), knobs };
    let item = EditItem {
        run: "r".into(),
        source: 0,
        mask: None,
        request_instruction: String::new(),
        output_size: None,
        start_picture: 0,
        proposal,
        path: Vec::new(),
    };
    let asked = EditParameters { images: vec![image], items: vec![item] };
    FromHost::Call(protocol::Call { id, deadline_secs: 60.0, method: Method::Edit(asked) })
}

#[test]
fn later_versions_are_met_with_patience_and_nonsense_is_not() {
    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Later {
        Applaud(u32),
        Call(Dance),
    }
    #[derive(Serialize)]
    struct Dance {
        id: u64,
        method: &'static str,
    }
    let mut host = Host::of(reward);
    host.welcome(PluginKind::Reward, json!({}));
    host.raw(&encode(&Later::Applaud(3)).unwrap());
    host.raw(&encode(&Later::Call(Dance { id: 5, method: "dance" })).unwrap());
    let why = failed(host.hear());
    assert!(why.class == ErrorClass::Invalid && why.message.contains("does not understand the call"), "{why:?}");
    host.raw(b"GET / HTTP/1.1\r\n");
    let Ending::Broken(reason) = host.end() else { panic!("not broken") };
    assert!(reason.contains("\"GET \""), "{reason}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is asked, in whatever pieces: every call is answered once, every ping in its order.
    #[test]
    fn every_call_is_answered_once(
        asked in prop::collection::vec((0_u8..6, any::<bool>()), 1..24),
        slots in 1_u32..4,
        cut in 1_usize..200,
    ) {
        let mut host = Host::of(reward);
        host.welcome(PluginKind::Reward, json!({"slots": slots}));
        let (mut stream, mut expected, mut pings) = (Vec::new(), Vec::new(), Vec::new());
        for (id, (kind, cancels)) in asked.into_iter().enumerate() {
            let id = id as u64;
            let message = match kind {
                0 => FromHost::Ping(id),
                1 => score(id, &["panic"], pictures()),
                2 => score(id, &["nan", ""], pictures()),
                3 => score(id, &["one too many"], pictures()),
                _ => score(id, &["", "", ""], pictures()),
            };
            if kind == 0 { pings.push(id) } else { expected.push(id) }
            stream.extend(encode(&message).unwrap());
            if cancels {
                stream.extend(encode(&FromHost::Cancel(id)).unwrap());
            }
        }
        stream.extend(encode(&FromHost::Shutdown(60.0)).unwrap());
        stream.chunks(cut).for_each(|piece| host.raw(piece));
        let (mut answered, mut ponged) = (Vec::new(), Vec::new());
        while answered.len() < expected.len() || ponged.len() < pings.len() {
            match host.hear() {
                FromPlugin::Answer(answer) => answered.push(answer.id()),
                FromPlugin::Pong(number) => ponged.push(number),
                other => panic!("{other:?}"),
            }
        }
        answered.sort_unstable();
        prop_assert_eq!(answered, expected);
        prop_assert_eq!(ponged, pings);
        prop_assert!(matches!(host.thread.join().unwrap(), Ending::Shutdown(_)));
    }

    /// Bytes that are no protocol end the session; they never hang it and never kill it.
    #[test]
    fn nonsense_ends_a_session(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let mut host = Host::of(reward);
        host.welcome(PluginKind::Reward, json!({}));
        host.raw(&bytes);
        let ending = host.end();
        prop_assert!(matches!(ending, Ending::EndOfInput | Ending::Broken(_) | Ending::Shutdown(_)), "{:?}", ending);
    }
}
