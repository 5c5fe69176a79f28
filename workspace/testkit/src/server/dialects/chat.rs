//! The route `/v1/chat/completions`.

use serde_json::{Value, json};

use crate::server::State;
use crate::server::exchange::Answer;
use crate::server::request::Asked;

pub(super) fn answer(state: &mut State, asked: &Asked) -> Option<Answer> {
    (asked.line == "POST /v1/chat/completions").then(|| Answer::new(200, judge(state, asked)))
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
