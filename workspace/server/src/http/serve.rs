//! Connections: taken while there is room, cut when they dawdle, and ended politely.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::{App, router};

/// Why nothing is served.
#[derive(Debug, Error)]
pub enum ServeError {
    /// Nobody would have to show a key.
    #[error(
        "without API keys a server listens on this machine alone: expected an address such as 127.0.0.1, found {0}"
    )]
    Open(std::net::SocketAddr),
    /// The listener has no address.
    #[error("cannot listen: {0}")]
    Listen(#[from] io::Error),
}

/// Serves until `ended` comes, then drains: requests under way are waited for as long as the settings say, and runs under way are
/// put aside, to go on when a server is started over the same folder.
pub async fn serve(app: Arc<App>, listener: TcpListener, ended: impl Future<Output = ()>) -> Result<(), ServeError> {
    let address = listener.local_addr()?;
    if app.keys.is_empty() && !address.ip().is_loopback() {
        return Err(ServeError::Open(address));
    }
    let settings = app.service.settings().clone();
    let service = TowerToHyperService::new(router(Arc::clone(&app)));
    let (room, graceful) = (Arc::new(Semaphore::new(settings.connections)), GracefulShutdown::new());
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(settings.head_time);
    tokio::pin!(ended);
    loop {
        // The semaphore is never closed.
        let permit = Arc::clone(&room).acquire_owned().await.ok();
        let stream = tokio::select! {
            stream = accepted(&listener) => stream,
            () = &mut ended => break,
        };
        let connection = graceful.watch(server.serve_connection(TokioIo::new(stream), service.clone()));
        tokio::spawn(async move {
            // A client that breaks off is its own business.
            connection.await.ok();
            drop(permit);
        });
    }
    drop(listener);
    app.service.runs().refuse_more();
    app.service.closing().cancel();
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(settings.drain) => tracing::warn!("requests under way were cut"),
    }
    app.service.runs().close().await;
    Ok(())
}

/// The next connection. What keeps one from being taken passes, as when files run out.
async fn accepted(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                stream.set_nodelay(true).ok();
                return stream;
            }
            Err(error) => {
                tracing::warn!(%error, "cannot take a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}
