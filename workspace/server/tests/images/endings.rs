//! How a request ends whose run does not come to its own end with a picture.

use reqwest::StatusCode;
use serde_json::json;

use crate::client::{answer, file, form_with, looked_at, picture, post};
use crate::common::{Gate, PATIENCE, Plan, Server, photo, until};
use editscale_server::{Owner, State};

fn local() -> Owner {
    Owner("local".to_owned())
}

#[tokio::test]
async fn a_run_without_a_picture_is_told_with_its_reason() {
    let server = Plan::new().start().await;
    let form = reqwest::multipart::Form::new().part("image", file(photo(48, 32))).text("prompt", "add a cat in a hat");
    let (status, body) = answer(post(&server, form)).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("run_failed")));
    assert!(body["error"]["message"].as_str().unwrap().contains("no candidate could be made"), "{body}");
}

#[tokio::test]
async fn a_deadline_without_a_picture_is_told() {
    let gate = Gate::shut();
    let server = Plan::new().behind(&gate).start().await;
    let response = post(&server, form_with(&[("deadline_secs", "0.05")])).send().await.unwrap();
    assert_eq!(response.headers()["x-should-retry"], "false");
    let (status, body) = crate::client::read(response).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("deadline_passed")));
}

#[tokio::test]
async fn a_deadline_gives_the_best_so_far() {
    // How long one candidate takes here is not known: the deadline grows until it is enough.
    for secs in ["0.5", "2", "8", "32"] {
        let gate = Gate::shut();
        gate.let_through(2);
        let server = Plan::new().behind(&gate).start().await;
        let (status, body) = answer(post(&server, form_with(&[("deadline_secs", secs), ("n", "4")]))).await;
        if status == StatusCode::UNPROCESSABLE_ENTITY {
            continue;
        }
        assert_eq!((status, &body["editscale"]["state"]), (StatusCode::OK, &json!("expired")), "{body}");
        assert!(body["editscale"]["reason"].is_null());
        let entries = body["data"].as_array().unwrap();
        assert!((1..=2).contains(&entries.len()));
        for entry in entries {
            looked_at(&picture(entry));
        }
        return;
    }
    panic!("no candidate was made in time");
}

async fn cancelled_by_somebody(server: &Server, gate: &Gate, form: reqwest::multipart::Form) -> reqwest::Response {
    let request = tokio::spawn(post(server, form).send());
    until("it is carried out", || server.service.runs().load().1 == 1).await;
    let live = server.service.runs().of(&local(), 1).remove(0);
    server.service.runs().cancel(&live);
    assert_eq!(live.ended().await, State::Cancelled);
    gate.open();
    request.await.unwrap().unwrap()
}

#[tokio::test]
async fn a_run_that_somebody_else_cancelled_is_told() {
    let gate = Gate::shut();
    let server = Plan::new().behind(&gate).start().await;
    let response = cancelled_by_somebody(&server, &gate, form_with(&[])).await;
    assert_eq!(response.headers()["x-should-retry"], "false");
    let (status, body) = crate::client::read(response).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::CONFLICT, &json!("cancelled")));
}

#[tokio::test]
async fn a_stream_tells_an_error_as_an_event() {
    let gate = Gate::shut();
    let server = Plan::new().behind(&gate).start().await;
    let response = cancelled_by_somebody(&server, &gate, form_with(&[("stream", "true")])).await;
    assert_eq!(response.status(), StatusCode::OK);
    let events = crate::streams::events(&response.text().await.unwrap());
    assert_eq!(events.len(), 1, "{events:?}");
    let (name, data) = &events[0];
    assert_eq!((name.as_str(), &data["type"], &data["error"]["code"]), ("error", &json!("error"), &json!("cancelled")));
}

#[tokio::test]
async fn what_finds_no_room_is_told_when_to_come_again() {
    let gate = Gate::shut();
    let server = Plan::new().behind(&gate).with(|settings| (settings.running, settings.waiting) = (1, 1)).start().await;
    let first = tokio::spawn(post(&server, form_with(&[])).send());
    until("one is carried out", || server.service.runs().load() == (0, 1)).await;
    let second = tokio::spawn(post(&server, form_with(&[])).send());
    until("one waits", || server.service.runs().load() == (1, 1)).await;
    for texts in [&[][..], &[("stream", "true")]] {
        let response = post(&server, form_with(texts)).send().await.unwrap();
        assert!(response.headers()["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
        let (status, body) = crate::client::read(response).await;
        assert_eq!((status, &body["error"]["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!("queue_full")));
    }
    gate.open();
    for request in [first, second] {
        assert_eq!(request.await.unwrap().unwrap().status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_server_that_ends_waits_for_what_is_carried_out() {
    let gate = Gate::shut();
    let server =
        Plan::new().behind(&gate).with(|settings| (settings.running, settings.drain) = (1, PATIENCE)).start().await;
    let first = tokio::spawn(post(&server, form_with(&[])).send());
    until("one is carried out", || server.service.runs().load() == (0, 1)).await;
    let second = tokio::spawn(post(&server, form_with(&[])).send());
    until("one waits", || server.service.runs().load() == (1, 1)).await;
    let stopped = tokio::spawn(server.stop());
    // What waits does not keep the server from ending.
    let (status, body) = crate::client::read(second.await.unwrap().unwrap()).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("shutting_down")));
    gate.open();
    assert_eq!(first.await.unwrap().unwrap().status(), StatusCode::OK);
    drop(stopped.await.unwrap());
}

#[tokio::test]
async fn a_server_that_cuts_a_client_puts_its_run_aside() {
    let gate = Gate::shut();
    let plan = Plan::new().behind(&gate).with(|settings| settings.drain = std::time::Duration::from_millis(1));
    let server = plan.start().await;
    let runs = server.service.runs().clone();
    let request = tokio::spawn(post(&server, form_with(&[])).send());
    until("it is carried out", || runs.load().1 == 1).await;
    let live = runs.of(&local(), 1).remove(0);
    let folder = server.stop().await;
    assert_eq!(live.ended().await, State::Paused);
    assert!(request.await.unwrap().is_err(), "the client was cut");
    drop(folder);
}
