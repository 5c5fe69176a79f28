//! Recipes of the embedded editor and reward for tests and examples of the server: quick ones, and one that takes its time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use editscale_core::{
    BoxFuture, Candidate, CandidateId, EditBackend, EditBatch, EditorCard, Failure, FailureKind, RunId, Watch,
};
use editscale_server::Offer;

pub(crate) use crate::embedded::catalogue;
use crate::embedded::offer;

/// An editor that waits before each call, and stops waiting when it is cancelled.
struct Slow {
    editor: Arc<dyn EditBackend>,
    wait: Duration,
}

impl EditBackend for Slow {
    fn card(&self) -> &EditorCard {
        self.editor.card()
    }

    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        Box::pin(async move {
            let until = tokio::time::Instant::now() + self.wait;
            while tokio::time::Instant::now() < until {
                if watch.cancelled() {
                    let gone = || Err(Failure::new(FailureKind::Cancelled, "not wanted any more"));
                    return batch.items.iter().map(|_| gone()).collect();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            self.editor.edit(batch, watch).await
        })
    }

    fn release(&self, paused: &[(RunId, CandidateId)]) {
        self.editor.release(paused);
    }
}

/// `quick`, `one` and `slow`; the last takes a tenth of a second for each candidate, one after the other.
pub(crate) fn offers() -> Result<Vec<Offer>> {
    let mut slow = offer("slow", "search: {best_of_n: {samples: 40}}")?;
    for editor in &mut slow.editors {
        *editor = Arc::new(Slow { editor: Arc::clone(editor), wait: Duration::from_millis(100) });
    }
    Ok(vec![
        offer("quick", "search: {best_of_n: {samples: 4}}")?,
        offer("one", "search: {best_of_n: {samples: 1}}")?,
        slow,
    ])
}
