//! The page and what it asks for: its files, their guards, small copies of pictures, and events taken up again.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/embedded.rs"]
mod embedded;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use editscale_core::ImageSize;
use editscale_picture::{Limits, probe};
use editscale_server::{App, Keys, Service, Settings, router};
use editscale_testkit::png;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use embedded::{catalogue, offer};

fn server(runs: &Path, keys: Keys) -> Router {
    let offers = vec![offer("two", "search: {best_of_n: {samples: 2}}").unwrap()];
    let service = Service::open(offers, catalogue(), Settings::new(runs.to_owned()), 1).unwrap();
    router(Arc::new(App { service, keys }))
}

/// What a server answers.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

async fn ask(server: &Router, method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = server.clone().oneshot(request.body(body).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    Answer { status: parts.status, headers: parts.headers, body: to_bytes(body, usize::MAX).await.unwrap() }
}

async fn get(server: &Router, path: &str) -> Answer {
    ask(server, Method::GET, path, &[], Body::empty()).await
}

/// All that the page, its style and its scripts name.
fn named(text: &str) -> Vec<String> {
    let attributes = ["src=\"page/", "href=\"page/"].into_iter().flat_map(|start| text.split(start).skip(1));
    let imports = text.split("from \"./").skip(1);
    attributes.chain(imports).map(|rest| format!("/page/{}", rest.split('"').next().unwrap())).collect()
}

#[tokio::test]
async fn every_file_that_the_page_names_is_served_and_guarded() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path(), Keys::default());
    let (mut paths, mut at) = (vec!["/".to_owned()], 0);
    while let Some(path) = paths.get(at).cloned() {
        let answer = get(&server, &path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        for (name, value) in
            [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer"), ("cache-control", "no-cache")]
        {
            assert_eq!(answer.header(name), value, "{path}: {name}");
        }
        for more in named(answer.text()) {
            if !paths.contains(&more) {
                paths.push(more);
            }
        }
        at += 1;
    }
    assert!(paths.len() > 10, "{paths:?}");
    for (path, media) in [
        ("/", "text/html; charset=utf-8"),
        ("/page/app.css", "text/css; charset=utf-8"),
        ("/page/favicon.svg", "image/svg+xml"),
        ("/page/app.js", "text/javascript; charset=utf-8"),
    ] {
        assert!(paths.iter().any(|named| named == path), "{path}: {paths:?}");
        assert_eq!(get(&server, path).await.header("content-type"), media, "{path}");
    }
}

#[tokio::test]
async fn what_a_browser_has_is_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path(), Keys::default());
    for path in ["/", "/page/app.css", "/page/app.js"] {
        let first = get(&server, path).await;
        let tag = first.header("etag");
        let again = ask(&server, Method::GET, path, &[("if-none-match", tag)], Body::empty()).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0), "{path}");
        assert_eq!(again.header("etag"), tag);
        let other = ask(&server, Method::GET, path, &[("if-none-match", "\"other\"")], Body::empty()).await;
        assert_eq!(other.body, first.body, "{path}");
        let head = ask(&server, Method::HEAD, path, &[], Body::empty()).await;
        assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0), "{path}");
    }
}

#[tokio::test]
async fn only_the_page_itself_needs_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let (key, line) = Keys::make("someone").unwrap();
    let server = server(folder.path(), Keys::parse(&line).unwrap());
    for (method, path, status) in [
        (Method::GET, "/", StatusCode::OK),
        (Method::GET, "/page/app.js", StatusCode::OK),
        (Method::GET, "/page/none.js", StatusCode::NOT_FOUND),
        (Method::GET, "/page/../v1/runs", StatusCode::NOT_FOUND),
        (Method::GET, "/page/%2e%2e/run.json", StatusCode::NOT_FOUND),
        (Method::DELETE, "/", StatusCode::METHOD_NOT_ALLOWED),
        (Method::DELETE, "/page/app.css", StatusCode::METHOD_NOT_ALLOWED),
        (Method::GET, "/v1/runs", StatusCode::UNAUTHORIZED),
    ] {
        let answer = ask(&server, method.clone(), path, &[], Body::empty()).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(status == StatusCode::OK || answer.json()["error"]["message"].is_string(), "{method} {path}");
    }
    let bearer = format!("Bearer {key}");
    let known = ask(&server, Method::GET, "/v1/runs", &[("authorization", &bearer)], Body::empty()).await;
    assert_eq!(known.status, StatusCode::OK);
}

/// A run of a picture of this size, begun under a key as the page does it, when it has ended.
async fn run(server: &Router, size: ImageSize) -> String {
    let picture = png(size, [200, 120, 60]);
    let url = format!("data:image/png;base64,{}", editscale_testkit::base64(&picture));
    let body = json!({"image": url, "instruction": "make it brighter"}).to_string();
    let headers = [("content-type", "application/json"), ("idempotency-key", "once")];
    let begun = ask(server, Method::POST, "/v1/runs", &headers, Body::from(body)).await;
    assert_eq!(begun.status, StatusCode::ACCEPTED, "{}", begun.text());
    let id = begun.json()["id"].as_str().unwrap().to_owned();
    let patience = Instant::now() + Duration::from_secs(90);
    while get(server, &format!("/v1/runs/{id}")).await.json()["state"] != "done" {
        assert!(Instant::now() < patience, "the run does not end");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    id
}

#[tokio::test]
async fn pictures_come_as_small_as_they_are_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path(), Keys::default());
    let id = run(&server, ImageSize { width: 240, height: 120 }).await;
    for (query, media, width, height) in [
        ("source", "image/png", 240, 120),
        ("source?width=100", "image/jpeg", 100, 50),
        ("source?width=240", "image/png", 240, 120),
        ("source?width=4096", "image/png", 240, 120),
        ("source?width=16&format=webp", "image/webp", 16, 8),
        ("candidates/1/image?width=60", "image/jpeg", 60, 30),
        ("candidates/best/image?width=60&format=png", "image/png", 60, 30),
    ] {
        let answer = get(&server, &format!("/v1/runs/{id}/{query}")).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, media), "{query}");
        assert_eq!(answer.header("vary"), "authorization", "{query}");
        // Which one is the best changes, and with it what is at this address.
        let kept = if query.contains("best") { "private, no-cache" } else { "private, max-age=3600" };
        assert_eq!(answer.header("cache-control"), kept, "{query}");
        let facts = probe(&answer.body, &Limits::default()).unwrap();
        assert_eq!((facts.width, facts.height), (width, height), "{query}");
    }
    for (query, status) in [
        ("source?width=15", StatusCode::BAD_REQUEST),
        ("source?width=4097", StatusCode::BAD_REQUEST),
        ("source?width=-1", StatusCode::BAD_REQUEST),
        ("source?width=x", StatusCode::BAD_REQUEST),
        ("source?width=100&format=gif", StatusCode::BAD_REQUEST),
        ("candidates/9/image?width=100", StatusCode::NOT_FOUND),
    ] {
        let answer = get(&server, &format!("/v1/runs/{id}/{query}")).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text());
        assert!(answer.json()["error"]["message"].is_string(), "{query}");
    }
}

#[tokio::test]
async fn a_list_says_what_each_run_is_and_goes_on_from() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path(), Keys::default());
    let id = run(&server, ImageSize { width: 32, height: 32 }).await;
    let body = json!({"from": {"run": id, "candidate": 1}, "instruction": "darker"}).to_string();
    let begun = ask(&server, Method::POST, "/v1/runs", &[("content-type", "application/json")], Body::from(body)).await;
    assert_eq!(begun.json()["continues"], format!("{id}:1"));
    let list = get(&server, "/v1/runs").await.json();
    let said: Vec<&str> =
        list["data"].as_array().unwrap().iter().filter_map(|run| run["instruction"].as_str()).collect();
    assert_eq!(said, ["darker", "make it brighter"]);
}

#[tokio::test]
async fn runs_that_have_ended_are_there_when_a_server_is_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let size = ImageSize { width: 32, height: 32 };
    let id = run(&server(folder.path(), Keys::default()), size).await;
    let again = server(folder.path(), Keys::default());
    let list = get(&again, "/v1/runs").await.json();
    assert_eq!((&list["data"][0]["id"], &list["data"][0]["instruction"]), (&json!(id), &json!("make it brighter")));
    assert_eq!(run(&again, size).await, id, "under the same key the same run");
    let events = get(&again, &format!("/v1/runs/{id}/events")).await;
    assert!(events.text().contains("event: ended"), "{}", events.text());
}

#[tokio::test]
async fn events_of_an_earlier_life_are_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path(), Keys::default());
    let id = run(&server, ImageSize { width: 32, height: 32 }).await;
    let path = format!("/v1/runs/{id}/events");
    let all = get(&server, &path).await;
    let last = all.text().lines().rev().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    for (seen, first) in [("0", Some("id: 1")), ("999", Some("id: 0")), (last.as_str(), None)] {
        let answer = ask(&server, Method::GET, &path, &[("last-event-id", seen)], Body::empty()).await;
        let found = answer.text().lines().find(|line| line.starts_with("id: "));
        assert_eq!(found, first, "after {seen}");
    }
}
