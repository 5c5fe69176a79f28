//! `POST /v1/score` and `GET /v1/rewards`.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use editscale_server::router;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::desk::{Desk, base64, cut_picture, item, picture, score_of};

#[tokio::test]
async fn each_item_has_its_answer_in_its_place() {
    let desk = Desk::usual().await;
    let source = picture(1);
    let items = json!([
        item("make it warmer", &source, &picture(2)),
        item("   ", &source, &picture(3)),
        {"instruction": "warmer", "source": "data:image/png;base64,!!!", "candidate": "x"},
        {"instruction": "warmer", "source": base64(&source), "candidate": base64(b"<html>")},
        {"instruction": "warmer", "source": "https://example.org/a.png", "candidate": base64(&source)},
        {"instruction": "warmer", "source": "file:a", "candidate": base64(&source)},
        item("warmer", &source, &cut_picture()),
        {"instruction": "warmer", "source": base64(&source), "candidate": base64(&picture(4))},
    ]);
    let reply = desk.post("/v1/score", &json!({"items": items})).await;
    assert_eq!(reply.status, 200);
    let reply = reply.json();
    assert_eq!(reply["reward"], json!({"name": "editreward", "revision": "fake/1", "range": [0.0, 2.0]}));
    let scores = reply["scores"].as_array().unwrap();
    let mean = score_of(&picture(2));
    let expected = json!({
        "score": mean, "sigma": 0.125, "parts": [
            {"name": "instruction_following", "score": mean + 0.5, "sigma": 0.25},
            {"name": "visual_quality", "score": mean + 0.25, "sigma": 0.25},
        ],
    });
    assert_eq!(scores[0], expected);
    assert_eq!(scores[7]["score"], score_of(&picture(4)));
    for (place, words) in [
        (1, "the instruction is empty"),
        (2, "the source: the base64"),
        (3, "the candidate: cannot use the picture"),
        (4, "the source: this server does not fetch addresses"),
        (5, "the source: files are parts of a form"),
        (6, "the pixels end too early"),
    ] {
        let error = &scores[place]["error"];
        assert_eq!(error["class"], "invalid", "{place}: {error}");
        assert!(error["message"].as_str().unwrap().contains(words), "{place}: {error}");
        assert!(scores[place]["score"].is_null());
    }
    assert_eq!(*desk.judge.sizes.lock().unwrap(), [3], "what cannot be scored is not asked about");
}

#[tokio::test]
async fn more_than_a_batch_is_cut_and_nothing_is_answered_with_nothing() {
    let desk = Desk::usual().await;
    let items: Vec<Value> = (0..40).map(|number| item("warmer", &picture(0), &picture(number))).collect();
    let reply = desk.post("/v1/score", &json!({"items": items, "reward": "second/plain"})).await.json();
    let scores = reply["scores"].as_array().unwrap();
    for (number, score) in (0..40).zip(scores) {
        assert_eq!(*score, json!({"score": score_of(&picture(number))}));
    }
    assert_eq!((scores.len(), &reply["reward"]["name"]), (40, &json!("second/plain")));
    let reply = desk.post("/v1/score", &json!({"items": []})).await;
    assert_eq!((reply.status, &reply.json()["scores"]), (200, &json!([])));
}

#[tokio::test]
async fn a_model_that_recipes_share_is_one_reward() {
    let desk = Desk::usual().await;
    let rewards = desk.get("/v1/rewards").await.json();
    let names: Vec<&str> =
        rewards["data"].as_array().unwrap().iter().map(|reward| reward["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["editreward", "plain", "second/plain"]);
    let first = &rewards["data"][0];
    for (field, expected) in [
        ("revision", json!("fake/1")),
        ("range", json!([0.0, 2.0])),
        ("kind", json!("pointwise")),
        ("gives_sigma", json!(true)),
        ("largest_batch", json!(16)),
        ("waiting", json!(0)),
    ] {
        assert_eq!(first[field], expected, "{field}");
    }
    for name in ["editreward", "first/editreward", "second/editreward"] {
        let body = json!({"reward": name, "items": [item("warmer", &picture(0), &picture(1))]});
        let reply = desk.post("/v1/score", &body).await.json();
        assert_eq!(reply["reward"]["name"], name, "a client finds the name that it asked for");
    }
    assert_eq!(*desk.judge.sizes.lock().unwrap(), [1, 1, 1]);
}

/// A form with parts: name, file name, content.
fn form(parts: &[(&str, Option<&str>, &[u8])]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        body.extend(format!("--xYz\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n").as_bytes());
        body.extend(*content);
        body.extend(b"\r\n");
    }
    body.extend(b"--xYz--\r\n");
    ("multipart/form-data; boundary=xYz".to_owned(), body)
}

#[tokio::test]
async fn a_form_has_the_files_beside_the_items() {
    let desk = Desk::usual().await;
    let items = json!([
        {"instruction": "warmer", "source": "file:source", "candidate": "file:a"},
        {"instruction": "warmer", "source": "file:source", "candidate": "file:b"},
        {"instruction": "warmer", "source": "file:source", "candidate": "file:nothing"},
        {"instruction": "warmer", "source": "file:source", "candidate": base64(&picture(9))},
    ])
    .to_string();
    let (source, a, b) = (picture(1), picture(2), picture(3));
    let files: [(&str, Option<&str>, &[u8]); 3] =
        [("source", Some("s.png"), &source), ("a", Some("x.png"), &a), ("b", Some("x.png"), &b)];
    let (media, body) = form(&[&[("items", None, items.as_bytes()), ("reward", None, b"plain")], &files[..]].concat());
    let reply = desk.ask("POST /v1/score", &media, &body).await;
    assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
    let reply = reply.json();
    let scores = reply["scores"].as_array().unwrap();
    for (place, file) in [(0, picture(2)), (1, picture(3)), (3, picture(9))] {
        assert_eq!(scores[place]["score"], score_of(&file), "{place}");
    }
    assert!(scores[2]["error"]["message"].as_str().unwrap().contains("no file part `nothing`"));
    assert_eq!(reply["reward"]["name"], "plain");
    for (parts, words) in [
        (vec![files[0]], "`items` is missing"),
        (vec![("items", None, &b"[]"[..]), files[0]], "no item names the file `source`"),
        (vec![("items", None, b"[]"), ("items", None, b"[]")], "`items` stands twice"),
        (vec![("items", None, b"[]"), ("seed", None, b"1")], "no field `seed`"),
        (vec![("items", None, b"[{}]")], "`items[0]`: missing field"),
        (vec![("items", None, b"warm")], "`items`"),
    ] {
        let (media, body) = form(&parts);
        let reply = desk.ask("POST /v1/score", &media, &body).await;
        assert_eq!(reply.status, 400, "{words}");
        assert!(reply.message().contains(words), "{words}: {}", reply.message());
    }
}

#[tokio::test]
async fn what_cannot_be_read_or_taken_is_refused_with_its_reason() {
    let desk = Desk::open(1 << 20, |settings| settings.body_bytes = 1 << 20).await;
    let good = item("warmer", &picture(0), &picture(1));
    let many = vec![json!({"instruction": "a", "source": "", "candidate": ""}); 1025];
    let long = "x".repeat(2 << 20);
    for (body, status, words) in [
        ("{".to_owned(), 400, "the body: EOF"),
        ("[]".to_owned(), 400, "the body"),
        ("{}".to_owned(), 400, "missing field `items`"),
        (json!({"items": [good], "seed": 1}).to_string(), 400, "unknown field `seed`"),
        (
            json!({"items": [good, {"instruction": "a", "source": "b"}]}).to_string(),
            400,
            "`items[1]`: missing field `candidate`",
        ),
        (json!({"items": [good, 7]}).to_string(), 400, "`items[1]`: invalid type"),
        (json!({"items": many}).to_string(), 400, "expected at most 1024 items"),
        (json!({"items": [good], "reward": "nobody"}).to_string(), 404, "no reward `nobody`"),
        (json!({"items": [good], "reward": 7}).to_string(), 400, "invalid type"),
        (json!({"items": [{"instruction": long, "source": "", "candidate": ""}]}).to_string(), 413, ""),
    ] {
        let reply = desk.ask("POST /v1/score", "application/json", body.as_bytes()).await;
        assert_eq!(reply.status, status, "{words}");
        assert!(reply.message().contains(words), "{words}: {}", reply.message());
    }
    let reply = desk.ask("POST /v1/score", "text/plain", b"warm").await;
    assert_eq!(reply.status, 415);
    assert!(reply.message().contains("application/json or multipart/form-data"));
    assert_eq!(desk.get("/v1/score").await.status, 405);
    assert!(desk.judge.sizes.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_server_that_ends_takes_nothing_more() {
    let desk = Desk::usual().await;
    desk.app.service.runs().refuse_more();
    for path in ["/v1/score", "/score"] {
        let request = Request::post(path)
            .header("host", "localhost")
            .header("content-type", "application/json")
            .body(Body::from("{\"items\": []}"))
            .unwrap();
        let response = router(Arc::clone(&desk.app)).oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(response.headers().contains_key("retry-after"));
    }
}
