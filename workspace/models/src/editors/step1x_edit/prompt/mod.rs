//! From an instruction to the tokens that the encoder reads beside the picture.
//!
//! Texts before the instruction are constants that the encoder's readers were trained with; they come from the authors' code
//! (`modules/conditioner.py`, `Qwen25VL_7b_PREFIX`; `pipeline_step1x_edit_v1p2.py`, `EDIT_PREFIX`).

mod quotes;
#[cfg(test)]
mod tests;

use thiserror::Error;

use crate::editors::step1x_edit::Version;
use crate::editors::step1x_edit::prompt::quotes::{Piece, marked, wrapped};
use crate::encoders::vision_language::{EncoderError, Words};

const PREFIX_V1: &str = include_str!("prefix_v1.txt");
const PREFIX_V1_2: &str = include_str!("prefix_v1p2.txt");

/// The turns around what is asked.
const SYSTEM: &str = "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n";
const PICTURE: &str = "Picture 1: <|vision_start|><|image_pad|><|vision_end|>";
const PICTURE_END: &str = "<|vision_end|>";
/// The tokens of these turns that steer the model.
const STEERING: [&str; 5] = ["<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|image_pad|>", PICTURE_END];
const END: &str = "<|im_end|>\n<|im_start|>assistant\n";

/// Why an instruction is no prompt.
#[derive(Debug, Error)]
pub enum PromptError {
    /// The instruction holds a token that steers the model.
    #[error("the instruction holds `{token}`, which steers the model: leave it out")]
    Special {
        /// The token.
        token: String,
    },
    /// The tokenizer fails.
    #[error(transparent)]
    Words(#[from] EncoderError),
    /// The prompt has not one place for a picture.
    #[error("the prompt comes out with {found} places for a picture: expected 1")]
    Pictures {
        /// How many it has.
        found: usize,
    },
}

/// The tokens of a prompt with one picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The ids; of the picture as many as it has cells.
    pub ids: Vec<u32>,
    /// Whether each is of a character that stands in quotes, which v1.2 marks.
    pub is_marked: Vec<bool>,
}

impl Prompt {
    /// The prompt of an instruction about a picture of some cells.
    pub fn new(version: Version, words: &Words, instruction: &str, cells: usize) -> Result<Self, PromptError> {
        if let Some(token) = words.steering(instruction) {
            return Err(PromptError::Special { token: token.to_owned() });
        }
        match version {
            Version::V1_0 | Version::V1_1 => Self::wrapped(words, instruction)?,
            Version::V1_2 => Self::marked(words, instruction)?,
        }
        .expanded(words.picture(), cells)
    }

    /// Which tokens are attended to by the code of v1.0 and v1.1: all but those of id 0, which is an exclamation mark.
    pub fn visible(&self) -> Vec<bool> {
        self.ids.iter().map(|id| *id > 0).collect()
    }

    /// The beginning as it is written, and everything behind the picture cut at quotes.
    fn wrapped(words: &Words, instruction: &str) -> Result<Self, PromptError> {
        let text = text_v1(instruction);
        let (whole, mut cut) = (words.ids(&text)?, Vec::new());
        let quotes = curly_quotes(words)?;
        for piece in wrapped(&text) {
            let ids = words.ids(&piece.text)?;
            cut.extend_from_slice(unwrapped(&ids, quotes));
        }
        let end = |ids: &[u32]| ids.iter().position(|id| Some(*id) == words.id(PICTURE_END)).unwrap_or(ids.len());
        let ids = [&whole[..end(&whole)], &cut[end(&cut)..]].concat();
        Ok(Self { is_marked: vec![false; ids.len()], ids })
    }

    /// Every piece by itself, with the characters in quotes marked.
    fn marked(words: &Words, instruction: &str) -> Result<Self, PromptError> {
        let mut prompt = Self { ids: Vec::new(), is_marked: Vec::new() };
        for Piece { text, is_marked } in pieces_v1_2(instruction) {
            let ids = words.ids(&text)?;
            prompt.is_marked.extend(std::iter::repeat_n(is_marked, ids.len()));
            prompt.ids.extend(ids);
        }
        Ok(prompt)
    }

    /// The same with a picture's token as often as the picture has cells.
    fn expanded(self, picture: u32, cells: usize) -> Result<Self, PromptError> {
        let places: Vec<usize> = (0..self.ids.len()).filter(|at| self.ids[*at] == picture).collect();
        let [place] = places[..] else { return Err(PromptError::Pictures { found: places.len() }) };
        let Self { mut ids, mut is_marked } = self;
        ids.splice(place..=place, std::iter::repeat_n(picture, cells));
        is_marked.splice(place..=place, std::iter::repeat_n(false, cells));
        Ok(Self { ids, is_marked })
    }
}

fn text_v1(instruction: &str) -> String {
    [SYSTEM, PREFIX_V1, PICTURE, instruction, END].concat()
}

/// The ids of both curly quotes, where each is one token.
fn curly_quotes(words: &Words) -> Result<Option<[u32; 2]>, EncoderError> {
    let one = |text: &str| words.ids(text).map(|ids| <[u32; 1]>::try_from(ids).ok());
    Ok(one("“")?.zip(one("”")?).map(|([open], [close])| [open, close]))
}

/// Ids without the curly quotes around them.
fn unwrapped(ids: &[u32], quotes: Option<[u32; 2]>) -> &[u32] {
    match (quotes, ids) {
        (Some([open, close]), [first, inside @ .., last]) if *first == open && *last == close => inside,
        _ => ids,
    }
}

fn pieces_v1_2(instruction: &str) -> Vec<Piece> {
    let text = [SYSTEM, PREFIX_V1_2, " ", instruction, PICTURE, END].concat();
    // The count is that of the prefix alone, as in the reference, though more stands before the instruction.
    marked(&text, PREFIX_V1_2.chars().count(), &STEERING)
}
