//! Reads plain-English instructions for photographic edits into a plan.
//!
//! Words are looked up in a lexicon (`lexicon/`, one table a kind of word) under their plain forms (`words.rs`), the text is cut into
//! clauses, and each clause is read by a small grammar (`grammar/`). A clause is not guessed at: one with a word that means nothing
//! here, or that asks for what no change here is, is handed back as not understood, and nothing of it is carried out.

mod grammar;
mod instruct;
mod lexicon;
mod speak;
mod words;

pub(crate) use instruct::{instruct, is_same};

use crate::plan::Plan;

/// What the darkroom can do, for people whose instruction it cannot follow.
pub const VOCABULARY: &str = "tone (brightness, contrast, highlights, shadows, fade), colour (warmth, tint, saturation, vibrance, \
     hue, black and white, sepia, invert, posterise), detail (sharpen, blur, denoise, grain, vignette), geometry (rotate, \
     straighten, flip, crop), and recolouring, in regions told by colour, brightness, position and saliency; it reads \
     instructions in English";

/// Whether the words ask for a size in pixels, which is a setting of the result and no edit: "resize it", "1200x800".
pub(crate) fn asks_for_size(words: &str) -> bool {
    let says_pixels = |word: &str| matches!(word, "resize" | "upscale" | "downscale" | "pixel" | "pixels" | "px");
    words.to_lowercase().split(|letter: char| !letter.is_alphabetic()).any(says_pixels) || words::has_size(words)
}

/// Reads an instruction. Never fails: what cannot be read stands in [`Plan::not_understood`].
pub fn read(instruction: &str) -> Plan {
    let tokens = words::tokens(instruction);
    grammar::read(instruction, &tokens)
}
