//! Externally tagged alternatives: a map with one key, which names the alternative and holds its options.

use crate::fields::Fields;
use crate::lines::Span;
use crate::mistakes::{Mistake, Mistakes};
use crate::quote::{list, quote};
use crate::scalar::Scalar;
use crate::suggest::nearest;
use crate::tree::{Entry, Node, Value};

/// What is to be chosen from, and what messages call it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Choice<'a> {
    /// For example `a policy`.
    pub(crate) what: &'a str,
    /// The key that the choice is the value of.
    pub(crate) key: &'a str,
    pub(crate) known: &'a [&'static str],
}

/// The alternative that was chosen, with its options yet to be read.
#[derive(Debug)]
pub(crate) struct Chosen<'t> {
    pub(crate) name: &'static str,
    pub(crate) options: Fields<'t>,
}

impl Choice<'_> {
    /// Reads which alternatives a node chooses, and reports anything but exactly one known. The options of each are to
    /// be read, for the mistakes in them.
    pub(crate) fn read<'t>(&self, node: &'t Node, at: &Span, mistakes: &'t Mistakes<'t>) -> Vec<Chosen<'t>> {
        let entries = match &node.value {
            Value::Refused => return Vec::new(),
            Value::Map(entries) => entries,
            other => {
                mistakes.error(if node.span.is_empty() { at } else { &node.span }, self.not_a_map(other));
                return Vec::new();
            }
        };
        match entries.as_slice() {
            [] => mistakes.error(&node.span, self.expected("is empty")),
            [_] => {}
            [_, second, ..] => {
                let message = format!("{} names {} alternatives at once", quote(self.key), entries.len());
                let hint = format!("leave one of {}", list(entries.iter().map(|entry| entry.key.as_str())));
                mistakes.error(&second.key_span, Mistake::new(message).hint(hint));
            }
        }
        entries.iter().filter_map(|entry| self.one(entry, mistakes)).collect()
    }

    fn one<'t>(&self, entry: &'t Entry, mistakes: &'t Mistakes<'t>) -> Option<Chosen<'t>> {
        let Some(name) = self.known.iter().copied().find(|name| *name == entry.key) else {
            let message = format!("{} is not {}", quote(&entry.key), self.what);
            let hint = match nearest(&entry.key, self.known.iter().copied()) {
                Some(name) => format!("did you mean {}?", quote(name)),
                None => format!("expected one of {}", list(self.known.iter().copied())),
            };
            mistakes.error(&entry.key_span, Mistake::new(message).hint(hint));
            return None;
        };
        let options = Fields::of(quote(name), &entry.node, entry.key_span.clone(), mistakes)?;
        Some(Chosen { name, options })
    }

    fn not_a_map(&self, found: &Value) -> Mistake {
        match found {
            Value::Scalar(Scalar::Text(text)) => {
                let meant = nearest(text, self.known.iter().copied());
                let mistake = self.expected(&format!("cannot be the text {}", quote(text)));
                match meant {
                    Some(name) => mistake.hint(format!("write `{}: {{{name}: {{}}}}`", self.key)),
                    None => mistake,
                }
            }
            Value::Scalar(Scalar::Null) => self.expected("has no value"),
            Value::List(_) => self.expected("cannot be a list"),
            _ => self.expected("cannot be a single value"),
        }
    }

    fn expected(&self, found: &str) -> Mistake {
        Mistake::new(format!("{} {found}: expected {} with its options", quote(self.key), self.what)).hint(
            format!(
                "write `{}: {{{}: {{…}}}}`; known are {}",
                self.key,
                self.known.first().copied().unwrap_or_default(),
                list(self.known.iter().copied())
            ),
        )
    }
}
