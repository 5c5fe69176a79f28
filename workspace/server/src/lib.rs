//! Recipes served as better editors: HTTP for people and programs, tools for agents, a page to watch.
//!
//! Whatever comes in, by whichever door, becomes the same thing: a [`Wish`] is checked against a served recipe ([`Offer`])
//! and becomes a run in a folder of its own. A run is accepted when it is on disk, waits in a queue that is fair between
//! callers, is carried out by the engine, and can be followed, cancelled, resumed after a kill, and gone on from.
//!
//! * `runs/` is the middle: what is accepted, queued, carried out and told. It knows no HTTP.
//! * `http/` is one door: the images API that existing clients speak, runs, scoring, the page, and what operators need.
//! * `mcp/` is the other: tools and resources for agents, with a session's own budget and history.
//! * `form/` has the objects that go over either door, each with its schema.
//!
//! What a recipe names is built by whoever starts the server; nothing here knows an editor or a reward by name.

mod batching;
mod desks;
mod form;
mod health;
mod http;
mod keys;
mod mcp;
mod offer;
mod refusal;
mod rewards;
mod runs;
mod service;
mod settings;
mod telemetry;
mod wish;

pub use form::{CandidateForm, CritiqueForm, DrawForm, FailureForm, LedgerForm, RunForm, ScoreForm, score_form};
pub use http::{App, ServeError, router, serve};
pub use keys::{Keys, KeysError};
pub use mcp::{AgentError, AgentOptions, serve_agent, serve_stdio};
pub use offer::{Offer, Pulse, Vital};
pub use refusal::Refusal;
pub use rewards::Scorer;
pub use runs::{EventLog, Idempotency, Live, Owner, Runs, State, Told, is_free};
pub use service::Service;
pub use settings::Settings;
pub use telemetry::{Telemetry, TraceIds};
pub use wish::{MaskRule, Picture, Wish};
