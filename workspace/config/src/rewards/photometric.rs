//! Options of the reward `photometric`.

use crate::document::yaml::Yaml;
use crate::schema::fields::Fields;
use crate::schema::key::Keys;
use crate::schema::options::Options;

/// Photographic measurements of how well an edit follows the instruction, preserves the rest, and looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Photometric {}

impl Options for Photometric {
    const NAME: &'static str = "photometric";
    const ABOUT: &'static str = "Photographic measurements, from 0 to 1, with the parts `instruction_following`, \
                                 `preservation` and `visual_quality`. It has no options.";
    const KEYS: Keys = &[];

    fn read(_: &Fields<'_>) -> Option<Self> {
        Some(Self {})
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        Vec::new()
    }
}
