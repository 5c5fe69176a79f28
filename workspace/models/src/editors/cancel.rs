//! Stopping a network between its blocks: a pass of a large model takes minutes on a processor.

use candle_core::{Result, bail};
use editscale_core::Watch;

/// Fails where the work is not wanted any more. Whoever called the network asks the watch again, and so tells this failure
/// from others.
pub(super) fn unless_cancelled(watch: &dyn Watch) -> Result<()> {
    if watch.cancelled() {
        bail!("the work is not wanted any more");
    }
    Ok(())
}
