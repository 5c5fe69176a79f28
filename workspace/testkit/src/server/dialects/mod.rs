//! What the server answers when nothing goes wrong, a file a dialect.

mod ark;
mod bfl;
mod chat;
pub(super) mod comfyui;
mod fal;
mod gemini;
mod images;
pub(super) mod jobs;
mod replicate;
mod rollout;
mod scores;
mod sdcpp;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::exchange::Answer;
use super::request::Asked;
use super::{ServerFault, State};

pub use rollout::rollout_sample;
pub use scores::score_of;

/// The answer of whichever dialect has this route; nothing where none has.
pub(super) fn answer(state: &mut State, asked: &Asked, fault: Option<&ServerFault>) -> Option<Answer> {
    let models = |asked: &Asked| {
        let list = json!({"object": "list", "data": [{"id": "fake"}]}).to_string().into_bytes();
        (asked.line == "GET /v1/models").then(|| Answer::new(200, list))
    };
    models(asked)
        .or_else(|| images::answer(state, asked, fault))
        .or_else(|| chat::answer(state, asked))
        .or_else(|| comfyui::answer(state, asked))
        .or_else(|| bfl::answer(state, asked, fault))
        .or_else(|| fal::answer(state, asked, fault))
        .or_else(|| replicate::answer(state, asked, fault))
        .or_else(|| sdcpp::answer(state, asked, fault))
        .or_else(|| scores::answer(state, asked))
        .or_else(|| gemini::answer(state, asked, fault))
        .or_else(|| ark::answer(state, asked, fault))
        .or_else(|| rollout::answer(state, asked, fault))
}

/// One colour for one instruction and seed.
pub(super) fn colour(prompt: &str, seed: &str) -> [u8; 3] {
    let digest = Sha256::digest(format!("{prompt}\n{seed}"));
    [digest[0], digest[1], digest[2]]
}

/// Standard base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
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
