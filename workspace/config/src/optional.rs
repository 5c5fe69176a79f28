//! What a recipe may leave out: that there is nothing, and that something is wrong, are two things.

use editscale_schema::{Entry, Fields, Keys, Map, Section};

/// A mistake that has been reported.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reported;

/// What stands under a key; nothing where the key is left out.
pub(crate) fn optional<'t, T>(
    fields: &Fields<'t>,
    section: &Section,
    read: impl FnOnce(&'t Entry) -> Option<T>,
) -> Result<Option<T>, Reported> {
    fields.entry(section.name).map_or(Ok(None), |entry| read(entry).map(Some).ok_or(Reported))
}

/// The map that stands under a key; nothing where the key is left out.
pub(crate) fn optional_map<'t, T>(
    fields: &Fields<'t>,
    section: &Section,
    keys: Keys,
    read: impl FnOnce(&Fields<'t>) -> Option<T>,
) -> Result<Option<T>, Reported> {
    optional(fields, section, |entry| read(&Map::of(entry).read(keys, fields.mistakes())?))
}
