//! Downloads from a hub on this machine, with everything that goes wrong on the way.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use editscale_fetch::{Client, Download, FetchError, Hub, HubSettings, Patience, RepoId, Snapshot, TextRules, Token};
use editscale_testkit::{FakeHub, Fault};
use sha2::{Digest, Sha256};

const REPO: &str = "owner/model";
const FILE: &str = "/owner/model/resolve/0123456789abcdef0123456789abcdef01234567/weights.bin";
const LARGE: usize = 300_000;

/// Bytes in hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn client() -> Client {
    let short = Duration::from_millis(2);
    let patience = Patience { attempts: 3, first_wait: short, longest_wait: short, ..Patience::default() };
    Client::new(patience).unwrap()
}

fn bytes() -> Vec<u8> {
    (0..LARGE).map(|at| (at * 31 % 251) as u8).collect()
}

fn fake() -> FakeHub {
    FakeHub::start().with(REPO, "weights.bin", bytes()).with(REPO, "config.json", "{}")
}

/// A hub, a folder to download to, and a cache beside it.
struct Desk {
    fake: FakeHub,
    folder: tempfile::TempDir,
    token: Option<Token>,
    is_offline: bool,
}

impl Desk {
    fn new(fake: FakeHub) -> Self {
        Self { fake, folder: tempfile::tempdir().unwrap(), token: None, is_offline: false }
    }

    fn hub(&self) -> Hub {
        let settings = HubSettings {
            endpoint: self.fake.url(),
            token: self.token.clone(),
            cache: self.folder.path().join("cache"),
            is_offline: self.is_offline,
        };
        Hub::new(client(), settings).unwrap()
    }

    fn to(&self) -> PathBuf {
        self.folder.path().join("model/weights.bin")
    }

    async fn snapshot(&self) -> Result<Snapshot, FetchError> {
        self.hub().snapshot(&RepoId::new(REPO).unwrap(), "main").await
    }

    async fn fetch(&self, path: &str) -> Result<(), FetchError> {
        let snapshot = self.snapshot().await?;
        self.hub().fetch(&snapshot, snapshot.file(path).expect("the file"), &self.to(), &|_| ()).await
    }

    /// Downloads the large file and looks at it.
    async fn fetches_well(&self) {
        self.fetch("weights.bin").await.unwrap();
        assert!(fs::read(self.to()).unwrap() == bytes());
        assert_eq!(self.left(), ["weights.bin"]);
    }

    /// The error in words. No file is there then.
    async fn fails(&self) -> String {
        let error = self.fetch("weights.bin").await.unwrap_err();
        assert!(!self.to().exists());
        error.to_string()
    }

    fn left(&self) -> Vec<String> {
        let entries = fs::read_dir(self.to().parent().unwrap()).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
    }

    fn store_requests(&self) -> Vec<String> {
        self.fake.requests().into_iter().filter(|request| request.starts_with("store")).collect()
    }
}

#[tokio::test]
async fn a_file_comes_whole_and_progress_is_told() {
    let desk = Desk::new(fake());
    let snapshot = desk.snapshot().await.unwrap();
    let file = snapshot.file("weights.bin").unwrap();
    assert_eq!((file.bytes, file.sha256.is_some()), (Some(LARGE as u64), true));
    let most = AtomicU64::new(0);
    let arrived = |bytes| _ = most.fetch_max(bytes, Ordering::Relaxed);
    desk.hub().fetch(&snapshot, file, &desk.to(), &arrived).await.unwrap();
    assert_eq!(most.into_inner(), LARGE as u64);
    assert!(fs::read(desk.to()).unwrap() == bytes());
}

#[tokio::test]
async fn a_broken_connection_is_gone_on_with() {
    let desk = Desk::new(fake());
    desk.fake.fail(FILE, Fault::Break(100_000));
    desk.fake.fail(FILE, Fault::Status(503, ""));
    desk.fake.fail(FILE, Fault::Break(50_000));
    desk.fetches_well().await;
    let asked: Vec<String> = desk.store_requests().iter().map(|request| request.replace(FILE, "")).collect();
    assert_eq!(asked, ["store ", "store  from 100000", "store  from 100000", "store  from 150000"]);
}

#[tokio::test]
async fn a_later_call_goes_on_where_an_earlier_one_gave_up() {
    let desk = Desk::new(fake());
    desk.fake.fail(FILE, Fault::Break(120_000));
    (0..3).for_each(|_| desk.fake.fail(FILE, Fault::Break(0)));
    let said = desk.fails().await;
    assert!(said.contains("broke off at byte 120000 of 300000 after 3 attempts"), "{said}");
    assert_eq!(desk.left().len(), 1, "what came is kept: {:?}", desk.left());
    let before = desk.store_requests().len();
    desk.fetches_well().await;
    assert_eq!(desk.store_requests()[before..], [format!("store {FILE} from 120000")]);
}

#[tokio::test]
async fn a_server_without_ranges_sends_it_anew() {
    let desk = Desk::new(fake());
    desk.fake.fail(FILE, Fault::Break(100_000));
    desk.fake.fail(FILE, Fault::Whole);
    desk.fetches_well().await;
}

/// A server that knows no ranges, promises a thousand bytes and breaks off after a few of them, never at the same place twice
/// in a row.
fn breaks_here_and_there() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/data", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for (n, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let asked = stream.read(&mut [0; 4096]).unwrap();
            assert!(asked > 0);
            let sent = vec![7; if n % 2 == 0 { 100 } else { 50 }];
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\nconnection: close\r\n\r\n").unwrap();
            stream.write_all(&sent).unwrap();
        }
    });
    url
}

#[tokio::test]
async fn breaking_here_and_there_is_no_progress() {
    let folder = tempfile::tempdir().unwrap();
    let (url, to) = (breaks_here_and_there(), folder.path().join("data"));
    let download = Download { url: &url, token: None, to: &to, version: "1", bytes: Some(1000), sha256: None };
    let client = client();
    let tried = tokio::time::timeout(Duration::from_secs(20), client.download(&download, &|_| ())).await;
    let said = tried.expect("it gives up").unwrap_err().to_string();
    assert!(said.contains("after 3 attempts without progress"), "{said}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_its_own_folder_is_not_walked() {
    let mut desk = Desk::new(fake());
    desk.is_offline = true;
    fill_cache(desk.folder.path(), &"ab".repeat(32));
    let root = desk.folder.path().join("cache/models--owner--model/snapshots/0123456789abcdef0123456789abcdef01234567");
    for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
        std::os::unix::fs::symlink(&root, root.join(name)).unwrap();
    }
    let paths: Vec<String> = desk.snapshot().await.unwrap().files.into_iter().map(|file| file.path).collect();
    assert_eq!(paths, ["README.md", "weights.bin"]);
}

#[tokio::test]
async fn another_content_is_begun_anew() {
    let desk = Desk::new(fake());
    desk.fake.fail(FILE, Fault::Break(100_000));
    (0..3).for_each(|_| desk.fake.fail(FILE, Fault::Break(0)));
    desk.fails().await;
    let commit = "f".repeat(40);
    desk.fake.move_to(REPO, &commit, "weights.bin", vec![7; 1000]);
    desk.fetch("weights.bin").await.unwrap();
    assert!(fs::read(desk.to()).unwrap() == vec![7; 1000]);
    assert_eq!(desk.left(), ["weights.bin"]);
}

#[tokio::test]
async fn wrong_bytes_are_thrown_away() {
    let desk = Desk::new(fake());
    desk.fake.fail(FILE, Fault::Garbage);
    let said = desk.fails().await;
    let expected = hex(&Sha256::digest(bytes()));
    assert!(said.contains(&format!("expected SHA-256 {expected}, found ")), "{said}");
    assert!(desk.left().is_empty(), "{:?}", desk.left());
    desk.fetches_well().await;
}

#[tokio::test]
async fn a_wrong_length_is_an_error() {
    for told in [LARGE as u64 - 1, LARGE as u64 + 1] {
        let desk = Desk::new(fake().with_lie(REPO, "weights.bin", told));
        let said = desk.fails().await;
        assert!(said.contains(&format!("expected {told} bytes, found {LARGE}")), "{said}");
        assert!(desk.left().is_empty(), "{:?}", desk.left());
    }
}

#[tokio::test]
async fn what_is_gated_says_what_it_needs() {
    let mut desk = Desk::new(fake().with_token(REPO, "hf_good"));
    assert!(desk.fails().await.contains("owner/model: access was denied (status 401, GatedRepo): it is gated"));
    desk.token = Token::new("hf_bad");
    assert!(desk.fails().await.contains("its terms have not been accepted"));
    desk.token = Token::new("hf_good");
    desk.fetches_well().await;
    let requests = desk.fake.requests();
    assert!(requests.iter().any(|each| each.starts_with("hub") && each.ends_with("with token")), "{requests:?}");
    let leaked = requests.iter().any(|each| each.starts_with("store") && each.contains("token"));
    assert!(!leaked, "the token left the hub: {requests:?}");
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let desk = Desk::new(fake());
    let hub = desk.hub();
    let error = hub.snapshot(&RepoId::new("owner/other").unwrap(), "main").await.unwrap_err().to_string();
    assert!(error.contains("owner/other: access was denied (status 401, RepoNotFound)"), "{error}");
    let error = hub.snapshot(&RepoId::new(REPO).unwrap(), "v9").await.unwrap_err().to_string();
    assert!(error.contains("owner/model at `v9`: not found on http://127.0.0.1"), "{error}");
    desk.fake.fail(&FILE.replace("weights.bin", "config.json"), Fault::Status(404, "EntryNotFound"));
    let error = desk.fetch("config.json").await.unwrap_err().to_string();
    assert!(error.contains("owner/model: `config.json`: not found"), "{error}");
}

#[tokio::test]
async fn nobody_there_is_an_error_after_some_attempts() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = client().text(&format!("http://{free}/x"), &TextRules::up_to(9)).await.unwrap_err().to_string();
    assert!(error.contains("/x: no answer after 3 attempts: "), "{error}");
}

#[tokio::test]
async fn texts_keep_to_their_rules() {
    let fake = FakeHub::start().with_page("/page.txt", "five!").with_page("/bytes", vec![0xff, 0xfe]);
    let (client, url) = (client(), format!("{}/page.txt", fake.url()));
    assert_eq!(client.text(&url, &TextRules::up_to(5)).await.unwrap(), "five!");
    let error = client.text(&url, &TextRules::up_to(4)).await.unwrap_err().to_string();
    assert!(error.ends_with("page.txt: expected at most 4 bytes, found 5"), "{error}");
    let sum = hex(&Sha256::digest("five!"));
    for sum in [&sum, &sum.to_ascii_uppercase()] {
        let good = TextRules { sha256: Some(sum), ..TextRules::up_to(9) };
        assert!(client.text(&url, &good).await.is_ok());
    }
    let bad = TextRules { sha256: Some("00"), ..TextRules::up_to(9) };
    assert!(matches!(client.text(&url, &bad).await, Err(FetchError::Checksum { .. })));
    let error = client.text(&format!("{}/bytes", fake.url()), &TextRules::up_to(9)).await.unwrap_err().to_string();
    assert!(error.contains("expected UTF-8"), "{error}");
    fake.fail("/page.txt", Fault::Redirect("ftp://127.0.0.1/x".to_owned()));
    assert!(client.text(&url, &TextRules::up_to(9)).await.is_err());
    fake.fail("/page.txt", Fault::Break(2));
    assert_eq!(client.text(&url, &TextRules::up_to(9)).await.unwrap(), "five!");
}

/// Fills the shared cache as the hub's own tools do.
#[cfg(unix)]
fn fill_cache(folder: &Path, name: &str) {
    let root = folder.join("cache/models--owner--model");
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let snapshot = root.join("snapshots").join(commit);
    [root.join("blobs"), root.join("refs"), snapshot.clone()].iter().for_each(|each| fs::create_dir_all(each).unwrap());
    fs::write(root.join("refs/main"), commit).unwrap();
    fs::write(root.join("blobs").join(name), bytes()).unwrap();
    std::os::unix::fs::symlink(Path::new("../../blobs").join(name), snapshot.join("weights.bin")).unwrap();
    fs::write(snapshot.join("README.md"), "---\nlicense: mit\n---\n").unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn offline_the_cache_is_all_there_is() {
    let mut desk = Desk::new(fake());
    desk.is_offline = true;
    let said = desk.snapshot().await.unwrap_err().to_string();
    assert!(said.contains("models--owner--model, and HF_HUB_OFFLINE forbids"), "{said}");
    fill_cache(desk.folder.path(), &hex(&Sha256::digest(bytes())));
    let snapshot = desk.snapshot().await.unwrap();
    assert_eq!(snapshot.licence.to_string(), "mit");
    desk.fetches_well().await;
    assert!(desk.fake.requests().is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn what_the_cache_has_is_not_downloaded() {
    let desk = Desk::new(fake());
    fill_cache(desk.folder.path(), &hex(&Sha256::digest(bytes())));
    desk.fetches_well().await;
    assert!(desk.store_requests().is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn a_broken_cache_is_passed_over() {
    let mut desk = Desk::new(fake());
    fill_cache(desk.folder.path(), &"ab".repeat(32));
    let blob = desk.folder.path().join("cache/models--owner--model/blobs").join("ab".repeat(32));
    fs::write(blob, b"short").unwrap();
    desk.fetches_well().await;
    assert_eq!(desk.store_requests().len(), 1);
    fs::remove_file(desk.to()).unwrap();
    desk.is_offline = true;
    assert!(desk.fails().await.contains("expected SHA-256 abab"));
}

#[tokio::test]
async fn a_plain_address_is_downloaded_too() {
    let fake = FakeHub::start().with_page("/data", bytes());
    let folder = tempfile::tempdir().unwrap();
    let (url, to) = (format!("{}/data", fake.url()), folder.path().join("data"));
    let download = Download { url: &url, token: None, to: &to, version: "1", bytes: None, sha256: None };
    fake.fail("/data", Fault::Break(10));
    client().download(&download, &|_| ()).await.unwrap();
    assert!(fs::read(&to).unwrap() == bytes());
}
