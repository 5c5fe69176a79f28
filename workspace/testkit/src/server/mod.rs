//! A server of pictures and judgements on this machine, with the faults that real ones have.
//!
//! It speaks every dialect of editors and judges, all on one port of its own, each under the paths that it has in the world.
//! Nothing in it waits for a time: what is slow waits until the test lets it go on, or until its client hangs up.

mod dialects;
mod exchange;
mod msgpack;
mod png;
mod request;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

pub use dialects::comfyui::ComfyRules;
pub use dialects::{base64, rollout_sample, score_of};
pub use msgpack::Packed;
pub use png::{named_picture, png};
pub use request::{Asked, Field};

/// How long a test waits for what must come. Only a failing test ever waits so long.
const LONGEST: Duration = Duration::from_secs(20);

/// What goes wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerFault {
    /// Another answer: a status, headers, and a body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// A success with these bytes as its body.
    Bytes(&'static str, Vec<u8>),
    /// The work is done, and the connection ends before any of the answer.
    Lost,
    /// The connection ends after so many bytes of the body.
    Cut(usize),
    /// So many bytes of the body, then silence until the client hangs up.
    Silent(usize),
    /// No answer until the client hangs up.
    Hang,
    /// No answer until [`FakeServer::let_go`].
    Hold,
    /// A whole answer with so many pictures.
    Pictures(usize),
    /// An answer with this text as the picture's base64.
    Base64(String),
    /// An answer with a picture at this address.
    Address(String),
    /// A stream whose last event is this JSON text.
    Event(String),
    /// A body of so many bytes, declared or not.
    Huge(usize),
    /// The server dies of it: see [`FakeServer::die`].
    Die,
}

impl ServerFault {
    /// How many pictures an answer has under this fault, if any.
    fn pictures(fault: Option<&Self>) -> usize {
        if let Some(Self::Pictures(count)) = fault { *count } else { 1 }
    }
}

/// Where a job is that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobPlace {
    /// It waits.
    Queued,
    /// It is worked on.
    Working,
}

type Replies = Arc<dyn Fn(&Asked) -> Option<(u16, Vec<u8>)> + Send + Sync>;
type Script = Arc<dyn Fn(u64) -> Option<ServerFault> + Send + Sync>;
type Says = Arc<dyn Fn(&serde_json::Value) -> String + Send + Sync>;

/// A status, headers and a body.
type File = (u16, Vec<(&'static str, String)>, Vec<u8>);

#[derive(Default)]
struct State {
    asked: Vec<Asked>,
    faults: VecDeque<ServerFault>,
    /// Faults for requests whose line begins so.
    routed: VecDeque<(String, ServerFault)>,
    script: Option<Script>,
    /// Whether the script decides over every request, not only those that are `POST`.
    scripts_all: bool,
    says: Option<Says>,
    replies: Option<Replies>,
    files: BTreeMap<String, File>,
    /// What was made by idempotency key, where the server honours those.
    keyed: Option<BTreeMap<String, Vec<u8>>>,
    usage: Option<serde_json::Value>,
    is_open: bool,
    is_dead: bool,
    /// How often it died.
    deaths: usize,
    under_way: usize,
    most_under_way: usize,
    hung_up: usize,
    comfy: dialects::comfyui::Comfy,
    /// Edits and judgements that were really made.
    made: Vec<String>,
    jobs: BTreeMap<String, dialects::jobs::Job>,
    /// Looks at a job before it is done.
    looks: usize,
    /// Where jobs stay until the test lets go.
    jobs_stay: Option<JobPlace>,
    most_jobs: usize,
}

/// The server.
#[derive(Clone)]
pub struct FakeServer {
    address: SocketAddr,
    shared: Arc<(Mutex<State>, Condvar)>,
}

impl fmt::Debug for FakeServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeServer").field("address", &self.address).finish_non_exhaustive()
    }
}

impl FakeServer {
    /// Starts one that does everything right.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let server = Self { address, shared: Arc::default() };
        let serving = server.clone();
        thread::spawn(move || serving.live(listener));
        server
    }

    /// Answers until it dies, and again from when it is brought back.
    fn live(&self, mut listener: TcpListener) {
        loop {
            for stream in listener.incoming().flatten() {
                if self.state().is_dead {
                    break;
                }
                let serving = self.clone();
                thread::spawn(move || exchange::serve(&serving, stream));
            }
            drop(listener);
            let state = self.state();
            drop(self.shared.1.wait_while(state, |state| state.is_dead).unwrap_or_else(PoisonError::into_inner));
            listener = TcpListener::bind(self.address).expect("the same port again");
        }
    }

    /// Dies: what is under way breaks off, and nobody listens any more. It still knows what it has made.
    pub fn die(&self) {
        let mut state = self.state();
        state.is_dead = true;
        state.deaths += 1;
        drop(state);
        self.shared.1.notify_all();
        // Wakes it where it waits for a connection, so that it sees that it is dead.
        std::net::TcpStream::connect(self.address).ok();
    }

    /// Brings it back.
    pub fn revive(&self) {
        self.state().is_dead = false;
        self.shared.1.notify_all();
    }

    /// Waits until it has died so many times.
    pub fn wait_for_deaths(&self, count: usize) {
        self.wait(|state| state.deaths >= count);
    }

    /// Waits until it was asked so many times.
    pub fn wait_until_asked(&self, count: usize) {
        self.wait(|state| state.asked.len() >= count);
    }

    /// The address of a server that is not there: connections to it are refused.
    pub fn nowhere() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        format!("http://{}/v1", listener.local_addr().expect("an address"))
    }

    /// Its address without a version.
    pub fn root(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A server that runs in another process, by its address with the version. Only its address is known here.
    pub fn at(base: &str) -> Self {
        let address = base.trim_start_matches("http://").trim_end_matches("/v1");
        Self { address: address.parse().expect("an address"), shared: Arc::default() }
    }

    /// Its address, with the version.
    pub fn base(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The address of a file that it has.
    pub fn file_url(&self, name: &str) -> String {
        format!("http://{}/files/{name}", self.address)
    }

    /// Lets the next requests fail, one fault each.
    pub fn fail(&self, faults: impl IntoIterator<Item = ServerFault>) {
        self.state().faults.extend(faults);
    }

    /// Lets the next requests fail whose method and path begin so, such as `GET /v1/jobs/`, one fault each. Those come before
    /// the faults of [`Self::fail`], which only requests that are `POST` meet.
    pub fn fail_at(&self, route: &str, faults: impl IntoIterator<Item = ServerFault>) {
        self.state().routed.extend(faults.into_iter().map(|fault| (route.to_owned(), fault)));
    }

    /// Decides by the number of the request how it fails.
    pub fn script(&self, script: impl Fn(u64) -> Option<ServerFault> + Send + Sync + 'static) {
        self.state().script = Some(Arc::new(script));
    }

    /// The same over every request, also those that are no `POST`; numbered in the order in which they come.
    pub fn script_all(&self, script: impl Fn(u64) -> Option<ServerFault> + Send + Sync + 'static) {
        self.script(script);
        self.state().scripts_all = true;
    }

    /// Decides by the body of a question what the judge says.
    pub fn says(&self, says: impl Fn(&serde_json::Value) -> String + Send + Sync + 'static) {
        self.state().says = Some(Arc::new(says));
    }

    /// Answers requests with this status and these bytes; as usual where nothing comes back.
    pub fn replies(&self, replies: impl Fn(&Asked) -> Option<(u16, Vec<u8>)> + Send + Sync + 'static) {
        self.state().replies = Some(Arc::new(replies));
    }

    /// Puts a file, or a redirect, under `/files/NAME`.
    pub fn put(&self, name: &str, status: u16, headers: Vec<(&'static str, String)>, body: Vec<u8>) {
        self.state().files.insert(name.to_owned(), (status, headers, body));
    }

    /// Does requests under one `Idempotency-Key` once.
    pub fn honour_keys(&self) {
        self.state().keyed = Some(BTreeMap::new());
    }

    /// Counts tokens so from now on.
    pub fn count(&self, usage: serde_json::Value) {
        self.state().usage = Some(usage);
    }

    /// Lets jobs be done after so many looks at them; without this, at the first.
    pub fn look_often(&self, looks: usize) {
        self.state().looks = looks;
    }

    /// Lets jobs stay there until [`Self::let_go`].
    pub fn keep_jobs(&self, place: JobPlace) {
        self.state().jobs_stay = Some(place);
    }

    /// Forgets every job.
    pub fn forget_jobs(&self) {
        self.state().jobs.clear();
    }

    /// The jobs that were cancelled.
    pub fn cancelled(&self) -> Vec<String> {
        let state = self.state();
        state.jobs.iter().filter(|(_, job)| job.is_cancelled()).map(|(id, _)| id.clone()).collect()
    }

    /// The most jobs that had not ended at once.
    pub fn most_jobs(&self) -> usize {
        self.state().most_jobs
    }

    /// Lets everything go on that is held, now and later.
    pub fn let_go(&self) {
        self.state().is_open = true;
        self.shared.1.notify_all();
    }

    /// Every request so far, in the order in which they were read.
    pub fn asked(&self) -> Vec<Asked> {
        self.state().asked.clone()
    }

    /// What was really made, as `KEY SEED` of each edit or `judged`: whatever became of the answer.
    pub fn made(&self) -> Vec<String> {
        self.state().made.clone()
    }

    /// The most requests that it worked on at once.
    pub fn most_under_way(&self) -> usize {
        self.state().most_under_way
    }

    /// Waits until so many requests are being worked on.
    pub fn wait_for_work(&self, count: usize) {
        self.wait(|state| state.under_way >= count);
    }

    /// Waits until so many requests have come whose method and path begin so.
    pub fn wait_for_requests(&self, route: &str, count: usize) {
        self.wait(|state| state.asked.iter().filter(|asked| asked.line.starts_with(route)).count() >= count);
    }

    /// Waits until so many clients have hung up on it.
    pub fn wait_for_hang_ups(&self, count: usize) {
        self.wait(|state| state.hung_up >= count);
    }

    fn wait(&self, until: impl Fn(&State) -> bool) {
        let state = self.state();
        let waited = self.shared.1.wait_timeout_while(state, LONGEST, |state| !until(state));
        let (_state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "what was waited for has not come");
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
