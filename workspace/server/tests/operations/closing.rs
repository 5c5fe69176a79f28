//! How a server ends, and what the next one finds.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::wire::{Answer, rest};
use super::world::{Plan, World, wish};

/// A request whose body is not all sent: it keeps the drain open.
async fn held(world: &World) -> (TcpStream, Vec<u8>) {
    let bytes = world.ask("POST", "/v1/runs").json(&wish()).bytes();
    let (early, late) = bytes.split_at(bytes.len() - 10);
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(early).await.unwrap();
    // It is under way when the server says so.
    while !world.get("/metrics").await.text().contains("editscale_http_requests_in_flight 2\n") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    (stream, late.to_vec())
}

#[tokio::test]
async fn a_drain_refuses_ends_streams_finishes_requests_and_keeps_runs() {
    let mut world = Plan::new().with(|settings| settings.running = 1).begin().await;
    let (under_way, waits) = (world.run("").await, world.run("").await);
    world.until(&under_way, "", "running").await;
    let (mut stream, late) = held(&world).await;
    let follow = world.ask("GET", &format!("/v1/runs/{under_way}/events"));
    let follow = tokio::spawn(async move { follow.send().await.text() });
    world.stop();
    let told = follow.await.unwrap();
    assert!(
        told.contains("event: editing") && told.contains("retry: 5000") && !told.contains("event: ended"),
        "{told}"
    );
    let ready = world.get("/readyz").await;
    assert_eq!((ready.status, ready.json()["wrong"][0]["thing"].as_str().unwrap()), (503, "server"));
    assert_eq!(world.get("/healthz").await.status, 200);
    let refused = world.ask("POST", "/v1/runs").json(&wish()).send().await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "shutting_down"));
    assert!(refused.header("retry-after").is_some());
    world.until(&waits, "", "paused").await;
    stream.write_all(&late).await.unwrap();
    assert_eq!(Answer::read(&rest(&mut stream).await).expect("an answer").status, 503);
    let folder = world.ended().await;

    let next = Plan::over(&folder).begin().await;
    next.let_through(2);
    for run in [under_way, waits] {
        next.until(&run, "", "done").await;
    }
}

#[tokio::test]
async fn who_holds_all_connections_does_not_hold_the_end() {
    let limits = |settings: &mut editscale_server::Settings| {
        (settings.connections, settings.drain) = (3, Duration::from_secs(600));
        settings.head_time = Duration::from_secs(600);
    };
    let mut world = Plan::new().with(limits).begin().await;
    // Used and kept, never used, and one more that there is no room for.
    let mut used = TcpStream::connect(world.address).await.unwrap();
    let ask = world.ask("GET", "/healthz").header("connection", "keep-alive");
    used.write_all(&ask.bytes()).await.unwrap();
    used.readable().await.unwrap();
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(TcpStream::connect(world.address).await.unwrap());
    }
    world.stop();
    world.ended().await;
    drop((used, others));
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_when_the_drain_is_over() {
    let mut world = Plan::new().with(|settings| settings.drain = Duration::from_millis(300)).begin().await;
    let (mut stream, _) = held(&world).await;
    let began = Instant::now();
    world.stop();
    world.ended().await;
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(rest(&mut stream).await, b"");
}

#[tokio::test]
async fn what_was_not_accepted_is_cleared_away_and_nothing_else() {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let at = |name: &str| folder.path().join(name);
    let (begun, noted, others) = (at("r01a21546af3c6e5f73048994"), at("r01a21546af3f01e68e0e442b"), at("holiday"));
    for path in [&begun, &noted, &others] {
        std::fs::create_dir_all(path.join("images")).unwrap();
    }
    std::fs::write(noted.join("service.json"), "{}").unwrap();
    // A run that was being removed.
    let removed = at("r01a21546af4012f33b0e5c1d");
    std::fs::create_dir_all(removed.join("images")).unwrap();
    std::fs::write(removed.join("journal.jsonl"), "").unwrap();
    let world = Plan::over(&folder).begin().await;
    assert_eq!(world.get("/v1/runs").await.json()["data"], serde_json::json!([]));
    assert_eq!([begun, noted, removed, others].map(|path| path.exists()), [false, false, false, true]);
}

#[tokio::test]
async fn a_server_that_is_dropped_loses_nothing() {
    let world = Plan::new().with(|settings| settings.running = 1).begin().await;
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(world.run("").await);
    }
    let cancelled = runs.pop().unwrap();
    world.ask("DELETE", &format!("/v1/runs/{cancelled}")).send().await;
    let folder = Arc::clone(&world.folder);
    // What the end of the process would do to its tasks.
    world.service.runs().close().await;
    drop(world);
    let next = Plan::over(&folder).begin().await;
    next.let_through(2);
    for run in &runs {
        next.until(run, "", "done").await;
    }
    next.until(&cancelled, "", "cancelled").await;
    // What happened in it is on disk; that it is over is told to whoever follows it.
    let told = next.get(&format!("/v1/runs/{cancelled}/events")).await.text();
    assert!(told.contains("event: ended") && told.contains("cancelled"), "{told}");
}
