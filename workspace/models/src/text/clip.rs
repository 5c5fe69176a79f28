//! The tokenizer of CLIP: lower case, byte-pair encoding at the level of bytes, a mark at the end of words.

use std::collections::HashMap;
use std::path::Path;

use serde_json::json;

use crate::load::{LoadError, read_file, read_json};
use crate::text::config::TokenizerConfig;
use crate::text::tokens::{Frame, Tokens};
use crate::text::{TokenizeError, Tokenized, parse};

const START: &str = "<|startoftext|>";
const END: &str = "<|endoftext|>";
const CLASSES: [&str; 2] = ["CLIPTokenizer", "CLIPTokenizerFast"];

/// What marks the end of a word in the vocabulary.
const END_OF_WORD: &str = "</w>";

/// The words of a text before merging, from the tokenizer of CLIP (openai/CLIP, `simple_tokenizer.py`).
const WORDS: &str = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

/// Merges behind this many are not read: 49152 tokens without 256 bytes and two special tokens.
const MOST_MERGES: usize = 49152 - 256 - 2;

/// CLIP's tokenizer, as transformers' `CLIPTokenizerFast` is.
///
/// Ids are those of its slow twin with `ftfy` for texts that `ftfy` leaves alone; without `ftfy`, the slow one differs in
/// Chinese, Japanese and control characters.
#[derive(Debug, Clone)]
pub struct ClipTokens {
    tokens: Tokens,
    length: Option<usize>,
}

impl ClipTokens {
    /// Reads `tokenizer.json`, or, where there is none, `vocab.json` and `merges.txt`; the special tokens come from
    /// `tokenizer_config.json` and, for older repositories, `special_tokens_map.json`.
    ///
    /// Errors name the file: broken lines and values, missing special tokens, settings under which ids would be others.
    pub fn load(folder: &Path) -> Result<Self, LoadError> {
        let config = TokenizerConfig::read(folder, &CLASSES)?;
        let frame = Frame {
            start: Some(config.special("bos_token", START, true)?),
            end: config.special("eos_token", END, true)?,
            pad: config.special("pad_token", END, false)?,
        };
        let mut file = folder.join("tokenizer.json");
        let described = if file.exists() {
            read_file(&file)?
        } else {
            file = folder.join("vocab.json");
            describe(&file, &folder.join("merges.txt"), &config, &frame)?
        };
        let tokenizer = parse(&described).map_err(|reason| LoadError::content(&file, reason))?;
        let tokens = Tokens::new(&file, tokenizer, &config, &frame)?;
        Ok(Self { length: config.length(tokens.least_length())?, tokens })
    }

    /// `model_max_length` of the settings: 77 for the models that are published. Where it is not there, the model's number
    /// of positions is the length.
    pub fn length(&self) -> Option<usize> {
        self.length
    }

    /// The greatest id that can come out: the model needs a row more of embeddings.
    pub fn largest_id(&self) -> u32 {
        self.tokens.largest_id()
    }

    /// The ids of a text, from the start token to the end token, cut or filled up to `length`. What is cut leaves the end
    /// token in the last place. An empty text is a text.
    pub fn encode(&self, text: &str, length: usize) -> Result<Tokenized, TokenizeError> {
        self.tokens.encode(text, length)
    }
}

/// What the older files say, as `tokenizer.json` would.
fn describe(vocabulary: &Path, merges: &Path, config: &TokenizerConfig, frame: &Frame) -> Result<Vec<u8>, LoadError> {
    let ids: HashMap<String, u32> = read_json(vocabulary)?;
    let merged = read_merges(merges, &ids)?;
    let id = |token: &str| {
        let missing = || LoadError::content(vocabulary, format!("has no token `{token}`"));
        ids.get(token).copied().ok_or_else(missing)
    };
    let unknown = config.special("unk_token", END, true)?.content;
    let start = frame.start.as_ref().map_or(START, |token| &token.content);
    let end = frame.end.content.as_str();
    let (start_id, end_id, _) = (id(start)?, id(end)?, id(&unknown)?);
    let described = json!({
        "version": "1.0",
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "NFC"},
            {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "},
            {"type": "Lowercase"},
        ]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": WORDS}, "behavior": "Removed", "invert": true},
            {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        ]},
        "post_processor": {
            "type": "RobertaProcessing", "sep": [end, end_id], "cls": [start, start_id],
            "trim_offsets": false, "add_prefix_space": false,
        },
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
        "model": {
            "type": "BPE", "unk_token": unknown, "continuing_subword_prefix": "", "end_of_word_suffix": END_OF_WORD,
            "fuse_unk": false, "byte_fallback": false, "vocab": ids, "merges": merged,
        },
    });
    Ok(described.to_string().into_bytes())
}

/// The merges in their order, each of two tokens whose union is a token.
fn read_merges(file: &Path, ids: &HashMap<String, u32>) -> Result<Vec<(String, String)>, LoadError> {
    let fail = |line: usize, reason: String| LoadError::content(file, format!("line {line} {reason}"));
    let bytes = read_file(file)?;
    let text = std::str::from_utf8(&bytes).map_err(|error| LoadError::content(file, error.to_string()))?;
    let mut lines = text.trim().lines().enumerate().map(|(at, line)| (at + 1, line));
    if !lines.next().is_some_and(|(_, line)| line.starts_with("#version")) {
        return Err(fail(1, "is not `#version: …`: expected it before the merges".to_owned()));
    }
    let read = |(line, content): (usize, &str)| {
        let parts: Vec<&str> = content.split_whitespace().collect();
        let [first, second] = parts.as_slice() else {
            return Err(fail(line, format!("has {} tokens: expected 2", parts.len())));
        };
        match [*first, *second, &format!("{first}{second}")].into_iter().find(|token| !ids.contains_key(*token)) {
            Some(token) => Err(fail(line, format!("needs the token `{token}`, which `vocab.json` does not have"))),
            None => Ok(((*first).to_owned(), (*second).to_owned())),
        }
    };
    lines.take(MOST_MERGES).map(read).collect()
}
