//! What was found of one editor or reward on one server: its card, and where that is not the assumed one.

use serde_json::{Map, Value, json};

/// One thing that was found.
#[derive(Debug)]
struct Fact {
    /// What it is about, see `docs/json.md`.
    word: &'static str,
    /// For people.
    shown: String,
    /// For programs.
    value: Value,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// `editor`, `reward` or `critic`.
    pub(super) what: &'static str,
    pub(super) name: String,
    pub(super) kind: &'static str,
    /// The server's address; nothing for a model in this program.
    pub(super) server: Option<String>,
    /// The card that the recipe makes: what is assumed.
    assumed: Value,
    /// In the order in which they were found.
    facts: Vec<Fact>,
    /// Where it is not as the recipe assumes.
    differences: Vec<String>,
    /// Why it cannot be used.
    error: Option<String>,
}

impl Found {
    pub(super) fn new(what: &'static str, name: &str, kind: &'static str, server: Option<String>) -> Self {
        Self { what, name: name.to_owned(), kind, server, ..Self::default() }
    }

    pub(super) fn assume(&mut self, card: Value) {
        self.assumed = card;
    }

    pub(super) fn fact(&mut self, word: &'static str, shown: impl Into<String>, value: Value) {
        self.facts.push(Fact { word, shown: shown.into(), value });
    }

    pub(super) fn differs(&mut self, how: impl Into<String>) {
        self.differences.push(how.into());
    }

    pub(super) fn fails(&mut self, why: impl Into<String>) {
        self.error.get_or_insert(why.into());
    }

    pub(super) fn is_good(&self) -> bool {
        self.error.is_none() && self.differences.is_empty()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let server = self.server.as_ref().map_or_else(String::new, |server| format!(" at {server}"));
        let mut lines = vec![format!("{} `{}` ({}){server}", self.what, self.name, self.kind)];
        lines.extend(self.facts.iter().map(|fact| format!("  {:<10} {}", fact.word, fact.shown)));
        lines.extend(self.differences.iter().map(|how| format!("  differs    {how}")));
        lines.extend(self.error.iter().map(|why| format!("  error      {why}")));
        lines
    }

    pub(super) fn json(&self) -> Value {
        let facts: Map<String, Value> =
            self.facts.iter().map(|fact| (fact.word.to_owned(), fact.value.clone())).collect();
        json!({
            "what": self.what,
            "name": self.name,
            "kind": self.kind,
            "server": self.server,
            "assumed": self.assumed,
            "found": facts,
            "differences": self.differences,
            "error": self.error,
        })
    }
}
