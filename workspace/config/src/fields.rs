//! Reading a map key by key. What is left at the end is unknown.

use crate::key::{Absent, Key};
use crate::lines::Span;
use crate::mistakes::{Mistake, Mistakes};
use crate::quote::{list, quote};
use crate::rule::{Rule, apply};
use crate::scalar::Scalar;
use crate::suggest::nearest;
use crate::tree::{Entry, Node, Value};

/// A map that is being read.
#[derive(Debug)]
pub(crate) struct Fields<'t> {
    /// What the map is called in messages.
    owner: String,
    /// Where to point when something is missing.
    at: Span,
    entries: &'t [Entry],
    asked: Vec<&'static str>,
    /// Required keys that are not there, with what to write. Reported at the end, since one may be there misspelt.
    lacking: Vec<(&'static str, String)>,
    mistakes: &'t Mistakes<'t>,
}

impl<'t> Fields<'t> {
    /// Begins to read a map. `at` is where to point when a key is missing.
    pub(crate) fn of(
        owner: impl Into<String>,
        node: &'t Node,
        at: Span,
        mistakes: &'t Mistakes<'t>,
    ) -> Option<Self> {
        let owner = owner.into();
        match &node.value {
            Value::Map(entries) => Some(Self { entries, ..Self::none(owner, at, mistakes) }),
            Value::Refused => None,
            other => {
                let found = match other {
                    Value::Scalar(Scalar::Null) => "has no value",
                    Value::List(_) => "cannot be a list",
                    _ => "cannot be a single value",
                };
                let hint = "write `{}` to leave everything at its default";
                let mistake =
                    Mistake::new(format!("{owner} {found}: expected a map of keys and values")).hint(hint);
                mistakes.error(if node.span.is_empty() { &at } else { &node.span }, mistake);
                None
            }
        }
    }

    /// A map that is not there: every key has its default.
    pub(crate) fn none(owner: String, at: Span, mistakes: &'t Mistakes<'t>) -> Self {
        Self { owner, at, entries: &[], asked: Vec::new(), lacking: Vec::new(), mistakes }
    }

    /// The value of a key, or its default. `None` where a value is missing or wrong (that has been reported then), or
    /// where the key may be left out and has no default.
    pub(crate) fn take<R: Rule>(&mut self, key: &Key<R>) -> Option<R::Value>
    where
        R::Value: Clone,
    {
        match self.entry(key.name) {
            Some(entry) => self.value(key, entry),
            None => match &key.absent {
                Absent::Default(value) => Some(value.clone()),
                Absent::Unset(_) => None,
                Absent::Refused => self.lacking(key.name, format!("add it: {}", key.meaning)),
            },
        }
    }

    fn value<R: Rule>(&self, key: &Key<R>, entry: &'t Entry) -> Option<R::Value> {
        let at = if entry.node.span.is_empty() { &entry.key_span } else { &entry.node.span };
        match apply(&key.rule, key.name, &entry.node)? {
            Ok(value) => Some(value),
            Err(mistake) => {
                let optional = !matches!(key.absent, Absent::Refused);
                let null = entry.node.value == Value::Scalar(Scalar::Null);
                let hint = "leave the key out to have its default";
                self.error(at, if null && optional { mistake.hint(hint) } else { mistake });
                None
            }
        }
    }

    /// The entry of a key whose value is read elsewhere.
    pub(crate) fn entry(&mut self, name: &'static str) -> Option<&'t Entry> {
        self.asked.push(name);
        self.entries.iter().find(|entry| entry.key == name)
    }

    /// Where a key stands, or the map if it is left out.
    pub(crate) fn span_of(&self, name: &str) -> Span {
        self.entries
            .iter()
            .find(|entry| entry.key == name)
            .map_or(self.at.clone(), |entry| entry.key_span.clone())
    }

    /// Where the value of a key stands, or the map if it is left out.
    pub(crate) fn value_span(&self, name: &str) -> Span {
        self.entries
            .iter()
            .find(|entry| entry.key == name)
            .map_or(self.at.clone(), |entry| entry.node.span.clone())
    }

    /// Whether a key is there, with whatever value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == name)
    }

    /// Where to point when the map as a whole is meant.
    pub(crate) fn at(&self) -> &Span {
        &self.at
    }

    pub(crate) fn mistakes(&self) -> &'t Mistakes<'t> {
        self.mistakes
    }

    pub(crate) fn error(&self, span: &Span, mistake: Mistake) {
        self.mistakes.error(span, mistake);
    }

    /// Notes a required key that is not there; `hint` says what to write.
    pub(crate) fn lacking<T>(&mut self, name: &'static str, hint: impl Into<String>) -> Option<T> {
        self.lacking.push((name, hint.into()));
        None
    }

    /// The items of an entry that must be a list.
    pub(crate) fn list(&self, entry: &'t Entry) -> Option<&'t [Node]> {
        match &entry.node.value {
            Value::List(items) => Some(items),
            Value::Refused => None,
            _ => {
                let at = if entry.node.span.is_empty() { &entry.key_span } else { &entry.node.span };
                let mistake = Mistake::new(format!("{} must be a list", quote(&entry.key)))
                    .hint("begin each item with `- ` in a line of its own, or put all in `[…]`");
                self.error(at, mistake);
                None
            }
        }
    }

    /// Reports every key that nobody asked for, and every required key that is not there in any spelling.
    pub(crate) fn finish(mut self) {
        for entry in self.entries.iter().filter(|entry| !self.asked.contains(&entry.key.as_str())) {
            let meant = nearest(&entry.key, self.asked.iter().copied().filter(|name| !self.has(name)));
            let hint = match meant {
                Some(name) => format!("did you mean {}?", quote(name)),
                None if self.asked.is_empty() => "it has no keys; write `{}`".into(),
                None => format!("its keys are {}", list(self.asked.iter().copied())),
            };
            let message = format!("unknown key {} in {}", quote(&entry.key), self.owner);
            self.error(&entry.key_span, Mistake::new(message).hint(hint));
            self.lacking.retain(|(name, _)| Some(*name) != meant);
        }
        for (name, hint) in &self.lacking {
            let mistake = Mistake::new(format!("{} lacks the key {}", self.owner, quote(name)));
            self.error(&self.at, mistake.hint(hint.as_str()));
        }
    }
}
