//! Work that its caller may lose interest in.

use std::time::Duration;

use editscale_core::Watch;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{JoinError, JoinHandle};

use crate::http::client::Reply;
use crate::trouble::error::RemoteError;

/// How often work looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(20);

/// An exchange whose caller may lose interest.
pub(super) struct UnderWay {
    pub(super) task: JoinHandle<Result<Reply, RemoteError>>,
    pub(super) events: UnboundedReceiver<String>,
    pub(super) works_on: bool,
}

impl UnderWay {
    /// Waits for the end. Every event is heard before.
    pub(super) async fn finish(
        &mut self,
        hear: &(dyn Fn(&str) + Sync),
    ) -> Result<Result<Reply, RemoteError>, JoinError> {
        loop {
            tokio::select! {
                biased;
                Some(event) = self.events.recv() => hear(&event),
                outcome = &mut self.task => return outcome,
            }
        }
    }
}

/// Hangs up, which stops a server that listens for it. One that does not is waited for in the background.
impl Drop for UnderWay {
    fn drop(&mut self) {
        if !self.works_on {
            self.task.abort();
        }
    }
}

/// The future's value, or nothing once the work is not wanted any more.
pub(super) async fn while_wanted<T>(watch: &dyn Watch, work: impl Future<Output = T>) -> Option<T> {
    let unwanted = async {
        while !watch.cancelled() {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::select! {
        biased;
        value = work => Some(value),
        () = unwanted => None,
    }
}
