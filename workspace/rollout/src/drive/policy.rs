//! The weights that edit: taken up at the start, and between groups whenever a trainer announces newer ones.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use editscale_core::{AdoptedPolicy, EditBackend, Failure, PolicyKind, PolicyWeights};
use serde::Deserialize;
use thiserror::Error;

use super::Drive;
use crate::group::PolicyStamp;

/// Longer files are no announcements.
const LONGEST: u64 = 64 * 1024;

/// Which weights edit, and where newer ones are announced.
#[derive(Clone)]
pub struct PolicyPlan {
    /// Whose weights they are.
    pub editor: Arc<dyn EditBackend>,
    /// Those to begin with.
    pub weights: PolicyWeights,
    /// The file in which a trainer announces newer ones.
    pub follow: Option<PathBuf>,
    /// How often it is looked at.
    pub look_every: Duration,
}

impl std::fmt::Debug for PolicyPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PolicyPlan")
            .field("weights", &self.weights)
            .field("follow", &self.follow)
            .finish_non_exhaustive()
    }
}

/// Weights could not be taken up at the start.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// The editor did not take them.
    #[error("cannot take up {weights}: {failure}")]
    Refused {
        /// Which.
        weights: PolicyWeights,
        /// What it said.
        failure: Failure,
    },
    /// The announcement cannot be read.
    #[error("{path}: {reason}")]
    Announcement {
        /// The file.
        path: PathBuf,
        /// What was expected and found.
        reason: String,
    },
}

/// What a trainer writes to announce weights: `{"version": "step-8", "adapter": "step-8.safetensors"}`. A relative path is
/// taken from the folder of the announcement.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announcement {
    /// What the trainer calls them.
    pub version: String,
    /// A low-rank adapter.
    #[serde(default)]
    pub adapter: Option<String>,
    /// A whole checkpoint.
    #[serde(default)]
    pub checkpoint: Option<String>,
    /// How much of an adapter counts; 1 where it is not said.
    #[serde(default)]
    pub scale: Option<f32>,
}

impl Announcement {
    /// Reads an announcement's text, found in a folder.
    pub fn weights(text: &[u8], folder: &Path) -> Result<PolicyWeights, String> {
        let said: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if said.version.trim().is_empty() {
            return Err("`version` is empty: expected what the trainer calls these weights".to_owned());
        }
        let scale = said.scale.unwrap_or(1.0);
        if !(scale.is_finite() && (0.0..=100.0).contains(&scale)) {
            return Err(format!("`scale` is {scale}: expected a number from 0 to 100"));
        }
        let kind = match (said.adapter, said.checkpoint) {
            (Some(_), Some(_)) => return Err("`adapter` and `checkpoint` exclude each other".to_owned()),
            (Some(adapter), None) => PolicyKind::Adapter(folder.join(adapter).to_string_lossy().into()),
            // A server has files of its own: its path is handed on as it is.
            (None, Some(checkpoint)) => PolicyKind::Checkpoint(checkpoint.into()),
            (None, None) => PolicyKind::Base,
        };
        Ok(PolicyWeights { version: said.version.into(), kind, scale })
    }
}

/// Keeps the weights up to date.
pub(super) struct Keeper {
    stamp: PolicyStamp,
    /// What the announcement said when it was looked at last.
    seen: Vec<u8>,
    news: Option<PolicyWeights>,
    looked: Instant,
}

impl Keeper {
    /// Takes up the weights that the drive begins with: those that are announced already, or the recipe's.
    pub(super) async fn begin(drive: &Drive) -> Result<Self, PolicyError> {
        let mut keeper = Self { stamp: PolicyStamp::default(), seen: Vec::new(), news: None, looked: Instant::now() };
        let Some(plan) = &drive.policy else { return Ok(keeper) };
        if let Some(path) = &plan.follow
            && let Some(text) = read(path).map_err(|reason| PolicyError::Announcement { path: path.clone(), reason })?
        {
            let weights = Announcement::weights(&text, folder_of(path));
            let weights = weights.map_err(|reason| PolicyError::Announcement { path: path.clone(), reason })?;
            keeper.seen = text;
            keeper.stamp = take_up(plan, &weights).await?;
            return Ok(keeper);
        }
        keeper.stamp = take_up(plan, &plan.weights).await?;
        Ok(keeper)
    }

    /// What edits.
    pub(super) fn stamp(&self) -> PolicyStamp {
        self.stamp.clone()
    }

    /// Whether newer weights are announced. Looks at the file now and then; what it cannot read it tells once.
    pub(super) fn has_news(&mut self, drive: &Drive) -> bool {
        let Some(plan) = &drive.policy else { return false };
        let Some(path) = &plan.follow else { return false };
        if self.news.is_none() && self.looked.elapsed() >= plan.look_every {
            self.looked = Instant::now();
            self.look(drive, path);
        }
        self.news.is_some()
    }

    fn look(&mut self, drive: &Drive, path: &Path) {
        // A file that is away for a moment is being replaced.
        let Ok(Some(text)) = read(path) else { return };
        if text == self.seen {
            return;
        }
        match Announcement::weights(&text, folder_of(path)) {
            Ok(weights) => self.news = Some(weights),
            Err(reason) => drive.reporter.tell(&format!(
                "{}: {reason}: the weights of `{}` stay",
                path.display(),
                self.stamp.version
            )),
        }
        self.seen = text;
    }

    /// Takes up what is announced. Weights that cannot be taken up leave the earlier ones in force, which rows then name.
    pub(super) async fn adopt(&mut self, drive: &Drive) {
        let (Some(weights), Some(plan)) = (self.news.take(), &drive.policy) else { return };
        match take_up(plan, &weights).await {
            Ok(stamp) => {
                drive.reporter.tell(&format!("edits with {weights} from here on"));
                self.stamp = stamp;
            }
            Err(error) => drive.reporter.tell(&format!("{error}: the weights of `{}` stay", self.stamp.version)),
        }
    }
}

async fn take_up(plan: &PolicyPlan, weights: &PolicyWeights) -> Result<PolicyStamp, PolicyError> {
    if weights.kind == PolicyKind::Base && plan.editor.adopts() == editscale_core::PolicySupport::default() {
        // An editor that takes up nothing works with what it began with, whatever the recipe calls that.
        let checksum = plan.editor.card().revision.to_string();
        return Ok(PolicyStamp { version: weights.version.to_string(), checksum });
    }
    match plan.editor.adopt(weights).await {
        Ok(AdoptedPolicy { version, checksum }) => {
            Ok(PolicyStamp { version: version.to_string(), checksum: checksum.to_string() })
        }
        Err(failure) => Err(PolicyError::Refused { weights: weights.clone(), failure }),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// A small file; nothing where there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let length = match std::fs::metadata(path) {
        Ok(facts) => facts.len(),
        Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    if length > LONGEST {
        return Err(format!("it is {length} bytes long: expected an announcement of at most {LONGEST}"));
    }
    std::fs::read(path).map(Some).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announcements_are_checked() {
        let read = |text: &str| Announcement::weights(text.as_bytes(), Path::new("adapters"));
        let adapter = read(r#"{"version": "s1", "adapter": "a.safetensors", "scale": 0.5}"#).unwrap();
        assert_eq!(adapter.kind, PolicyKind::Adapter("adapters/a.safetensors".into()));
        assert_eq!((&*adapter.version, adapter.scale), ("s1", 0.5));
        assert_eq!(
            read(r#"{"version": "s1", "checkpoint": "org/model"}"#).unwrap().kind,
            PolicyKind::Checkpoint("org/model".into())
        );
        assert_eq!(read(r#"{"version": "s1"}"#).unwrap().kind, PolicyKind::Base);
        for bad in [
            "",
            "{}",
            r#"{"version": " "}"#,
            r#"{"version": "a", "adapter": "x", "checkpoint": "y"}"#,
            r#"{"version": "a", "scale": 1e9}"#,
            r#"{"version": "a", "adaptor": "x"}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
