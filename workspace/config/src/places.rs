//! Where each key of a recipe stands, for what is found out only later.

use editscale_schema::{Lines, Node, Span, Value};
use std::collections::BTreeMap;

use crate::Place;

/// The places of all keys, by their path from the top, for example `search.beam.edges`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Places(BTreeMap<String, Place>);

impl Places {
    pub(crate) fn of(root: &Node, lines: &Lines<'_>) -> Self {
        let mut places = Self::default();
        places.enter("", root, lines);
        places
    }

    fn enter(&mut self, path: &str, node: &Node, lines: &Lines<'_>) {
        match &node.value {
            Value::Map(entries) => {
                for entry in entries {
                    let (path, place) = (join(path, &entry.key), lines.place(&entry.key_span));
                    self.enter(&path, &entry.node, lines);
                    self.0.insert(path, place);
                }
            }
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.enter(&join(path, &index.to_string()), item, lines);
                }
            }
            Value::Scalar(_) | Value::Refused => {}
        }
    }

    /// Whether there is a key at a path.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// The bytes of the key at a path, as [`Self::at`] finds it.
    pub(crate) fn span(&self, path: &str) -> Span {
        self.at(path).span
    }

    /// The place of the key at a path, or of the nearest key above it that is there.
    pub(crate) fn at(&self, path: &str) -> Place {
        let mut path = path;
        loop {
            if let Some(place) = self.0.get(path) {
                return place.clone();
            }
            match path.rsplit_once('.') {
                Some((above, _)) => path = above,
                None => return Place { line: 1, column: 1, span: 0..0 },
            }
        }
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.into() } else { format!("{path}.{key}") }
}
