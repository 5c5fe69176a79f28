//! How recipes say in which order equally good candidates come.

use editscale_schema::{Absent, Fields, Key, Keys, Map, Number, Section, Subtable, Yaml};

use super::Ties;

pub(crate) const TIES: Section = Section {
    name: "ties",
    allowed: "a map",
    default: "of equal candidates the one asked for first wins",
    meaning: "which of equally good candidates is chosen at the end",
};

pub(crate) const TIES_TABLE: Subtable = Subtable {
    path: "ties",
    about: "Of candidates that are as good as each other, the one nearest to the centre of them is chosen: by features where a \
            reward gives some, else by perceptual hash.",
    keys: TIES_KEYS,
};

const TIES_KEYS: Keys = &[&CENTROID];

const CENTROID: Key<Number> = Key {
    name: "centroid",
    rule: Number::from(0.0, 1e6),
    absent: Absent::Refused,
    meaning: "how much less than the best of them the utility of a tied candidate is at most; 0 for equal utilities alone",
};

/// Nothing where it is not set, or cannot be read, which is reported.
pub(crate) fn read_ties(fields: &Fields<'_>) -> Option<Ties> {
    let map = Map::of(fields.entry(TIES.name)?).read(TIES_KEYS, fields.mistakes())?;
    Some(Ties { within: map.take(&CENTROID)? })
}

pub(crate) fn write_ties(ties: Option<&Ties>) -> Option<(String, Yaml)> {
    let within = CENTROID.write(Some(&ties?.within));
    Some((TIES.name.into(), Yaml::Map(within.into_iter().collect())))
}
