//! Predictions of Replicate under `/replicate/v1`.

use editscale_core::ImageSize;
use serde_json::{Value, json};

use super::colour;
use super::jobs::{Stand, cancel, look, results, submit};
use crate::server::exchange::Answer;
use crate::server::png::png;
use crate::server::request::Asked;
use crate::server::{JobPlace, ServerFault, State};

pub(super) fn answer(state: &mut State, asked: &Asked, fault: Option<&ServerFault>) -> Option<Answer> {
    let (method, path) = asked.line.split_once(" /replicate/v1/")?;
    Some(match path.strip_prefix("predictions/") {
        Some(id) if method == "GET" => found(state, asked, id, fault),
        Some(path) => stop(state, path.strip_suffix("/cancel")?),
        None => begin(state, asked),
    })
}

fn begin(state: &mut State, asked: &Asked) -> Answer {
    let body = asked.json();
    let (prompt, seed) = (body["input"]["prompt"].as_str().unwrap_or_default(), body["input"]["seed"].to_string());
    let file = png(ImageSize { width: 16, height: 8 }, colour(prompt, &seed));
    let id = submit(state, seed, file);
    Answer::json(201, &prediction(&id, "starting", &Value::Null, None))
}

fn found(state: &mut State, asked: &Asked, id: &str, fault: Option<&ServerFault>) -> Answer {
    let Some(stand) = look(state, id) else { return missing() };
    let job = match stand {
        Stand::Queued => prediction(id, "starting", &Value::Null, None),
        Stand::Working(steps) => prediction(id, "processing", &Value::Null, Some(steps)),
        Stand::Cancelled => prediction(id, "canceled", &Value::Null, None),
        Stand::Done => {
            let urls = results(state, asked, id, fault);
            // Some models give one address, others a list of them.
            let output = if urls.len() == 1 { json!(urls[0]) } else { json!(urls) };
            prediction(id, "succeeded", &output, Some(4))
        }
    };
    Answer::json(200, &job)
}

fn stop(state: &mut State, id: &str) -> Answer {
    let begun = if state.jobs_stay == Some(JobPlace::Queued) { None } else { Some(1) };
    if !state.jobs.contains_key(id) {
        return missing();
    }
    let status = if cancel(state, id) || state.jobs[id].is_cancelled() { "canceled" } else { "succeeded" };
    Answer::json(200, &prediction(id, status, &Value::Null, begun))
}

fn prediction(id: &str, status: &str, output: &Value, steps: Option<usize>) -> Value {
    let line = |steps: usize| format!("{}%|##  | {steps}/4 [00:01<00:01,  2.0it/s]", steps * 25);
    let logs = steps.map(|steps| format!("Using seed: 1\n{}\r{}", line(0), line(steps)));
    json!({
        "id": id, "status": status, "output": output, "error": null, "logs": logs.unwrap_or_default(),
        "started_at": steps.map(|_| "2026-01-01T00:00:00Z"), "metrics": {},
    })
}

fn missing() -> Answer {
    Answer::new(
        404,
        br#"{"title":"Not Found","detail":"The requested resource could not be found.","status":404}"#.to_vec(),
    )
}
