//! The shell that carries out a search: slots, budgets, retries, journal, replay.
//!
//! It knows no policy, no model and no wire protocol: it is handed a search and the ports, and keeps the record.
//! Start reading in `run.rs`; one round is in `round.rs`, and what is known and spent in `book.rs`.

mod again;
mod book;
mod calibrated;
mod calibration;
mod charges;
mod clock;
mod consulting;
mod directory;
mod error;
mod files;
mod images;
mod job;
mod journal;
mod log;
mod manifest;
mod outcome;
mod paused;
mod purse;
mod record;
mod refusals;
mod retry;
mod round;
mod run;
mod spending;
mod stop;
mod tally;
mod threaded;
mod trajectories;
mod votes;
mod watch;
mod wire;

pub use calibrated::Calibrated;
pub use calibration::{Calibration, CalibrationError, Fitted};
pub use directory::{DirectoryError, RunDirectory};
pub use error::EngineError;
pub use files::{WriteError, write_whole};
pub use images::{ImageStore, digest_of};
pub use job::{Job, Limits, Ports};
pub use journal::JournalError;
pub use manifest::{CriticRevision, EditorRevision, Manifest, RewardRevision};
pub use record::{CandidateRecord, CritiqueRecord, MadeRecord, RunRecord, read_outcome, read_run};
pub use retry::Retry;
pub use run::run;
pub use stop::{StopSignal, Stopper};
pub use threaded::{SpawnError, ThreadedCritic, ThreadedEditor, ThreadedReward};
pub use trajectories::{TrajectoryError, read_trajectory, trajectory_file};
