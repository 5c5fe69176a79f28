//! The shell that carries out a search: slots, budgets, retries, journal, replay.
//!
//! It knows no policy, no model and no wire protocol: it is handed a search and the ports, and keeps the record.
//! Start reading in `run.rs`; one round is in `round.rs`.

mod book;
mod clock;
mod directory;
mod error;
mod files;
mod images;
mod journal;
mod manifest;
mod outcome;
mod purse;
mod record;
mod retry;
mod round;
mod run;
mod stop;
mod threaded;
mod trajectories;
mod trials;
mod watch;
mod wire;

pub use directory::{DirectoryError, RunDirectory};
pub use error::EngineError;
pub use files::{WriteError, write_whole};
pub use images::{ImageStore, digest_of};
pub use journal::JournalError;
pub use manifest::{Manifest, Revision};
pub use record::{CandidateRecord, MadeRecord, RunRecord, read_run};
pub use retry::Retry;
pub use run::{Job, Limits, Ports, run};
pub use stop::{StopSignal, Stopper};
pub use threaded::{SpawnError, ThreadedEditor, ThreadedReward};
pub use trajectories::{TrajectoryError, read_trajectory};
pub use wire::FORMAT_VERSION;
