//! The route `/v1beta/models/MODEL:generateContent`.

use editscale_core::ImageSize;
use serde_json::{Value, json};

use super::{base64, colour};
use crate::server::exchange::Answer;
use crate::server::png::png;
use crate::server::request::Asked;
use crate::server::{ServerFault, State};

/// A thought comes first, with a draft that is not the picture.
const DRAFT: [u8; 3] = [1, 1, 1];

pub(super) fn answer(state: &mut State, asked: &Asked, fault: Option<&ServerFault>) -> Option<Answer> {
    let is_ours = asked.line.starts_with("POST /v1beta/models/") && asked.line.ends_with(":generateContent");
    is_ours.then(|| Answer::new(200, made(state, &asked.json(), fault)))
}

fn made(state: &mut State, asked: &Value, fault: Option<&ServerFault>) -> Vec<u8> {
    let (parts, config) = (&asked["contents"][0]["parts"], &asked["generationConfig"]);
    let prompt = parts[0]["text"].as_str().unwrap_or_default();
    let seed = config["seed"].to_string();
    state.made.push(format!("gemini {seed}"));
    let text = match fault {
        Some(ServerFault::Base64(text)) => text.clone(),
        _ => base64(&png(size(&config["imageConfig"]), colour(prompt, &seed))),
    };
    let picture = |data: &str| json!({"inlineData": {"mimeType": "image/png", "data": data}});
    let mut draft = picture(&base64(&png(ImageSize { width: 4, height: 4 }, DRAFT)));
    draft["thought"] = true.into();
    let count = ServerFault::pictures(fault);
    let mut all = vec![draft, json!({"text": "Here you are."})];
    all.extend(vec![picture(&text); count]);
    let content = json!({"role": "model", "parts": all});
    let reason = if count == 0 { "NO_IMAGE" } else { "STOP" };
    let mut answer = json!({"candidates": [{"index": 0, "content": content, "finishReason": reason}]});
    if let Some(usage) = &state.usage {
        answer["usageMetadata"] = usage.clone();
    }
    answer.to_string().into_bytes()
}

/// Small pictures of the proportion that was asked for.
fn size(config: &Value) -> ImageSize {
    let sides = config["aspectRatio"].as_str().and_then(|text| text.split_once(':'));
    let (width, height) = sides.and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?))).unwrap_or((2, 1));
    ImageSize { width: 8 * width, height: 8 * height }
}
