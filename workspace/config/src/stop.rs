//! When a search ends before its plan is done.

use editscale_schema::{Absent, Fields, Key, Keys, Number, Whole, Yaml};

/// When a search ends before its plan is done. The default never does.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stop {
    /// The utility that is good enough.
    pub target_score: Option<f64>,
    /// Rounds without anything better.
    pub patience: Option<u32>,
}

pub(crate) const TARGET_SCORE: Key<Number> = Key {
    name: "target_score",
    rule: Number::ANY,
    absent: Absent::Unset("no target"),
    meaning: "the combined score that is good enough: the search ends when a candidate reaches it",
};

const PATIENCE: Key<Whole> = Key {
    name: "patience",
    rule: Whole { low: 1, high: 1000 },
    absent: Absent::Unset("endless"),
    meaning: "the search ends after this many rounds that brought nothing better",
};

pub(crate) const KEYS: Keys = &[&TARGET_SCORE, &PATIENCE];

impl Stop {
    pub(crate) fn read(fields: &Fields<'_>) -> Self {
        let target_score = fields.take(&TARGET_SCORE);
        Self { target_score, patience: fields.take(&PATIENCE).map(|patience| patience as u32) }
    }

    pub(crate) fn write(&self) -> Yaml {
        let patience = self.patience.map(u64::from);
        let keys = [TARGET_SCORE.write(self.target_score.as_ref()), PATIENCE.write(patience.as_ref())];
        Yaml::Map(keys.into_iter().flatten().collect())
    }

    /// Whether it can end a search at all.
    pub(crate) fn is_set(self) -> bool {
        self.target_score.is_some() || self.patience.is_some()
    }
}
