//! What is asked for: photographs and instructions, each with what it means to the held-out judge.
//!
//! The meanings are written by hand from the words; no reader of instructions is asked, so that the judge does not share
//! the mistakes of the one that editor and reward use.

use super::held_out::Quantity::{
    BlackAndWhite, Blur, Contrast, Fade, Grain, Highlights, Light, Saturation, Sepia, Shadows, Sharpness, Tint,
    Vignette, Warmth,
};
use super::held_out::{Place, Wish};

/// One request: a photograph of `tests/fixtures/photos`, what is asked, what that means.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// The photograph's name, without the ending.
    pub photo: &'static str,
    /// The instruction.
    pub words: &'static str,
    /// What it means.
    pub wishes: &'static [Wish],
}

const fn asked(photo: &'static str, words: &'static str, wishes: &'static [Wish]) -> Asked {
    Asked { photo, words, wishes }
}

const LEFT: Place = Place::Part { left: 0.0, top: 0.0, right: 0.5, bottom: 1.0 };
const RIGHT: Place = Place::Part { left: 0.5, top: 0.0, right: 1.0, bottom: 1.0 };
const TOP: Place = Place::Part { left: 0.0, top: 0.0, right: 1.0, bottom: 0.5 };
const BOTTOM: Place = Place::Part { left: 0.0, top: 0.5, right: 1.0, bottom: 1.0 };

/// All requests.
pub const REQUESTS: &[Asked] = &[
    asked("astronaut", "make it warmer", &[Wish::plain(Warmth, 1.0)]),
    asked("astronaut", "much brighter please", &[Wish::plain(Light, 2.0)]),
    asked("astronaut", "slightly more contrast", &[Wish::plain(Contrast, 0.5)]),
    asked("astronaut", "convert it to black and white", &[Wish::plain(BlackAndWhite, 1.0)]),
    asked("astronaut", "cooler, with less saturation", &[Wish::plain(Warmth, -1.0), Wish::plain(Saturation, -1.0)]),
    asked("astronaut", "add a vignette and make it darker", &[Wish::plain(Vignette, 1.0), Wish::plain(Light, -1.0)]),
    asked("astronaut", "sharpen it a little", &[Wish::plain(Sharpness, 0.5)]),
    asked("astronaut", "give it a faded look", &[Wish::plain(Fade, 1.0)]),
    asked("astronaut", "brighten the left half", &[Wish::at(Light, 1.0, LEFT)]),
    asked("cat", "make it darker", &[Wish::plain(Light, -1.0)]),
    asked("cat", "more saturated", &[Wish::plain(Saturation, 1.0)]),
    asked("cat", "make it a touch cooler", &[Wish::plain(Warmth, -0.5)]),
    asked("cat", "much more contrast", &[Wish::plain(Contrast, 2.0)]),
    asked("cat", "blur it", &[Wish::plain(Blur, 1.0)]),
    asked("cat", "add film grain", &[Wish::plain(Grain, 1.0)]),
    asked("cat", "sepia", &[Wish::plain(Sepia, 1.0)]),
    asked("cat", "brighter and warmer", &[Wish::plain(Light, 1.0), Wish::plain(Warmth, 1.0)]),
    asked("cat", "lift the shadows", &[Wish::plain(Shadows, 1.0)]),
    asked("coffee", "make it brighter", &[Wish::plain(Light, 1.0)]),
    asked("coffee", "less contrast", &[Wish::plain(Contrast, -1.0)]),
    asked("coffee", "make it much cooler", &[Wish::plain(Warmth, -2.0)]),
    asked("coffee", "desaturate it a little", &[Wish::plain(Saturation, -0.5)]),
    asked("coffee", "add a green tint", &[Wish::plain(Tint, -1.0)]),
    asked("coffee", "tone down the highlights", &[Wish::plain(Highlights, -1.0)]),
    asked("coffee", "warmer, with a vignette", &[Wish::plain(Warmth, 1.0), Wish::plain(Vignette, 1.0)]),
    asked(
        "coffee",
        "black and white with more contrast",
        &[Wish::plain(BlackAndWhite, 1.0), Wish::plain(Contrast, 1.0)],
    ),
    asked("coffee", "darken the top half", &[Wish::at(Light, -1.0, TOP)]),
    asked("dahlia", "slightly brighter", &[Wish::plain(Light, 0.5)]),
    asked("dahlia", "much less saturated", &[Wish::plain(Saturation, -2.0)]),
    asked("dahlia", "make it cooler", &[Wish::plain(Warmth, -1.0)]),
    asked("dahlia", "sharpen it", &[Wish::plain(Sharpness, 1.0)]),
    asked("dahlia", "add a magenta tint", &[Wish::plain(Tint, 1.0)]),
    asked("dahlia", "darker, with more contrast", &[Wish::plain(Light, -1.0), Wish::plain(Contrast, 1.0)]),
    asked("dahlia", "make it look faded and a little warmer", &[Wish::plain(Fade, 1.0), Wish::plain(Warmth, 0.5)]),
    asked("dahlia", "strong vignette please", &[Wish::plain(Vignette, 2.0)]),
    asked("dahlia", "brighten the right half", &[Wish::at(Light, 1.0, RIGHT)]),
    asked("galaxies", "make it brighter", &[Wish::plain(Light, 1.0)]),
    asked("galaxies", "more contrast", &[Wish::plain(Contrast, 1.0)]),
    asked("galaxies", "much more saturated", &[Wish::plain(Saturation, 2.0)]),
    asked("galaxies", "make it cooler", &[Wish::plain(Warmth, -1.0)]),
    asked("galaxies", "blur it slightly", &[Wish::plain(Blur, 0.5)]),
    asked("galaxies", "convert to grayscale", &[Wish::plain(BlackAndWhite, 1.0)]),
    asked("galaxies", "warmer and more saturated", &[Wish::plain(Warmth, 1.0), Wish::plain(Saturation, 1.0)]),
    asked("officer", "make it warmer", &[Wish::plain(Warmth, 1.0)]),
    asked("officer", "a lot darker please", &[Wish::plain(Light, -2.0)]),
    asked("officer", "reduce the contrast slightly", &[Wish::plain(Contrast, -0.5)]),
    asked("officer", "sepia with a vignette", &[Wish::plain(Sepia, 1.0), Wish::plain(Vignette, 1.0)]),
    asked(
        "officer",
        "add some film grain and less saturation",
        &[Wish::plain(Grain, 1.0), Wish::plain(Saturation, -1.0)],
    ),
    asked("officer", "sharpen it strongly", &[Wish::plain(Sharpness, 2.0)]),
    asked("officer", "brighten the shadows", &[Wish::plain(Shadows, 1.0)]),
    asked("officer", "slightly brighter and a touch warmer", &[Wish::plain(Light, 0.5), Wish::plain(Warmth, 0.5)]),
    asked("officer", "darken the bottom half", &[Wish::at(Light, -1.0, BOTTOM)]),
    asked("pagoda", "much warmer", &[Wish::plain(Warmth, 2.0)]),
    asked("pagoda", "make it darker", &[Wish::plain(Light, -1.0)]),
    asked("pagoda", "more saturated, with more contrast", &[Wish::plain(Saturation, 1.0), Wish::plain(Contrast, 1.0)]),
    asked("pagoda", "make it black and white", &[Wish::plain(BlackAndWhite, 1.0)]),
    asked("pagoda", "give it a faded look", &[Wish::plain(Fade, 1.0)]),
    asked("pagoda", "bring down the highlights", &[Wish::plain(Highlights, -1.0)]),
    asked("pagoda", "darken the top half", &[Wish::at(Light, -1.0, TOP)]),
    asked("pagoda", "blur it a little", &[Wish::plain(Blur, 0.5)]),
    asked("rocket", "make it brighter", &[Wish::plain(Light, 1.0)]),
    asked("rocket", "make it warmer", &[Wish::plain(Warmth, 1.0)]),
    asked("rocket", "much cooler", &[Wish::plain(Warmth, -2.0)]),
    asked("rocket", "sepia", &[Wish::plain(Sepia, 1.0)]),
    asked("rocket", "less saturated and darker", &[Wish::plain(Saturation, -1.0), Wish::plain(Light, -1.0)]),
    asked(
        "rocket",
        "lift the shadows, and a little less contrast",
        &[Wish::plain(Shadows, 1.0), Wish::plain(Contrast, -0.5)],
    ),
    asked("rocket", "add a vignette", &[Wish::plain(Vignette, 1.0)]),
    asked("rocket", "add a magenta tint", &[Wish::plain(Tint, 1.0)]),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use editscale_darkroom::language::read;

    use super::*;

    #[test]
    fn there_are_enough_and_the_editor_can_read_them_all() {
        let different: BTreeSet<(&str, &str)> = REQUESTS.iter().map(|asked| (asked.photo, asked.words)).collect();
        assert!(different.len() >= 60 && different.len() == REQUESTS.len(), "{}", different.len());
        for asked in REQUESTS {
            let plan = read(asked.words);
            assert!(plan.not_understood.is_empty() && plan.guessed.is_empty(), "{}: {plan:?}", asked.words);
            assert_eq!(plan.edits.len(), asked.wishes.len(), "{}: {plan:?}", asked.words);
        }
    }
}
