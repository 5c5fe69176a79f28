//! A real server of the embedded editor on a free port, for the tests of all doors.
#![allow(dead_code, reason = "every test uses a part of it")]

mod embedded;

use std::sync::Arc;
use std::time::Duration;

use editscale_core::{
    BoxFuture, Candidate, CandidateId, EditBackend, EditBatch, EditorCard, Failure, FailureKind, RunId, Watch,
};
use editscale_picture::{EncodeOptions, Metadata, Pixels, encode};
use editscale_server::{App, Keys, Offer, Refusal, Service, Settings, serve};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, TryAcquireError, oneshot};
use tokio::task::JoinHandle;

use embedded::{catalogue, offer};

/// Longer than anything takes that comes at all.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// What holds the edits of a server back until they are let through.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Semaphore>);

impl Gate {
    /// A gate that is shut.
    pub(crate) fn shut() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Lets so many edits through.
    pub(crate) fn let_through(&self, edits: usize) {
        self.0.add_permits(edits);
    }

    /// Lets all edits through from here on.
    pub(crate) fn open(&self) {
        self.0.close();
    }

    /// Whether one more may pass.
    fn lets_pass(&self) -> bool {
        match self.0.try_acquire() {
            Ok(permit) => {
                permit.forget();
                true
            }
            Err(TryAcquireError::Closed) => true,
            Err(TryAcquireError::NoPermits) => false,
        }
    }
}

/// An editor behind a gate. What waits there can be cancelled.
struct Gated {
    inner: Arc<dyn EditBackend>,
    gate: Gate,
}

impl EditBackend for Gated {
    fn card(&self) -> &EditorCard {
        self.inner.card()
    }

    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        Box::pin(async move {
            while !self.gate.lets_pass() {
                if watch.cancelled() {
                    let failure = || Err(Failure::new(FailureKind::Cancelled, "cancelled at the gate"));
                    return batch.items.iter().map(|_| failure()).collect();
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            self.inner.edit(batch, watch).await
        })
    }

    fn release(&self, paused: &[(RunId, CandidateId)]) {
        self.inner.release(paused);
    }
}

/// A client without a proxy, whatever the machine has.
pub(crate) fn client() -> reqwest::Client {
    // It wants a provider of cryptography even where it speaks none; another test may have set it.
    rustls::crypto::ring::default_provider().install_default().ok();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// What a server is started with.
pub(crate) struct Plan {
    /// Names of recipes and their sections beside editor and rewards, such as `search: {best_of_n: {samples: 4}}`.
    pub(crate) recipes: Vec<(&'static str, String)>,
    /// Who may call.
    pub(crate) keys: Keys,
    /// Limits; its folder for runs is one of this plan's own.
    pub(crate) settings: Settings,
    /// What holds edits back.
    pub(crate) gate: Option<Gate>,
    folder: TempDir,
}

impl Plan {
    /// One recipe called `four`, which makes four candidates; no keys, the usual limits.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::new(folder.path().to_owned());
        let recipes = vec![("four", "search: {best_of_n: {samples: 4}}".to_owned())];
        Self { recipes, keys: Keys::default(), settings, gate: None, folder }
    }

    /// The same with this recipe alone.
    pub(crate) fn recipe(mut self, name: &'static str, sections: &str) -> Self {
        self.recipes = vec![(name, sections.to_owned())];
        self
    }

    /// The same with other limits.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// The same behind this gate.
    pub(crate) fn behind(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Opens its middle.
    pub(crate) fn open(&self) -> Result<Arc<Service>, Refusal> {
        let offers = self.recipes.iter().map(|recipe| gated(recipe, self.gate.as_ref())).collect();
        Service::open(offers, catalogue(), self.settings.clone(), self.keys.len().max(1))
    }

    /// Starts a server.
    pub(crate) async fn start(self) -> Server {
        let service = self.open().unwrap();
        let app = Arc::new(App { service: Arc::clone(&service), keys: self.keys });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move { serve(app, listener, async { drop(stopped.await) }).await.unwrap() });
        Server { address, service, stop: Some(stop), task, folder: self.folder }
    }
}

/// A recipe, behind a gate where there is one.
fn gated((name, sections): &(&str, String), gate: Option<&Gate>) -> Offer {
    let mut offer = offer(name, sections).unwrap();
    if let Some(gate) = gate {
        for editor in &mut offer.editors {
            *editor = Arc::new(Gated { inner: Arc::clone(editor), gate: gate.clone() });
        }
    }
    offer
}

/// A server that runs until it is stopped or dropped.
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) address: std::net::SocketAddr,
    /// Its middle.
    pub(crate) service: Arc<Service>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    folder: TempDir,
}

impl Server {
    /// Its address with a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The folder of its runs.
    pub(crate) fn runs_dir(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Ends it as an operator does, and waits until it has.
    pub(crate) async fn stop(mut self) -> TempDir {
        drop(self.stop.take());
        self.task.await.unwrap();
        self.folder
    }
}

/// Waits until something is so; fails the test where it never is.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A PNG of soft stripes, so that edits of it differ.
pub(crate) fn photo(width: u32, height: u32) -> Vec<u8> {
    let mix = |n: u32| (u64::from(n) * 2_654_435_761 % 97) as f32 / 97.0;
    let at = |x: u32, y: u32| [0.2 + 0.5 * mix(x / 4), 0.3 + 0.4 * mix(y / 4 + 50), 0.5 * mix((x + y) / 8 + 9)];
    let rgb = (0..height).flat_map(|y| (0..width).map(move |x| at(x, y))).collect();
    png(&Pixels::new(width, height, rgb).unwrap())
}

/// A PNG whose left half is transparent.
pub(crate) fn half_mask(width: u32, height: u32) -> Vec<u8> {
    let (rgb, alpha) = (0..width * height).map(|at| ([0.0; 3], if at % width < width / 2 { 0.0 } else { 1.0 })).unzip();
    png(&Pixels::new(width, height, rgb).unwrap().with_alpha(Some(alpha)))
}

fn png(pixels: &Pixels) -> Vec<u8> {
    encode(pixels, &Metadata::default(), EncodeOptions::PNG).unwrap()
}
