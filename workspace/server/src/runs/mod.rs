//! Runs: accepted when they are on disk, queued, carried out, followed, cancelled, resumed.

mod accept;
mod carry;
mod events;
mod expiry;
mod live;
mod queue;
mod record;
mod registry;

pub use events::{EventLog, Told};
pub use live::{Live, State};
pub use record::{Idempotency, Owner};
pub use registry::Runs;
