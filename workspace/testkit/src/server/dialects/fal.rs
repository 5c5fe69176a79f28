//! The queue of fal under `/fal`: status, result and cancellation each have an address of their own.

use editscale_core::ImageSize;
use serde_json::{Value, json};

use super::colour;
use super::jobs::{Stand, cancel, host, look, results, submit};
use crate::server::exchange::Answer;
use crate::server::png::png;
use crate::server::request::Asked;
use crate::server::{JobPlace, ServerFault, State};

pub(super) fn answer(state: &mut State, asked: &Asked, fault: Option<&ServerFault>) -> Option<Answer> {
    let (method, path) = asked.line.split_once(" /fal/")?;
    if method == "POST" {
        return Some(begin(state, asked, path));
    }
    let (_, request) = path.split_once("/requests/")?;
    Some(match (method, request.split_once('/')) {
        ("PUT", Some((id, "cancel"))) => stop(state, id),
        (_, Some((id, _))) => status(state, id),
        (_, None) => result(state, asked, request, fault),
    })
}

fn begin(state: &mut State, asked: &Asked, app: &str) -> Answer {
    let body = asked.json();
    let (prompt, seed) = (body["prompt"].as_str().unwrap_or_default(), body["seed"].to_string());
    let file = png(ImageSize { width: 16, height: 8 }, colour(prompt, &seed));
    let id = submit(state, seed, file);
    let url = format!("http://{}/fal/{app}/requests/{id}", host(asked));
    let (status, cancel) = (format!("{url}/status"), format!("{url}/cancel"));
    let job =
        json!({"request_id": id, "response_url": url, "status_url": status, "cancel_url": cancel, "queue_position": 0});
    Answer::json(200, &job)
}

fn status(state: &mut State, id: &str) -> Answer {
    let Some(stand) = look(state, id) else { return missing() };
    let logs = |steps| json!([{"message": format!("{}%|##  | {steps}/4 [00:01<00:01, 2.0it/s]", steps * 25)}]);
    let status = match stand {
        Stand::Queued => json!({"status": "IN_QUEUE", "queue_position": 1}),
        Stand::Working(steps) => json!({"status": "IN_PROGRESS", "logs": logs(steps)}),
        Stand::Done => json!({"status": "COMPLETED", "logs": [], "metrics": {"inference_time": 1.5}}),
        Stand::Cancelled => {
            json!({"status": "COMPLETED", "error": "Request was cancelled", "error_type": "client_cancelled"})
        }
    };
    Answer::json(200, &status)
}

fn result(state: &mut State, asked: &Asked, id: &str, fault: Option<&ServerFault>) -> Answer {
    if !state.jobs.contains_key(id) {
        return missing();
    }
    let image = |url: String| json!({"url": url, "content_type": "image/png"});
    let images: Vec<Value> = results(state, asked, id, fault).into_iter().map(image).collect();
    Answer::json(200, &json!({"images": images, "seed": 1, "prompt": ""}))
}

fn stop(state: &mut State, id: &str) -> Answer {
    if !state.jobs.contains_key(id) {
        return Answer::new(404, br#"{"status":"NOT_FOUND"}"#.to_vec());
    }
    if state.jobs_stay == Some(JobPlace::Queued) && cancel(state, id) {
        Answer::new(200, br#"{"status":"OK"}"#.to_vec())
    } else if cancel(state, id) {
        Answer::new(202, br#"{"status":"CANCELLATION_REQUESTED"}"#.to_vec())
    } else {
        Answer::new(400, br#"{"status":"ALREADY_COMPLETED"}"#.to_vec())
    }
}

fn missing() -> Answer {
    Answer::new(404, br#"{"detail":"Request not found"}"#.to_vec())
}
