//! The tokenizer of T5: a unigram model of pieces of words.

use std::path::Path;

use crate::load::{LoadError, read_file};
use crate::text::config::TokenizerConfig;
use crate::text::tokens::{Frame, Tokens};
use crate::text::{TokenizeError, Tokenized, parse};

const CLASSES: [&str; 3] = ["T5Tokenizer", "T5TokenizerFast", "PreTrainedTokenizerFast"];

/// T5's tokenizer, as transformers' `T5TokenizerFast` is.
#[derive(Debug, Clone)]
pub struct T5Tokens {
    tokens: Tokens,
}

impl T5Tokens {
    /// Reads `tokenizer.json`, and special tokens from `tokenizer_config.json`.
    ///
    /// Errors name the file: broken values, missing special tokens, settings under which ids would be others. Where only
    /// `spiece.model` lies, the error says that `tokenizer.json` is needed.
    pub fn load(folder: &Path) -> Result<Self, LoadError> {
        let file = folder.join("tokenizer.json");
        if !file.exists() && folder.join("spiece.model").exists() {
            let reason = "has `spiece.model` only, which is not read: expected `tokenizer.json` beside it, as \
                          transformers' `T5TokenizerFast` saves it";
            return Err(LoadError::content(folder, reason));
        }
        let config = TokenizerConfig::read(folder, &CLASSES)?;
        let end = config.special("eos_token", "</s>", false)?;
        let pad = config.special("pad_token", "<pad>", false)?;
        let tokenizer = parse(&read_file(&file)?).map_err(|reason| LoadError::content(&file, reason))?;
        let tokens = Tokens::new(&file, tokenizer, &config, &Frame { start: None, end, pad })?;
        Ok(Self { tokens })
    }

    /// The greatest id that can come out: the model needs a row more of embeddings.
    pub fn largest_id(&self) -> u32 {
        self.tokens.largest_id()
    }

    /// The ids of a text with the end token behind them, cut or filled up to `length`. What is cut leaves the end token in
    /// the last place. An empty text is a text.
    pub fn encode(&self, text: &str, length: usize) -> Result<Tokenized, TokenizeError> {
        self.tokens.encode(text, length)
    }
}
