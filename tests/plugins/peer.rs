//! A plugin that speaks the protocol by hand, without any SDK: well behaved unless it is told otherwise.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::process::exit;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;

use editscale_sdk::protocol::{
    Call, CancelRule, Card, CostNumbers, EditorCard, Failed, Frames, FromHost, FromPlugin, Hello, LONGEST_FRAME,
    PROTOCOL, PluginKind, Recovery, RewardCard, RewardKind, SamplerKind, Version, Welcome, decode, encode,
};

/// What a plugin heeds. Everything, where it is well behaved.
#[derive(Clone, Copy)]
pub(crate) struct Manners {
    pub(crate) answers_pings: bool,
    pub(crate) ends_with_its_input: bool,
    pub(crate) looks_at_kind: bool,
    pub(crate) takes_later_minor: bool,
    pub(crate) takes_later_major: bool,
    pub(crate) takes_unknown_messages: bool,
    pub(crate) refuses_long_frames: bool,
    pub(crate) checks_digests: bool,
}

impl Manners {
    pub(crate) const GOOD: Self = Self {
        answers_pings: true,
        ends_with_its_input: true,
        looks_at_kind: true,
        takes_later_minor: true,
        takes_later_major: false,
        takes_unknown_messages: true,
        refuses_long_frames: true,
        checks_digests: true,
    };
}

/// A plugin.
pub(crate) struct Peer {
    pub(crate) hello: Hello,
    pub(crate) card: Card,
    pub(crate) manners: Manners,
    pub(crate) cancelled: Arc<Mutex<BTreeSet<u64>>>,
}

impl Peer {
    /// A reward that likes bright pictures.
    pub(crate) fn reward() -> Self {
        let card = RewardCard {
            revision: "brightness 1".to_owned(),
            range: Some((0.0, 1.0)),
            kind: RewardKind::Pointwise,
            gives_sigma: false,
            pixel_budget: None,
            largest_batch: 4,
            slots: 2,
            cost: CostNumbers::default(),
        };
        Self::of(PluginKind::Reward, Card::Reward(card))
    }

    /// An editor that tints pictures, each seed in its own way.
    pub(crate) fn editor() -> Self {
        let card = EditorCard {
            revision: "tint 1".to_owned(),
            seed_bits: Some(53),
            largest_batch: 4,
            slots: 1,
            edits_candidates: true,
            pause: Default::default(),
            sampler: SamplerKind::Deterministic,
            cancel: CancelRule::Promptly,
            masks: false,
            knobs: Vec::new(),
            cost: CostNumbers::default(),
            recovery: Recovery::Repeat,
            adopts: Default::default(),
        };
        Self::of(PluginKind::Editor, Card::Editor(card))
    }

    fn of(kind: PluginKind, card: Card) -> Self {
        let features = ["spool", "cancel", "progress"].map(ToOwned::to_owned).to_vec();
        let hello = Hello {
            protocol: PROTOCOL.to_owned(),
            version: Version::OURS,
            name: "peer".to_owned(),
            plugin_version: "1".to_owned(),
            sdk: "none".to_owned(),
            kinds: vec![kind],
            features,
        };
        Self { hello, card, manners: Manners::GOOD, cancelled: Arc::default() }
    }

    pub(crate) fn reward_card(mut self, change: impl FnOnce(&mut RewardCard)) -> Self {
        if let Card::Reward(card) = &mut self.card {
            change(card);
        }
        self
    }

    pub(crate) fn manners(mut self, change: impl FnOnce(&mut Manners)) -> Self {
        change(&mut self.manners);
        self
    }

    /// Says one message.
    pub(crate) fn say(&self, message: &FromPlugin) {
        self.write(&encode(message).unwrap());
    }

    /// Writes bytes as they are. Nobody listening any more is the end.
    pub(crate) fn write(&self, bytes: &[u8]) {
        let mut out = std::io::stdout().lock();
        if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
            exit(0);
        }
    }

    /// Greets, gets ready, and has each call answered.
    pub(crate) fn serve(self, mut each: impl FnMut(&Self, &Call)) -> ! {
        let heard = self.greet();
        self.say(&FromPlugin::Ready(self.card.clone()));
        for call in heard {
            each(&self, &call);
        }
        // The reader is at its end, and was told not to end the process.
        loop {
            thread::park();
        }
    }

    /// Greets, and looks at what it is welcomed as.
    pub(crate) fn greet(&self) -> Receiver<Call> {
        self.say(&FromPlugin::Hello(self.hello.clone()));
        let (welcomes, welcome) = mpsc::channel();
        let (calls, heard) = mpsc::channel();
        let (manners, cancelled) = (self.manners, Arc::clone(&self.cancelled));
        thread::spawn(move || read(manners, &cancelled, &welcomes, &calls));
        let Ok(welcome) = welcome.recv() else {
            loop {
                thread::park();
            }
        };
        self.look_at(&welcome);
        heard
    }

    fn look_at(&self, welcome: &Welcome) {
        let (ours, theirs) = (Version::OURS, welcome.version);
        if theirs.major != ours.major && !self.manners.takes_later_major {
            eprintln!("this plugin speaks version {ours}, the host speaks {theirs}");
            exit(2);
        }
        if theirs.minor != ours.minor && !self.manners.takes_later_minor {
            eprintln!("expected version {ours}");
            exit(2);
        }
        if !self.hello.kinds.contains(&welcome.kind) && self.manners.looks_at_kind {
            let message = format!("this is no {}", welcome.kind.word());
            let class = editscale_sdk::protocol::ErrorClass::Refused;
            self.say(&FromPlugin::Unready(Failed { class, message, cost: CostNumbers::default() }));
            exit(0);
        }
    }
}

/// Reads what the host says: pings are answered here, calls go to whoever works.
fn read(
    manners: Manners,
    cancelled: &Mutex<BTreeSet<u64>>,
    welcomes: &mpsc::Sender<Welcome>,
    calls: &mpsc::Sender<Call>,
) {
    let mut frames = Frames::new(if manners.refuses_long_frames { LONGEST_FRAME } else { u32::MAX });
    let (mut input, mut bytes) = (std::io::stdin().lock(), vec![0; 1 << 16]);
    loop {
        let count = input.read(&mut bytes).unwrap_or(0);
        if count == 0 {
            if manners.ends_with_its_input {
                exit(0);
            }
            return;
        }
        frames.push(&bytes[..count]);
        while let Some(body) = frames.next_body().unwrap_or_else(|error| last_word(&error.to_string())) {
            match decode::<FromHost>(&body) {
                Ok(FromHost::Welcome(welcome)) => welcomes.send(welcome).unwrap(),
                Ok(FromHost::Call(call)) => calls.send(call).unwrap(),
                Ok(FromHost::Ping(number)) if manners.answers_pings => {
                    let frame = encode(&FromPlugin::Pong(number)).unwrap();
                    let mut out = std::io::stdout().lock();
                    out.write_all(&frame).and_then(|()| out.flush()).unwrap_or_else(|_| exit(0));
                }
                Ok(FromHost::Cancel(id)) => {
                    cancelled.lock().unwrap().insert(id);
                }
                Ok(FromHost::Shutdown(_)) => exit(0),
                Ok(FromHost::Ping(_) | FromHost::Release(_)) => {}
                Err(error) => {
                    let is_map = decode::<std::collections::BTreeMap<String, serde::de::IgnoredAny>>(&body).is_ok();
                    if !is_map || !manners.takes_unknown_messages {
                        last_word(&error.to_string());
                    }
                }
            }
        }
    }
}

/// Says why on stderr, and ends.
pub(crate) fn last_word(what: &str) -> ! {
    eprintln!("{what}");
    exit(2)
}
