//! The files beside the weights: configuration, tokenizer, chat template, preparation of pictures.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use editscale_fetch::{Hub, Snapshot};
use editscale_models::layers::qwen25_vl::Config;
use serde_json::{Value, json};

use crate::commands::models::place::write_whole;
use crate::commands::models::weights::listing;

/// What the heads read at. Training added it to the base model's tokenizer.
const REWARD_TOKEN: &str = "<|Reward|>";

/// The area that the released code gives to every picture, whatever the base model's file says: 256 tokens of 28 by 28
/// pixels.
const PIXELS: u64 = 256 * 28 * 28;

/// Files that must be there, and files that some models have.
const NEEDED: [&str; 3] = ["config.json", "tokenizer.json", "preprocessor_config.json"];
const OPTIONAL: [&str; 3] = ["tokenizer_config.json", "chat_template.json", "chat_template.jinja"];

/// Where files lie while they are not what they will be.
const DESK: &str = ".pulling";

/// Brings them from the base model, or from the judge's own repository when `is_base` is false: such a one is complete, and
/// nothing in it is changed but a reward token that is missing.
pub(super) async fn bring(hub: &Hub, from: &Snapshot, is_base: bool, folder: &Path) -> Result<()> {
    let desk = folder.join(DESK);
    for name in NEEDED.into_iter().chain(OPTIONAL) {
        let Some(file) = from.file(name) else {
            if NEEDED.contains(&name) {
                bail!(lacks(from, name, is_base));
            }
            // One that an earlier commit had must not stay.
            fs::remove_file(folder.join(name)).ok();
            continue;
        };
        let at = desk.join(name);
        hub.fetch(from, file, &at, &|_| ()).await?;
        let bytes = fs::read(&at).with_context(|| format!("{}: cannot be read", at.display()))?;
        let bytes = prepared(name, bytes, is_base).with_context(|| format!("{}: `{name}`", from.repo))?;
        write_whole(&folder.join(name), &bytes)?;
    }
    fs::remove_dir_all(&desk).with_context(|| format!("{}: cannot be removed", desk.display()))
}

fn lacks(from: &Snapshot, name: &str, is_base: bool) -> anyhow::Error {
    let hint = if is_base { "" } else { "; name the model that it was trained from with --base" };
    anyhow!("{} at {} has no `{name}`{hint}; it holds {}", from.repo, from.commit, listing(from))
}

/// A file as the judge needs it.
fn prepared(name: &str, bytes: Vec<u8>, is_base: bool) -> Result<Vec<u8>> {
    match name {
        "config.json" => {
            Config::read(&bytes)?;
            Ok(bytes)
        }
        "tokenizer.json" => with_reward_token(bytes),
        "preprocessor_config.json" if is_base => with_pixels(&bytes),
        _ => Ok(bytes),
    }
}

/// Adds the reward token under the next free id, which is what training did, unless it is there.
fn with_reward_token(bytes: Vec<u8>) -> Result<Vec<u8>> {
    let mut tokenizer: Value = serde_json::from_slice(&bytes).context("is not JSON")?;
    let vocabulary = match tokenizer.pointer("/model/vocab") {
        Some(Value::Object(words)) => words.len() as u64,
        Some(Value::Array(words)) => words.len() as u64,
        _ => bail!("has no `model.vocab`: expected a tokenizer"),
    };
    let no_tokens = || anyhow!("has no `added_tokens`: expected a tokenizer");
    let added = tokenizer.get_mut("added_tokens").and_then(Value::as_array_mut).ok_or_else(no_tokens)?;
    if added.iter().any(|token| token["content"] == REWARD_TOKEN) {
        return Ok(bytes);
    }
    let after = added.iter().filter_map(|token| token["id"].as_u64()).map(|id| id + 1).max();
    added.push(json!({
        "id": after.unwrap_or(0).max(vocabulary),
        "content": REWARD_TOKEN,
        "single_word": false,
        "lstrip": false,
        "rstrip": false,
        "normalized": false,
        "special": true,
    }));
    Ok(serde_json::to_vec(&tokenizer)?)
}

/// Writes the released code's area into the preparation of pictures.
fn with_pixels(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut preparation: Value = serde_json::from_slice(bytes).context("is not JSON")?;
    let object = preparation.as_object_mut().ok_or_else(|| anyhow!("is not an object"))?;
    for key in ["min_pixels", "max_pixels"] {
        object.insert(key.to_owned(), json!(PIXELS));
    }
    // How newer files name the same two limits.
    if let Some(size) = object.get_mut("size").and_then(Value::as_object_mut) {
        size.insert("shortest_edge".to_owned(), json!(PIXELS));
        size.insert("longest_edge".to_owned(), json!(PIXELS));
    }
    Ok(serde_json::to_vec_pretty(&preparation)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Value {
        let changed = with_reward_token(text.as_bytes().to_vec()).unwrap();
        serde_json::from_slice::<Value>(&changed).unwrap()["added_tokens"].clone()
    }

    #[test]
    fn the_reward_token_takes_the_next_free_id() {
        let base = r#"{"added_tokens": [{"id": 3, "content": "<a>"}, {"id": 5, "content": "<b>"}], "model": {"vocab": {"x": 0}}}"#;
        assert_eq!(tokens(base)[2]["id"], 6);
        assert_eq!(tokens(base)[2]["special"], true);
        assert_eq!(tokens(r#"{"added_tokens": [], "model": {"vocab": {"x": 0, "y": 1}}}"#)[0]["id"], 2);
        let has = r#"{"added_tokens": [{"id": 9, "content": "<|Reward|>"}], "model": {"vocab": {}}}"#;
        assert_eq!(with_reward_token(has.into()).unwrap(), has.as_bytes());
        for bad in ["", "{}", r#"{"model": {"vocab": {}}}"#] {
            assert!(with_reward_token(bad.into()).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_released_area_is_written_in() {
        let changed = with_pixels(br#"{"min_pixels": 3136, "max_pixels": 12845056, "patch_size": 14}"#).unwrap();
        let changed: Value = serde_json::from_slice(&changed).unwrap();
        assert_eq!(changed, json!({"min_pixels": 200_704, "max_pixels": 200_704, "patch_size": 14}));
        let newer = with_pixels(br#"{"size": {"shortest_edge": 1, "longest_edge": 2}}"#).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&newer).unwrap()["size"]["longest_edge"], 200_704);
    }
}
