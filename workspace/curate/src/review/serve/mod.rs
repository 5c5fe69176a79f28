//! The page of a review and what it asks for, on this machine alone.

mod answers;
mod files;
mod guard;

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::item::Item;
use super::log::{Log, ReviewError};
use super::pictures::Pictures;

/// The most bytes of a verdict.
const BODY_BYTES: usize = 16 << 10;

/// Pictures that are decoded at a time.
const DECODED_AT_ONCE: usize = 3;

/// How a review is served.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// What the data set is called.
    pub title: String,
    /// Whose verdicts they are where the page is not told.
    pub who: String,
}

/// Everything that a review shows and takes down.
#[derive(Debug)]
pub struct Desk {
    settings: Settings,
    items: Vec<Item>,
    places: BTreeMap<(u64, u32), usize>,
    pictures: Arc<dyn Pictures>,
    log: Mutex<Log>,
    token: String,
    room: Semaphore,
}

impl Desk {
    /// A desk with these items, in this order, and this file of verdicts. Fails where the machine has no randomness for the
    /// token that the address needs.
    pub fn new(
        settings: Settings,
        items: Vec<Item>,
        pictures: Arc<dyn Pictures>,
        log: Log,
    ) -> Result<Self, ReviewError> {
        let mut token = [0_u8; 16];
        getrandom::fill(&mut token).map_err(|error| ReviewError::Serve(format!("no random numbers: {error}")))?;
        let places = (0..).zip(&items).map(|(place, item)| ((item.row, item.candidate), place)).collect();
        Ok(Self {
            settings,
            items,
            places,
            pictures,
            log: Mutex::new(log),
            token: format!("{:032x}", u128::from_be_bytes(token)),
            room: Semaphore::new(DECODED_AT_ONCE),
        })
    }

    /// The address to open, for a desk that listens there.
    pub fn address(&self, listener: &TcpListener) -> Result<String, ReviewError> {
        let address = listener.local_addr().map_err(|error| ReviewError::Serve(error.to_string()))?;
        Ok(format!("http://{address}/?token={}", self.token))
    }

    fn item(&self, row: u64, candidate: u32) -> Option<&Item> {
        self.items.get(*self.places.get(&(row, candidate))?)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Serves a desk until `ended` comes; requests under way are answered first. Fails where the listener is not of this machine
/// alone: whoever reaches it can change what is kept.
pub async fn serve(
    desk: Arc<Desk>,
    listener: TcpListener,
    ended: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ReviewError> {
    let failed = |error: std::io::Error| ReviewError::Serve(error.to_string());
    let address = listener.local_addr().map_err(failed)?;
    if !address.ip().is_loopback() {
        let reason = format!("expected an address of this machine alone, such as 127.0.0.1, found {address}");
        return Err(ReviewError::Serve(reason));
    }
    axum::serve(listener, router(desk)).with_graceful_shutdown(ended).await.map_err(failed)
}

fn router(desk: Arc<Desk>) -> Router {
    files::routes()
        .route("/api/items", get(answers::items))
        .route("/api/verdicts", post(answers::say).get(answers::verdicts))
        .route("/picture/{row}/{candidate}/{which}", get(answers::picture))
        .layer(middleware::from_fn_with_state(Arc::clone(&desk), guard::guarded))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .with_state(desk)
}
