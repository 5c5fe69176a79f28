//! How many are kept, how they are split, and which pairs are made.

use editscale_schema::{Absent, Documented, Fields, Flag, Key, Keys, Mistake, Number, Whole, Word, Yaml};

use super::radius;

/// How many are kept; all that the other rules leave where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Kept {
    /// So many of the best.
    pub top: Option<u64>,
    /// This share of the best, above 0 and at most 1. Not beside `top`.
    pub share: Option<f64>,
    /// The least μ − κσ.
    pub at_least: Option<f64>,
}

/// Training and validation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split {
    /// The share of sources that is held out.
    pub validation: f64,
    /// Another number gives another split.
    pub salt: u64,
    /// In how many bits the hashes of sources that stay together may differ.
    pub radius: u32,
}

/// Which preference pairs are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PreferencePairs {
    /// Which.
    pub pairing: Pairing,
    /// How much better the chosen one is, at least.
    pub margin: f64,
    /// How probable it is, at least, that the chosen one is better.
    pub confidence: f64,
    /// Whether rows with one source and one instruction are taken together.
    pub across_rows: bool,
}

/// Which edited pictures of one source make pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pairing {
    /// The best with the worst.
    BestAgainstWorst,
    /// The best with each of the others.
    BestAgainstRest,
    /// Each with each.
    All,
}

const TOP: Key<Whole> = Key {
    name: "top",
    rule: Whole { low: 1, high: u32::MAX as u64 },
    absent: Absent::Unset("no limit"),
    meaning: "so many of the best; excludes `share`",
};
const SHARE: Key<Number> = Key {
    name: "share",
    rule: Number::above(0.0, 1.0),
    absent: Absent::Unset("no limit"),
    meaning: "this share of the best of those that the other rules leave, as a quantile does; excludes `top`",
};
const AT_LEAST: Key<Number> = Key {
    name: "at_least",
    rule: Number::ANY,
    absent: Absent::Unset("no threshold"),
    meaning: "the least μ − κσ that is kept, on the scale of the score; goes with the others",
};

pub(super) const KEYS: Keys = &[&TOP as &dyn Documented, &SHARE, &AT_LEAST];

const VALIDATION: Key<Number> = Key {
    name: "validation",
    rule: Number::from(0.0, 1.0),
    absent: Absent::Default(0.02),
    meaning: "about which share of sources is held out",
};
const SALT: Key<Whole> = Key {
    name: "salt",
    rule: Whole { low: 0, high: 1 << 53 },
    absent: Absent::Default(0),
    meaning: "another number gives another split",
};
const RADIUS: Key<Whole> =
    radius("in how many of 64 bits the perceptual hashes of sources may differ for them to stay on one side");

pub(super) const SPLIT_KEYS: Keys = &[&VALIDATION as &dyn Documented, &SALT, &RADIUS];

const PAIRING: Key<Word<Pairing>> = Key {
    name: "pairing",
    rule: Word(&[
        ("best_against_worst", Pairing::BestAgainstWorst),
        ("best_against_rest", Pairing::BestAgainstRest),
        ("all", Pairing::All),
    ]),
    absent: Absent::Default(Pairing::BestAgainstWorst),
    meaning: "which pairs: the best with the worst, the best with each of the others, or each with each",
};
const MARGIN: Key<Number> = Key {
    name: "margin",
    rule: Number::from(0.0, 1e9),
    absent: Absent::Default(0.0),
    meaning: "how much better the chosen one is, at least, on the scale of the score; equal ones never make a pair",
};
const CONFIDENCE: Key<Number> = Key {
    name: "confidence",
    rule: Number::from(0.0, 1.0),
    absent: Absent::Default(0.0),
    meaning: "how probable it is, at least, that the chosen one is better: Φ(Δμ / √(σ₁² + σ₂²)); above 0, pairs without σ are left out",
};
const ACROSS_ROWS: Key<Flag> = Key {
    name: "across_rows",
    rule: Flag,
    absent: Absent::Default(true),
    meaning: "whether rows with the same source and the same instruction are taken together",
};

pub(super) const PREFERENCES_KEYS: Keys = &[&PAIRING as &dyn Documented, &MARGIN, &CONFIDENCE, &ACROSS_ROWS];

impl Default for PreferencePairs {
    fn default() -> Self {
        Self { pairing: Pairing::BestAgainstWorst, margin: 0.0, confidence: 0.0, across_rows: true }
    }
}

impl Kept {
    pub(super) fn read(fields: &Fields<'_>) -> Option<Self> {
        let (top, share, at_least) = (fields.take(&TOP), fields.take(&SHARE), fields.take(&AT_LEAST));
        if fields.has(TOP.name) && fields.has(SHARE.name) {
            let mistake = Mistake::new("`top` and `share` exclude each other").hint("keep one of them");
            fields.error(&fields.span_of(SHARE.name), mistake);
        }
        let is_wrong = fields.has(TOP.name) != top.is_some() || fields.has(SHARE.name) != share.is_some();
        (!is_wrong).then_some(Self { top, share, at_least })
    }

    pub(super) fn write(self) -> Yaml {
        let keys =
            [TOP.write(self.top.as_ref()), SHARE.write(self.share.as_ref()), AT_LEAST.write(self.at_least.as_ref())];
        Yaml::Map(keys.into_iter().flatten().collect())
    }
}

impl Split {
    pub(super) fn read(fields: &Fields<'_>) -> Option<Self> {
        let (validation, salt, radius) = (fields.take(&VALIDATION), fields.take(&SALT), fields.take(&RADIUS));
        Some(Self { validation: validation?, salt: salt?, radius: radius? as u32 })
    }

    pub(super) fn write(self) -> Yaml {
        let keys = [
            VALIDATION.write(Some(&self.validation)),
            SALT.write(Some(&self.salt)),
            RADIUS.write(Some(&self.radius.into())),
        ];
        Yaml::Map(keys.into_iter().flatten().collect())
    }
}

impl PreferencePairs {
    pub(super) fn read(fields: &Fields<'_>) -> Option<Self> {
        let (pairing, margin) = (fields.take(&PAIRING), fields.take(&MARGIN));
        let (confidence, across_rows) = (fields.take(&CONFIDENCE), fields.take(&ACROSS_ROWS));
        Some(Self { pairing: pairing?, margin: margin?, confidence: confidence?, across_rows: across_rows? })
    }

    pub(super) fn write(self) -> Yaml {
        let keys = [
            PAIRING.write(Some(&self.pairing)),
            MARGIN.write(Some(&self.margin)),
            CONFIDENCE.write(Some(&self.confidence)),
            ACROSS_ROWS.write(Some(&self.across_rows)),
        ];
        Yaml::Map(keys.into_iter().flatten().collect())
    }
}
