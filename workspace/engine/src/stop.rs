//! How somebody outside asks a run to stop.

use std::sync::Arc;

use tokio::sync::watch;

/// Asks a run to stop with the best so far. Clones ask the same run.
#[derive(Debug, Clone)]
pub struct Stopper(Arc<watch::Sender<bool>>);

/// What a run looks at to learn that it is to stop.
#[derive(Debug, Clone)]
pub struct StopSignal(watch::Receiver<bool>);

impl Stopper {
    /// A stopper and the signal that it gives.
    pub fn new() -> (Self, StopSignal) {
        let (sender, receiver) = watch::channel(false);
        (Self(Arc::new(sender)), StopSignal(receiver))
    }

    /// Another signal that it gives.
    pub fn signal(&self) -> StopSignal {
        StopSignal(self.0.subscribe())
    }

    /// Asks the run to stop. Asking again changes nothing.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl StopSignal {
    /// A signal that never comes.
    pub fn never() -> Self {
        let (_, receiver) = watch::channel(false);
        Self(receiver)
    }

    /// Whether the run is to stop.
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the run is to stop; for ever where the stopper is gone.
    pub async fn stopped(&mut self) {
        if self.0.wait_for(|stopped| *stopped).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
