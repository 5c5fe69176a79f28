//! What one clause comes to.

use std::ops::Range;

use crate::plan::{Amount, Change, Direction, Quantity, Region};

/// Everything that a clause says, gathered.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each says whether a kind of word was heard, independently")]
pub(super) struct Clause {
    pub(super) found: Vec<Found>,
    pub(super) region: Region,
    /// An amount that belongs to no change of its own.
    pub(super) amount: Option<Amount>,
    /// A place was named.
    pub(super) names_region: bool,
    /// The place is a thing that can only be guessed at.
    pub(super) guesses: bool,
    pub(super) has_pronoun: bool,
    /// "the rest": all but the place before.
    pub(super) means_the_rest: bool,
    pub(super) way: Way,
    /// A colour and no more, which may go with the colour before it.
    pub(super) is_bare_colour: bool,
    pub(super) unknown: Vec<Range<usize>>,
    pub(super) says_something: bool,
    /// Something is to be done that is no change here: added, put somewhere, taken away, moved up or down.
    pub(super) acts: bool,
    pub(super) keeps: bool,
}

/// Which way a clause goes with what it names: "reduce", "remove", "is". What follows an "and" may go the same way.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Way {
    pub(super) direction: Option<Direction>,
    pub(super) removes: bool,
    pub(super) strips: bool,
    /// It tells how the picture is: "is dull".
    pub(super) states: bool,
}

/// A change found in a clause, with what was said of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) change: Change,
    pub(super) has_amount: bool,
    /// It was named by a quality ("dark"), which "remove" turns round, and not by a quantity.
    pub(super) is_quality: bool,
}

impl Found {
    pub(super) fn new(change: Change, has_amount: bool) -> Self {
        Self { change, has_amount, is_quality: false }
    }
}

/// Less of a grain is less noise.
pub(super) fn noise_or_grain(quantity: Quantity, direction: Direction) -> (Quantity, Direction) {
    match (quantity, direction) {
        (Quantity::Grain, Direction::Less) => (Quantity::Denoise, Direction::More),
        other => other,
    }
}
