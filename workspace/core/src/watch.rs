//! How work under way talks to whoever waits for it.

use crate::EncodedImage;

/// Given to an editor or reward with its work. Items are numbered within the batch, from 0.
pub trait Watch: Sync {
    /// Whether the work is not wanted any more. An editor looks at least once a denoising step, and answers with
    /// failures of kind `Cancelled` for what it did not finish.
    fn cancelled(&self) -> bool;

    /// Step `step` of `steps` is done, for item `item`.
    fn step(&self, item: usize, step: u32, steps: u32) {
        _ = (item, step, steps);
    }

    /// What item `item` looks like so far.
    fn preview(&self, item: usize, image: &EncodedImage) {
        _ = (item, image);
    }

    /// Item `item` is about to leave under `key`, or is now known elsewhere as `remote_id`. When this returns, it is on
    /// disk. An editor that can be paid calls it before each submission, and again once the remote id is known.
    fn submitted(&self, item: usize, key: &str, remote_id: Option<&str>) {
        _ = (item, key, remote_id);
    }
}

/// Never cancels and listens to nothing.
#[derive(Debug, Clone, Copy)]
pub struct NobodyWatches;

impl Watch for NobodyWatches {
    fn cancelled(&self) -> bool {
        false
    }
}
