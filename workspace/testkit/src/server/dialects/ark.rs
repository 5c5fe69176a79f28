//! The route `/api/v3/images/generations` of Volcengine Ark.

use editscale_core::ImageSize;
use serde_json::{Value, json};

use super::{base64, colour};
use crate::server::exchange::Answer;
use crate::server::png::png;
use crate::server::request::Asked;
use crate::server::{ServerFault, State};

pub(super) fn answer(state: &mut State, asked: &Asked, fault: Option<&ServerFault>) -> Option<Answer> {
    (asked.line == "POST /api/v3/images/generations").then(|| Answer::new(200, made(state, &asked.json(), fault)))
}

fn made(state: &mut State, asked: &Value, fault: Option<&ServerFault>) -> Vec<u8> {
    let seed = asked["seed"].to_string();
    state.made.push(format!("ark {seed}"));
    let size = size(&asked["size"]);
    let file = png(size, colour(asked["prompt"].as_str().unwrap_or_default(), &seed));
    let picture = match fault {
        Some(ServerFault::Base64(text)) => json!({"b64_json": text}),
        Some(ServerFault::Address(address)) => json!({"url": address}),
        _ => json!({"b64_json": base64(&file), "size": size.to_string()}),
    };
    let count = ServerFault::pictures(fault);
    let mut answer = json!({"model": asked["model"], "created": 1, "data": vec![picture; count]});
    answer["usage"] = state.usage.clone().unwrap_or_else(|| json!({"generated_images": count}));
    answer.to_string().into_bytes()
}

/// The size that was asked for; a small one for a word.
fn size(asked: &Value) -> ImageSize {
    let sides = asked.as_str().and_then(|text| text.split_once('x'));
    let (width, height) = sides.and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?))).unwrap_or((16, 8));
    ImageSize { width, height }
}
