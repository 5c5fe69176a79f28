//! Requests that are too large or too slow, and answers that nobody reads.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::wire::{Answer, PATIENCE, rest};
use super::world::{Plan, World, wish};

const LIMIT: usize = 100_000;

async fn small() -> World {
    Plan::new().with(|settings| settings.body_bytes = LIMIT).begin().await
}

/// Opens a connection and sends this.
async fn sent(world: &World, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// The head of a request with a body.
fn head(world: &World, more: &str) -> Vec<u8> {
    let address = world.address;
    format!("POST /v1/runs HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n{more}\r\n\r\n")
        .into_bytes()
}

fn check(bytes: &[u8], status: u16, code: &str) {
    let answer = Answer::read(bytes).expect("an answer");
    assert_eq!((answer.status, answer.code().as_str()), (status, code));
    assert_eq!(answer.header("connection"), Some("close"));
    assert!(answer.header("x-request-id").is_some());
}

#[tokio::test]
async fn what_says_that_it_is_too_large_is_not_read() {
    let world = small().await;
    for more in ["content-length: 1073741824", "content-length: 1073741824\r\nexpect: 100-continue"] {
        let mut stream = sent(&world, &head(&world, more)).await;
        check(&rest(&mut stream).await, 413, "too_large");
    }
}

#[tokio::test]
async fn what_turns_out_too_large_is_cut() {
    let world = small().await;
    let mut stream = sent(&world, &head(&world, "transfer-encoding: chunked")).await;
    let chunk = [b"2000\r\n".as_slice(), &[b' '; 0x2000], b"\r\n"].concat();
    let mut taken = 0;
    // A gigabyte, if it were let.
    while taken < 1 << 30 && stream.write_all(&chunk).await.is_ok() {
        taken += chunk.len();
    }
    assert!(taken < 100 << 20, "{taken} bytes were taken");
    check(&rest(&mut stream).await, 413, "too_large");
}

#[tokio::test]
async fn what_is_just_large_enough_is_taken() {
    let world = small().await;
    let mut body = wish();
    body["instruction"] = json!("make it warmer");
    let padding = LIMIT - body.to_string().len();
    for (more, expected) in [(0, 202), (1, 413)] {
        let mut bytes = body.to_string().into_bytes();
        bytes.resize(bytes.len() + padding + more, b' ');
        let length = format!("content-length: {}\r\nconnection: close", bytes.len());
        let mut stream = sent(&world, &[head(&world, &length), bytes].concat()).await;
        assert_eq!(Answer::read(&rest(&mut stream).await).unwrap().status, expected);
    }
}

#[tokio::test]
async fn silence_and_dawdling_are_cut() {
    let plan = Plan::new().with(|settings| settings.body_silence = Duration::from_millis(200));
    let world = plan.begin().await;
    let mut stream = sent(&world, &head(&world, "content-length: 100")).await;
    check(&rest(&mut stream).await, 408, "too_slow");

    let plan = Plan::new().with(|settings| settings.body_time = Duration::from_millis(300));
    let world = plan.begin().await;
    let (mut reads, mut writes) = sent(&world, &head(&world, "content-length: 1000000")).await.into_split();
    let drip = tokio::spawn(async move {
        while writes.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    let mut bytes = Vec::new();
    timeout(PATIENCE, reads.read_to_end(&mut bytes)).await.unwrap().ok();
    check(&bytes, 408, "too_slow");
    drip.abort();
}

#[tokio::test]
async fn heads_that_do_not_end_are_cut() {
    let world = Plan::new().with(|settings| settings.head_time = Duration::from_millis(200)).begin().await;
    let (mut reads, mut writes) = sent(&world, b"GET / HTTP/1.1\r\n").await.into_split();
    let drip = tokio::spawn(async move {
        while writes.write_all(b"x: y\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut bytes = Vec::new();
    timeout(PATIENCE, reads.read_to_end(&mut bytes)).await.unwrap().ok();
    drip.abort();
    assert!(Answer::read(&bytes).is_none_or(|answer| answer.status != 200));
    // A connection that says nothing at all ends in the same way.
    assert_eq!(rest(&mut TcpStream::connect(world.address).await.unwrap()).await, b"");
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_given_up() {
    let world = Plan::new().with(|settings| settings.write_time = Duration::from_millis(300)).begin().await;
    let request = world.ask("GET", "/openapi.json").header("connection", "keep-alive").bytes();
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    let whole = world.get("/openapi.json").await.body.len();
    let asked = 40_000_000 / whole;
    let all = request.repeat(asked);
    // Nothing is read while this goes out: when both sides' buffers are full, the server waits, and then gives up.
    let writes = async {
        stream.write_all(&all).await?;
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            stream.write_all(&request).await?;
        }
    };
    let given_up: std::io::Result<()> = timeout(PATIENCE, writes).await.expect("the connection is given up");
    given_up.unwrap_err();
    let came = rest(&mut stream).await.len();
    assert!(came < asked * whole, "{came} of {asked} answers of {whole}");
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let world = small().await;
    let one = world.ask("GET", "/healthz").header("connection", "keep-alive").bytes();
    let last = world.ask("GET", "/v1/runs").bytes();
    let bytes = rest(&mut sent(&world, &[one.clone(), one, last].concat()).await).await;
    assert_eq!(String::from_utf8(bytes).unwrap().matches("HTTP/1.1 200 OK").count(), 3);
}

#[tokio::test]
async fn who_is_refused_while_sending_hears_why() {
    let (plan, _) = Plan::new().keyed(["alice"]);
    let world = plan.begin().await;
    let body = vec![b' '; 5 << 20];
    let more = format!("connection: close\r\ncontent-length: {}", body.len());
    let mut stream = sent(&world, &[head(&world, &more), body].concat()).await;
    let answer = Answer::read(&rest(&mut stream).await).expect("an answer");
    assert_eq!(answer.status, 401);
}
