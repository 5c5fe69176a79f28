//! A run that is tied to the client that waits for it: it ends when the client hangs up.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::refusal::Refusal;
use crate::runs::Live;
use crate::service::Service;
use crate::wish::Wish;

/// A run that is cancelled when this is dropped before it has ended; held by whatever writes to the client.
#[derive(Debug)]
pub(super) struct Tied {
    service: Arc<Service>,
    live: Arc<Live>,
    /// Not where the client has a key under which it may come again.
    is_tied: bool,
}

impl Tied {
    /// The run.
    pub(super) fn live(&self) -> &Arc<Live> {
        &self.live
    }
}

impl Drop for Tied {
    fn drop(&mut self) {
        // A server that ends cuts connections itself: the run is put aside, as all are, and the next life reports it as failed.
        let is_cut = self.service.runs().is_closing();
        if self.is_tied && !is_cut && !self.live.state().is_final() {
            tracing::info!(run = %self.live.id(), "the client hung up");
            let (service, live) = (Arc::clone(&self.service), Arc::clone(&self.live));
            let cancel = move || service.runs().cancel(&live);
            // It writes a file, which no thread of the runtime should wait for.
            match tokio::runtime::Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn_blocking(cancel)),
                Err(_) => cancel(),
            }
        }
    }
}

/// Accepts a wish as a run that is tied to whoever awaits this. A client that hangs up while its run is put on disk leaves none behind.
pub(super) async fn accept(service: &Arc<Service>, wish: Wish) -> Result<Tied, Refusal> {
    let (sender, receiver) = oneshot::channel();
    let (service, is_tied) = (Arc::clone(service), wish.idempotency.is_none());
    tokio::spawn(async move {
        let accepted = service.accept(wish).await;
        // Where nobody waits any more, what is sent is dropped.
        drop(sender.send(accepted.map(|live| Tied { service, live, is_tied })));
    });
    receiver.await.map_err(Refusal::broken)?
}
