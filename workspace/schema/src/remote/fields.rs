//! Fields that go into every request, under names that the server knows.

use crate::document::scalar::Scalar;
use crate::document::tree::{Entry, Node, Value};
use crate::document::yaml::Yaml;
use crate::fields::{Fields, MOST_ITEMS};
use crate::key::Section;
use crate::report::mistakes::Mistake;
use crate::report::quote::quote;

/// The value of a field, as JSON has them.
#[derive(Debug, Clone, PartialEq)]
pub enum FieldValue {
    /// Nothing.
    Null,
    /// True or false.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// Any other number.
    Number(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<FieldValue>),
    /// A map.
    Map(Vec<(String, FieldValue)>),
}

impl FieldValue {
    /// The same as a value of another kind, such as `serde_json::Value`, which has all that is named here. A number that
    /// the other kind cannot hold is what its conversion makes of it.
    pub fn to_tree<T>(&self) -> T
    where
        T: From<()> + From<bool> + From<i64> + From<f64> + From<String> + FromIterator<T> + FromIterator<(String, T)>,
    {
        match self {
            Self::Null => ().into(),
            Self::Flag(flag) => (*flag).into(),
            Self::Whole(whole) => (*whole).into(),
            Self::Number(number) => (*number).into(),
            Self::Text(text) => text.clone().into(),
            Self::List(items) => items.iter().map(Self::to_tree::<T>).collect(),
            Self::Map(entries) => entries.iter().map(|(name, value)| (name.clone(), value.to_tree::<T>())).collect(),
        }
    }
}

/// Fields that are sent as they are.
pub const FIELDS: Section = Section {
    name: "fields",
    allowed: "a map from names to values",
    default: "`{}`",
    meaning: "fields that every request carries, as the server calls them, such as `quality` or `num_inference_steps`",
};

/// Names under which servers take secrets.
const SECRETIVE: [&str; 9] =
    ["api-key", "api_key", "apikey", "access_token", "authorization", "password", "secret", "token", "x-api-key"];

/// The deepest that values of fields may be nested.
const DEEPEST: usize = 8;

/// The fields of an entry; none where it is left out.
pub fn read_fields(fields: &Fields<'_>, section: &Section) -> Option<Vec<(String, FieldValue)>> {
    let Some(entry) = fields.entry(section.name) else { return Some(Vec::new()) };
    match &entry.node.value {
        Value::Refused => None,
        Value::Map(entries) if entries.len() <= MOST_ITEMS => read_entries(fields, entries, 0),
        Value::Map(entries) => {
            let message =
                format!("{} has {} fields: expected at most {MOST_ITEMS}", quote(section.name), entries.len());
            fields.error(&entry.key_span, Mistake::new(message));
            None
        }
        _ => {
            let mistake = Mistake::new(format!("{} must be a map from names to values", quote(section.name)))
                .hint(format!("write `{}: {{name: value}}`", section.name));
            fields.error(entry.place(), mistake);
            None
        }
    }
}

fn read_entries(fields: &Fields<'_>, entries: &[Entry], depth: usize) -> Option<Vec<(String, FieldValue)>> {
    let read: Vec<Option<(String, FieldValue)>> =
        entries.iter().map(|entry| read_entry(fields, entry, depth)).collect();
    read.into_iter().collect()
}

fn read_entry(fields: &Fields<'_>, entry: &Entry, depth: usize) -> Option<(String, FieldValue)> {
    let name = &entry.key;
    if SECRETIVE.contains(&name.to_ascii_lowercase().as_str()) {
        let mistake = Mistake::new(format!("{} looks like a secret, which is never in a recipe", quote(name)))
            .hint("give the server `secret_env`, and `secret_header` where it wants another header");
        fields.error(&entry.key_span, mistake);
        fields.mistakes().hide(&entry.node.span);
        return None;
    }
    let is_name = (1..=128).contains(&name.len()) && !name.contains(|c: char| c.is_control() || c.is_whitespace());
    if !is_name {
        let message = format!("{} cannot name a field: expected up to 128 characters without blanks", quote(name));
        fields.error(&entry.key_span, Mistake::new(message));
        return None;
    }
    Some((name.clone(), read_value(fields, &entry.node, depth)?))
}

fn read_value(fields: &Fields<'_>, node: &Node, depth: usize) -> Option<FieldValue> {
    let refuse = |message: &str| {
        fields.error(&node.span, Mistake::new(message));
        None
    };
    match &node.value {
        Value::Refused => None,
        Value::List(_) | Value::Map(_) if depth >= DEEPEST => refuse("values of fields are nested too deeply"),
        Value::List(items) => {
            let read: Vec<_> = items.iter().map(|item| read_value(fields, item, depth + 1)).collect();
            read.into_iter().collect::<Option<_>>().map(FieldValue::List)
        }
        Value::Map(entries) => read_entries(fields, entries, depth + 1).map(FieldValue::Map),
        Value::Scalar(scalar) => match scalar {
            Scalar::Null => Some(FieldValue::Null),
            Scalar::Flag(flag) => Some(FieldValue::Flag(*flag)),
            Scalar::Whole(whole) => match i64::try_from(*whole) {
                Ok(whole) => Some(FieldValue::Whole(whole)),
                Err(_) => refuse("expected a whole number of at most 63 bits"),
            },
            Scalar::Number { value, .. } if value.is_finite() => Some(FieldValue::Number(value + 0.0)),
            Scalar::Number { .. } => refuse("expected a finite number"),
            Scalar::Text(text) => Some(FieldValue::Text(text.clone())),
        },
    }
}

/// The fields under a section's name; nothing where there are none.
pub fn write_fields(section: &Section, fields: &[(String, FieldValue)]) -> Option<(String, Yaml)> {
    (!fields.is_empty()).then(|| (section.name.to_owned(), write_map(fields)))
}

fn write_map(fields: &[(String, FieldValue)]) -> Yaml {
    let entry = |(name, value): &(String, FieldValue)| (Yaml::text(name).to_string(), write_value(value));
    Yaml::Map(fields.iter().map(entry).collect())
}

fn write_value(value: &FieldValue) -> Yaml {
    match value {
        FieldValue::Null => Yaml::plain("null"),
        FieldValue::Flag(flag) => Yaml::plain(flag),
        FieldValue::Whole(whole) => Yaml::plain(whole),
        FieldValue::Number(number) => Yaml::plain(format!("{number:?}")),
        FieldValue::Text(text) => Yaml::text(text),
        FieldValue::List(items) => Yaml::List(items.iter().map(write_value).collect()),
        FieldValue::Map(entries) => write_map(entries),
    }
}
