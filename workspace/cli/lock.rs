//! Waiting for a run directory that a process has not let go of.

use std::thread::sleep;
use std::time::{Duration, Instant};

use editscale_engine::DirectoryError;

/// How long a process that was killed may take to go; whoever works in a run takes longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often one looks.
const EVERY: Duration = Duration::from_millis(100);

/// Enters a run directory, and tries again for a few seconds while it is in use: a process that was killed holds it until the system
/// has cleared it away. Blocks meanwhile.
pub(crate) fn when_free<T>(enter: impl Fn() -> Result<T, DirectoryError>) -> Result<T, DirectoryError> {
    let until = Instant::now() + PATIENCE;
    loop {
        match enter() {
            Err(DirectoryError::InUse(_)) if Instant::now() < until => sleep(EVERY),
            entered => return entered,
        }
    }
}
