//! From a text to tokens.

use std::fmt;
use std::path::Path;

use tokenizers::Tokenizer;

use crate::encoders::vision_language::EncoderError;
use crate::guard::guarded;
use crate::load::{LoadError, read_file};
use crate::text::{parse, steering_tokens};

/// What stands for a picture in a text.
const PICTURE: &str = "<|image_pad|>";

/// The tokenizer of an encoder. Special tokens that stand in a text become their ids.
pub struct Words {
    tokenizer: Tokenizer,
    picture: u32,
    steering: Vec<String>,
}

impl Words {
    /// Reads a `tokenizer.json`.
    pub(crate) fn read(file: &Path) -> Result<Self, LoadError> {
        let fail = |reason: String| LoadError::content(file, reason);
        let tokenizer = parse(&read_file(file)?).map_err(fail)?;
        let missing =
            || fail(format!("has no token `{PICTURE}`: this is not the tokenizer of a vision language model"));
        let picture = tokenizer.token_to_id(PICTURE).ok_or_else(missing)?;
        Ok(Self { picture, steering: steering_tokens(&tokenizer), tokenizer })
    }

    /// The ids of a text.
    pub fn ids(&self, text: &str) -> Result<Vec<u32>, EncoderError> {
        let encoding = guarded(|| self.tokenizer.encode(text, true)).map_err(EncoderError::Text)?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The id of a token, where there is such a one.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.tokenizer.token_to_id(token)
    }

    /// The id that stands for a picture's tokens.
    pub fn picture(&self) -> u32 {
        self.picture
    }

    /// The greatest id that can come out.
    pub fn largest_id(&self) -> u32 {
        self.tokenizer.get_vocab(true).into_values().max().unwrap_or_default()
    }

    /// The first special token that stands in a text: an instruction that has one would steer the model instead of telling it
    /// something.
    pub fn steering(&self, text: &str) -> Option<&str> {
        self.steering.iter().map(String::as_str).find(|token| text.contains(token))
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Words").field("picture", &self.picture).finish_non_exhaustive()
    }
}
