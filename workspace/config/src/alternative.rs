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
    /// Reads which alternative a node chooses; reports anything but exactly one known.
    pub(crate) fn read<'t>(
        &self,
        node: &'t Node,
        at: &Span,
        mistakes: &'t Mistakes<'t>,
    ) -> Option<Chosen<'t>> {
        let entries = match &node.value {
            Value::Refused => return None,
            Value::Map(entries) => entries,
            other => {
                mistakes.error(if node.span.is_empty() { at } else { &node.span }, self.not_a_map(other));
                return None;
            }
        };
        match entries.as_slice() {
            [] => {
                mistakes.error(&node.span, self.expected("is empty"));
                None
            }
            [entry] => self.one(entry, mistakes),
            [_, second, ..] => {
                let message = format!("{} names {} alternatives at once", quote(self.key), entries.len());
                let hint = format!("leave one of {}", list(entries.iter().map(|entry| entry.key.as_str())));
                mistakes.error(&second.key_span, Mistake::new(message).hint(hint));
                // The options of each are read all the same, for the mistakes in them.
                entries.iter().filter_map(|entry| self.one(entry, mistakes)).next()
            }
        }
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
