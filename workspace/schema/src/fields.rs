//! Reading a map whose keys are known.

use crate::document::scalar::Scalar;
use crate::document::tree::{Entry, Node, Value};
use crate::key::{Absent, Key, Keys, Section, example};
use crate::report::lines::Span;
use crate::report::mistakes::{Mistake, Mistakes};
use crate::report::quote::{list, quote};
use crate::report::suggest::nearest;
use crate::rule::{Rule, apply};

/// The most items of a list, and the most named things of one kind.
pub const MOST_ITEMS: usize = 100;

/// A map that is being read. Unknown keys have been reported.
#[derive(Debug)]
pub struct Fields<'t> {
    /// What the map is called in messages.
    owner: String,
    /// Where to point when something is missing.
    at: Span,
    /// The entries, each with the key that is meant: a misspelt key is reported, and its value read all the same.
    entries: Vec<(&'static str, &'t Entry)>,
    /// Keys that are there in a form that tells nothing of their values.
    unread: Vec<&'static str>,
    mistakes: &'t Mistakes<'t>,
}

/// Where a map stands and what is known of it.
#[derive(Debug)]
pub struct Map<'t> {
    /// What it is called in messages.
    pub owner: String,
    /// What stands there.
    pub node: &'t Node,
    /// Where to point when something is missing.
    pub at: Span,
}

impl<'t> Map<'t> {
    /// The value of an entry, called by its key.
    pub fn of(entry: &'t Entry) -> Self {
        Self { owner: quote(&entry.key), node: &entry.node, at: entry.key_span.clone() }
    }

    /// An item of a list, called by what it is.
    pub fn item(owner: &str, node: &'t Node) -> Self {
        Self { owner: owner.into(), node, at: node.span.start..node.span.start + 1 }
    }

    /// Begins to read it. Reports what is not a map, and every key that is not among `keys`.
    pub fn read(self, keys: Keys, mistakes: &'t Mistakes<'t>) -> Option<Fields<'t>> {
        match &self.node.value {
            Value::Refused => None,
            Value::Map(entries) => {
                let mut fields = Fields::none(self.owner, self.at, mistakes);
                fields.enter(entries, keys);
                Some(fields)
            }
            other => {
                let at = if self.node.span.is_empty() { &self.at } else { &self.node.span };
                mistakes.error(at, self.not_a_map(other, keys));
                None
            }
        }
    }

    fn not_a_map(&self, found: &Value, keys: Keys) -> Mistake {
        let found = match found {
            Value::Scalar(Scalar::Null) => "has no value",
            Value::List(_) => "cannot be a list",
            _ => "cannot be a single value",
        };
        let hint = match example(keys).as_str() {
            "{}" if keys.is_empty() => "write `{}`: it has no keys".into(),
            "{}" => format!("write `{{}}`, or give it keys: {}", list(keys.iter().map(|key| key.name()))),
            example => format!("write `{example}`"),
        };
        Mistake::new(format!("{} {found}: expected a map of keys and values", self.owner)).hint(hint)
    }
}

/// The key that stands before a colon without a blank after it, and what follows.
fn glued<'k>(found: &'k str, names: &[&'static str]) -> Option<(&'static str, &'k str)> {
    let (before, after) = found.split_once(':')?;
    Some((names.iter().copied().find(|name| *name == before)?, after.trim()))
}

impl<'t> Fields<'t> {
    /// A map that is not there: every key has its default.
    pub fn none(owner: String, at: Span, mistakes: &'t Mistakes<'t>) -> Self {
        Self { owner, at, entries: Vec::new(), unread: Vec::new(), mistakes }
    }

    /// Finds out which key each entry means, and reports those that are none.
    fn enter(&mut self, entries: &'t [Entry], keys: Keys) {
        let names: Vec<&'static str> = keys.iter().map(|key| key.name()).collect();
        let is_there = |name: &&'static str| entries.iter().any(|entry| entry.key == *name);
        let mut missing: Vec<&'static str> = names.iter().copied().filter(|name| !is_there(name)).collect();
        for entry in entries {
            if let Some(name) = names.iter().find(|name| entry.key == **name) {
                self.entries.push((*name, entry));
                continue;
            }
            if self.mistakes.is_full() {
                self.error(&entry.key_span, Mistake::new("unknown key"));
                continue;
            }
            let glued = glued(&entry.key, &names);
            let meant = nearest(&entry.key, missing.iter().copied());
            let hint = match (glued, meant) {
                (Some((name, rest)), _) => {
                    format!("put a blank after the colon: {}", quote(&format!("{name}: {rest}")))
                }
                (None, Some(name)) => format!("did you mean {}?", quote(name)),
                (None, None) if names.is_empty() => "it has no keys; write `{}`".into(),
                (None, None) => format!("its keys are {}", list(names.iter().copied())),
            };
            let message = format!("unknown key {} in {}", quote(&entry.key), self.owner);
            self.error(&entry.key_span, Mistake::new(message).hint(hint));
            match (glued, meant) {
                (Some((name, _)), _) => self.unread.push(name),
                (None, Some(name)) => {
                    missing.retain(|other| *other != name);
                    self.entries.push((name, entry));
                }
                (None, None) => {}
            }
        }
    }

    /// The value of a key, or its default. `None` where a value is missing or wrong (that has been reported then), or
    /// where the key may be left out and has no default.
    pub fn take<R: Rule>(&self, key: &Key<R>) -> Option<R::Value>
    where
        R::Value: Clone,
    {
        match (self.entry(key.name), &key.absent) {
            (Some(entry), _) => self.value(key, entry),
            (None, Absent::Default(value)) => Some(value.clone()),
            (None, Absent::Unset(_)) => None,
            (None, Absent::Refused) => self.lacking(key.name, &format!("add `{}: …` ({})", key.name, key.meaning)),
        }
    }

    fn value<R: Rule>(&self, key: &Key<R>, entry: &'t Entry) -> Option<R::Value> {
        match apply(&key.rule, key.name, &entry.node)? {
            Ok(value) => Some(value),
            Err(mistake) => {
                let optional = !matches!(key.absent, Absent::Refused);
                let null = entry.node.value == Value::Scalar(Scalar::Null);
                let hint = "leave the key out to have its default";
                self.error(entry.place(), if null && optional { mistake.hint(hint) } else { mistake });
                None
            }
        }
    }

    /// The entry of a key whose value is read elsewhere.
    pub fn entry(&self, name: &str) -> Option<&'t Entry> {
        self.entries.iter().find(|(meant, _)| *meant == name).map(|(_, entry)| *entry)
    }

    /// Reads a map that may be left out, which is to leave out all of its keys.
    pub fn section<T>(&self, section: &Section, keys: Keys, read: impl FnOnce(&Self) -> Option<T>) -> Option<T> {
        match self.entry(section.name) {
            Some(entry) => read(&Map::of(entry).read(keys, self.mistakes)?),
            None => read(&Self::none(quote(section.name), self.at.clone(), self.mistakes)),
        }
    }

    /// Whether a key is there, with whatever value.
    pub fn has(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    /// Where a key stands, or the map if it is left out.
    pub fn span_of(&self, name: &str) -> Span {
        self.entry(name).map_or(self.at.clone(), |entry| entry.key_span.clone())
    }

    /// Where to point when the map as a whole is meant.
    pub fn at(&self) -> &Span {
        &self.at
    }

    /// Where mistakes are reported.
    pub fn mistakes(&self) -> &'t Mistakes<'t> {
        self.mistakes
    }

    /// Reports a mistake.
    pub fn error(&self, span: &Span, mistake: Mistake) {
        self.mistakes.error(span, mistake);
    }

    /// Reports a required key that is not there; `hint` says what to write.
    pub fn lacking<T>(&self, name: &'static str, hint: &str) -> Option<T> {
        if !self.unread.contains(&name) {
            let mistake = Mistake::new(format!("{} lacks the key {}", self.owner, quote(name)));
            self.error(&self.at, mistake.hint(hint));
        }
        None
    }

    /// The items of an entry that must be a list.
    pub fn list(&self, entry: &'t Entry) -> Option<&'t [Node]> {
        match &entry.node.value {
            Value::List(items) => {
                if items.len() > MOST_ITEMS {
                    let message =
                        format!("{} has {} items: expected at most {MOST_ITEMS}", quote(&entry.key), items.len());
                    self.error(&entry.key_span, Mistake::new(message));
                }
                Some(&items[..items.len().min(MOST_ITEMS)])
            }
            Value::Refused => None,
            _ => {
                let mistake = Mistake::new(format!("{} must be a list", quote(&entry.key)))
                    .hint("begin each item with `- ` in a line of its own, or put all in `[…]`");
                self.error(entry.place(), mistake);
                None
            }
        }
    }
}
