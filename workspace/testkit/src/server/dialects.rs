//! What the server answers when nothing goes wrong.

use editscale_core::ImageSize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::png::png;
use super::request::Asked;
use super::{ServerFault, State};

/// The body of the answer to a request that names an edit or asks a question; nothing where there is no such route.
pub(super) fn answer(state: &mut State, asked: &Asked, fault: Option<&ServerFault>) -> Option<Vec<u8>> {
    match asked.line.as_str() {
        "POST /v1/images/edits" => Some(edit(state, asked, fault)),
        "POST /v1/chat/completions" => Some(judge(state, asked)),
        "GET /v1/models" => Some(json!({"object": "list", "data": [{"id": "fake"}]}).to_string().into_bytes()),
        _ => None,
    }
}

fn edit(state: &mut State, asked: &Asked, fault: Option<&ServerFault>) -> Vec<u8> {
    let key = asked.header("idempotency-key").unwrap_or_default().to_owned();
    if let Some(known) = state.keyed.as_ref().and_then(|keyed| keyed.get(&key)) {
        return known.clone();
    }
    let prompt = asked.text("prompt").unwrap_or_default();
    let seed = asked.text("seed").unwrap_or_default();
    state.made.push(format!("{key} {seed}"));
    let file = png(size(asked), colour(&prompt, &seed));
    let picture = match fault {
        Some(ServerFault::Base64(text)) => json!({"b64_json": text}),
        Some(ServerFault::Address(address)) => json!({"url": address}),
        _ => json!({"b64_json": base64(&file)}),
    };
    if asked.text("stream").as_deref() == Some("true") {
        return stream(state, asked, &base64(&file), fault);
    }
    let count = if let Some(ServerFault::Pictures(count)) = fault { *count } else { 1 };
    let mut answer = json!({"created": 1, "data": vec![picture; count]});
    if let Some(usage) = &state.usage {
        answer["usage"] = usage.clone();
    }
    let body = answer.to_string().into_bytes();
    if let Some(keyed) = &mut state.keyed {
        keyed.insert(key, body.clone());
    }
    body
}

/// The same as a stream of events: pictures of what there is so far, then the picture.
fn stream(state: &State, asked: &Asked, picture: &str, fault: Option<&ServerFault>) -> Vec<u8> {
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

/// The size that was asked for, or a small one.
fn size(asked: &Asked) -> ImageSize {
    let text = asked.text("size").unwrap_or_default();
    let sides = text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    let (width, height) = sides.unwrap_or((16, 8));
    ImageSize { width, height }
}

/// One colour for one instruction and seed.
fn colour(prompt: &str, seed: &str) -> [u8; 3] {
    let digest = Sha256::digest(format!("{prompt}\n{seed}"));
    [digest[0], digest[1], digest[2]]
}

fn judge(state: &mut State, asked: &Asked) -> Vec<u8> {
    let question = asked.json();
    state.made.push("judged".to_owned());
    let usual = || json!({"reasoning": "seen", "followed": 9, "preserved": 4, "natural": 9, "clean": 9}).to_string();
    let says = state.says.as_ref().map_or_else(usual, |says| says(&question));
    let mut answer = json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": says}, "finish_reason": "stop"}],
    });
    answer["usage"] = state.usage.clone().unwrap_or(Value::Null);
    answer.to_string().into_bytes()
}

/// Standard base64 with padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len() / 3 * 4 + 4);
    for three in bytes.chunks(3) {
        let word = three.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= three.len() { char::from(letter) } else { '=' });
        }
    }
    text
}
