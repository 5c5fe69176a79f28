//! What a peer does as a plugin: told by its configuration.

use std::io::Write;

use editscale_sdk::protocol::PluginKind;
use editscale_sdk::protocol::{
    AdoptSupport, CancelRule, Card, CostNumbers, EditorCard, PauseSupport, Recovery, RewardCard, RewardKind,
    SamplerKind, Welcome,
};
use serde_json::Value;

/// A configuration, read key by key.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) welcome: Welcome,
    /// Which start of the plugin this is, from 1, where a file counts them.
    pub(crate) start: u64,
}

impl Script {
    pub(crate) fn of(welcome: Welcome) -> Self {
        let mut script = Self { welcome, start: 1 };
        if let Some(path) = script.word("starts") {
            script.start = count(path);
        }
        script
    }

    fn value(&self, key: &str) -> Option<&Value> {
        self.welcome.config.get(key)
    }

    pub(crate) fn word(&self, key: &str) -> Option<&str> {
        self.value(key)?.as_str()
    }

    pub(crate) fn is(&self, key: &str, word: &str) -> bool {
        self.word(key) == Some(word)
    }

    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        self.value(key)?.as_u64()
    }

    pub(crate) fn holds(&self, key: &str, number: u64) -> bool {
        self.value(key)
            .and_then(Value::as_array)
            .is_some_and(|list| list.iter().any(|item| item.as_u64() == Some(number)))
    }

    pub(crate) fn card(&self) -> Card {
        let revision = match self.word("revision") {
            Some("changes") => format!("r{}", self.start),
            _ => "r1".to_owned(),
        };
        let slots = self.number("slots").unwrap_or(1) as u32;
        let largest_batch = self.number("batch").unwrap_or(8) as u32;
        if self.welcome.kind == PluginKind::Reward {
            let kind = if self.is("kind", "listwise") { RewardKind::Listwise } else { RewardKind::Pointwise };
            return Card::Reward(RewardCard {
                revision,
                range: Some((0.0, 1.0)),
                kind,
                gives_sigma: false,
                pixel_budget: None,
                largest_batch,
                slots,
                cost: CostNumbers { usd_micros: self.number("usd_micros").unwrap_or(0), ..CostNumbers::default() },
            });
        }
        Card::Editor(EditorCard {
            revision,
            seed_bits: Some(53),
            largest_batch,
            slots,
            edits_candidates: true,
            pause: PauseSupport::None,
            sampler: SamplerKind::Deterministic,
            cancel: CancelRule::Promptly,
            masks: true,
            knobs: Vec::new(),
            cost: CostNumbers { nfe: 10, ..CostNumbers::default() },
            recovery: if self.is("recovery", "unknown") { Recovery::Unknown } else { Recovery::Repeat },
            adopts: AdoptSupport { adapters: true, checkpoints: false },
        })
    }
}

/// Adds one to what a file counts, and tells how many there are.
pub(crate) fn count(path: &str) -> u64 {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(b".").unwrap();
    file.metadata().unwrap().len()
}

/// Numbers without a pattern, the same for the same seed.
#[derive(Debug, Clone)]
pub(crate) struct Lots(pub(crate) u64);

impl Lots {
    pub(crate) fn next(&mut self) -> u64 {
        // The generator of Steele, Lea and Flood, as in `Seed::mix`.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}
