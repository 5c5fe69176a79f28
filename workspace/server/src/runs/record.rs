//! `service.json`: what the server keeps of a run beside what the engine keeps.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use editscale_engine::{WriteError, write_whole};
use serde::{Deserialize, Serialize};

/// The file's name, in the run's folder.
pub(crate) const FILE: &str = "service.json";

/// The version of the file.
const VERSION: u32 = 1;

/// Whose a run is: the name of an API key. Runs are visible to their owner alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Owner(pub String);

/// Under which key the same wish may come again, and what it wished for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// As the caller chose it.
    pub key: String,
    /// The digest of what was sent with it.
    pub digest: String,
}

/// What the server keeps of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ServiceRecord {
    version: u32,
    pub(crate) recipe: String,
    /// What was asked for, so that a list of runs can say it without reading them.
    #[serde(default)]
    pub(crate) instruction: String,
    /// The candidate of an earlier run that this one goes on from, as `RUN:CANDIDATE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) continues: Option<String>,
    pub(crate) owner: Owner,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) idempotency: Option<Idempotency>,
    /// Whether its caller alone could have what comes of it, by waiting.
    #[serde(default)]
    pub(crate) tied: bool,
    accepted_unix_millis: u64,
    /// How long it may take, waiting included. After a restart of the server it has that long again.
    deadline_secs: f64,
    /// How it was ended from outside, which no resume undoes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<EndedBy>,
    /// The candidate that a person thinks is best.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) picked: Option<u32>,
}

/// What ended a run from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EndedBy {
    /// Its caller cancelled it, or hung up.
    Caller,
    /// Its deadline passed.
    Deadline,
    /// It could not be carried out.
    Failure(String),
}

impl ServiceRecord {
    /// The record of a run that is accepted now.
    pub(crate) fn new(recipe: &str, owner: &Owner, deadline: Duration) -> Self {
        Self {
            version: VERSION,
            recipe: recipe.to_owned(),
            instruction: String::new(),
            continues: None,
            owner: owner.clone(),
            idempotency: None,
            tied: false,
            accepted_unix_millis: millis(SystemTime::now()),
            deadline_secs: deadline.as_secs_f64(),
            ended: None,
            picked: None,
        }
    }

    /// Seconds since 1970 at which it was accepted.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted_unix_millis / 1000
    }

    /// How long it may take.
    pub(crate) fn deadline(&self) -> Duration {
        // What is no time in a file that somebody wrote is none.
        Duration::try_from_secs_f64(self.deadline_secs).unwrap_or_default()
    }

    /// Reads a run's record; `None` where it is not a run of a server, or of another version.
    pub(crate) fn read(run: &Path) -> Option<Self> {
        let record: Self = serde_json::from_slice(&std::fs::read(run.join(FILE)).ok()?).ok()?;
        (record.version == VERSION).then_some(record)
    }

    pub(crate) fn write(&self, run: &Path) -> Result<(), WriteError> {
        // A struct of texts and numbers is always JSON.
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        write_whole(&run.join(FILE), &text)
    }
}

fn millis(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
