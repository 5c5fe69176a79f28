//! The native jobs of stable-diffusion.cpp: `/sdcpp/v1/...`.

use editscale_core::ImageSize;
use serde_json::{Value, json};

use super::jobs::{Stand, cancel, look, submit};
use super::{base64, colour};
use crate::server::exchange::Answer;
use crate::server::png::png;
use crate::server::request::Asked;
use crate::server::{JobPlace, ServerFault, State};

pub(super) fn answer(state: &mut State, asked: &Asked, fault: Option<&ServerFault>) -> Option<Answer> {
    let path = asked.line.split_once(" /sdcpp/v1/")?;
    Some(match path {
        ("GET", "capabilities") => Answer::json(200, &capabilities()),
        ("POST", "img_gen") => begin(state, asked),
        ("GET", path) => found(state, path.strip_prefix("jobs/")?, fault),
        (_, path) => stop(state, path.strip_prefix("jobs/")?.strip_suffix("/cancel")?),
    })
}

fn begin(state: &mut State, asked: &Asked) -> Answer {
    let body = asked.json();
    let (prompt, seed) = (body["prompt"].as_str().unwrap_or_default(), body["seed"].to_string());
    let side = |name: &str| body[name].as_u64().map_or(512, |side| side as u32);
    let file = png(ImageSize { width: side("width"), height: side("height") }, colour(prompt, &seed));
    let key = asked.header("idempotency-key").unwrap_or_default();
    let id = submit(state, format!("{key} {seed}"), file);
    let poll = format!("/sdcpp/v1/jobs/{id}");
    let job = json!({"id": id, "kind": "img_gen", "status": "queued", "created": 1, "poll_url": poll});
    Answer::json(202, &job)
}

fn found(state: &mut State, id: &str, fault: Option<&ServerFault>) -> Answer {
    let Some(stand) = look(state, id) else { return missing() };
    let file = state.jobs[id].file.clone();
    let picture = |index| json!({"index": index, "b64_json": base64(&file)});
    let mut job = job(id, &stand);
    if let Stand::Done = stand {
        let count = ServerFault::pictures(fault);
        let mut images: Vec<Value> = (0..count).map(picture).collect();
        if let Some(ServerFault::Base64(text)) = fault {
            images = vec![json!({"index": 0, "b64_json": text})];
        }
        job["result"] = json!({"output_format": "png", "images": images});
    }
    Answer::json(200, &job)
}

fn stop(state: &mut State, id: &str) -> Answer {
    if !state.jobs.contains_key(id) {
        return missing();
    }
    if state.jobs_stay == Some(JobPlace::Working) {
        let error = json!({"error": "job is currently generating and cannot be interrupted yet"});
        return Answer::json(409, &error);
    }
    let is_cancelled = cancel(state, id) || state.jobs[id].is_cancelled();
    let stand = if is_cancelled { Stand::Cancelled } else { Stand::Done };
    Answer::json(200, &job(id, &stand))
}

fn job(id: &str, stand: &Stand) -> Value {
    let (status, error) = match stand {
        Stand::Queued => ("queued", Value::Null),
        Stand::Working(_) => ("generating", Value::Null),
        Stand::Done => ("completed", Value::Null),
        Stand::Cancelled => ("cancelled", json!({"code": "cancelled", "message": "job cancelled by client"})),
    };
    json!({"id": id, "kind": "img_gen", "status": status, "created": 1, "queue_position": 0, "result": null, "error": error})
}

fn missing() -> Answer {
    Answer::new(404, br#"{"error":"job not found"}"#.to_vec())
}

fn capabilities() -> Value {
    json!({
        "model": {"name": "kontext.gguf", "stem": "kontext", "path": "/models/kontext.gguf"},
        "current_mode": "img_gen",
        "supported_modes": ["img_gen"],
        "limits": {
            "min_width": 64, "max_width": 4096, "min_height": 64, "max_height": 4096,
            "max_batch_count": 8, "max_queue_size": 64,
        },
        "features_by_mode": {"img_gen": {
            "init_image": true, "mask_image": true, "ref_images": true, "cancel_queued": true, "cancel_generating": false,
        }},
    })
}
