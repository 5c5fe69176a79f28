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

/// What to do instead of asking for it in these words, where that is known.
pub(crate) fn advice(words: &str) -> Option<&'static str> {
    let text = words.to_lowercase();
    let says = |known: &[&str]| text.split(|letter: char| !letter.is_alphabetic()).any(|word| known.contains(&word));
    if words::has_size(words) || says(&["resize", "upscale", "downscale", "pixel", "pixels", "px"]) {
        Some("a size in pixels is no edit, and is set beside the instruction")
    } else if text.contains("white balance") || says(&["cast", "tint"]) {
        Some("which way the colours are off is to be said, as in \"remove the blue cast\" and \"warmer\"")
    } else if says(&["crop", "cropped", "trim"]) {
        Some("a picture is cut to a ratio of its sides alone, as in \"crop to 4:5\"")
    } else {
        None
    }
}

/// Reads an instruction. Never fails: what cannot be read stands in [`Plan::not_understood`].
pub fn read(instruction: &str) -> Plan {
    let tokens = words::tokens(instruction);
    grammar::read(instruction, &tokens)
}
