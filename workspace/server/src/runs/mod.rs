//! Runs: accepted when they are on disk, queued, carried out, followed, cancelled, resumed.

mod accept;
mod carry;
mod events;
mod expiry;
mod live;
mod lock;
mod queue;
mod record;
mod registry;

pub use events::{EventLog, Told};
pub use live::{Live, State};
pub(crate) use lock::FolderLock;
pub use lock::is_free;
pub use record::{Idempotency, Owner};
pub use registry::Runs;
