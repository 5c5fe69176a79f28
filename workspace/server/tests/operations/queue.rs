//! The queue: bounded, fair, with deadlines and keys under which a request may come again.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::wire::PATIENCE;
use super::world::{Plan, wish};

fn narrow(waiting: usize) -> Plan {
    Plan::new().with(|settings| (settings.running, settings.waiting) = (1, waiting))
}

#[tokio::test]
async fn a_full_queue_says_when_to_come_again() {
    let world = narrow(2).begin().await;
    for _ in 0..3 {
        world.run("").await;
    }
    let answer = world.ask("POST", "/v1/runs").json(&wish()).send().await;
    assert_eq!((answer.status, answer.code().as_str()), (429, "queue_full"));
    let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=600).contains(&after));
    // Nothing of a refused run stays on disk.
    let folders = world.folders();
    assert_eq!(folders, 3);
}

#[tokio::test]
async fn callers_take_turns() {
    let (plan, [alice, bob]) = narrow(8).keyed(["alice", "bob"]);
    let world = plan.begin().await;
    let mut runs = Vec::new();
    for key in [&alice, &alice, &alice, &bob] {
        runs.push((world.run(key).await, key));
    }
    for turn in [0, 1, 3, 2] {
        let (run, key) = &runs[turn];
        world.until(run, key, "running").await;
        world.let_through(1);
        world.until(run, key, "done").await;
    }
    // One caller alone cannot fill the queue.
    let mut statuses = Vec::new();
    for key in [&alice, &alice, &alice, &alice, &alice, &alice, &bob] {
        statuses.push(world.ask("POST", "/v1/runs").key(key).json(&wish()).send().await.status);
    }
    assert_eq!(statuses, [202, 202, 202, 202, 202, 429, 202]);
}

#[tokio::test]
async fn deadlines_hold_for_what_waits_and_what_runs() {
    let world = narrow(1).begin().await;
    let mut hasty = wish();
    hasty["deadline_secs"] = json!(0.3);
    let ask = world.ask("POST", "/v1/runs").json(&hasty);
    let mut runs = Vec::new();
    for _ in 0..2 {
        runs.push(ask.send().await.json()["id"].as_str().unwrap().to_owned());
    }
    for run in &runs {
        world.until(run, "", "expired").await;
    }
    // Both places are free again.
    let next = world.run("").await;
    world.until(&next, "", "running").await;
    world.run("").await;
}

#[tokio::test]
async fn cancelling_gives_the_place_back() {
    let world = narrow(1).begin().await;
    let (first, second) = (world.run("").await, world.run("").await);
    world.until(&first, "", "running").await;
    let cancel = async |run: &str| world.ask("DELETE", &format!("/v1/runs/{run}")).send().await.status;
    assert_eq!(cancel(&second).await, 200);
    world.until(&second, "", "cancelled").await;
    let third = world.run("").await;
    assert_eq!(cancel(&first).await, 200);
    world.until(&third, "", "running").await;
    world.until(&first, "", "cancelled").await;
    assert_eq!(cancel(&first).await, 200);
}

#[tokio::test]
async fn the_same_key_gets_the_same_run() {
    let (plan, [alice, bob]) = Plan::new().keyed(["alice", "bob"]);
    let world = plan.begin().await;
    let ask = world.ask("POST", "/v1/runs").json(&wish()).header("idempotency-key", "one");
    let hers = join_all((0..16).map(|_| ask.clone().key(&alice)).map(|ask| async move { ask.send().await })).await;
    // Who comes while the run is being put on disk is told to ask again.
    assert!(hers.iter().all(|answer| matches!(answer.status, 202 | 409)), "{hers:?}");
    let again = ask.clone().key(&alice).send().await;
    let accepted = hers.iter().filter(|answer| answer.status == 202).chain([&again]);
    let runs: HashSet<String> = accepted.map(|answer| answer.json()["id"].to_string()).collect();
    assert_eq!(runs.len(), 1);
    assert_eq!(ask.clone().key(&bob).send().await.status, 202);
    assert_eq!(world.folders(), 2);
    let mut other = wish();
    other["seed"] = json!(7);
    let answer = ask.json(&other).key(&alice).send().await;
    assert_eq!((answer.status, answer.code().as_str()), (409, "conflict"));
    for wrong in ["", &"k".repeat(256)] {
        let ask = world.ask("POST", "/v1/runs").key(&alice).json(&wish()).header("idempotency-key", wrong);
        assert_eq!(ask.send().await.status, 400);
    }
}

#[tokio::test]
async fn a_follower_who_leaves_harms_nothing() {
    let world = narrow(1).begin().await;
    let run = world.run("").await;
    let follow = world.ask("GET", &format!("/v1/runs/{run}/events"));
    for _ in 0..10 {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(&follow.bytes()).await.unwrap();
        let mut some = [0; 64];
        assert!(timeout(PATIENCE, stream.read(&mut some)).await.unwrap().unwrap() > 0);
    }
    let stays = tokio::spawn(async move { follow.send().await });
    world.let_through(1);
    let told = stays.await.unwrap().text();
    world.until(&run, "", "done").await;
    let names: Vec<&str> = told.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(names, ["started", "proposed", "editing", "edited", "scored", "best", "ended"]);
    let gone = async {
        while !world.get("/metrics").await.text().contains("editscale_http_requests_in_flight 1\n") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, gone).await.expect("all followers are gone");
}

#[tokio::test]
async fn runs_that_ended_long_ago_are_still_known() {
    let (plan, [alice, bob]) = Plan::new().keyed(["alice", "bob"]);
    let world = plan.begin().await;
    world.let_through(300);
    let ask = world.ask("POST", "/v1/runs").key(&alice).json(&wish()).header("idempotency-key", "first");
    let first = ask.send().await.json()["id"].as_str().unwrap().to_owned();
    for _ in 1..300 {
        let run = world.run(&alice).await;
        world.until(&run, &alice, "done").await;
    }
    assert_eq!(ask.send().await.json()["id"], first.as_str());
    for (rest, expected) in [("", "\"done\""), ("/trace", "\"winner\":0"), ("/events", "event: ended")] {
        let ask = |key: &str| world.ask("GET", &format!("/v1/runs/{first}{rest}")).key(key);
        let (hers, his) = (ask(&alice).send().await, ask(&bob).send().await);
        assert!(hers.text().contains(expected) && his.status == 404, "{rest}: {}", hers.text());
    }
    let pick = world.ask("PUT", &format!("/v1/runs/{first}/picked")).json(&json!({"candidate": 0}));
    assert_eq!(pick.key(&alice).send().await.status, 200);
    let listed = world.ask("GET", "/v1/runs?limit=1000").key(&alice).send().await.json();
    let listed = listed["data"].as_array().unwrap();
    assert_eq!(listed.len(), 300);
    assert!(listed.iter().all(|run| run["state"] == "done"));
    assert_eq!((&listed[299]["id"], &listed[299]["picked"]), (&json!(first), &json!(0)));
}
