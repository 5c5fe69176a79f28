//! Connections: taken while there is room, cut when they dawdle, and ended politely.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use super::patient::Patient;
use super::{App, router};

/// The most bytes of a request's head.
const HEAD_BYTES: usize = 64 << 10;

/// How long answers to connections that came while the server drained are waited for.
const LATE: Duration = Duration::from_secs(1);

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

/// Serves until `ended` comes, then drains: new runs are refused, streams of events end, requests under way are waited for as
/// long as the settings say, and runs under way are put aside, to go on when a server is started over the same folder.
///
/// To end at once, as at a second signal, drop the future: its connections are cut, and runs go on at the next start as they do
/// after a kill.
pub async fn serve(app: Arc<App>, listener: TcpListener, ended: impl Future<Output = ()>) -> Result<(), ServeError> {
    let address = listener.local_addr()?;
    if app.keys.is_empty() && !address.ip().is_loopback() {
        return Err(ServeError::Open(address));
    }
    let door = Door::new(&app, listener);
    let mut connections = JoinSet::new();
    tokio::pin!(ended);
    loop {
        tokio::select! {
            biased;
            () = &mut ended => break,
            Some(_) = connections.join_next() => {}
            (stream, permit) = door.next() => {
                connections.spawn(door.connection(stream, permit));
            }
        }
    }
    tracing::info!(connections = connections.len(), "the server drains");
    app.service.runs().refuse_more();
    door.closing.send_replace(true);
    door.drain(connections, app.service.settings().drain).await;
    app.service.runs().close().await;
    Ok(())
}

/// Where connections come in.
struct Door {
    listener: TcpListener,
    room: Arc<Semaphore>,
    server: http1::Builder,
    service: TowerToHyperService<Router>,
    write_time: Duration,
    closing: watch::Sender<bool>,
}

impl Door {
    fn new(app: &Arc<App>, listener: TcpListener) -> Self {
        let settings = app.service.settings();
        let mut server = http1::Builder::new();
        server.timer(TokioTimer::new()).header_read_timeout(settings.head_time).max_header_size(HEAD_BYTES);
        Self {
            listener,
            room: Arc::new(Semaphore::new(settings.connections)),
            server,
            service: TowerToHyperService::new(router(Arc::clone(app))),
            write_time: settings.write_time,
            closing: watch::Sender::new(false),
        }
    }

    /// The next connection, once there is room for it.
    async fn next(&self) -> (TcpStream, Option<OwnedSemaphorePermit>) {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.room).acquire_owned().await.ok();
        (accepted(&self.listener).await, permit)
    }

    /// Serves a connection to its end. One that was open when the server began to drain ends with its present request, and one
    /// that came later with its first.
    fn connection(
        &self,
        stream: TcpStream,
        permit: Option<OwnedSemaphorePermit>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let mut closing = self.closing.subscribe();
        let is_late = *closing.borrow_and_update();
        let mut server = self.server.clone();
        server.keep_alive(!is_late);
        let stream = TokioIo::new(Patient::new(stream, self.write_time));
        let served = server.serve_connection(stream, self.service.clone());
        async move {
            let mut served = pin!(served);
            let told = async {
                if is_late || closing.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                // A client that breaks off is its own business.
                _ = served.as_mut() => return,
                () = told => served.as_mut().graceful_shutdown(),
            }
            served.await.ok();
            drop(permit);
        }
    }

    /// Waits for connections, at most this long. Others that come meanwhile get one answer each, so that whoever asks whether
    /// the server is ready hears that it is not.
    async fn drain(self, mut connections: JoinSet<()>, most: Duration) {
        let mut cut = pin!(tokio::time::sleep(most));
        let mut late = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                ended = connections.join_next() => if ended.is_none() { break },
                () = &mut cut => {
                    tracing::warn!(connections = connections.len(), "requests under way are cut");
                    break;
                }
                Some(_) = late.join_next() => {}
                (stream, permit) = self.next() => {
                    late.spawn(self.connection(stream, permit));
                }
            }
        }
        drop(self.listener);
        let answered = async { while late.join_next().await.is_some() {} };
        tokio::time::timeout(LATE, answered).await.ok();
    }
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
