//! The part of a plugin: greets, takes calls, and does what its script says.

use std::collections::BTreeSet;
use std::io::{Cursor, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use editscale_sdk::protocol::{
    Adopted, Answer, Blob, Call, CostNumbers, EditCounters, EditItem, EditParameters, Edited, ErrorClass, Failed,
    Feature, FilePlace, FromHost, FromPlugin, Hello, Judged, Method, Outcome, PROTOCOL, Part, Picture, PictureBody,
    PluginKind, Preview, Progress, RewardCounters, ScoreParameters, TrajectoryParts, Version, WeightsKind, encode,
};
use serde_bytes::ByteBuf;

use crate::peer::{Hearing, say};
use crate::script::{Lots, Script, count};

/// What all calls of the peer share.
struct Stage {
    script: Script,
    cancelled: Mutex<BTreeSet<u64>>,
    under_way: AtomicU64,
    lots: Mutex<Lots>,
}

pub(crate) fn hello(lacking: &str) -> FromPlugin {
    let features = Feature::ALL.map(Feature::word).into_iter().filter(|word| *word != lacking);
    FromPlugin::Hello(Hello {
        protocol: PROTOCOL.to_owned(),
        version: Version::OURS,
        name: "peer".to_owned(),
        plugin_version: "0".to_owned(),
        sdk: "test".to_owned(),
        kinds: vec![PluginKind::Editor, PluginKind::Reward],
        features: features.map(ToOwned::to_owned).collect(),
    })
}

pub(crate) fn play(lacking: &str) {
    let mut hearing = Hearing::new();
    say(&hello(lacking));
    let Some(FromHost::Welcome(welcome)) = hearing.next() else { return };
    let script = Script::of(welcome);
    match script.word("opening") {
        Some("die") => std::process::exit(4),
        Some("hang") => std::thread::sleep(Duration::from_secs(600)),
        Some("unready") => {
            return say(&FromPlugin::Unready(failed(ErrorClass::Invalid, "the weights are not there")));
        }
        Some("eat") => eat(),
        Some("orphan") => {
            leave_orphan(&script);
            std::process::exit(4);
        }
        _ => {}
    }
    if script.is("again", "die") && script.start > 1 {
        std::process::exit(5);
    }
    say(&FromPlugin::Ready(script.card()));
    let seed = script.number("corrupt").unwrap_or(0) ^ (script.start << 20);
    let (cancelled, under_way) = (Mutex::default(), AtomicU64::new(0));
    let stage = Arc::new(Stage { script, cancelled, under_way, lots: Mutex::new(Lots(seed)) });
    for message in hearing {
        stage.hear(message);
    }
}

/// Takes memory until somebody ends it.
fn eat() {
    let mut eaten = Vec::new();
    for _ in 0..64 {
        eaten.push(vec![1_u8; 8 << 20]);
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_secs(600));
    drop(eaten);
}

/// Leaves a process in another session that holds the output open for as long as a file is there.
fn leave_orphan(script: &Script) {
    let held = script.word("held").unwrap();
    let waits = r#": > "$1.up"; while [ -e "$1" ]; do sleep 0.1; done"#;
    let mut child = Command::new("setsid").args(["sh", "-c", waits, "sh", held]).stdin(Stdio::null()).spawn().unwrap();
    while !Path::new(&format!("{held}.up")).exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    // Nobody asks how it ended.
    child.try_wait().ok();
}

fn failed(class: ErrorClass, message: &str) -> Failed {
    Failed { class, message: message.to_owned(), cost: CostNumbers::default() }
}

impl Stage {
    fn hear(self: &Arc<Self>, message: FromHost) {
        match message {
            FromHost::Call(call) => {
                if self.script.is("calls", "stop") {
                    // It neither answers nor hears anything any more.
                    std::thread::sleep(Duration::from_secs(600));
                }
                let stage = Arc::clone(self);
                stage.under_way.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || stage.work(call));
            }
            FromHost::Cancel(id) => {
                self.cancelled.lock().unwrap().insert(id);
            }
            FromHost::Ping(number) => say(&FromPlugin::Pong(number)),
            FromHost::Shutdown(_) if self.script.is("shutdown", "ignore") => {
                std::thread::sleep(Duration::from_secs(600));
            }
            FromHost::Shutdown(_) => std::process::exit(0),
            FromHost::Welcome(_) | FromHost::Release(_) => {}
        }
    }

    fn work(&self, call: Call) {
        match self.script.word("calls") {
            Some("die") => std::process::exit(6),
            Some("later") => later(),
            Some("orphan") => {
                leave_orphan(&self.script);
                std::process::exit(6);
            }
            Some("half") => half(&call),
            Some("flood") => flood(call.id),
            _ => {}
        }
        let answer = match call.method {
            Method::Edit(parameters) => self.edit(call.id, &parameters),
            Method::Score(parameters) => self.score(call.id, &parameters),
            Method::Adopt(parameters) => {
                if parameters.version == "deadly" {
                    std::process::exit(7);
                }
                let kind = match &parameters.kind {
                    WeightsKind::Base => "base",
                    WeightsKind::Adapter(path) | WeightsKind::Checkpoint(path) => path,
                };
                if let Some(path) = self.script.word("adoptions") {
                    count(path);
                }
                let weights = Adopted { checksum: format!("sum of {kind}"), version: parameters.version };
                Answer::Adopted { id: call.id, weights }
            }
        };
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        self.answer(answer);
    }

    fn answer(&self, answer: Answer) {
        let message = FromPlugin::Answer(answer);
        if self.script.is("calls", "twice") {
            say(&message);
        }
        if self.script.number("corrupt").is_some() {
            return self.say_corrupted(&message);
        }
        say(&message);
    }

    /// One in several frames is damaged: a bit turned, a piece cut out or put in, or put together with itself.
    fn say_corrupted(&self, message: &FromPlugin) {
        let mut frame = encode(message).unwrap();
        let mut lots = self.lots.lock().unwrap();
        if lots.below(3) == 0 {
            if let Some(path) = self.script.word("corruptions") {
                count(path);
            }
            let at = lots.below(frame.len());
            let length = 1 + lots.below(40);
            match lots.below(4) {
                0 => frame[at] ^= 1 << lots.below(8),
                1 => drop(frame.drain(at..(at + length).min(frame.len()))),
                2 => {
                    let more: Vec<u8> = (0..length).map(|_| lots.next() as u8).collect();
                    frame.splice(at..at, more);
                }
                _ => {
                    let head = frame[..at].to_vec();
                    frame = [head, frame].concat();
                }
            }
        }
        let mut output = std::io::stdout().lock();
        output.write_all(&frame).and_then(|()| output.flush()).ok();
    }

    fn is_cancelled(&self, id: u64) -> bool {
        self.cancelled.lock().unwrap().contains(&id)
    }

    /// Whether it was not cancelled meanwhile.
    fn take_time(&self, id: u64) -> bool {
        let until = Instant::now() + Duration::from_millis(self.script.number("slow_ms").unwrap_or(0));
        while Instant::now() < until {
            if self.is_cancelled(id) && !self.script.is("cancel", "ignore") {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        true
    }

    fn edit(&self, id: u64, parameters: &EditParameters) -> Answer {
        let mut items: Vec<Outcome<Edited>> = Vec::new();
        for (place, item) in parameters.items.iter().enumerate() {
            items.push(self.edit_item(id, place as u32, item));
        }
        if self.script.is("lie", "count") {
            items.pop();
        }
        Answer::Edited { id, items }
    }

    fn edit_item(&self, id: u64, place: u32, item: &EditItem) -> Outcome<Edited> {
        let seed = item.proposal.seed;
        if self.script.holds("poison", seed) {
            std::process::abort();
        }
        if self.script.holds("hang", seed) {
            std::thread::sleep(Duration::from_secs(600));
        }
        say(&FromPlugin::Progress(Progress { id, item: place, step: 1, steps: 2 }));
        say(&FromPlugin::Preview(Preview { id, item: place, image: self.picture(seed) }));
        if !self.take_time(id) {
            return Outcome::Failed(failed(ErrorClass::Cancelled, "as it was told"));
        }
        Outcome::Done(self.edited(seed))
    }

    fn edited(&self, seed: u64) -> Edited {
        let mut edited = Edited {
            image: self.picture(seed),
            cost: CostNumbers { nfe: 10, ..CostNumbers::default() },
            effective_seed: None,
            notes: vec![format!("start {}", self.script.start)],
            counters: EditCounters::default(),
            trajectory: None,
        };
        match self.script.word("lie") {
            Some("media") => "image/jpeg".clone_into(&mut edited.image.media),
            Some("size") => edited.image.width = Some(77),
            Some("picture") => edited.image.body = PictureBody::Inline(ByteBuf::from(b"no picture".to_vec())),
            Some("cost") => edited.cost.nfe = 11,
            Some("trajectory") => {
                edited.trajectory = Some(TrajectoryParts {
                    shape: vec![2],
                    latents: Blob::Inline(ByteBuf::from(vec![0; 16])),
                    timesteps: vec![0.5],
                    sigmas: vec![1.0, 0.0],
                    log_probabilities: vec![None],
                });
            }
            Some("seed") => edited.effective_seed = Some(1 << 53),
            Some("outside") => {
                let place = FilePlace::of("/etc/hostname", b"x");
                edited.image.body = PictureBody::File(place);
            }
            Some("digest") => {
                if let PictureBody::File(place) = &mut edited.image.body {
                    place.sha256 = "0".repeat(64);
                }
            }
            _ => {}
        }
        edited
    }

    fn picture(&self, seed: u64) -> Picture {
        let bytes = png(seed);
        let body = if self.script.is("pictures", "spool") {
            let name = format!("{}/plugin/{seed}-{}.png", self.script.welcome.spool, self.lots.lock().unwrap().next());
            let beside = format!("{name}.part");
            std::fs::write(&beside, &bytes).unwrap();
            std::fs::rename(&beside, &name).unwrap();
            PictureBody::File(FilePlace::of(name, &bytes))
        } else {
            PictureBody::Inline(ByteBuf::from(bytes))
        };
        Picture { media: "image/png".to_owned(), width: None, height: None, body }
    }

    fn score(&self, id: u64, parameters: &ScoreParameters) -> Answer {
        let under_way = self.under_way.load(Ordering::SeqCst);
        let in_time = self.take_time(id);
        let items = parameters.items.iter().map(|item| {
            if !in_time {
                return Outcome::Failed(failed(ErrorClass::Cancelled, "as it was told"));
            }
            let picture = &parameters.images[item.candidate as usize];
            let sum = match &picture.body {
                PictureBody::Inline(bytes) => sum_of(bytes),
                PictureBody::File(place) => {
                    let bytes = std::fs::read(&place.path).unwrap();
                    place.check(&bytes).unwrap();
                    sum_of(&bytes)
                }
            };
            Outcome::Done(self.judged(sum, under_way))
        });
        Answer::Judged { id, items: items.collect() }
    }

    fn judged(&self, sum: u64, under_way: u64) -> Judged {
        let mean = match self.script.word("lie") {
            Some("nan") => f64::NAN,
            Some("range") => 1.5,
            _ => (sum % 1000) as f64 / 1000.0,
        };
        let name = if self.script.is("lie", "part") { "a part" } else { "under_way" };
        let part = Part { name: name.to_owned(), mean: under_way as f64, sigma: None };
        Judged {
            mean,
            sigma: None,
            parts: vec![part],
            cost: CostNumbers::default(),
            counters: RewardCounters::default(),
        }
    }
}

/// Says something that a later version may say.
fn later() {
    let frame = encode(&std::collections::BTreeMap::from([("weather", "fine")])).unwrap();
    let mut output = std::io::stdout().lock();
    output.write_all(&frame).and_then(|()| output.flush()).unwrap();
}

/// Ends in the middle of an answer.
fn half(call: &Call) {
    let answer = Answer::Failed { id: call.id, why: failed(ErrorClass::Internal, "half of it") };
    let frame = encode(&FromPlugin::Answer(answer)).unwrap();
    let mut output = std::io::stdout().lock();
    output.write_all(&frame[..frame.len() / 2]).unwrap();
    output.flush().unwrap();
    std::process::exit(8);
}

/// Says far more than anybody listens to.
fn flood(id: u64) {
    for step in 1..=20_000 {
        say(&FromPlugin::Progress(Progress { id, item: 0, step, steps: 20_000 }));
        say(&FromPlugin::Progress(Progress { id: id + 100, item: 9, step, steps: 20_000 }));
    }
}

fn sum_of(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte)).sum()
}

/// A small picture that its seed decides.
pub(crate) fn png(seed: u64) -> Vec<u8> {
    let [a, b, c, d, e, f, ..] = seed.to_le_bytes();
    let pixels = image::RgbImage::from_raw(2, 1, vec![a, b, c, d, e, f]).unwrap();
    let mut file = Cursor::new(Vec::new());
    pixels.write_to(&mut file, image::ImageFormat::Png).unwrap();
    file.into_inner()
}
