//! One suite that every editor and every judge passes: a table with a row a dialect, and what holds for all of them.
//!
//! What differs from dialect to dialect stands in its row; what no row can have is said there, with the reason. The wire
//! format and the error table of each dialect have a file of their own.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use editscale_core::{EditRequest, Failure, Instruction, Usd};
use editscale_remote::{BreakerRules, Connection, Prices, SecretSource};
use editscale_testkit::{FakeServer, ServerFault, base64};
use tempfile::TempDir;

use crate::support::{connection, request};

/// What one picture or call costs where anything does.
pub(crate) const PRICE: Usd = Usd { micros: 100_000 };
/// The most bytes of an answer in this suite.
pub(crate) const MOST_BYTES: usize = 1 << 16;
/// The most characters of a failure's message.
const MOST_CHARACTERS: usize = 700;
/// With letters that are written otherwise in addresses.
const SECRET: &str = "sk-open/sesame+4711";
const IN_ADDRESS: &str = "sk-open%2Fsesame%2B4711";
/// What servers say of an error.
pub(crate) const WORDS: &str = "the paint has run out";

/// Who pays, and with it what becomes of a call whose answer got lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pays {
    /// Nobody: it is sent again.
    Nobody,
    /// Somebody: it is never sent again.
    Somebody,
}

impl Pays {
    /// Prices of pictures.
    pub(crate) fn for_pictures(self) -> Prices {
        let prices = Prices { picture: PRICE, ..Prices::default() };
        if self == Self::Somebody { prices } else { Prices::default() }
    }

    /// Prices of calls.
    pub(crate) fn for_calls(self) -> Prices {
        let prices = Prices { call: PRICE, ..Prices::default() };
        if self == Self::Somebody { prices } else { Prices::default() }
    }
}

/// These servers under a path, with short waits.
pub(crate) fn at(servers: &[FakeServer], path: &str, limit: Duration) -> Connection {
    let bases: Vec<String> = servers.iter().map(|server| format!("{}{path}", server.root())).collect();
    let mut connection = connection(&bases);
    connection.retry.attempts = 6;
    let timeouts = &mut connection.timeouts;
    // What the connection leaves of its time goes to the answer: both are short where one is.
    timeouts.connect = timeouts.connect.min(limit);
    (timeouts.answer, timeouts.silence) = (limit, limit);
    let short = Duration::from_millis(2);
    connection.breaker = BreakerRules { failures: 50, pause: short, longest_pause: short };
    connection.most_answer_bytes = MOST_BYTES as u64;
    connection
}

/// The same with one call at a time.
pub(crate) fn one_at_a_time(mut connection: Connection) -> Connection {
    connection.servers.iter_mut().for_each(|server| server.concurrency = NonZeroU32::MIN);
    connection
}

/// The same with a secret, which the folder holds.
pub(crate) fn with_secret(mut connection: Connection, folder: &TempDir) -> Connection {
    let path = folder.path().join("key");
    std::fs::write(&path, SECRET).unwrap();
    connection.servers.iter_mut().for_each(|server| server.secret = Some(SecretSource::File(path.clone())));
    connection
}

/// As long as nothing that should answer ever takes.
pub(crate) const LONG: Duration = Duration::from_secs(20);
/// Short enough to wait for where nothing answers.
pub(crate) const SHORT: Duration = Duration::from_secs(1);

/// How long to wait where this goes wrong.
pub(crate) fn limit(fault: &ServerFault) -> Duration {
    if matches!(fault, ServerFault::Hang | ServerFault::Silent(_)) { SHORT } else { LONG }
}

pub(crate) fn status(status: u16, headers: &[(&'static str, &str)], body: &str) -> ServerFault {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    ServerFault::Answer(status, headers, body.to_owned())
}

/// Faults that leave open whether the work was done.
pub(crate) fn doubtful() -> Vec<ServerFault> {
    let html = "<html><head><title>Welcome</title></head></html>";
    vec![
        ServerFault::Lost,
        ServerFault::Cut(0),
        ServerFault::Cut(20),
        ServerFault::Silent(0),
        ServerFault::Silent(10),
        ServerFault::Hang,
        ServerFault::Huge(MOST_BYTES + 1),
        status(200, &[], html),
        status(200, &[], ""),
        status(502, &[], html),
        status(504, &[], ""),
        status(524, &[], ""),
    ]
}

/// Faults after which nothing was done, and that pass.
pub(crate) fn passing() -> Vec<ServerFault> {
    let inside = "http://169.254.169.254/latest/meta-data";
    vec![
        status(429, &[("retry-after-ms", "5")], "slow down"),
        status(429, &[("retry-after", "0.01")], r#"{"error":{"message":"slow down"}}"#),
        status(503, &[], "<html><title>busy</title></html>"),
        status(503, &[("retry-after", "0.01")], r#"{"error":"the engine is dead"}"#),
        status(302, &[("Location", inside)], ""),
        status(307, &[("Location", inside)], ""),
    ]
}

/// Status after which the same request would fail again.
pub(crate) const FINAL: [u16; 6] = [400, 401, 402, 403, 404, 422];

/// An answer of this status whose words quote the secret in every spelling, and go on for ever.
pub(crate) fn tells_all(code: u16) -> ServerFault {
    let hidden = base64(SECRET.as_bytes());
    let long = "x".repeat(5000);
    let message = format!("{WORDS}\u{1}\u{7f}\n{SECRET} {IN_ADDRESS} {hidden} {long}");
    let body = serde_json::json!({"error": {"message": message, "code": SECRET}, "detail": message});
    status(code, &[("x-request-id", SECRET)], &body.to_string())
}

/// Holds for every failure that anybody reads.
pub(crate) fn readable(failure: &Failure, server: &FakeServer, about: &str) {
    let message = &failure.message;
    assert!(message.contains(server.root().trim_start_matches("http://")), "{about}: names the server: {message}");
    assert!(message.chars().count() <= MOST_CHARACTERS, "{about}: is short: {message}");
    assert!(!message.chars().any(char::is_control), "{about}: is plain text: {message:?}");
    let text = format!("{message} {failure:?}").to_ascii_lowercase();
    for secret in [SECRET, IN_ADDRESS, &base64(SECRET.as_bytes())] {
        assert!(!text.contains(&secret.to_ascii_lowercase()), "{about}: keeps the secret: {message}");
    }
}

/// A request with this instruction.
pub(crate) fn asking_for(instruction: &str) -> Arc<EditRequest> {
    let instruction = Instruction::new(instruction).unwrap();
    Arc::new(EditRequest { instruction, ..(*request(None, None)).clone() })
}

/// Requests whose method and path begin so.
pub(crate) fn calls(servers: &[FakeServer], route: &str) -> usize {
    servers.iter().flat_map(FakeServer::asked).filter(|asked| asked.line.starts_with(route)).count()
}

/// Each of some rows with each of the others.
pub(crate) fn pairs<A: Copy, B: Clone>(
    rows: impl IntoIterator<Item = A>,
    others: impl IntoIterator<Item = B>,
) -> Vec<(A, B)> {
    let others: Vec<B> = others.into_iter().collect();
    rows.into_iter().flat_map(|row| others.iter().cloned().map(move |other| (row, other))).collect()
}

/// Every item at once, so that the waits of one are not waited for by the next; panics are passed on.
pub(crate) async fn each<T: Send + 'static, F: Future<Output = ()> + Send + 'static>(
    items: impl IntoIterator<Item = T>,
    check: impl Fn(T) -> F,
) {
    let mut tasks = tokio::task::JoinSet::new();
    for item in items {
        tasks.spawn(check(item));
    }
    let mut failed = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            failed.push(error.into_panic().downcast::<String>().map_or_else(|_| "panicked".to_owned(), |text| *text));
        }
    }
    assert!(failed.is_empty(), "{} rows failed:\n{}", failed.len(), failed.join("\n"));
}
