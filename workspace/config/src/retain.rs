//! Which images a run directory keeps.

use editscale_schema::{Absent, Chosen, Fields, Key, Keys, Kind, Kinds, Options, Whole, Yaml};

/// Which images are kept when a run is done. Scores and records of all candidates are kept always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retain {
    /// Every candidate's.
    All(AllImages),
    /// The best few.
    Best(BestImages),
    /// The winner's.
    Winner(WinnerImage),
}

/// The choice of images.
pub(crate) const RETAIN_CHOICE: Kinds<'_, Retain> = Kinds {
    what: "a choice of images",
    key: "retain",
    kinds: &[
        Kind::new::<AllImages>(|fields| Some(Box::new(Retain::All(AllImages::read(fields)?)))),
        Kind::new::<BestImages>(|fields| Some(Box::new(Retain::Best(BestImages::read(fields)?)))),
        Kind::new::<WinnerImage>(|fields| Some(Box::new(Retain::Winner(WinnerImage::read(fields)?)))),
    ],
    beside: &[],
};

impl Retain {
    pub(crate) fn write(self) -> Yaml {
        match self {
            Self::All(options) => Chosen::write(&options),
            Self::Best(options) => Chosen::write(&options),
            Self::Winner(options) => Chosen::write(&options),
        }
    }
}

/// Every candidate's image; no options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AllImages {}

/// The images of the best few candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BestImages {
    /// How many.
    pub count: u32,
}

/// The winner's image; no options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WinnerImage {}

const COUNT: Key<Whole> = Key {
    name: "count",
    rule: Whole { low: 1, high: 100_000 },
    absent: Absent::Refused,
    meaning: "how many images are kept, the best first",
};

impl Options for AllImages {
    const NAME: &'static str = "all";
    const ABOUT: &'static str = "Keeps every candidate's image.";
    const KEYS: Keys = &[];

    fn read(_: &Fields<'_>) -> Option<Self> {
        Some(Self {})
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        Vec::new()
    }
}

impl Options for BestImages {
    const NAME: &'static str = "best";
    const ABOUT: &'static str = "Keeps the images of the best candidates.";
    const KEYS: Keys = &[&COUNT];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        fields.take(&COUNT).map(|count| Self { count: count as u32 })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        COUNT.write(Some(&self.count.into())).into_iter().collect()
    }
}

impl Options for WinnerImage {
    const NAME: &'static str = "winner";
    const ABOUT: &'static str = "Keeps the winner's image.";
    const KEYS: Keys = &[];

    fn read(_: &Fields<'_>) -> Option<Self> {
        Some(Self {})
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        Vec::new()
    }
}
