//! Leases of this process, renewed for as long as their items are worked on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use editscale_engine::{StopSignal, Stopper};

use crate::queue::{Lease, QueueError, WorkQueue};

/// The leases that are held, each with what stops its run.
#[derive(Debug, Default)]
pub struct Holds(Mutex<HashMap<u64, (Lease, Stopper)>>);

/// One lease that is held; given up when it is dropped.
#[derive(Debug)]
pub struct Held {
    holds: Arc<Holds>,
    lease: Lease,
    stopper: Stopper,
}

impl Holds {
    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<u64, (Lease, Stopper)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds a lease until what is answered is dropped.
    pub fn hold(self: &Arc<Self>, lease: &Lease) -> Held {
        let (stopper, _) = Stopper::new();
        self.locked().insert(lease.item.ordinal, (lease.clone(), stopper.clone()));
        Held { holds: Arc::clone(self), lease: lease.clone(), stopper }
    }

    /// Asks every run to stop.
    pub fn stop_all(&self) {
        self.locked().values().for_each(|(_, stopper)| stopper.stop());
    }

    /// Renews all leases for ever, three times within the time that they last. A run whose lease is lost is stopped: its
    /// item is somebody else's.
    pub async fn renew(self: Arc<Self>, queue: Arc<dyn WorkQueue>, lease: Duration) {
        let mut ticks = tokio::time::interval(lease / 3);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            let held: Vec<(Lease, Stopper)> = self.locked().values().cloned().collect();
            let leases: Vec<Lease> = held.iter().map(|(lease, _)| lease.clone()).collect();
            if leases.is_empty() {
                continue;
            }
            for (answer, (lease, stopper)) in queue.extend(&leases).await.into_iter().zip(held) {
                // A queue that is away for a moment is no reason to throw work away: at worst it is done twice.
                if let Err(QueueError::LeaseLost { .. }) = answer {
                    tracing::warn!(ordinal = lease.item.ordinal, "the lease was lost: the run is stopped");
                    stopper.stop();
                }
            }
        }
    }
}

impl Held {
    /// What the run looks at to learn that it is to stop.
    pub fn signal(&self) -> StopSignal {
        self.stopper.signal()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let (mut held, ordinal) = (self.holds.locked(), self.lease.item.ordinal);
        // An item whose lease was lost may have come to this process once more: that hold is another.
        if held.get(&ordinal).is_some_and(|(lease, _)| lease.token == self.lease.token) {
            held.remove(&ordinal);
        }
    }
}
