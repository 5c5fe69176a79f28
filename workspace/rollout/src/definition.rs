//! What a drive is of: written down at its start, and looked at whenever somebody goes on with it.

use std::path::Path;

use editscale_engine::{digest_of, write_whole};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What decides the rollouts of a data set, apart from weights and machines. The form of `rollout.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// [`Defines::VERSION`].
    pub version: u32,
    /// The program that wrote it.
    pub program: String,
    /// The data set as it was named.
    pub dataset: String,
    /// What the data set is, for people.
    pub described: String,
    /// The data set's fingerprint.
    pub fingerprint: String,
    /// The recipe's text as given.
    pub recipe: String,
    /// The recipe with every default spelled out, with what it says of whole data sets.
    pub resolved_recipe: String,
    /// The root of all seeds.
    pub seed: u64,
    /// How often each row is edited.
    pub repeats: u32,
    /// Into how many shares the items are cut, where each has a queue of its own.
    pub shards: Option<u64>,
    /// Whether rows travel with their items.
    pub is_shipped: bool,
}

/// Why a folder or a depot cannot be gone on with.
#[derive(Debug, Error)]
pub enum DefinitionError {
    /// Something else is going on there.
    #[error("{place} holds {holds} of something else: {what} was `{recorded}`, here it is `{present}`")]
    Differs {
        /// What lies there, such as rollouts.
        holds: &'static str,
        /// The file.
        place: String,
        /// What differs.
        what: &'static str,
        /// As it was begun.
        recorded: String,
        /// As it would go on.
        present: String,
    },
    /// It cannot be read.
    #[error("{place}: {reason}")]
    Corrupt {
        /// The file.
        place: String,
        /// What was expected and found.
        reason: String,
    },
    /// The system refused.
    #[error("cannot {what} {place}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The file.
        place: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What is written down at the start of something that goes on for long, and looked at whenever somebody goes on with it.
pub trait Defines: Serialize + DeserializeOwned {
    /// The version of the format that is written and read; it stands as `version` in the text.
    const VERSION: u32;

    /// What the file is called, in a folder and in a depot.
    const FILE: &'static str;

    /// What lies where it is found, for people: rollouts, for example.
    const HOLDS: &'static str;

    /// What must be the same for all who go on with it: what it is for people, and its value.
    fn facts(&self) -> Vec<(&'static str, String)>;

    /// A name for queues that differs wherever anything differs that must not be mixed.
    fn name(&self) -> String {
        let facts: Vec<String> = self.facts().into_iter().map(|(what, value)| format!("{what}\0{value}\0")).collect();
        digest_of(facts.concat().as_bytes()).to_string()
    }

    /// Checks that what is recorded at `place` is the same.
    fn check_same(&self, recorded: &Self, place: &str) -> Result<(), DefinitionError> {
        let differing = recorded.facts().into_iter().zip(self.facts()).find(|((_, old), (_, new))| old != new);
        let Some(((what, recorded), (_, present))) = differing else { return Ok(()) };
        let (recorded, present) = shortened(&recorded, &present);
        Err(DefinitionError::Differs { holds: Self::HOLDS, place: place.to_owned(), what, recorded, present })
    }

    /// Its text.
    fn to_json(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// Reads what is recorded at `place`.
    fn from_json(text: &[u8], place: &str) -> Result<Self, DefinitionError> {
        let corrupt = |reason: String| DefinitionError::Corrupt { place: place.to_owned(), reason };
        let value: serde_json::Value = serde_json::from_slice(text).map_err(|error| corrupt(error.to_string()))?;
        match value.get("version").and_then(serde_json::Value::as_u64) {
            Some(found) if found == u64::from(Self::VERSION) => {}
            found => {
                let found = found.map_or_else(|| "none".to_owned(), |found| found.to_string());
                return Err(corrupt(format!("its version is {found}: expected {}", Self::VERSION)));
            }
        }
        serde_json::from_value(value).map_err(|error| corrupt(error.to_string()))
    }

    /// Reads the file of a folder; nothing where there is none.
    fn read(out: &Path) -> Result<Option<Self>, DefinitionError> {
        let path = out.join(Self::FILE);
        let place = path.display().to_string();
        match std::fs::read(&path) {
            Ok(text) => Self::from_json(&text, &place).map(Some),
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(DefinitionError::Io { what: "read", place, source }),
        }
    }

    /// Begins a folder, or checks that it was begun with the same.
    fn begin(&self, out: &Path) -> Result<(), DefinitionError> {
        let path = out.join(Self::FILE);
        let place = path.display().to_string();
        if let Some(recorded) = Self::read(out)? {
            return self.check_same(&recorded, &place);
        }
        let failed = |what| {
            let place = place.clone();
            move |source| DefinitionError::Io { what, place, source }
        };
        std::fs::create_dir_all(out).map_err(failed("create the folder of"))?;
        write_whole(&path, &self.to_json()).map_err(|error| failed("write")(std::io::Error::other(error)))
    }
}

impl Defines for Definition {
    const VERSION: u32 = 1;
    const FILE: &'static str = "rollout.json";
    const HOLDS: &'static str = "rollouts";

    fn facts(&self) -> Vec<(&'static str, String)> {
        let shards = self.shards.map_or_else(|| "none".to_owned(), |count| count.to_string());
        vec![
            ("the data set", self.fingerprint.clone()),
            ("the recipe", self.resolved_recipe.clone()),
            ("--seed", self.seed.to_string()),
            ("the number of repeats", self.repeats.to_string()),
            ("the number of shares of --shard", shards),
            ("whether rows travel with their items", self.is_shipped.to_string()),
        ]
    }
}

/// The first line in which two texts differ: a whole recipe says nothing to anybody.
fn shortened(recorded: &str, present: &str) -> (String, String) {
    let mut lines = recorded.lines().zip(present.lines()).filter(|(old, new)| old != new);
    match lines.next() {
        Some((old, new)) => (old.trim().to_owned(), new.trim().to_owned()),
        None => (format!("{} lines", recorded.lines().count()), format!("{} lines", present.lines().count())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_gone_on_with_only_by_the_same() {
        let first = Definition {
            version: Definition::VERSION,
            program: "editscale 0".into(),
            dataset: "rows.jsonl".into(),
            described: "2 rows".into(),
            fingerprint: "f".into(),
            recipe: "r".into(),
            resolved_recipe: "a: 1\nb: 2\n".into(),
            seed: 7,
            repeats: 1,
            shards: None,
            is_shipped: false,
        };
        let out = tempfile::tempdir().unwrap();
        first.begin(out.path()).unwrap();
        let moved =
            Definition { dataset: "elsewhere/rows.jsonl".into(), program: "editscale 9".into(), ..first.clone() };
        moved.begin(out.path()).unwrap();
        for (other, named) in [
            (Definition { fingerprint: "g".into(), ..first.clone() }, "the data set was `f`, here it is `g`"),
            (
                Definition { resolved_recipe: "a: 1\nb: 3\n".into(), ..first.clone() },
                "the recipe was `b: 2`, here it is `b: 3`",
            ),
            (Definition { seed: 8, ..first.clone() }, "--seed was `7`, here it is `8`"),
            (
                Definition { shards: Some(2), ..first.clone() },
                "the number of shares of --shard was `none`, here it is `2`",
            ),
        ] {
            let error = other.begin(out.path()).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
            assert_ne!(other.name(), first.name());
        }
        std::fs::write(out.path().join(Definition::FILE), b"{}").unwrap();
        assert!(first.begin(out.path()).unwrap_err().to_string().contains("version is none: expected 1"));
    }
}
