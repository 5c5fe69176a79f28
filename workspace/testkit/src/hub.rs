//! A hub of models on this machine, with the faults that real ones have.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use sha2::{Digest, Sha256};

/// Speaks the part of the Hugging Face hub's HTTP that downloads need, on a port of its own. Files are sent from a
/// second port, as the real one sends large ones from elsewhere.
#[derive(Debug)]
pub struct FakeHub {
    hub: SocketAddr,
    store: SocketAddr,
    state: Arc<Mutex<State>>,
}

/// What goes wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends after so many bytes of the body.
    Break(usize),
    /// The whole is sent, whatever part was asked for.
    Whole,
    /// A status, and the hub's code for the reason.
    Status(u16, &'static str),
    /// Bytes of the right length that are not the right ones.
    Garbage,
    /// A place to go to instead.
    Redirect(String),
}

#[derive(Debug, Default)]
struct State {
    repositories: BTreeMap<String, Repository>,
    pages: BTreeMap<String, Vec<u8>>,
    faults: BTreeMap<String, VecDeque<Fault>>,
    requests: Vec<String>,
}

#[derive(Debug, Default, Clone)]
struct Repository {
    commit: String,
    card: String,
    files: BTreeMap<String, Vec<u8>>,
    /// Lengths that the listing tells wrongly.
    lies: BTreeMap<String, u64>,
    token: Option<String>,
}

/// One request, as far as it matters.
struct Request {
    path: String,
    from: Option<usize>,
    token: Option<String>,
}

/// The commit of every repository until it is given another.
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

impl FakeHub {
    /// Starts one without repositories.
    pub fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let (hub_listener, store_listener) = (listen(), listen());
        let hub = hub_listener.local_addr().expect("an address");
        let store = store_listener.local_addr().expect("an address");
        for (listener, is_store) in [(hub_listener, false), (store_listener, true)] {
            let state = Arc::clone(&state);
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let state = Arc::clone(&state);
                    thread::spawn(move || serve(&state, stream, store, is_store));
                }
            });
        }
        Self { hub, store, state }
    }

    /// What `HF_ENDPOINT` is set to.
    pub fn url(&self) -> String {
        format!("http://{}", self.hub)
    }

    /// Where large files come from.
    pub fn store_url(&self) -> String {
        format!("http://{}", self.store)
    }

    /// Adds a file to a repository, which comes into being with its first.
    #[must_use]
    pub fn with(self, repository: &str, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.change(repository, |each| _ = each.files.insert(path.to_owned(), bytes.into()));
        self
    }

    /// Sets the card's data, as JSON.
    #[must_use]
    pub fn with_card(self, repository: &str, card: &str) -> Self {
        self.change(repository, |each| card.clone_into(&mut each.card));
        self
    }

    /// Lets only a token in.
    #[must_use]
    pub fn with_token(self, repository: &str, token: &str) -> Self {
        self.change(repository, |each| each.token = Some(token.to_owned()));
        self
    }

    /// Tells another length for a file than it has.
    #[must_use]
    pub fn with_lie(self, repository: &str, path: &str, bytes: u64) -> Self {
        self.change(repository, |each| _ = each.lies.insert(path.to_owned(), bytes));
        self
    }

    /// Adds a page outside of every repository.
    #[must_use]
    pub fn with_page(self, path: &str, bytes: impl Into<Vec<u8>>) -> Self {
        lock(&self.state).pages.insert(path.to_owned(), bytes.into());
        self
    }

    /// Lets the next request for a path go wrong; several are taken in turn. For files of a repository it is the
    /// request for their bytes, on the second port.
    pub fn fail(&self, path: &str, fault: Fault) {
        lock(&self.state).faults.entry(path.to_owned()).or_default().push_back(fault);
    }

    /// Moves a repository to another commit.
    pub fn move_to(&self, repository: &str, commit: &str, path: &str, bytes: impl Into<Vec<u8>>) {
        self.change(repository, |each| {
            commit.clone_into(&mut each.commit);
            each.files.insert(path.to_owned(), bytes.into());
        });
    }

    /// Every request so far: `hub` or `store`, the path, the first byte wanted, and whether a token came along.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.state).requests.clone()
    }

    fn change(&self, repository: &str, change: impl FnOnce(&mut Repository)) {
        let mut state = lock(&self.state);
        let new = || Repository { commit: COMMIT.to_owned(), card: "{}".to_owned(), ..Repository::default() };
        change(state.repositories.entry(repository.to_owned()).or_insert_with(new));
    }
}

fn listen() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a free port")
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(state: &Mutex<State>, mut stream: TcpStream, store: SocketAddr, is_store: bool) {
    let Some(request) = read(&stream) else { return };
    let (fault, answer) = {
        let mut state = lock(state);
        let side = if is_store { "store" } else { "hub" };
        let from = request.from.map(|from| format!(" from {from}")).unwrap_or_default();
        let token = if request.token.is_some() { " with token" } else { "" };
        state.requests.push(format!("{side} {}{from}{token}", request.path));
        // A file's address is the same on both ports; what goes wrong with it goes wrong where its bytes are.
        let is_here = is_store || !request.path.contains("/resolve/");
        let fault = if is_here { state.faults.get_mut(&request.path).and_then(VecDeque::pop_front) } else { None };
        (fault, answer(&state, &request, store, is_store))
    };
    // A client that is gone has seen enough.
    send(&mut stream, &request, fault.as_ref(), answer).ok();
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines();
    let path = lines.next()?.ok()?.split(' ').nth(1)?.split('?').next()?.to_owned();
    let (mut from, mut token) = (None, None);
    for line in lines {
        let line = line.ok()?;
        let Some((name, value)) = line.split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "range" => from = value.strip_prefix("bytes=").and_then(|range| range.split('-').next()?.parse().ok()),
            "authorization" => token = value.strip_prefix("Bearer ").map(ToOwned::to_owned),
            _ => {}
        }
    }
    Some(Request { path, from, token })
}

enum Answer {
    Body(Vec<u8>),
    Status(u16, &'static str),
    Moved(String),
}

fn answer(state: &State, request: &Request, store: SocketAddr, is_store: bool) -> Answer {
    if let Some(page) = state.pages.get(&request.path) {
        return Answer::Body(page.clone());
    }
    let parts: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
    let (owner, name, rest) = match parts.as_slice() {
        ["api", "models", owner, name, "revision", revision] => (owner, name, Err(*revision)),
        [owner, name, "resolve", commit, path @ ..] => (owner, name, Ok((*commit, path.join("/")))),
        _ => return Answer::Status(404, ""),
    };
    let Some(repository) = state.repositories.get(&format!("{owner}/{name}")) else {
        return Answer::Status(401, "RepoNotFound");
    };
    let (commit, path) = match rest {
        Err("main") => return Answer::Body(facts(repository).into_bytes()),
        Err(revision) if revision == repository.commit => return Answer::Body(facts(repository).into_bytes()),
        Err(_) => return Answer::Status(404, "RevisionNotFound"),
        Ok(file) => file,
    };
    if !is_store && repository.token.is_some() && repository.token != request.token {
        return Answer::Status(if request.token.is_some() { 403 } else { 401 }, "GatedRepo");
    }
    match repository.files.get(&path) {
        Some(_) if commit != repository.commit => Answer::Status(404, "RevisionNotFound"),
        Some(_) if !is_store => Answer::Moved(format!("http://{store}{}", request.path)),
        Some(bytes) => Answer::Body(bytes.clone()),
        None => Answer::Status(404, "EntryNotFound"),
    }
}

/// What the hub says of a repository. Weights are stored as large files, which have a checksum.
fn facts(repository: &Repository) -> String {
    let file = |(path, bytes): (&String, &Vec<u8>)| {
        let size = repository.lies.get(path).copied().unwrap_or(bytes.len() as u64);
        let sum = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let is_large = [".safetensors", ".pth", ".bin"].iter().any(|ending| path.ends_with(ending));
        let large = if is_large { format!(r#","lfs":{{"size":{size},"sha256":"{sum}"}}"#) } else { String::new() };
        format!(r#"{{"rfilename":"{path}","size":{size},"blobId":"{}"{large}}}"#, &sum[..40])
    };
    let files: Vec<String> = repository.files.iter().map(file).collect();
    let (commit, card) = (&repository.commit, &repository.card);
    format!(r#"{{"sha":"{commit}","cardData":{card},"siblings":[{}]}}"#, files.join(","))
}

fn send(stream: &mut TcpStream, request: &Request, fault: Option<&Fault>, answer: Answer) -> std::io::Result<()> {
    let answer = match fault {
        Some(Fault::Status(status, code)) => Answer::Status(*status, code),
        Some(Fault::Redirect(to)) => Answer::Moved(to.clone()),
        _ => answer,
    };
    let mut body = match answer {
        Answer::Status(status, code) => {
            return write!(
                stream,
                "HTTP/1.1 {status} No\r\nX-Error-Code: {code}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
        }
        Answer::Moved(to) => {
            return write!(
                stream,
                "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
        }
        Answer::Body(body) => body,
    };
    if fault == Some(&Fault::Garbage) {
        body.iter_mut().for_each(|byte| *byte ^= 0x55);
    }
    let whole = body.len();
    let from = request.from.filter(|_| fault != Some(&Fault::Whole));
    let head = match from {
        Some(from) if from >= whole => {
            return write!(stream, "HTTP/1.1 416 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
        Some(from) => {
            body.drain(..from);
            format!("206 Partial Content\r\nContent-Range: bytes {from}-{}/{whole}", whole - 1)
        }
        None => "200 OK".to_owned(),
    };
    write!(stream, "HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    let most = if let Some(Fault::Break(after)) = fault { (*after).min(body.len()) } else { body.len() };
    stream.write_all(&body[..most])?;
    stream.flush()
}
