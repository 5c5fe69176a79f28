//! A server whose rewards are scripted, and a client that speaks plain HTTP/1.1.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use editscale_config::{Catalogue, Recipe};
use editscale_core::{
    BoxFuture, Cost, Counters, EditBackend, Failure, FailureKind, ImageSize, Judgement, Part, PartName, RewardBatch,
    RewardCard, RewardItem, RewardModel, Score, Watch,
};
use editscale_schema::{House, Made};
use editscale_server::{App, Keys, Offer, Pulse, Service, Settings, Vital, serve};
use editscale_testkit::{png, reward_card};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};

/// Nothing here takes as long; a test that waits for more has failed.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// A reward that scores a file by its digest, and waits for the test where it is told to.
pub(crate) struct Judge {
    card: RewardCard,
    /// Whether it has the two heads of `EditReward`.
    heads: bool,
    /// A call needs a permit.
    pub(crate) gate: Semaphore,
    pub(crate) sizes: Mutex<Vec<usize>>,
    pub(crate) cancelled: AtomicUsize,
}

impl Judge {
    pub(crate) fn new(name: &str, heads: bool, permits: usize) -> Arc<Self> {
        let card = RewardCard {
            largest_batch: NonZeroU32::new(16).unwrap(),
            slots: NonZeroU32::MIN,
            gives_sigma: heads,
            range: Some((0.0, 2.0)),
            ..reward_card(name)
        };
        let (gate, sizes, cancelled) = (Semaphore::new(permits), Mutex::default(), AtomicUsize::new(0));
        Arc::new(Self { card, heads, gate, sizes, cancelled })
    }

    fn judge(&self, item: &RewardItem) -> Result<Judgement, Failure> {
        // A file whose pixels are cut off is not noticed at the door, for its head is whole.
        if item.candidate.read().unwrap().len() == CUT {
            return Err(Failure::new(FailureKind::Invalid, "the pixels end too early"));
        }
        let mean = f64::from(item.candidate.digest().as_bytes()[0]) / 255.0;
        let part = |name, more| Part::new(PartName::new(name).unwrap(), mean + more, Some(0.25)).unwrap();
        let score = if self.heads {
            let parts = vec![part("instruction_following", 0.5), part("visual_quality", 0.25)];
            Score::with_sigma(mean, Some(0.125)).unwrap().with_parts(parts)
        } else {
            Score::new(mean).unwrap()
        };
        Ok(Judgement { score, cost: Cost::default(), counters: Counters::default() })
    }

    async fn work(&self, batch: RewardBatch, watch: &dyn Watch) -> Vec<Result<Judgement, Failure>> {
        self.sizes.lock().unwrap().push(batch.items.len());
        while !watch.cancelled() {
            if let Ok(permit) = self.gate.try_acquire() {
                permit.forget();
                return batch.items.iter().map(|item| self.judge(item)).collect();
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.cancelled.fetch_add(1, Ordering::SeqCst);
        batch.items.iter().map(|_| Err(Failure::new(FailureKind::Cancelled, "told to end"))).collect()
    }
}

impl RewardModel for Judge {
    fn card(&self) -> &RewardCard {
        &self.card
    }

    fn score<'a>(&'a self, batch: RewardBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Judgement, Failure>>> {
        Box::pin(self.work(batch, watch))
    }
}

/// The length of a file whose pixels are cut off.
const CUT: usize = 60;

/// A small picture that differs by its number.
pub(crate) fn picture(number: u8) -> Vec<u8> {
    png(ImageSize { width: 6, height: 4 }, [number, 100, 50])
}

/// A file that begins as a picture.
pub(crate) fn cut_picture() -> Vec<u8> {
    picture(0)[..CUT].to_vec()
}

pub(crate) fn url(file: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(file))
}

pub(crate) fn base64(file: &[u8]) -> String {
    STANDARD.encode(file)
}

/// What the judge says of a file.
pub(crate) fn score_of(file: &[u8]) -> f64 {
    f64::from(blake3::hash(file).as_bytes()[0]) / 255.0
}

struct Alive;

impl Pulse for Alive {
    fn feel(&self) -> BoxFuture<'_, Vec<Vital>> {
        Box::pin(async { Vec::new() })
    }
}

fn offer(name: &str, rewards: Vec<Arc<dyn RewardModel>>, catalogue: &Catalogue) -> Offer {
    let text = "version: 1\neditor: {darkroom: {}}\nrewards: [{model: {photometric: {}}}]\nsearch: {best_of_n: {samples: 1}}\n";
    let recipe = Recipe::parse(text.as_bytes(), catalogue).unwrap().0;
    let mut editors: Vec<Arc<dyn EditBackend>> = Vec::new();
    for editor in recipe.editors() {
        if let Ok(Made::Ready(editor)) = editor.model.make(&editor.name, &House::default()) {
            editors.push(editor);
        }
    }
    let (name, about, text) = (name.to_owned(), String::new(), text.to_owned());
    Offer { name, about, recipe, text, editors, rewards, critics: Vec::new(), pulse: Arc::new(Alive) }
}

/// A server at work. It ends with the test.
pub(crate) struct Desk {
    pub(crate) app: Arc<App>,
    pub(crate) address: SocketAddr,
    /// The first reward.
    pub(crate) judge: Arc<Judge>,
    _ended: oneshot::Sender<()>,
    _runs: TempDir,
}

/// What a server answers.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }

    /// The message of an error.
    pub(crate) fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap().to_owned()
    }
}

impl Desk {
    /// Two recipes: both have the first reward, and each a `plain` one of its own.
    pub(crate) async fn open(permits: usize, change: impl FnOnce(&mut Settings)) -> Self {
        let runs = tempfile::tempdir().unwrap();
        let mut settings = Settings::new(runs.path().to_owned());
        change(&mut settings);
        let catalogue = Catalogue::new(&[editscale_darkroom::EDITORS], &[editscale_darkroom::REWARDS]);
        let judge = Judge::new("editreward", true, permits);
        let rewards = || vec![Arc::clone(&judge) as Arc<dyn RewardModel>, Judge::new("plain", false, 1 << 20) as _];
        let offers = vec![offer("first", rewards(), &catalogue), offer("second", rewards(), &catalogue)];
        let service = Service::open(offers, catalogue, settings, 1).unwrap();
        let app = Arc::new(App { service, keys: Keys::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ended, end) = oneshot::channel::<()>();
        tokio::spawn(serve(Arc::clone(&app), listener, async { drop(end.await) }));
        Self { app, address, judge, _ended: ended, _runs: runs }
    }

    /// One that never waits.
    pub(crate) async fn usual() -> Self {
        Self::open(1 << 20, |_| {}).await
    }

    /// A connection over which a request was sent.
    pub(crate) async fn send(&self, line: &str, media: &str, body: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let head = format!(
            "{line} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: {media}\r\ncontent-length: {length}\r\n\r\n",
            self.address
        );
        // A server may answer, and hang up, before it has read everything.
        stream.write_all(head.as_bytes()).await.ok();
        stream.write_all(body).await.ok();
        stream
    }

    pub(crate) async fn ask(&self, line: &str, media: &str, body: &[u8]) -> Reply {
        reply(self.send(line, media, body).await).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.ask(&format!("POST {path}"), "application/json", body.to_string().as_bytes()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.ask(&format!("GET {path}"), "text/plain", b"").await
    }

    /// How many items wait at the first reward, and how many calls are under way.
    pub(crate) async fn load(&self) -> (u64, u64) {
        let rewards = self.get("/v1/rewards").await.json();
        let of = |name: &str| rewards["data"][0][name].as_u64().unwrap();
        (of("waiting"), of("at_work"))
    }

    /// Waits until the first reward's load is this.
    pub(crate) async fn until(&self, waiting: u64, at_work: u64) {
        let began = Instant::now();
        loop {
            let load = self.load().await;
            if load == (waiting, at_work) {
                return;
            }
            assert!(began.elapsed() < LONG, "expected {:?}, found {load:?}", (waiting, at_work));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// All that comes until the server hangs up.
pub(crate) async fn reply(mut stream: TcpStream) -> Reply {
    let mut answer = Vec::new();
    tokio::time::timeout(LONG, stream.read_to_end(&mut answer)).await.expect("an answer in time").ok();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    Reply { status, headers: lines.filter_map(header).collect(), body: answer[end + 4..].to_vec() }
}

/// An item of our own shape.
pub(crate) fn item(instruction: &str, source: &[u8], candidate: &[u8]) -> Value {
    json!({"instruction": instruction, "source": url(source), "candidate": url(candidate)})
}
