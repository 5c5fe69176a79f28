//! Where a data set of edits has what.

use editscale_schema::{Documented, Fields, Key, Keys, Section, Text, Yaml};

use crate::rollout::columns::{ID, INSTRUCTION, SOURCE, column, names};

/// The names of columns, keys or members; a name that is not given is looked for under its usual names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CurateColumns {
    /// The picture before.
    pub source: Option<String>,
    /// What was asked for.
    pub instruction: Option<String>,
    /// The pictures after; those with a usual name where there are none.
    pub edited: Vec<String>,
    /// What a row is called.
    pub id: Option<String>,
    /// What kind of edit it is. Handed on.
    pub category: Option<String>,
    /// What else is handed on.
    pub keep: Vec<String>,
}

const EDITED: Section = Section {
    name: "edited",
    allowed: "a list of columns",
    default: "`edited_image`, `output_image` and other usual names",
    meaning: "the edited pictures: each column holds one or a list of them",
};
const CATEGORY: Key<Text> =
    column("category", "no such column", "what kind of edit a row is, where the data set says it; handed on");
const KEEP: Section = Section {
    name: "keep",
    allowed: "a list of columns",
    default: "none",
    meaning: "columns that are handed on with the scores, such as licence and provenance",
};

pub(super) const KEYS: Keys = &[&SOURCE as &dyn Documented, &INSTRUCTION, &EDITED, &ID, &CATEGORY, &KEEP];

impl CurateColumns {
    pub(super) fn read(fields: &Fields<'_>) -> Option<Self> {
        let (source, instruction) = (fields.take(&SOURCE), fields.take(&INSTRUCTION));
        let (id, category) = (fields.take(&ID), fields.take(&CATEGORY));
        let list =
            |section: &Section| fields.entry(section.name).map_or(Some(Vec::new()), |entry| names(fields, entry));
        let (edited, keep) = (list(&EDITED), list(&KEEP));
        Some(Self { source, instruction, edited: edited?, id, category, keep: keep? })
    }

    pub(super) fn write(&self) -> Yaml {
        let list = |section: &Section, names: &[String]| {
            let names = names.iter().map(|name| Yaml::text(name)).collect();
            Some((section.name.to_owned(), Yaml::List(names)))
        };
        let keys = [
            SOURCE.write(self.source.as_ref()),
            INSTRUCTION.write(self.instruction.as_ref()),
            list(&EDITED, &self.edited),
            ID.write(self.id.as_ref()),
            CATEGORY.write(self.category.as_ref()),
            list(&KEEP, &self.keep),
        ];
        Yaml::Map(keys.into_iter().flatten().collect())
    }
}
