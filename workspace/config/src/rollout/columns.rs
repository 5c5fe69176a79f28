//! Where a data set has what.

use editscale_schema::{
    Absent, Complaint, Documented, Entry, Fields, Key, Keys, Mistake, Node, Rule, Scalar, Section, Text, Value, Yaml,
    quote,
};

/// The names of columns, keys or members; a name that is not given is looked for under its usual names, and an empty one of a
/// mask, a name or a seed says that there is no such column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DataColumns {
    /// The picture to edit.
    pub source: Option<String>,
    /// What to do to it.
    pub instruction: Option<String>,
    /// Where editing is allowed.
    pub mask: Option<String>,
    /// What a row is called.
    pub id: Option<String>,
    /// The root seed of a row's runs.
    pub seed: Option<String>,
    /// What is handed on.
    pub keep: Vec<String>,
}

/// The name of a column, or an empty text where there is none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PerhapsColumn;

impl Rule for PerhapsColumn {
    type Value = String;

    fn read(&self, found: &Scalar) -> Result<String, Complaint> {
        match found {
            Scalar::Text(text) if text.is_empty() => Ok(String::new()),
            _ => Text.read(found),
        }
    }

    fn expected(&self) -> String {
        format!("{}, or `\"\"` where there is none", Text.expected())
    }

    fn show(&self, value: &String) -> Yaml {
        Text.show(value)
    }
}

pub(crate) const fn perhaps(name: &'static str, absent: &'static str, meaning: &'static str) -> Key<PerhapsColumn> {
    Key { name, rule: PerhapsColumn, absent: Absent::Unset(absent), meaning }
}

pub(crate) const fn column(name: &'static str, absent: &'static str, meaning: &'static str) -> Key<Text> {
    Key { name, rule: Text, absent: Absent::Unset(absent), meaning }
}

pub(crate) const SOURCE: Key<Text> = column(
    "source",
    "`image`, `source` and other usual names",
    "the picture to edit: a path, an address, base64 or bytes",
);
pub(crate) const INSTRUCTION: Key<Text> =
    column("instruction", "`instruction`, `prompt` and other usual names", "what to do to it");
const MASK: Key<PerhapsColumn> =
    perhaps("mask", "`mask`, where there is one", "where editing is allowed: white, of the source's size");
pub(crate) const ID: Key<PerhapsColumn> =
    perhaps("id", "`id` and other usual names, or the row's number", "what the row is called");
const SEED: Key<PerhapsColumn> =
    perhaps("seed", "made of `--seed` and the row's name", "the root seed of the row's runs");
const KEEP: Section = Section {
    name: "keep",
    allowed: "a list of columns",
    default: "none",
    meaning: "columns that are handed on to the rollouts, in `extra`",
};

pub(crate) const KEYS: Keys = &[&SOURCE as &dyn Documented, &INSTRUCTION, &MASK, &ID, &SEED, &KEEP];

impl DataColumns {
    pub(crate) fn read(fields: &Fields<'_>) -> Option<Self> {
        let (source, instruction, mask) = (fields.take(&SOURCE), fields.take(&INSTRUCTION), fields.take(&MASK));
        let (id, seed) = (fields.take(&ID), fields.take(&SEED));
        let keep = fields.entry(KEEP.name).map_or(Some(Vec::new()), |entry| names(fields, entry));
        Some(Self { source, instruction, mask, id, seed, keep: keep? })
    }

    pub(crate) fn write(&self) -> Yaml {
        let keys = [
            SOURCE.write(self.source.as_ref()),
            INSTRUCTION.write(self.instruction.as_ref()),
            MASK.write(self.mask.as_ref()),
            ID.write(self.id.as_ref()),
            SEED.write(self.seed.as_ref()),
            Some((KEEP.name.to_owned(), Yaml::List(self.keep.iter().map(|name| Yaml::text(name)).collect()))),
        ];
        Yaml::Map(keys.into_iter().flatten().collect())
    }
}

/// The names of columns in a list.
pub(crate) fn names(fields: &Fields<'_>, entry: &Entry) -> Option<Vec<String>> {
    let names: Vec<Option<String>> = fields.list(entry)?.iter().map(|item| name(fields, &entry.key, item)).collect();
    names.into_iter().collect()
}

fn name(fields: &Fields<'_>, list: &str, item: &Node) -> Option<String> {
    match &item.value {
        Value::Scalar(Scalar::Text(text)) if !text.trim().is_empty() => Some(text.clone()),
        Value::Refused => None,
        _ => {
            let message = format!("an item of {} is no name: expected the name of a column", quote(list));
            fields.error(&item.span, Mistake::new(message));
            None
        }
    }
}
