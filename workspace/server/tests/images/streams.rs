//! Answers that stream.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::client::{form_with, looked_at, picture, post};
use crate::common::{Plan, Server};

/// The events of a stream: their names and data.
pub(crate) fn events(text: &str) -> Vec<(String, Value)> {
    let blocks = text.split("\n\n").filter(|block| !block.trim().is_empty() && !block.starts_with(':'));
    let event = |block: &str| {
        let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
        (line("event:"), serde_json::from_str(&line("data:")).unwrap())
    };
    blocks.map(event).collect()
}

async fn streamed(server: &Server, texts: &[(&'static str, &str)]) -> Vec<(String, Value)> {
    let response = post(server, form_with(texts).text("stream", "true")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    events(&response.text().await.unwrap())
}

#[tokio::test]
async fn the_best_so_far_comes_before_the_best() {
    let server = Plan::new().recipe("many", "search: {best_of_n: {samples: 8}}").start().await;
    for (partials, most) in [(None, 3), (Some("0"), 0), (Some("1"), 1), (Some("3"), 3)] {
        let mut texts = vec![("n", "2"), ("output_format", "jpeg"), ("trace", "true")];
        texts.extend(partials.map(|count| ("partial_images", count)));
        let events = streamed(&server, &texts).await;
        let (partial, completed) = events.split_at(events.len() - 2);
        assert!(partial.len() <= most && (most == 0 || !partial.is_empty()), "{partials:?}: {}", partial.len());
        for (index, (name, data)) in partial.iter().enumerate() {
            assert_eq!((name.as_str(), &data["type"]), ("image_edit.partial_image", &json!(name)));
            assert_eq!(data["partial_image_index"], index);
        }
        for (name, data) in completed {
            assert_eq!((name.as_str(), &data["type"]), ("image_edit.completed", &json!(name)));
            assert!(data["usage"]["total_tokens"].is_u64() && data["editscale"]["state"] == "done");
        }
        for (_, data) in &events {
            let facts = looked_at(&picture(data));
            assert_eq!((facts.width, facts.height, &data["size"]), (48, 32, &json!("48x32")));
            assert_eq!((&data["output_format"], &data["background"]), (&json!("jpeg"), &json!("opaque")));
            assert!(data["created_at"].is_u64() && data["quality"] == "auto");
        }
        let utility = |place: usize| completed[place].1["utility"].as_f64().unwrap();
        assert!(utility(0) >= utility(1));
        // What is long comes once.
        assert!(completed[0].1["editscale"]["trace"].is_object() && completed[1].1["editscale"].get("trace").is_none());
    }
}

#[tokio::test]
async fn a_stream_and_a_whole_answer_have_the_same_pictures() {
    let server = Plan::new().start().await;
    let events = streamed(&server, &[("n", "3"), ("seed", "5")]).await;
    let whole = crate::client::success(post(&server, form_with(&[("n", "3"), ("seed", "5")]))).await;
    let completed = events.iter().filter(|(name, _)| name == "image_edit.completed");
    let pictures: Vec<&Value> = completed.map(|(_, data)| &data["b64_json"]).collect();
    let expected: Vec<&Value> = whole["data"].as_array().unwrap().iter().map(|entry| &entry["b64_json"]).collect();
    assert_eq!(pictures, expected);
}

#[tokio::test]
async fn a_stream_of_a_run_that_has_ended_has_its_pictures() {
    let server = Plan::new().start().await;
    for _ in 0..2 {
        let form = form_with(&[("stream", "true"), ("partial_images", "0")]);
        let response = post(&server, form).header("idempotency-key", "k").send().await.unwrap();
        let events = events(&response.text().await.unwrap());
        assert_eq!(events.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["image_edit.completed"]);
    }
    assert_eq!(server.service.runs().of(&editscale_server::Owner("local".to_owned()), 9).len(), 1);
}
