//! Callers of the service that share a reward: calls, room, and what is left of one that hangs up.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;

use crate::desk::{Desk, LONG, item, picture, reply, score_of};

#[tokio::test]
async fn what_waits_is_scored_in_one_call() {
    let desk = Desk::open(0, |_| {}).await;
    let body = |number| json!({"items": [item("warmer", &picture(0), &picture(number))]}).to_string();
    let ask = async |number| {
        let stream = desk.send("POST /v1/score", "application/json", body(number).as_bytes()).await;
        (number, stream)
    };
    let first = ask(0).await.1;
    desk.until(0, 1).await;
    let others = join_all((1..17).map(ask)).await;
    desk.until(16, 1).await;
    desk.judge.gate.add_permits(2);
    assert_eq!(reply(first).await.status, 200);
    for (number, stream) in others {
        assert_eq!(reply(stream).await.json()["scores"][0]["score"], score_of(&picture(number)));
    }
    assert_eq!(*desk.judge.sizes.lock().unwrap(), [1, 16]);
}

#[tokio::test]
async fn where_there_is_no_room_the_client_is_told_when_to_come_again() {
    let desk = Desk::open(0, |settings| settings.scorings = 4).await;
    let body = |count: u8| {
        let items: Vec<_> = (0..count).map(|number| item("warmer", &picture(0), &picture(number))).collect();
        json!({"items": items}).to_string()
    };
    let under_way = desk.send("POST /v1/score", "application/json", body(1).as_bytes()).await;
    desk.until(0, 1).await;
    let waiting = desk.send("POST /v1/score", "application/json", body(3).as_bytes()).await;
    desk.until(3, 1).await;
    let turn = json!({"text": "a", "image_b64": ""});
    let unirl = json!({"requests": vec![json!({"history": [turn, turn], "required_rewards": ["editreward"]}); 2]});
    for (path, body) in [("/v1/score", body(2)), ("/score", unirl.to_string())] {
        let refused = desk.ask(&format!("POST {path}"), "application/json", body.as_bytes()).await;
        assert_eq!(refused.status, 429, "{path}");
        assert!(refused.headers["retry-after"].parse::<u64>().unwrap() >= 1);
        assert!(refused.message().contains("3 scorings wait at reward `editreward`"), "{}", refused.message());
    }
    let never = desk.ask("POST /v1/score", "application/json", body(5).as_bytes()).await;
    assert_eq!(never.status, 400);
    assert!(never.message().contains("at most 4 items at a time"), "{}", never.message());
    desk.judge.gate.add_permits(2);
    for stream in [under_way, waiting] {
        assert_eq!(reply(stream).await.status, 200);
    }
}

#[tokio::test]
async fn whoever_hangs_up_is_not_worked_for() {
    let desk = Desk::open(0, |_| {}).await;
    let body = json!({"items": [item("warmer", &picture(0), &picture(1))]}).to_string();
    let under_way = desk.send("POST /v1/score", "application/json", body.as_bytes()).await;
    desk.until(0, 1).await;
    let waiting = desk.send("POST /v1/score", "application/json", body.as_bytes()).await;
    desk.until(1, 1).await;
    drop(waiting);
    desk.until(0, 1).await;
    assert_eq!(desk.judge.cancelled.load(Ordering::SeqCst), 0);
    drop(under_way);
    desk.until(0, 0).await;
    let began = Instant::now();
    while desk.judge.cancelled.load(Ordering::SeqCst) == 0 {
        assert!(began.elapsed() < LONG);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(*desk.judge.sizes.lock().unwrap(), [1]);
}
