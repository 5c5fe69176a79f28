//! Which columns a table of records has.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use serde_json::Value as Json;

use crate::Record;

/// What the metadata of a field says: its kind, the key that it belongs to, and its form.
pub(super) const KIND: &str = "editscale.kind";
pub(super) const KEY: &str = "editscale.key";
pub(super) const FORM: &str = "editscale.form";

/// The kinds of columns that differ from table to table.
pub(super) const SAID: &str = "said";
pub(super) const EXTRA: &str = "extra";

/// The two pictures of a record, as their columns begin.
pub(super) const PICTURES: [&str; 2] = ["source", "edited"];

/// How the cells of a carried column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// All are texts.
    Text,
    /// As JSON.
    Json,
}

impl Form {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// The columns that are not the same in every table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Layout {
    pub(super) said: BTreeSet<String>,
    pub(super) extra: BTreeMap<String, Form>,
}

impl Layout {
    /// The columns of these rewards, whether they have said anything or not.
    pub fn of_rewards<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self { said: names.into_iter().map(str::to_owned).collect(), extra: BTreeMap::new() }
    }

    /// Adds what a record needs. A column that held anything but texts once is JSON from then on.
    pub fn grow(&mut self, record: &Record) {
        for key in record.said.keys() {
            if !self.said.contains(key) {
                self.said.insert(key.clone());
            }
        }
        for (key, value) in record.extra.iter().filter(|(_, value)| !value.is_null()) {
            let form = if matches!(value, Json::String(_)) { Form::Text } else { Form::Json };
            match self.extra.get_mut(key) {
                None => drop(self.extra.insert(key.clone(), form)),
                Some(known) if form == Form::Json => *known = Form::Json,
                Some(_) => {}
            }
        }
    }

    /// The columns of a table that was written with this schema.
    pub(super) fn of_schema(schema: &Schema) -> Self {
        let mut layout = Self::default();
        for field in schema.fields() {
            let word = |name: &str| field.metadata().get(name).map(String::as_str);
            match (word(KIND), word(KEY), word(FORM)) {
                (Some(SAID), Some(key), _) => drop(layout.said.insert(key.to_owned())),
                (Some(EXTRA), Some(key), form) => {
                    let form = if form == Some("text") { Form::Text } else { Form::Json };
                    layout.extra.insert(key.to_owned(), form);
                }
                _ => {}
            }
        }
        layout
    }

    /// All columns, in order.
    pub(super) fn schema(&self) -> SchemaRef {
        let mut fields = fixed();
        for key in &self.said {
            for part in ["mean", "sigma"] {
                let facts = [(KIND, SAID), (KEY, key), (FORM, part)];
                fields.push(described(&format!("{key}.{part}"), DataType::Float64, &facts));
            }
        }
        let others: BTreeSet<String> = fields.iter().map(|field| field.name().clone()).collect();
        let mut taken: BTreeSet<String> = others.iter().chain(self.extra.keys()).cloned().collect();
        for (key, form) in &self.extra {
            let name = if others.contains(key) { free(key, &taken) } else { key.clone() };
            taken.insert(name.clone());
            fields.push(described(&name, DataType::Utf8, &[(KIND, EXTRA), (KEY, key), (FORM, form.word())]));
        }
        Arc::new(Schema::new(fields))
    }
}

/// A name for a column whose own is taken.
fn free(key: &str, taken: &BTreeSet<String>) -> String {
    let mut name = format!("extra.{key}");
    while taken.contains(&name) {
        name.insert_str(0, "extra.");
    }
    name
}

/// The columns of every table.
fn fixed() -> Vec<Field> {
    let mut fields = vec![
        Field::new("row", DataType::UInt64, false),
        Field::new("row_id", DataType::Utf8, false),
        Field::new("place", DataType::Utf8, false),
        Field::new("candidate", DataType::UInt32, false),
        Field::new("instruction", DataType::Utf8, false),
    ];
    for picture in PICTURES {
        for (part, kind) in [
            ("digest", DataType::Utf8),
            ("hash", DataType::Utf8),
            ("width", DataType::UInt32),
            ("height", DataType::UInt32),
            ("name", DataType::Utf8),
        ] {
            fields.push(Field::new(format!("{picture}_{part}"), kind, true));
        }
    }
    fields.push(Field::new("score", DataType::Float64, true));
    fields.push(Field::new("sigma", DataType::Float64, true));
    fields.push(Field::new("failure", DataType::Utf8, true));
    fields
}

fn described(name: &str, kind: DataType, facts: &[(&str, &str)]) -> Field {
    let facts = facts.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    Field::new(name, kind, true).with_metadata(facts.collect::<HashMap<_, _>>())
}
