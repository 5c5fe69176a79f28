//! The API of Black Forest Labs under `/bfl/v1`: a job is asked about at the address that its submission names.

use editscale_core::ImageSize;
use serde_json::{Value, json};

use super::colour;
use super::jobs::{Stand, host, look, results, submit};
use crate::server::exchange::Answer;
use crate::server::png::png;
use crate::server::request::Asked;
use crate::server::{ServerFault, State};

pub(super) fn answer(state: &mut State, asked: &Asked, fault: Option<&ServerFault>) -> Option<Answer> {
    let (method, path) = asked.line.split_once(" /bfl/v1/")?;
    if method == "POST" {
        return Some(begin(state, asked));
    }
    Some(found(state, asked, path.strip_prefix("get_result?id=")?, fault))
}

fn begin(state: &mut State, asked: &Asked) -> Answer {
    let body = asked.json();
    let (prompt, seed) = (body["prompt"].as_str().unwrap_or_default(), body["seed"].to_string());
    let file = png(ImageSize { width: 16, height: 8 }, colour(prompt, &seed));
    let id = submit(state, seed, file);
    let url = format!("http://{}/bfl/v1/get_result?id={id}", host(asked));
    let job = json!({"id": id, "polling_url": url, "cost": 4.5, "input_mp": 1.0, "output_mp": 1.0});
    Answer::json(200, &job)
}

fn found(state: &mut State, asked: &Asked, id: &str, fault: Option<&ServerFault>) -> Answer {
    let Some(stand) = look(state, id) else {
        return Answer::json(404, &json!({"id": id, "status": "Task not found", "result": null}));
    };
    let (status, progress, result) = match stand {
        Stand::Done => ("Ready", Value::Null, json!({"sample": results(state, asked, id, fault).first(), "seed": 1})),
        Stand::Working(steps) => ("Pending", json!(steps as f64 / 4.0), Value::Null),
        _ => ("Pending", Value::Null, Value::Null),
    };
    let job = json!({"id": id, "status": status, "result": result, "progress": progress, "details": null});
    Answer::json(200, &job)
}
