//! The options of one alternative among several.

use crate::document::yaml::Yaml;
use crate::fields::Fields;
use crate::key::Keys;

/// A map among the options of an alternative.
#[derive(Debug, Clone, Copy)]
pub struct Subtable {
    /// Where it stands below the alternative, such as `edges`.
    pub path: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Its keys.
    pub keys: Keys,
}

/// The options of one alternative.
pub trait Options: Sized {
    /// What recipes call it.
    const NAME: &'static str;
    /// One line for people.
    const ABOUT: &'static str;
    /// Its keys.
    const KEYS: Keys;
    /// The maps among its options, for the documentation.
    const SUBTABLES: &'static [Subtable] = &[];

    /// Reads the options and reports what is wrong with them. May give something although mistakes were reported: a
    /// recipe with mistakes is never used.
    fn read(fields: &Fields<'_>) -> Option<Self>;

    /// All that is set, defaults included, always in the same order: journals hold it.
    fn write(&self) -> Vec<(String, Yaml)>;
}
