//! What words mean here: one table a kind of word. Inflected forms need no entry of their own (see `words.rs`).

mod amounts;
mod changes;
mod particles;
mod places;
mod qualities;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::plan::{Amount, Axis, Change, Colour, Direction, Position, Quantity, Subject, Tone};

/// What a word or phrase means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Sense {
    /// Says nothing about what to do.
    Filler,
    /// A verb that names no change: "put", "fix", "make".
    IdleVerb,
    /// The whole picture.
    Picture,
    /// "a", "another": the thing after it is a new one, not one that is there.
    Indefinite,
    /// A word of another meaning than those that it looks like.
    Stranger,
    /// Joins clauses.
    And,
    /// How much.
    Amount(Amount),
    /// Up or down, of what is named beside it.
    Towards(Direction),
    /// More of what is named beside it, but darker where that is shadows.
    Deep,
    /// More of what is named beside it, which may be a thing that is not there yet.
    Add,
    /// Takes away what is named beside it: "remove", "get rid of". Of a quality it asks for the opposite.
    Remove,
    /// Takes away a quantity that is named beside it, and says nothing of qualities: "take", "clean".
    Take,
    /// "no noise" takes away, "no darker" denies.
    No,
    /// "too dark": a complaint, which asks for the opposite.
    Too,
    /// "too much", "too strong": less of what is named beside it, and of shadows their lighting.
    TooMuch,
    /// Turns the clause round: "not", "isn't", "not so".
    Not,
    /// "don't", "never": what comes after it is not to happen.
    Forbid,
    /// "without": no thing of that name, and no change of that kind.
    Without,
    /// "except", "everything but".
    Except,
    /// "around", "outside": all but the place after it, where none was named before it.
    Around,
    /// "change", "alter": says nothing by itself; what is not to be altered is to be kept.
    Alter,
    /// "fix", "correct": what is named beside it is wrong, in a way that is not said.
    Mend,
    /// "keep", "leave", "preserve": the clause asks for nothing.
    Keep,
    /// A quantity's name.
    Quantity(Quantity),
    /// A quantity that people also want "fixed", which names no direction.
    WhiteBalance,
    /// The name of noise: less of it is denoising, more of it is grain.
    Noise,
    /// A word that holds quantity and direction.
    Quality(Quantity, Direction),
    /// A look that is made of two qualities, and how much of them it has where no amount is said.
    Look(Amount, [(Quantity, Direction); 2]),
    /// A change that needs nothing more.
    Whole(Change),
    /// "hue", "hues".
    Hue,
    Rotate,
    Flip(Option<Axis>),
    Crop,
    /// A ratio of the sides by its name, width to height: "square".
    Shape(f32, f32),
    /// The same, of a word that is a kind of picture first: "landscape".
    Genre(f32, f32),
    /// The horizon: by itself a wish for an upright one.
    Horizon,
    Posterise,
    /// "turn … blue", "paint … blue".
    Recolour,
    Clockwise(bool),
    Colour(Colour),
    /// All colours: "the colours".
    AllColours,
    Subject(Subject),
    /// A thing that is told by its colour, or else by saliency.
    Thing,
    Position(Position),
    Tone(Tone),
    /// "everything".
    Everything,
    /// "the rest", "everything else": all but the place before.
    Rest,
    Degrees,
    Stops,
    Percent,
    Levels,
    /// "level": with a number a count of tones, by itself a wish for an upright horizon.
    Level,
    Times,
    Number(f32),
    By,
    To,
    From,
    /// "it", "them": what was spoken of before.
    Pronoun,
}

impl Sense {
    /// Whether it says nothing by itself about what to do, or where.
    pub(super) fn is_idle(self) -> bool {
        matches!(self, Self::Filler | Self::IdleVerb | Self::Picture | Self::Indefinite | Self::Stranger)
    }
}

/// The meaning of a word or phrase in its plain form.
pub(super) fn look_up(phrase: &str) -> Option<Sense> {
    TABLE.get(phrase).copied()
}

/// Every long single word, for the correction of misspellings.
pub(super) fn long_words() -> impl Iterator<Item = &'static str> {
    TABLE.keys().copied().filter(|word| word.len() >= 6 && !word.contains(' '))
}

static TABLE: LazyLock<BTreeMap<&'static str, Sense>> = LazyLock::new(|| entries().into_iter().collect());

fn entries() -> Vec<(&'static str, Sense)> {
    let each = |words: &'static str, sense| words.split_whitespace().map(move |word| (word, sense));
    each(particles::FILLERS, Sense::Filler)
        .chain(each(particles::IDLE_VERBS, Sense::IdleVerb))
        .chain(each(particles::PICTURES, Sense::Picture))
        .chain(each(particles::STRANGERS, Sense::Stranger))
        .chain(each(places::THINGS, Sense::Thing))
        .chain(particles::FILLER_PHRASES.iter().map(|phrase| (*phrase, Sense::Filler)))
        .chain(amounts::NUMBERS.iter().map(|&(word, number)| (word, Sense::Number(number))))
        .chain(amounts::AMOUNTS.iter().map(|&(word, amount)| (word, Sense::Amount(amount))))
        .chain(places::SUBJECTS.iter().map(|&(word, subject)| (word, Sense::Subject(subject))))
        .chain(places::POSITIONS.iter().map(|&(word, position)| (word, Sense::Position(position))))
        .chain(places::TONES.iter().map(|&(word, tone)| (word, Sense::Tone(tone))))
        .chain(places::COLOURS.iter().map(|&(word, colour)| (word, Sense::Colour(colour))))
        .chain(qualities::QUANTITIES.iter().map(|&(word, quantity)| (word, Sense::Quantity(quantity))))
        .chain(qualities::QUALITIES.iter().map(|&(word, quantity, way)| (word, Sense::Quality(quantity, way))))
        .chain(changes::CHANGES.iter().map(|&(word, change)| (word, Sense::Whole(change))))
        .chain([amounts::UNITS, qualities::LOOKS, changes::FRAME, particles::VERBS, particles::JOINTS].concat())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::words::LONGEST_PHRASE;
    use super::*;

    #[test]
    fn every_word_has_one_meaning_and_can_be_heard() {
        let mut seen = BTreeSet::new();
        for (word, _) in entries() {
            assert!(seen.insert(word), "`{word}` stands in two tables");
            assert!(word.split(' ').count() <= LONGEST_PHRASE, "`{word}` is longer than any phrase that is looked up");
        }
    }
}
