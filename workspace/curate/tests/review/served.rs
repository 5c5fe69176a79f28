//! The review as it is served: who may ask, what comes back, what is on disk.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use editscale_curate::choice::{Override, Overrides};
use editscale_curate::review::{Desk, Fates, Item, Log, Selection, Settings, select, serve};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::common::{chosen_of, records};
use crate::reported::Fake;

/// A review that is served until it is dropped.
pub(crate) struct Served {
    host: String,
    token: String,
    _end: oneshot::Sender<()>,
    _runtime: tokio::runtime::Runtime,
}

/// What came back.
pub(crate) struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

fn desk(log: &Path) -> Desk {
    let records = records();
    let chosen = chosen_of(&records, &Overrides::new());
    let looked = select(&chosen, &Selection { most: 100, near_cut: false, seed: 1 }, std::iter::empty());
    let fates: Fates<'_> = chosen.fated.iter().map(|fated| ((fated.row, fated.candidate), fated)).collect();
    let items = records.into_iter().filter(|record| looked.contains(&(record.row, record.candidate)));
    let items = items.filter_map(|record| Item::of(record, &fates, &chosen)).collect();
    let settings = Settings { title: "a <data> set".to_owned(), who: "host".to_owned() };
    Desk::new(settings, items, Arc::new(Fake), Log::open(log).unwrap()).unwrap()
}

impl Served {
    pub(crate) fn new(log: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (end, ended) = oneshot::channel::<()>();
        let desk = Arc::new(desk(log));
        let address = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = desk.address(&listener).unwrap();
            tokio::spawn(serve(desk, listener, async { drop(ended.await) }));
            address
        });
        let (host, token) = address.strip_prefix("http://").unwrap().split_once("/?token=").unwrap();
        Self { host: host.to_owned(), token: token.to_owned(), _end: end, _runtime: runtime }
    }

    /// Sends a request with these further headers.
    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.host).unwrap();
        let mut text = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
        if !headers.iter().any(|(name, _)| *name == "host") {
            write!(text, "host: {}\r\n", self.host).unwrap();
        }
        headers.iter().for_each(|(name, value)| write!(text, "{name}: {value}\r\n").unwrap());
        stream.write_all(format!("{text}\r\n{body}").as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(answer[..end].to_vec()).unwrap().to_lowercase();
        Answer { status: head.split(' ').nth(1).unwrap().parse().unwrap(), head, body: answer[end + 4..].to_vec() }
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[("authorization", &format!("Bearer {}", self.token))], "")
    }

    fn say(&self, body: &str) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", &*bearer), ("content-type", "application/json")];
        self.send("POST", "/api/verdicts", &headers, body)
    }
}

fn opened() -> (Served, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (Served::new(&folder.path().join("review.jsonl")), folder)
}

#[test]
fn only_whoever_has_the_address_may_ask() {
    let (served, _folder) = opened();
    for path in [
        "/",
        "/review.js",
        "/page.css",
        "/api/items",
        "/api/verdicts",
        "/picture/0/0/source",
        "/?token=",
        "/?token=0",
        "/nothing",
    ] {
        assert_eq!(served.send("GET", path, &[], "").status, 401, "{path}");
    }
    assert_eq!(served.send("POST", "/api/verdicts", &[("content-type", "application/json")], "{}").status, 401);
    let opened = served.send("GET", &format!("/?token={}", served.token), &[], "");
    assert_eq!(opened.status, 303);
    assert!(opened.head.contains("location: /\r\n") || opened.head.ends_with("location: /"), "{}", opened.head);
    let cookie = opened.head.split("set-cookie: ").nth(1).unwrap().split("\r\n").next().unwrap();
    assert!(cookie.contains("httponly") && cookie.contains("samesite=strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    let page = served.send("GET", "/", &[("cookie", &format!("other=1; {cookie}"))], "");
    assert!(page.status == 200 && page.text().contains("What is kept?"), "{}", page.status);
    assert_eq!(served.send("GET", "/", &[("cookie", "editscale_review_1=0")], "").status, 401);
}

#[test]
fn pages_of_other_sites_are_refused_even_with_the_token() {
    let (served, folder) = opened();
    let bearer = format!("Bearer {}", served.token);
    let body = r#"{"row":0,"candidate":0,"verdict":"keep"}"#;
    let own = format!("http://{}", served.host);
    let name = served.host.replace("127.0.0.1", "localhost");
    for (headers, status) in [
        (vec![("host", "evil.example")], 403),
        (vec![("host", "evil.example:80")], 403),
        (vec![("origin", "http://evil.example")], 403),
        (vec![("origin", "null")], 403),
        (vec![("sec-fetch-site", "cross-site")], 403),
        (vec![("sec-fetch-site", "same-site")], 403),
        (vec![("host", &*name)], 200),
        (vec![("origin", &*own), ("sec-fetch-site", "same-origin")], 200),
    ] {
        let mut all = vec![("authorization", &*bearer), ("content-type", "application/json")];
        all.extend(headers.iter().copied());
        assert_eq!(served.send("POST", "/api/verdicts", &all, body).status, status, "{headers:?}");
    }
    assert_eq!(Log::read(&folder.path().join("review.jsonl")).unwrap().verdicts().len(), 2);
    let plain = [("authorization", &*bearer), ("content-type", "text/plain")];
    assert_eq!(served.send("POST", "/api/verdicts", &plain, body).status, 415, "a form of another page sends no JSON");
}

#[test]
fn every_answer_is_guarded() {
    let (served, _folder) = opened();
    for path in ["/", "/api/items", "/nothing", "/picture/0/0/edited"] {
        let head = served.get(path).head;
        for guard in [
            "content-security-policy: default-src 'none'",
            "x-content-type-options: nosniff",
            "cache-control: no-store",
            "referrer-policy: no-referrer",
        ] {
            assert!(head.contains(guard), "{path} without {guard}: {head}");
        }
        assert!(!head.contains("access-control"), "{head}");
    }
}

#[test]
fn a_verdict_is_on_disk_before_it_is_answered() {
    let (served, folder) = opened();
    let path = folder.path().join("review.jsonl");
    let said = served.say(r#"{"row":4,"candidate":1,"verdict":"better-than","than":0,"who":" anna\n "}"#);
    assert_eq!((said.status, &said.json()["who"]), (200, &"anna".into()));
    assert_eq!(Log::read(&path).unwrap().compared().count(), 1);
    assert_eq!(served.say(r#"{"row":5,"candidate":0,"verdict":"drop"}"#).json()["who"], "host");
    assert_eq!(Log::read(&path).unwrap().overrides(), Overrides::from([((5, 0), Override::Drop)]));
    // Another reviewer, in a process of its own, as it were.
    let other = Served::new(&path);
    assert_eq!(other.say(r#"{"row":6,"candidate":0,"verdict":"keep"}"#).status, 200);
    let told = served.get("/api/verdicts?since=2").json();
    assert_eq!((&told["next"], &told["verdicts"][0]["row"]), (&3.into(), &6.into()));
}

#[test]
fn what_makes_no_sense_is_refused_in_words() {
    let (served, folder) = opened();
    for (body, words) in [
        (r#"{"row":99,"candidate":0,"verdict":"keep"}"#, "edited picture 0 of row 99 is not in this review"),
        (r#"{"row":4,"candidate":0,"verdict":"better-than"}"#, "without `than`"),
        (r#"{"row":4,"candidate":0,"verdict":"better-than","than":0}"#, "compared with itself"),
        (
            r#"{"row":4,"candidate":0,"verdict":"better-than","than":7}"#,
            "edited picture 7 of row 4 is not in this review",
        ),
        (r#"{"row":4,"candidate":0,"verdict":"keep","than":1}"#, "`than` beside a word on one edited picture"),
        (r#"{"row":4,"candidate":0,"verdict":"perhaps"}"#, "unknown variant"),
        ("{", "JSON"),
    ] {
        let answer = served.say(body);
        assert!((400..500).contains(&answer.status), "{body}: {}", answer.status);
        assert!(answer.json()["error"].as_str().unwrap().contains(words), "{}", answer.text());
    }
    assert_eq!(served.say(&format!("{{\"who\":\"{}\"}}", "a".repeat(20_000))).status, 413);
    assert!(Log::read(&folder.path().join("review.jsonl")).unwrap().verdicts().is_empty());
}

#[test]
fn items_and_pictures_are_told() {
    let (served, _folder) = opened();
    let told = served.get("/api/items").json();
    assert_eq!(told["title"], "a <data> set");
    let items = told["items"].as_array().unwrap();
    assert_eq!(items.len(), 25);
    assert_eq!(items.iter().filter(|item| item["is_kept"] == true).count(), 8);
    let picture = served.get("/picture/4/1/edited?edge=32");
    assert_eq!((picture.status, &picture.body[..3]), (200, &[0xff, 0xd8, 0xff][..]));
    assert!(picture.body.len() < 8_000, "{}", picture.body.len());
    for absent in ["/picture/4/9/edited", "/picture/4/1/mask", "/picture/3/0/source", "/picture/x/0/source"] {
        assert!((400..500).contains(&served.get(absent).status), "{absent}");
    }
}

#[test]
fn nothing_is_served_to_other_machines() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Arc::new(desk(&folder.path().join("review.jsonl")));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(async {
        let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
        serve(desk, listener, std::future::pending()).await.unwrap_err()
    });
    assert!(error.to_string().contains("expected an address of this machine alone"), "{error}");
}

#[test]
fn a_sample_has_whole_rows_next_to_the_cut_and_from_anywhere() {
    let chosen = chosen_of(&records(), &Overrides::new());
    let near = select(&chosen, &Selection { most: 4, near_cut: true, seed: 0 }, std::iter::empty());
    let lowest = chosen.lowest.unwrap();
    let distance = |at: &(u64, u32)| {
        let of_row = chosen.fated.iter().filter(|fated| fated.row == at.0).filter_map(|fated| fated.bound);
        of_row.map(|bound| (bound - lowest).abs()).fold(f64::INFINITY, f64::min)
    };
    let furthest = near.iter().map(distance).fold(0.0, f64::max);
    let others = chosen.fated.iter().map(|fated| (fated.row, fated.candidate)).filter(|at| !near.contains(at));
    assert!(others.map(|at| distance(&at)).all(|other| other >= furthest), "{near:?}");
    for (row, _) in &near {
        let candidates = chosen.fated.iter().filter(|fated| fated.row == *row).count();
        assert_eq!(near.iter().filter(|(other, _)| other == row).count(), candidates, "row {row} is whole");
    }
    let spoken = select(&chosen, &Selection { most: 0, near_cut: false, seed: 0 }, [(19, 0)].into_iter());
    assert_eq!(spoken.into_iter().collect::<Vec<_>>(), [(19, 0)]);
    let some = |seed| select(&chosen, &Selection { most: 10, near_cut: false, seed }, std::iter::empty());
    assert_eq!(some(1), some(1));
    assert_ne!(some(1), some(2));
}
