//! A judge that no policy sees, and that measures otherwise than the reward `photometric`.
//!
//! It is given what an instruction means, as [`Wish`]es, and compares two pictures in CIE L\*a\*b\*: percentiles of lightness,
//! means of colour, energy of fine gradients. What nobody asked for costs: content that moved (correlation of coarse
//! gradients), colours and tones that shifted, tones that are clipped.
//!
//! `gold = F · K · (1 − D)`: F the geometric mean of how far each wish came true, K what was kept, D new clipping.

mod kept;
mod lab;
mod wish;

use editscale_picture::Pixels;

pub use lab::View;
pub use wish::{Place, Quantity, Wish};

/// What the judge says, each from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// How far the wishes came true.
    pub followed: f64,
    /// How far all else stayed as it was.
    pub kept: f64,
    /// The share of pixels that were clipped by the edit.
    pub clipped: f64,
    /// All together.
    pub gold: f64,
}

/// The least that a wish can be worth: one that did not come true at all does not make the others nothing.
const LEAST: f64 = 0.02;

/// Judges an edited picture against its source.
pub fn judge(source: &View, edited: &Pixels, wishes: &[Wish]) -> Judged {
    let edited = View::of(edited);
    let worth = |wish: &Wish| wish.worth(source, &edited).max(LEAST).ln();
    let followed = (wishes.iter().map(worth).sum::<f64>() / wishes.len().max(1) as f64).exp();
    let kept = kept::kept(source, &edited, wishes);
    let clipped = (edited.clipped - source.clipped).max(0.0);
    let damage = (2.0 * clipped).min(0.8);
    Judged { followed, kept, clipped, gold: followed * kept * (1.0 - damage) }
}

#[cfg(test)]
mod tests {
    use editscale_core::{Knobs, Seed};
    use editscale_darkroom::language::read;
    use editscale_darkroom::mask::Scene;
    use editscale_darkroom::operations::{Choices, Job, develop};

    use super::*;
    use crate::darkroom::photos::photo;
    use crate::darkroom::requests::REQUESTS;

    fn developed(source: &Pixels, words: &str) -> Pixels {
        let choices = Choices::draw(Seed::new(3).unwrap(), &Knobs::default());
        let (plan, scene) = (read(words), Scene::analyse(source));
        develop(&Job {
            source,
            scene: &scene,
            start: source,
            plan: &plan,
            choices: &choices,
            mask: None,
            touch_up: false,
            cancelled: &|| false,
        })
        .unwrap()
    }

    /// What was asked is worth more than nothing, than the opposite, and than a ruin: on most requests, for the editor may
    /// overdo or miss some.
    #[test]
    fn what_was_asked_is_worth_more_than_what_was_not() {
        let (mut against_copy, mut against_other, mut all) = (0, 0, 0);
        for asked in REQUESTS {
            let source = photo(asked.photo, 192).unwrap();
            let view = View::of(&source);
            let right = judge(&view, &developed(&source, asked.words), asked.wishes).gold;
            let copy = judge(&view, &source, asked.wishes).gold;
            let other = judge(&view, &developed(&source, "invert the colours"), asked.wishes).gold;
            all += 1;
            against_copy += usize::from(right > copy);
            against_other += usize::from(right > other);
        }
        assert!(
            against_copy * 10 >= all * 9 && against_other * 10 >= all * 9,
            "{against_copy} {against_other} of {all}"
        );
    }
}
