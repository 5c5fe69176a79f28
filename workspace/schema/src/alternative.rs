//! Externally tagged alternatives: a map with one key, which names the alternative and holds its options.

use crate::document::scalar::Scalar;
use crate::document::tree::{Entry, Node, Value};
use crate::fields::Map;
use crate::key::{Keys, Table, example, table};
use crate::kinds::Kind;
use crate::report::lines::Span;
use crate::report::mistakes::{Mistake, Mistakes};
use crate::report::quote::{list, quote};
use crate::report::suggest::nearest;

/// What is to be chosen from, and what messages call it.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'k> {
    /// For example `a policy`.
    pub what: &'static str,
    /// The key that the choice is the value of.
    pub key: &'static str,
    /// The alternatives with their keys.
    pub known: &'k [(&'static str, Keys)],
    /// The keys that stand beside the choice.
    pub beside: Keys,
}

/// An alternative that was named, with its options yet to be read.
#[derive(Debug)]
pub struct Named<'t> {
    /// Which one.
    pub name: &'static str,
    /// Where it stands, with its options.
    pub entry: &'t Entry,
}

impl Choice<'_> {
    /// Reads which alternatives a node chooses, and reports anything but exactly one known. The options of each are to
    /// be read, for the mistakes in them.
    pub fn read<'t>(&self, node: &'t Node, at: &Span, mistakes: &Mistakes<'_>) -> Vec<Named<'t>> {
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

    fn one<'t>(&self, entry: &'t Entry, mistakes: &Mistakes<'_>) -> Option<Named<'t>> {
        if let Some(name) = self.names().find(|name| *name == entry.key) {
            return Some(Named { name, entry });
        }
        let message = format!("{} is not {}", quote(&entry.key), self.what);
        let meant = nearest(&entry.key, self.names());
        let owner = self.known.iter().find(|(_, keys)| keys.iter().any(|key| key.name() == entry.key));
        let is_beside = self.beside.iter().any(|key| key.name() == entry.key);
        let hint = match (meant, owner) {
            _ if is_beside => {
                format!("it stands beside {0}: write `{{{1}: …, {2}: …}}`", quote(self.key), self.key, entry.key)
            }
            (Some(name), _) => format!("did you mean {}?", quote(name)),
            (None, Some((name, _))) => {
                format!("it is a key of {0}: write `{name}: {{{1}: …}}`", quote(name), entry.key)
            }
            (None, None) => format!("expected one of {}", list(self.names())),
        };
        mistakes.error(&entry.key_span, Mistake::new(message).hint(hint));
        meant.map(|name| Named { name, entry })
    }

    fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
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

/// Kinds of things, one of which a recipe chooses.
#[derive(Debug)]
pub struct Kinds<'k, T: ?Sized + 'static> {
    /// For example `an editor`.
    pub what: &'static str,
    /// The key that the choice is the value of.
    pub key: &'static str,
    /// What there is to choose from.
    pub kinds: &'k [Kind<T>],
    /// The keys that stand beside the choice.
    pub beside: Keys,
}

impl<T: ?Sized> Kinds<'_, T> {
    /// Reads which kind a node chooses, with its options. Reports what is wrong.
    pub fn read(&self, node: &Node, at: &Span, mistakes: &Mistakes<'_>) -> Option<Box<T>> {
        let known: Vec<(&'static str, Keys)> = self.kinds.iter().map(|kind| (kind.name, kind.keys)).collect();
        let named =
            Choice { what: self.what, key: self.key, known: &known, beside: self.beside }.read(node, at, mistakes);
        // All are read before the first is taken, for the mistakes in them.
        let read: Vec<Option<Box<T>>> = named.iter().map(|named| self.read_options(named, mistakes)).collect();
        read.into_iter().next()?
    }

    fn read_options(&self, named: &Named<'_>, mistakes: &Mistakes<'_>) -> Option<Box<T>> {
        let kind = self.kinds.iter().find(|kind| kind.name == named.name)?;
        (kind.read)(&Map::of(named.entry).read(kind.keys, mistakes)?)
    }

    /// The tables of all kinds and of the maps among their options.
    pub fn tables(&self) -> Vec<Table> {
        let of = |kind: &Kind<T>| {
            let path = format!("{}.{}", self.key, kind.name);
            let own = table(path.clone(), kind.about, kind.keys);
            let below = kind.subtables.iter();
            let below = below.map(move |below| table(format!("{path}.{}", below.path), below.about, below.keys));
            std::iter::once(own).chain(below).collect::<Vec<_>>()
        };
        self.kinds.iter().flat_map(of).collect()
    }
}
