//! Runs: accepted when they are on disk, queued, carried out, followed, cancelled, resumed.

mod accept;
mod carry;
mod events;
mod expiry;
mod live;
mod lock;
mod queue;
mod record;
mod records;
mod registry;

pub(crate) use accept::is_ours;
pub use events::{EventLog, Told};
pub use live::{Live, State};
pub(crate) use lock::FolderLock;
pub use lock::is_free;
pub use record::{Idempotency, Owner};
pub(crate) use records::Records;
pub use registry::Runs;
