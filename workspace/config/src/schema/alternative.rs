//! Externally tagged alternatives: a map with one key, which names the alternative and holds its options.

use crate::document::scalar::Scalar;
use crate::document::tree::{Entry, Node, Value};
use crate::report::lines::Span;
use crate::report::mistakes::{Mistake, Mistakes};
use crate::report::quote::{list, quote};
use crate::report::suggest::nearest;
use crate::schema::key::{Keys, example};

/// What is to be chosen from, and what messages call it.
#[derive(Clone, Copy)]
pub(crate) struct Choice {
    /// For example `a policy`.
    pub(crate) what: &'static str,
    /// The key that the choice is the value of.
    pub(crate) key: &'static str,
    /// The alternatives with their keys.
    pub(crate) known: &'static [(&'static str, Keys)],
}

/// An alternative that was chosen, with its options yet to be read.
pub(crate) struct Chosen<'t> {
    pub(crate) name: &'static str,
    pub(crate) entry: &'t Entry,
}

impl Choice {
    /// Reads which alternatives a node chooses, and reports anything but exactly one known. The options of each are to
    /// be read, for the mistakes in them.
    pub(crate) fn read<'t>(&self, node: &'t Node, at: &Span, mistakes: &Mistakes<'_>) -> Vec<Chosen<'t>> {
        let entries = match &node.value {
            Value::Refused => return Vec::new(),
            Value::Map(entries) => entries,
            other => {
                mistakes.error(if node.span.is_empty() { at } else { &node.span }, self.not_a_map(other));
                return Vec::new();
            }
        };
        if entries.is_empty() {
            mistakes.error(&node.span, self.expected("is empty"));
        }
        let chosen: Vec<_> = entries.iter().filter_map(|entry| self.one(entry, mistakes)).collect();
        if let [_, second, ..] = chosen.as_slice() {
            let message = format!("{} names {} alternatives at once", quote(self.key), chosen.len());
            let hint = format!("keep one of {}", list(chosen.iter().map(|chosen| chosen.name)));
            mistakes.error(&second.entry.key_span, Mistake::new(message).hint(hint));
        }
        chosen
    }

    fn one<'t>(&self, entry: &'t Entry, mistakes: &Mistakes<'_>) -> Option<Chosen<'t>> {
        if let Some(name) = self.names().find(|name| *name == entry.key) {
            return Some(Chosen { name, entry });
        }
        let message = format!("{} is not {}", quote(&entry.key), self.what);
        let meant = nearest(&entry.key, self.names());
        let owner = self.known.iter().find(|(_, keys)| keys.iter().any(|key| key.name() == entry.key));
        let hint = match (meant, owner) {
            (Some(name), _) => format!("did you mean {}?", quote(name)),
            (None, Some((name, _))) => {
                format!("it is a key of {0}: write `{name}: {{{1}: …}}`", quote(name), entry.key)
            }
            (None, None) => format!("expected one of {}", list(self.names())),
        };
        mistakes.error(&entry.key_span, Mistake::new(message).hint(hint));
        meant.map(|name| Chosen { name, entry })
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.known.iter().map(|(name, _)| *name)
    }

    fn not_a_map(&self, found: &Value) -> Mistake {
        match found {
            Value::Scalar(Scalar::Text(text)) => {
                let mistake = self.expected(&format!("cannot be the text {}", quote(text)));
                match nearest(text, self.names()) {
                    Some(name) => mistake.hint(format!("write `{}`", self.example(name))),
                    None => mistake,
                }
            }
            Value::Scalar(Scalar::Null) => self.expected("has no value"),
            Value::List(_) => self.expected("cannot be a list"),
            _ => self.expected("cannot be a single value"),
        }
    }

    fn expected(&self, found: &str) -> Mistake {
        let examples: Vec<String> = self.names().map(|name| format!("`{}`", self.example(name))).collect();
        let hint = match examples.as_slice() {
            [first, _, _, _, ..] => format!("write {first}, or another one of {}", list(self.names())),
            few => format!("write {}", few.join(" or ")),
        };
        Mistake::new(format!("{} {found}: expected {} with its options", quote(self.key), self.what)).hint(hint)
    }

    fn example(&self, name: &str) -> String {
        let keys = self.known.iter().find(|(known, _)| *known == name).map_or(&[][..], |(_, keys)| keys);
        format!("{}: {{{name}: {}}}", self.key, example(keys))
    }
}
