//! Clients that hang up before their answer.

use editscale_server::{Owner, State};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{EDITS, body_with};
use crate::common::{Gate, Plan, Server, until};

/// A request that was sent whole, over a connection of its own.
async fn send(server: &Server, headers: &str, fields: Value) -> TcpStream {
    let body = body_with(fields).to_string();
    let head = format!(
        "POST {EDITS} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n",
        server.address,
        body.len()
    );
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all((head + &body).as_bytes()).await.unwrap();
    stream
}

/// The states of all runs, the latest first.
fn states(server: &Server) -> Vec<State> {
    server.service.runs().of(&Owner("local".to_owned()), 100).iter().map(|live| live.state()).collect()
}

async fn alone(gate: &Gate) -> Server {
    Plan::new().behind(gate).with(|settings| settings.running = 1).start().await
}

#[tokio::test]
async fn one_that_waits_gives_its_place_back() {
    let gate = Gate::shut();
    let server = alone(&gate).await;
    let first = send(&server, "", json!({})).await;
    until("one is carried out", || server.service.runs().load() == (0, 1)).await;
    for fields in [json!({}), json!({"stream": true})] {
        let second = send(&server, "", fields).await;
        until("one waits", || server.service.runs().load() == (1, 1)).await;
        drop(second);
        until("none waits", || server.service.runs().load() == (0, 1)).await;
        until("it is cancelled", || states(&server)[0] == State::Cancelled).await;
    }
    drop(first);
    until("nothing is done", || server.service.runs().load() == (0, 0)).await;
}

#[tokio::test]
async fn one_that_is_carried_out_is_stopped() {
    let gate = Gate::shut();
    let server = alone(&gate).await;
    let client = send(&server, "", json!({})).await;
    until("it is carried out", || states(&server) == [State::Running]).await;
    drop(client);
    until("it is cancelled", || states(&server) == [State::Cancelled]).await;
}

#[tokio::test]
async fn a_stream_that_is_cut_stops_its_run() {
    let gate = Gate::shut();
    gate.let_through(1);
    let server = alone(&gate).await;
    let mut client = send(&server, "", json!({"stream": true})).await;
    let mut read = String::new();
    let mut bytes = [0; 4096];
    while !read.contains("partial_image") {
        let count = client.read(&mut bytes).await.unwrap();
        assert_ne!(count, 0, "{read}");
        read.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    assert_eq!(states(&server), [State::Running]);
    drop(client);
    until("it is cancelled", || states(&server) == [State::Cancelled]).await;
}

#[tokio::test]
async fn one_that_may_come_again_loses_nothing() {
    let gate = Gate::shut();
    let server = Plan::new().behind(&gate).start().await;
    let keyed = send(&server, "idempotency-key: again\r\n", json!({})).await;
    until("it is carried out", || states(&server) == [State::Running]).await;
    drop(keyed);
    // By the time at which a later hang-up was noticed, that one was too.
    let other = send(&server, "", json!({})).await;
    until("the other is carried out", || states(&server) == [State::Running, State::Running]).await;
    drop(other);
    until("the other is cancelled", || states(&server)[0] == State::Cancelled).await;
    gate.open();
    until("it is done", || states(&server) == [State::Cancelled, State::Done]).await;
}

#[tokio::test]
async fn whoever_hangs_up_at_once_leaves_nothing_running() {
    let gate = Gate::shut();
    let mut plan = Plan::new().behind(&gate).with(|settings| settings.running = 1);
    plan.recipes.push(("witness", "search: {best_of_n: {samples: 1}}".to_owned()));
    let server = plan.start().await;
    for _ in 0..20 {
        drop(send(&server, "", json!({})).await);
    }
    let witness = send(&server, "", json!({"model": "witness"})).await;
    let runs = || server.service.runs().of(&Owner("local".to_owned()), 100);
    until("one who stays has a turn", || {
        runs().iter().any(|live| live.recipe() == "witness" && live.state() == State::Running)
    })
    .await;
    drop(witness);
    until("nothing is left", || {
        server.service.runs().load() == (0, 0) && states(&server).iter().all(|state| *state == State::Cancelled)
    })
    .await;
}
