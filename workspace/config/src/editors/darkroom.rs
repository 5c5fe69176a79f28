//! Options of the editor `darkroom`.

use std::num::NonZeroU32;

use crate::document::yaml::Yaml;
use crate::schema::fields::Fields;
use crate::schema::key::{Absent, Key, Keys};
use crate::schema::options::Options;
use crate::schema::rule::{Flag, Whole};

/// The photographic editor that is built in: it reads plain English and needs no weights.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Darkroom {
    /// Whether to do what is understood of an instruction of which a part is not.
    pub partial: bool,
    /// How many candidates are made at a time; two where absent.
    pub workers: Option<NonZeroU32>,
}

const PARTIAL: Key<Flag> = Key {
    name: "partial",
    rule: Flag,
    absent: Absent::Default(false),
    meaning: "whether to do what is understood of an instruction of which a part is not, instead of refusing it",
};

const WORKERS: Key<Whole> = Key {
    name: "workers",
    rule: Whole { low: 1, high: 256 },
    absent: Absent::Unset("2"),
    meaning: "how many candidates are made at a time",
};

impl Options for Darkroom {
    const NAME: &'static str = "darkroom";
    const ABOUT: &'static str =
        "The photographic editor that is built in: it reads plain English and needs no weights.";
    const KEYS: Keys = &[&PARTIAL, &WORKERS];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let partial = fields.take(&PARTIAL);
        let workers = fields.take(&WORKERS).and_then(|workers| NonZeroU32::new(workers as u32));
        Some(Self { partial: partial?, workers })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let workers = self.workers.map(|workers| u64::from(workers.get()));
        [PARTIAL.write(Some(&self.partial)), WORKERS.write(workers.as_ref())].into_iter().flatten().collect()
    }
}
