//! The route `/v1/images/edits`.

use editscale_core::ImageSize;
use serde_json::{Value, json};

use super::{base64, colour};
use crate::server::exchange::Answer;
use crate::server::png::png;
use crate::server::request::Asked;
use crate::server::{ServerFault, State};

pub(super) fn answer(state: &mut State, asked: &Asked, fault: Option<&ServerFault>) -> Option<Answer> {
    if asked.line != "POST /v1/images/edits" {
        return None;
    }
    let body = edit(state, asked, fault);
    Some(if body.starts_with(b"data:") { Answer::of("text/event-stream", body) } else { Answer::new(200, body) })
}

fn edit(state: &mut State, asked: &Asked, fault: Option<&ServerFault>) -> Vec<u8> {
    let file = once(state, asked);
    let picture = match fault {
        Some(ServerFault::Base64(text)) => json!({"b64_json": text}),
        Some(ServerFault::Address(address)) => json!({"url": address}),
        _ => json!({"b64_json": base64(&file)}),
    };
    if asked.text("stream").as_deref() == Some("true") {
        return stream(state, asked, &base64(&file), fault);
    }
    let count = ServerFault::pictures(fault);
    let mut answer = json!({"created": 1, "data": vec![picture; count]});
    if let Some(usage) = &state.usage {
        answer["usage"] = usage.clone();
    }
    answer.to_string().into_bytes()
}

/// The picture, made once for a key where the server honours those. What goes wrong goes wrong on the way back.
fn once(state: &mut State, asked: &Asked) -> Vec<u8> {
    let key = asked.header("idempotency-key").unwrap_or_default().to_owned();
    if let Some(known) = state.keyed.as_ref().and_then(|keyed| keyed.get(&key)) {
        return known.clone();
    }
    let (prompt, seed) = (asked.text("prompt").unwrap_or_default(), asked.text("seed").unwrap_or_default());
    state.made.push(format!("{key} {seed}"));
    let file = png(size(asked), colour(&prompt, &seed));
    if let Some(keyed) = &mut state.keyed {
        keyed.insert(key, file.clone());
    }
    file
}

/// The same as a stream of events: pictures of what there is so far, then the picture.
fn stream(state: &State, asked: &Asked, picture: &str, fault: Option<&ServerFault>) -> Vec<u8> {
    if asked.text("partial_images").is_none() {
        return chunks(picture, fault);
    }
    let count: usize = asked.text("partial_images").and_then(|count| count.parse().ok()).unwrap_or(0);
    let partial =
        |place| json!({"type": "image_edit.partial_image", "partial_image_index": place, "b64_json": picture});
    let mut events: Vec<Value> = (0..count).map(partial).collect();
    match fault {
        Some(ServerFault::Event(text)) => events.push(serde_json::from_str(text).unwrap_or_default()),
        Some(ServerFault::Pictures(0)) => {}
        _ => {
            let mut completed = json!({"type": "image_edit.completed", "b64_json": picture});
            completed["usage"] = state.usage.clone().unwrap_or(Value::Null);
            events.push(completed);
        }
    }
    events.iter().map(|event| format!("data: {event}\n\n")).collect::<String>().into_bytes()
}

/// The stream of `vLLM-Omni`: what the model says, the picture, the end.
fn chunks(picture: &str, fault: Option<&ServerFault>) -> Vec<u8> {
    let chunk = |kind: &str| json!({"object": "image.edit.chunk", "type": kind, "created": 1, "model": "a-model"});
    let mut events = vec![chunk("ar_delta")];
    events[0]["delta"] = "I think".into();
    match fault {
        Some(ServerFault::Event(text)) => events.push(serde_json::from_str(text).unwrap_or_default()),
        Some(ServerFault::Pictures(0)) => {}
        _ => {
            let mut image = chunk("image");
            image["data"] = json!([{"b64_json": picture, "revised_prompt": null}]);
            events.push(image);
        }
    }
    let text: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    format!("{text}data: [DONE]\n\n").into_bytes()
}

/// The size that was asked for, or a small one.
fn size(asked: &Asked) -> ImageSize {
    let text = asked.text("size").unwrap_or_default();
    let sides = text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    let (width, height) = sides.unwrap_or((16, 8));
    ImageSize { width, height }
}
