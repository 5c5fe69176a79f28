//! Keys as data: name, rule, default and meaning stand in one place, from which recipes are read and written and from
//! which `docs/recipes.md` is checked.

use crate::document::yaml::Yaml;
use crate::rule::Rule;

/// A key of a map.
#[derive(Debug)]
pub struct Key<R: Rule> {
    /// The key.
    pub name: &'static str,
    /// What its value may be.
    pub rule: R,
    /// What it means that it is left out.
    pub absent: Absent<R::Value>,
    /// For people: what it is, with its unit.
    pub meaning: &'static str,
}

/// What it means that a key is not there.
#[derive(Debug)]
pub enum Absent<T> {
    /// A mistake.
    Refused,
    /// This value.
    Default(T),
    /// Nothing is set; the words say what follows from that.
    Unset(&'static str),
}

impl<R: Rule> Key<R> {
    /// For a resolved recipe; nothing where the key is not set.
    pub fn write(&self, value: Option<&R::Value>) -> Option<(String, Yaml)> {
        Some((self.name.into(), self.rule.show(value?)))
    }
}

/// A key, as documented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDoc {
    /// The key.
    pub name: &'static str,
    /// What its value may be.
    pub allowed: String,
    /// What it is when the key is left out.
    pub default: String,
    /// What it is for.
    pub meaning: &'static str,
}

/// A map of a recipe, as documented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Where it stands, for example `search.best_of_n`; empty for the recipe itself.
    pub path: String,
    /// What it is for.
    pub about: &'static str,
    /// Its keys.
    pub keys: Vec<KeyDoc>,
}

/// Something that stands in a table of keys.
pub trait Documented: std::fmt::Debug + Sync {
    /// The key.
    fn name(&self) -> &'static str;

    /// Whether leaving it out is a mistake.
    fn is_required(&self) -> bool;

    /// For people.
    fn doc(&self) -> KeyDoc;
}

impl<R: Rule> Documented for Key<R> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_required(&self) -> bool {
        matches!(self.absent, Absent::Refused)
    }

    fn doc(&self) -> KeyDoc {
        let default = match &self.absent {
            Absent::Refused => "required".into(),
            Absent::Default(value) => format!("`{}`", self.rule.show(value)),
            Absent::Unset(words) => (*words).into(),
        };
        KeyDoc { name: self.name, allowed: self.rule.expected(), default, meaning: self.meaning }
    }
}

/// A key whose value is a list or map with a table of its own.
#[derive(Debug)]
pub struct Section {
    /// The key.
    pub name: &'static str,
    /// What its value may be.
    pub allowed: &'static str,
    /// What it is when the key is left out; the word `required` makes leaving it out a mistake.
    pub default: &'static str,
    /// For people: what it is.
    pub meaning: &'static str,
}

impl Documented for Section {
    fn name(&self) -> &'static str {
        self.name
    }

    fn is_required(&self) -> bool {
        self.default == "required"
    }

    fn doc(&self) -> KeyDoc {
        let Self { name, allowed, default, meaning } = *self;
        KeyDoc { name, allowed: allowed.into(), default: default.into(), meaning }
    }
}

/// The keys of one map.
pub type Keys = &'static [&'static dyn Documented];

/// The keys of a map that has some in common with others: its own, then those.
///
/// # Panics
///
/// If there are not `N` of them together, or none of its own: where the keys are a constant, it does not compile then.
pub const fn joined<const N: usize>(own: Keys, common: Keys) -> [&'static dyn Documented; N] {
    assert!(own.len() + common.len() == N && !own.is_empty(), "`N` keys of both, and own ones");
    let mut all = [own[0]; N];
    let mut at = 1;
    while at < N {
        all[at] = if at < own.len() { own[at] } else { common[at - own.len()] };
        at += 1;
    }
    all
}

/// The documentation of a map with these keys.
pub fn table(path: impl Into<String>, about: &'static str, keys: Keys) -> Table {
    Table { path: path.into(), about, keys: keys.iter().map(|key| key.doc()).collect() }
}

/// The least map with these keys, values left open.
pub fn example(keys: Keys) -> String {
    let required: Vec<String> =
        keys.iter().filter(|key| key.is_required()).map(|key| format!("{}: …", key.name())).collect();
    format!("{{{}}}", required.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Flag;

    const fn flag(name: &'static str) -> Key<Flag> {
        Key { name, rule: Flag, absent: Absent::Default(false), meaning: "" }
    }

    const OWN: Keys = &[&flag("a"), &flag("b")];
    const COMMON: Keys = &[&flag("c")];

    #[test]
    fn own_keys_come_before_common_ones() {
        const ALL: Keys = &joined::<3>(OWN, COMMON);
        assert_eq!(ALL.iter().map(|key| key.name()).collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    #[should_panic(expected = "`N` keys of both")]
    fn keys_that_are_miscounted_are_refused() {
        let _: [&dyn Documented; 4] = joined(OWN, COMMON);
    }
}
