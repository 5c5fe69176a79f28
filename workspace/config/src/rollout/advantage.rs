//! What a reward is worth within its group.

use editscale_schema::{Absent, Chosen, Fields, Key, Keys, Kind, Kinds, Number, Options, Yaml};

/// A way to compare the rewards of a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Advantage {
    /// Distance from the mean, in standard deviations.
    Grpo(Grpo),
    /// Distance from the mean of the others.
    LeaveOneOut(LeaveOneOut),
    /// By rank alone.
    Rank(Rank),
}

pub(super) const KINDS: Kinds<'_, Advantage> = Kinds {
    what: "a way to compare rewards",
    key: "advantage",
    kinds: &[
        Kind::new::<Grpo>(|fields| Some(Box::new(Advantage::Grpo(Grpo::read(fields)?)))),
        Kind::new::<LeaveOneOut>(|fields| Some(Box::new(Advantage::LeaveOneOut(LeaveOneOut::read(fields)?)))),
        Kind::new::<Rank>(|fields| Some(Box::new(Advantage::Rank(Rank::read(fields)?)))),
    ],
    beside: &[],
};

impl Advantage {
    pub(super) fn write(self) -> Yaml {
        match self {
            Self::Grpo(options) => Chosen::write(&options),
            Self::LeaveOneOut(options) => Chosen::write(&options),
            Self::Rank(options) => Chosen::write(&options),
        }
    }
}

/// (r - mean) / max(standard deviation, floor).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grpo {
    /// The least that is divided by.
    pub floor: f64,
    /// The largest advantage either way.
    pub clip: Option<f64>,
}

impl Default for Grpo {
    fn default() -> Self {
        Self { floor: 1e-4, clip: None }
    }
}

/// r - mean of the others; no options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeaveOneOut {}

/// Ranks, evenly spread; no options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rank {}

const FLOOR: Key<Number> = Key {
    name: "floor",
    rule: Number::from(1e-12, 1e6),
    absent: Absent::Default(1e-4),
    meaning: "the least standard deviation that is divided by, so that small differences are not made large",
};

const CLIP: Key<Number> = Key {
    name: "clip",
    rule: Number::from(1e-6, 1e6),
    absent: Absent::Unset("no bound"),
    meaning: "the largest advantage either way",
};

impl Options for Grpo {
    const NAME: &'static str = "grpo";
    const ABOUT: &'static str = "The reward's distance from the group's mean, in its standard deviations.";
    const KEYS: Keys = &[&FLOOR, &CLIP];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (floor, clip) = (fields.take(&FLOOR), fields.take(&CLIP));
        Some(Self { floor: floor?, clip })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        [FLOOR.write(Some(&self.floor)), CLIP.write(self.clip.as_ref())].into_iter().flatten().collect()
    }
}

impl Options for LeaveOneOut {
    const NAME: &'static str = "leave_one_out";
    const ABOUT: &'static str = "The reward's distance from the mean of the others in its group (RLOO).";
    const KEYS: Keys = &[];

    fn read(_: &Fields<'_>) -> Option<Self> {
        Some(Self {})
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        Vec::new()
    }
}

impl Options for Rank {
    const NAME: &'static str = "rank";
    const ABOUT: &'static str =
        "The reward's rank in its group, whatever the distances; equal rewards share their ranks.";
    const KEYS: Keys = &[];

    fn read(_: &Fields<'_>) -> Option<Self> {
        Some(Self {})
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        Vec::new()
    }
}
