//! The routes of judges that answer with numbers: vLLM's `/classify` and `/pooling`, `UniRL`'s `/score`, Flow-Factory's
//! `/compute`, our own `/v1/score`, and `/`, where pickles are spoken.
//!
//! What a picture scores is a function of its file: [`score_of`].

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::base64;
use crate::server::State;
use crate::server::exchange::Answer;
use crate::server::request::Asked;

/// What the server says of a picture by default: a number from 0 to 1 that a 32-bit float holds.
pub fn score_of(file: &[u8]) -> f64 {
    of_text(&base64(file))
}

/// The same of a file in base64, bare or as a data URL.
fn of_text(text: &str) -> f64 {
    let digits = text.rsplit(',').next().unwrap_or_default();
    let digest = Sha256::digest(digits);
    f64::from(u16::from_be_bytes([digest[0], digest[1]])) / 65536.0
}

pub(super) fn answer(state: &mut State, asked: &Asked) -> Option<Answer> {
    let question = asked.json();
    let answer = match asked.line.as_str() {
        "POST /classify" => {
            let data = json!([{"index": 0, "label": "LABEL_0", "probs": [talked(&question)], "num_classes": 1}]);
            pooled(state, "classify-1", &data)
        }
        "POST /pooling" if question["task"] == "plugin" => {
            let score = of_text(question["data"]["candidate"].as_str().unwrap_or_default());
            json!({"request_id": "r", "created_at": 1, "data": {"score": score}})
        }
        "POST /pooling" => {
            let data = json!([{"index": 0, "object": "pooling", "data": [talked(&question)]}]);
            pooled(state, "pool-1", &data)
        }
        "POST /score" => unirl(&question),
        "POST /compute" => json!({"rewards": scores(&question["image"])}),
        "POST /v1/score" => ours(&question),
        "POST /" => {
            state.made.push("judged".to_owned());
            return Some(Answer::of("text/html; charset=utf-8", pickled(&asked.body)));
        }
        _ => return None,
    };
    state.made.push("judged".to_owned());
    Some(Answer::json(200, &answer))
}

/// The score of the last picture of a conversation.
fn talked(question: &Value) -> f64 {
    let parts = question["messages"][0]["content"].as_array().into_iter().flatten();
    of_text(parts.filter_map(|part| part["image_url"]["url"].as_str()).next_back().unwrap_or_default())
}

fn pooled(state: &State, id: &str, data: &Value) -> Value {
    let usage = state.usage.clone().unwrap_or_else(|| json!({"prompt_tokens": 7, "total_tokens": 7}));
    json!({"id": id, "object": "list", "created": 1, "model": "fake", "data": data, "usage": usage})
}

fn scores(files: &Value) -> Vec<f64> {
    files.as_array().into_iter().flatten().map(|file| of_text(file.as_str().unwrap_or_default())).collect()
}

fn unirl(question: &Value) -> Value {
    let one = |request: &Value| {
        let last = request["history"].as_array().and_then(|turns| turns.last()).cloned().unwrap_or_default();
        let score = of_text(last["image_b64"].as_str().unwrap_or_default());
        let reward = request["required_rewards"][0].as_str().unwrap_or_default().to_owned();
        json!({reward: {"edit_following": score, "edit_quality": score}})
    };
    let requests = question["requests"].as_array();
    let results: Vec<Value> = requests.into_iter().flatten().map(one).collect();
    let errors = vec![json!({}); results.len()];
    json!({"results": results, "errors": errors})
}

fn ours(question: &Value) -> Value {
    let one = |item: &Value| {
        let score = of_text(item["candidate"].as_str().unwrap_or_default());
        json!({"score": score, "sigma": 0.5, "parts": [{"name": "quality", "score": score}]})
    };
    let scores: Vec<Value> = question["items"].as_array().into_iter().flatten().map(one).collect();
    let name = question["reward"].as_str().unwrap_or("fake");
    json!({"scores": scores, "reward": {"name": name, "revision": "fake/1", "range": [0.0, 1.0]}})
}

/// A pickle of protocol 2 with a score for each JPEG file in another pickle, which is not read but searched.
fn pickled(question: &[u8]) -> Vec<u8> {
    let mut answer = b"\x80\x02}X\x07\x00\x00\x00outputs](".to_vec();
    let is_picture = |file: &[u8]| file == b"\xff\xd8\xff" || file == b"\x89PN";
    let starts = question.windows(8).enumerate().filter(|(_, window)| window[0] == b'B' && is_picture(&window[5..8]));
    for (start, window) in starts {
        let length = u32::from_le_bytes([window[1], window[2], window[3], window[4]]) as usize;
        answer.push(b'G');
        answer.extend(question.get(start + 5..start + 5 + length).map_or(f64::NAN, score_of).to_be_bytes());
    }
    answer.extend(b"es.");
    answer
}
