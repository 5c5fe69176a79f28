//! Recipes as serde reads them: an independent second reader, which knows nothing of keys and kinds.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A value of a recipe.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Raw {
    Flag(bool),
    Number(f64),
    Text(String),
    List(Vec<Raw>),
    Map(BTreeMap<String, Raw>),
    Null(()),
}

impl Raw {
    /// Reads a file, whose one editor is put among several under the name of its kind: a resolved recipe may do the same.
    pub(crate) fn read(text: &str) -> Self {
        let options = serde_saphyr::options! { strict_booleans: true };
        let mut read: Self = serde_saphyr::from_str_with_options(text, options).unwrap();
        let top = read.map_mut();
        if let Some(one) = top.remove("editor") {
            let kind = one.map().keys().next().unwrap().clone();
            top.insert("editors".to_owned(), Self::Map([(kind, one)].into()));
        }
        read
    }

    pub(crate) fn map(&self) -> &BTreeMap<String, Raw> {
        let Self::Map(map) = self else { panic!("{self:?} is no map") };
        map
    }

    fn map_mut(&mut self) -> &mut BTreeMap<String, Raw> {
        let Self::Map(map) = self else { panic!("{self:?} is no map") };
        map
    }

    /// Whether this holds all that another says, and perhaps more: defaults.
    pub(crate) fn says(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(mine), Self::Number(other)) => (mine - other).abs() <= 1e-9 * mine.abs().max(1e3),
            (Self::List(mine), Self::List(other)) => {
                mine.len() == other.len() && mine.iter().zip(other).all(|(mine, other)| mine.says(other))
            }
            (Self::Map(mine), Self::Map(other)) => other.iter().all(|(key, other)| match mine.get(key) {
                Some(mine) => mine.says(other),
                None => other.is_nothing(),
            }),
            (mine, other) => mine == other,
        }
    }

    fn is_nothing(&self) -> bool {
        match self {
            Self::Map(map) => map.values().all(Self::is_nothing),
            Self::List(list) => list.is_empty(),
            _ => false,
        }
    }
}
