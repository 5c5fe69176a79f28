//! Servers that mean no good, or are broken in ways that no framework is: byte by byte over a bare connection.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use editscale_core::{FailureKind, NobodyWatches, RewardBatch, RewardModel, RewardName};
use editscale_remote::{
    ComparingJudge, ComparingJudgeOptions, OpenAiImages, OpenAiImagesOptions, Profile, ServerOptions,
};
use editscale_testkit::{FakeServer, base64, png};

use crate::comparing::items as candidates;
use crate::support::{SIZE, connection, edit, item, judge, judge_options, options, request};

/// A server that reads a request and then does with each connection what it is told. Its base address comes back.
fn bare(behave: impl Fn(TcpStream) + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let behave = behave.clone();
            thread::spawn(move || {
                read_all(&stream);
                behave(stream);
            });
        }
    });
    base
}

/// Reads the head and as much body as it declares.
fn read_all(mut stream: &TcpStream) {
    let (mut text, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let Ok(read @ 1..) = stream.read(&mut part) else { return };
        text.extend_from_slice(&part[..read]);
        let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&text[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
        if text.len() >= end + 4 + length.unwrap_or(0_usize) {
            return;
        }
    }
}

/// An editor of that server, with short limits and without a second attempt.
fn editor(base: &str) -> OpenAiImages {
    OpenAiImages::new(impatient(base)).unwrap()
}

fn impatient(base: &str) -> OpenAiImagesOptions {
    let mut options = options(Profile::Generic, &FakeServer::at("http://127.0.0.1:1/v1"));
    options.connection = connection(&[base.to_owned()]);
    options.connection.retry.attempts = 1;
    options.connection.most_answer_bytes = 1 << 16;
    let timeouts = &mut options.connection.timeouts;
    (timeouts.connect, timeouts.answer) = (Duration::from_millis(300), Duration::from_millis(300));
    (timeouts.silence, timeouts.body) = (Duration::from_millis(300), Duration::from_millis(600));
    options
}

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";

/// Writes the same again and again until nobody reads it.
fn for_ever(mut stream: TcpStream, text: &str, pause: Duration) {
    while stream.write_all(text.as_bytes()).is_ok() {
        thread::sleep(pause);
    }
}

/// What a server does with a connection, what the edit comes to, and words of its failure.
type Case = (&'static str, fn(TcpStream), FailureKind, &'static str);

fn heads() -> Vec<Case> {
    vec![
        ("a head, byte by byte", |stream| for_ever(stream, "a", Duration::from_millis(20)), FailureKind::Ambiguous, ""),
        (
            "headers without end",
            |mut stream| {
                stream.write_all(HEAD.as_bytes()).ok();
                for_ever(stream, "X-More: yes\r\n", Duration::ZERO);
            },
            FailureKind::Ambiguous,
            "",
        ),
        (
            "interim answers without end",
            |stream| for_ever(stream, "HTTP/1.1 103 Early Hints\r\n\r\n", Duration::from_millis(1)),
            FailureKind::Ambiguous,
            "no answer within",
        ),
    ]
}

fn bodies() -> Vec<Case> {
    vec![
        (
            "a body, byte by byte",
            |mut stream| {
                write!(stream, "{HEAD}Content-Length: 60000\r\n\r\n").ok();
                for_ever(stream, " ", Duration::from_millis(20));
            },
            FailureKind::Ambiguous,
            "took longer than",
        ),
        (
            "chunks without end",
            |mut stream| {
                write!(stream, "{HEAD}Transfer-Encoding: chunked\r\n\r\n").ok();
                for_ever(stream, "8\r\n        \r\n", Duration::ZERO);
            },
            FailureKind::Malformed,
            "at most 65536 bytes",
        ),
        (
            "trailers without end",
            |mut stream| {
                write!(stream, "{HEAD}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n").ok();
                for_ever(stream, "X-More: yes\r\n", Duration::ZERO);
            },
            FailureKind::Ambiguous,
            "",
        ),
        (
            "events without end",
            |mut stream| {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").ok();
                for_ever(stream, "data: {}\n\n", Duration::ZERO);
            },
            FailureKind::Malformed,
            "at most 65536 bytes",
        ),
        (
            "a body shorter than declared",
            |mut stream| {
                write!(stream, "{HEAD}Content-Length: 100\r\n\r\n{{\"data\":[]}}").ok();
            },
            FailureKind::Ambiguous,
            "broke off after 11 bytes",
        ),
        (
            "a body that declares more than there is room for",
            |mut stream| {
                write!(stream, "{HEAD}Content-Length: 1099511627776\r\n\r\n").ok();
            },
            FailureKind::Malformed,
            "at most 65536 bytes",
        ),
        (
            "a length that is none",
            |mut stream| {
                write!(stream, "{HEAD}Content-Length: 18446744073709551615\r\n\r\n").ok();
            },
            FailureKind::Ambiguous,
            "",
        ),
        (
            "two lengths",
            |mut stream| {
                write!(stream, "{HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}}}").ok();
            },
            FailureKind::Ambiguous,
            "",
        ),
        (
            "a change of protocol",
            |mut stream| {
                stream
                    .write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")
                    .ok();
            },
            FailureKind::Malformed,
            "status 101",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn no_server_holds_a_call_or_fills_the_memory() {
    for (name, behave, kind, words) in heads().into_iter().chain(bodies()) {
        let began = Instant::now();
        let failure = edit(&editor(&bare(behave)), item(&request(None, None))).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{name}: {failure}");
        assert!(failure.message.contains(words), "{name}: {failure}");
        assert!(began.elapsed() < Duration::from_secs(5), "{name}: {:?}", began.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_packed_is_not_unpacked() {
    // A server that packs though nobody asked it to: 1 MB of nothing in a few bytes is no JSON, and stays those few bytes.
    let asked = bare(|mut stream| {
        let body = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03";
        write!(stream, "{HEAD}Content-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len()).ok();
        stream.write_all(body).ok();
    });
    let failure = edit(&editor(&asked), item(&request(None, None))).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Malformed, "{failure}");
    let server = FakeServer::start();
    edit(&editor(&server.base()), item(&request(None, None))).await.unwrap();
    assert_eq!(server.asked()[0].header("accept-encoding"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn very_many_values_are_no_answer() {
    let body = format!("[{}0]", "0,".repeat(3 << 20));
    let base = bare(move |mut stream| {
        write!(stream, "{HEAD}Content-Length: {}\r\n\r\n{body}", body.len()).ok();
    });
    let mut wide = impatient(&base);
    wide.connection.most_answer_bytes = 1 << 30;
    wide.connection.timeouts.body = Duration::from_secs(20);
    let failure = edit(&OpenAiImages::new(wide.clone()).unwrap(), item(&request(None, None))).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Malformed, "{failure}");
    let mut judged = judge_options(&FakeServer::at("http://127.0.0.1:1/v1"));
    judged.asking.connection = wide.connection;
    let failure = judge(&editscale_remote::ChatJudge::new(judged).unwrap()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Malformed, "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_may_be_silent_as_long_as_an_answer_may_be_awaited() {
    let base = bare(|mut stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n").ok();
        thread::sleep(Duration::from_millis(500));
        let picture = base64(&png(SIZE, [1, 2, 3]));
        write!(stream, "data: {{\"type\":\"image_edit.completed\",\"b64_json\":\"{picture}\"}}\n\n").ok();
    });
    let mut streaming = OpenAiImagesOptions { profile: Profile::OpenAi, partial_images: Some(0), ..impatient(&base) };
    streaming.connection.timeouts.answer = Duration::from_secs(20);
    streaming.connection.timeouts.silence = Duration::from_millis(100);
    streaming.connection.timeouts.body = Duration::from_millis(100);
    edit(&OpenAiImages::new(streaming).unwrap(), item(&request(None, None))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_that_is_cut_short_or_told_in_part_is_none() {
    let whole = png(SIZE, [1, 2, 3]);
    for (status, length) in [("200 OK", whole.len() - 5), ("206 Partial Content", whole.len()), ("204 No Content", 0)] {
        let part = whole[..length].to_vec();
        let files = bare(move |mut stream| {
            // No length is told: the end of the connection is the end of the file.
            write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n\r\n").ok();
            stream.write_all(&part).ok();
        });
        let server = FakeServer::start();
        server.fail([editscale_testkit::ServerFault::Address(format!("{files}/a.png"))]);
        let failure = edit(&editor(&server.base()), item(&request(None, None))).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Malformed, "{status}: {failure}");
    }
}

#[tokio::test]
async fn a_paid_picture_is_fetched_again_where_that_may_help() {
    use editscale_testkit::ServerFault::{Address, Answer};
    let answer = |status| Answer(status, Vec::new(), String::new());
    let asked = Answer(429, vec![("retry-after-ms", "30".to_owned())], String::new());
    for (faults, fetched) in [
        (vec![answer(404), answer(425), asked.clone()], Some(30)),
        (vec![answer(408), answer(500), answer(503)], Some(0)),
        (vec![answer(404); 4], None),
        (vec![Answer(429, vec![("retry-after", "3600".to_owned())], String::new())], None),
        (vec![answer(403)], None),
    ] {
        let server = FakeServer::start();
        server.put("a.png", 200, Vec::new(), png(SIZE, [1, 2, 3]));
        server.fail_at("GET /files/a.png", faults.clone());
        server.fail_at("POST", [Address(server.base().replace("/v1", "/files/a.png"))]);
        let began = Instant::now();
        let made = edit(&editor(&server.base()), item(&request(None, None))).await;
        assert_eq!(made.is_ok(), fetched.is_some(), "{faults:?}: {made:?}");
        let least = Duration::from_millis(fetched.unwrap_or_default());
        assert!(began.elapsed() >= least, "{faults:?}");
        let files = server.asked().iter().filter(|asked| asked.line.starts_with("GET")).count();
        assert_eq!(files, faults.len() + usize::from(made.is_ok()), "{faults:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_has_less_time_than_an_edit() {
    let files = bare(|stream| for_ever(stream, "", Duration::from_millis(20)));
    let server = FakeServer::start();
    server.fail([editscale_testkit::ServerFault::Address(format!("{files}/a.png"))]);
    let mut options = impatient(&server.base());
    options.connection.timeouts.answer = Duration::from_secs(600);
    let began = Instant::now();
    let failure = edit(&OpenAiImages::new(options).unwrap(), item(&request(None, None))).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Malformed, "{failure}");
    assert!(failure.message.contains("took longer than 1 s") && began.elapsed() < Duration::from_secs(60), "{failure}");
}

#[tokio::test]
async fn what_misleads_a_reader_reaches_no_terminal() {
    use editscale_testkit::ServerFault::{Address, Answer};
    let server = FakeServer::start();
    // A terminal's title, letters from right to left, and one that is not seen.
    let escape = "\u{1b}]0;owned\u{7}\u{202e}dab\u{202c}\u{200b}";
    let misleads = |letter: char| letter.is_control() || "\u{202e}\u{202c}\u{200b}".contains(letter);
    let json = serde_json::json!({"error": {"message": escape, "code": escape}}).to_string();
    for fault in [
        Answer(400, Vec::new(), json),
        Answer(400, Vec::new(), escape.to_owned()),
        Answer(400, Vec::new(), format!("<html><title>{escape}</title>")),
        Address(format!("ftp://{escape}/")),
        Address(format!("http://10.0.0.1/{escape}")),
    ] {
        server.fail([fault.clone()]);
        let failure = edit(&editor(&server.base()), item(&request(None, None))).await.unwrap_err();
        assert!(!failure.to_string().chars().any(misleads), "{fault:?}: {failure:?}");
    }
    server.says(move |_| escape.to_owned());
    let failure = judge(&editscale_remote::ChatJudge::new(judge_options(&server)).unwrap()).await.unwrap_err();
    assert!(!failure.to_string().chars().any(misleads), "{failure:?}");
    let name = RewardName::new("judge").unwrap();
    let compares = ComparingJudgeOptions::pairwise(name, "a-judge", connection(&[server.base()]));
    let items = candidates(&[1, 2]);
    for judged in ComparingJudge::new(compares).unwrap().score(RewardBatch { items }, &NobodyWatches).await {
        let failure = judged.unwrap_err();
        assert!(failure.message.contains("owned") && !failure.message.chars().any(misleads), "{failure:?}");
    }
}

/// What the process of its own is told.
const CHILD: &str = "EDITSCALE_TEST_PROXIED";

/// Does nothing unless the test below runs it as a process of its own.
#[tokio::test]
async fn a_process_that_has_a_proxy() {
    let Ok(base) = std::env::var(CHILD) else { return };
    edit(&editor(&base), item(&request(None, None))).await.unwrap();
    let mut far = impatient(&base);
    far.connection.servers = vec![ServerOptions::new("http://editscale.invalid/v1")];
    assert!(edit(&OpenAiImages::new(far).unwrap(), item(&request(None, None))).await.is_err());
}

#[test]
fn what_is_meant_for_this_machine_passes_no_proxy() {
    let (server, proxy) = (FakeServer::start(), FakeServer::start());
    let address = proxy.base().trim_end_matches("/v1").to_owned();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "hostile::a_process_that_has_a_proxy"]).env(CHILD, server.base()).stdout(Stdio::null());
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, &address);
    }
    child.env_remove("NO_PROXY").env_remove("no_proxy");
    assert!(child.status().unwrap().success());
    assert_eq!(server.asked().len(), 1, "the server on this machine was asked itself");
    let through: Vec<String> = proxy.asked().iter().map(|asked| asked.line.clone()).collect();
    assert!(through.iter().all(|line| line.contains("editscale.invalid")) && !through.is_empty(), "{through:?}");
}
