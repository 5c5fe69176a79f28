//! The objects that go over the wire, in either direction, each with its schema. They are types of their own: what the core
//! calls a thing can change without breaking a client.

mod candidate;
mod ledger;
mod run;
mod score;

pub use candidate::{CandidateForm, CritiqueForm};
pub use ledger::LedgerForm;
pub use run::{DrawForm, RunForm};
pub use score::{FailureForm, ScoreForm, score_form};
pub(crate) use score::{failure_form, scores_form};
