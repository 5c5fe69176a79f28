//! A server whose editor waits at a gate.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use editscale_config::{Catalogue, Recipe};
use editscale_core::{
    BoxFuture, Candidate, EditBackend, EditBatch, EditorCard, Failure, FailureKind, RewardCard, Watch,
};
use editscale_picture::{EncodeOptions, Metadata, Pixels, encode};
use editscale_server::{App, Keys, Offer, Pulse, Service, Settings, Vital, is_free, serve};
use editscale_testkit::{FakeEditor, FakeReward, editor_card, reward_card};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::wire::{Answer, Ask, PATIENCE};

pub(crate) const RECIPE: &str = "\
version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}}]
search: {best_of_n: {samples: 1}}
";

/// An editor that does nothing, once it is let.
pub(crate) struct Gated {
    inner: FakeEditor,
    gate: Arc<Semaphore>,
}

impl EditBackend for Gated {
    fn card(&self) -> &EditorCard {
        &self.inner.card
    }

    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        Box::pin(async move {
            let pass = loop {
                let pass = timeout(Duration::from_millis(5), self.gate.acquire()).await;
                match pass {
                    Ok(pass) => break pass.unwrap(),
                    Err(_) if watch.cancelled() => {
                        let cancelled = || Err(Failure::new(FailureKind::Cancelled, "not wanted any more"));
                        return batch.items.iter().map(|_| cancelled()).collect();
                    }
                    Err(_) => {}
                }
            };
            pass.forget();
            self.inner.edit(batch, watch).await
        })
    }
}

/// What the editor and the reward say of themselves, as the embedded ones are called.
pub(crate) fn cards() -> (EditorCard, RewardCard) {
    let (mut editor, mut reward) = (editor_card("darkroom"), reward_card("photometric"));
    editor.slots = NonZeroU32::new(64).unwrap();
    reward.slots = NonZeroU32::new(64).unwrap();
    (editor, reward)
}

/// Says what it was told to say; without anything to say, it panics.
pub(crate) struct Scripted(pub(crate) Option<Vec<Vital>>);

impl Pulse for Scripted {
    fn feel(&self) -> BoxFuture<'_, Vec<Vital>> {
        let vitals = self.0.clone();
        Box::pin(async move { vitals.expect("a pulse") })
    }
}

/// What a server is made of.
pub(crate) struct Plan {
    pub(crate) settings: Settings,
    pub(crate) keys: Keys,
    pub(crate) pulse: Scripted,
    pub(crate) folder: Arc<TempDir>,
}

impl Plan {
    pub(crate) fn new() -> Self {
        Self::over(&Arc::new(tempfile::tempdir().unwrap()))
    }

    /// The same over the folder of an earlier life.
    pub(crate) fn over(folder: &Arc<TempDir>) -> Self {
        let mut settings = Settings::new(folder.path().to_owned());
        // A test says so where it means a full disk.
        settings.disk_room = 0;
        let pulse = Scripted(Some(vec![Vital { name: "darkroom".to_owned(), trouble: None }]));
        Self { settings, keys: Keys::default(), pulse, folder: Arc::clone(folder) }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// Makes a key for each name.
    pub(crate) fn keyed<const N: usize>(mut self, names: [&str; N]) -> (Self, [String; N]) {
        let made = names.map(|name| Keys::make(name).unwrap());
        let lines: String = made.iter().map(|(_, line)| line.as_str()).collect();
        self.keys = Keys::parse(&lines).unwrap();
        (self, made.map(|(key, _)| key))
    }

    pub(crate) async fn begin(self) -> World {
        let gate = Arc::new(Semaphore::new(0));
        let catalogue = Catalogue::new(&[editscale_darkroom::EDITORS], &[editscale_darkroom::REWARDS]);
        let (editor, reward) = cards();
        let offer = Offer {
            name: "none".to_owned(),
            about: "does nothing".to_owned(),
            recipe: Recipe::parse(RECIPE.as_bytes(), &catalogue).unwrap().0,
            text: RECIPE.to_owned(),
            editors: vec![Arc::new(Gated { inner: FakeEditor::new(editor), gate: Arc::clone(&gate) })],
            rewards: vec![Arc::new(FakeReward::new(reward))],
            critics: Vec::new(),
            pulse: Arc::new(self.pulse),
        };
        let callers = self.keys.len().max(1);
        // What was dropped a moment ago may still be ending.
        while !is_free(&self.settings.runs_dir) {
            tokio::task::yield_now().await;
        }
        let service = Service::open(vec![offer], catalogue, self.settings, callers).unwrap();
        let app = Arc::new(App { service: Arc::clone(&service), keys: self.keys });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move { serve(app, listener, async { drop(stopped.await) }).await.unwrap() });
        World { address, service, gate, folder: self.folder, stop: Some(stop), task }
    }
}

/// A server at work.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) service: Arc<Service>,
    pub(crate) gate: Arc<Semaphore>,
    pub(crate) folder: Arc<TempDir>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl World {
    /// The folders of runs.
    pub(crate) fn folders(&self) -> usize {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        entries.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count()
    }

    /// Lets so many edits through.
    pub(crate) fn let_through(&self, edits: usize) {
        self.gate.add_permits(edits);
    }

    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask {
        Ask::new(self.address, method, path)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path).send().await
    }

    /// Asks for a run; its name.
    pub(crate) async fn run(&self, key: &str) -> String {
        let answer = self.ask("POST", "/v1/runs").key(key).json(&wish()).send().await;
        assert_eq!(answer.status, 202, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// Waits until a run stands so.
    pub(crate) async fn until(&self, run: &str, key: &str, state: &str) {
        let ask = self.ask("GET", &format!("/v1/runs/{run}")).key(key);
        let reached = async {
            while ask.send().await.json()["state"] != state {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("{run} is never {state}"));
    }

    /// Tells the server to end, without waiting for it.
    pub(crate) fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }

    /// Waits until the server has ended.
    pub(crate) async fn ended(self) -> Arc<TempDir> {
        timeout(PATIENCE, self.task).await.expect("an end in time").unwrap();
        self.folder
    }
}

/// What a run is asked for with.
pub(crate) fn wish() -> Value {
    json!({"image": picture(), "instruction": "make it warmer"})
}

/// A small picture as a data URL.
pub(crate) fn picture() -> String {
    let pixels = Pixels::new(4, 4, vec![[0.5, 0.4, 0.3]; 16]).unwrap();
    let bytes = encode(&pixels, &Metadata::default(), EncodeOptions::PNG).unwrap();
    format!("data:image/png;base64,{}", STANDARD.encode(bytes))
}
