//! Qualities and quantities, as they are heard: what is wished for, what is complained of, and what only tells which thing is meant.

use super::super::lexicon::Sense;
use super::clause::{Found, noise_or_grain};
use super::reader::{Reader, known};
use crate::plan::{Amount, Change, Direction, Quantity};

/// A quality that tells which thing is meant.
pub(super) struct Described {
    pub(super) quantity: Quantity,
    pub(super) direction: Direction,
    /// It says that it is too much already.
    pub(super) is_complaint: bool,
}

impl Reader<'_> {
    pub(super) fn say_quantity(&mut self, quantity: Quantity) {
        // "brighten the shadows" names the shadows' own quantity.
        if let Some((Quantity::Exposure, direction)) = self.quality
            && matches!(quantity, Quantity::Shadows | Quantity::Highlights)
        {
            self.quality = None;
            self.clause.found.pop();
            self.emit(quantity, direction, None);
            return self.mark_quality();
        }
        if !self.has_found(quantity) {
            self.quantities.push(quantity);
        }
    }

    /// Whether a change of a quantity was found already.
    fn has_found(&self, quantity: Quantity) -> bool {
        let is_said = |found: &Found| matches!(found.change, Change::Adjust { quantity: said, .. } if said == quantity);
        self.clause.found.iter().any(is_said)
    }

    pub(super) fn hear_quality(&mut self, quantity: Quantity, direction: Direction, comparative: bool, index: usize) {
        if (quantity, direction) == (Quantity::Blur, Direction::More) && self.next_is(index, is_quantity) {
            self.say_soft(index);
        } else if comparative && self.denies {
            // "but not darker" asks for nothing; "not so dark" asks for brighter.
            self.clause.keeps = true;
        } else if !comparative && self.describes_a_thing(index) {
            self.described.push(Described { quantity, direction, is_complaint: self.is_complaint(index) });
        } else if !comparative && self.is_stated(index, is_fault(quantity, direction)) {
            self.complain(quantity, direction);
        } else if (self.adds || self.strips) && self.next_thing(index) {
            // "add a bright red umbrella", "remove the blurry background": it is the thing that is to come or go.
            self.give_up();
        } else {
            self.states |= self.is_complaint(index);
            self.say_quality(quantity, direction);
        }
    }

    /// "the dark sky", "this bright red car": told which one is meant, not what is to become of it.
    pub(super) fn describes_a_thing(&self, index: usize) -> bool {
        const DETERMINERS: [&str; 9] = ["the", "this", "that", "these", "those", "my", "your", "our", "their"];
        let named = self.tokens[index + 1..].iter().map(known).find(|sense| !matches!(sense, Some(Sense::Colour(_))));
        let is_named =
            matches!(named.flatten(), Some(Sense::Thing | Sense::Subject(_) | Sense::Picture | Sense::AllColours));
        is_named && index > 0 && self.is_word(index - 1, &DETERMINERS)
    }

    /// "the photo is dull": how it is, and not how it is to be. "too dark" and "underexposed" are complaints by themselves.
    pub(super) fn is_stated(&self, index: usize, is_fault: bool) -> bool {
        const IS: [&str; 9] = ["is", "are", "was", "were", "looks", "seems", "appears", "it's", "it’s"];
        const WISHES: [&str; 8] = ["make", "want", "like", "should", "let", "so", "where", "need"];
        let is_softened = |place: &usize| matches!(known(&self.tokens[*place]), Some(Sense::Amount(_)));
        let verb = (0..index).rev().find(|place| !is_softened(place));
        let wishes = (0..self.tokens.len()).any(|place| self.is_word(place, &WISHES));
        // "dull and grainy": a fault alone goes with the one before. "darken it" does not.
        let is_alone = self.before.states && is_fault && index + 1 == self.tokens.len();
        let is_told = verb.map_or(is_alone, |place| self.is_word(place, &IS));
        is_told && !wishes && !self.negated && !self.is_complaint(index)
    }

    /// Whether a quality complains by itself: "too dark", "underexposed".
    pub(super) fn is_complaint(&self, index: usize) -> bool {
        let word = self.text.get(self.tokens[index].place.clone()).unwrap_or_default().to_lowercase();
        self.too || ["too", "under", "over"].iter().any(|begin| word.starts_with(begin))
    }

    /// Of what nobody wants the opposite is asked for; what else a picture is, it may well be.
    pub(super) fn complain(&mut self, quantity: Quantity, direction: Direction) {
        self.states = true;
        if is_fault(quantity, direction) {
            let (quantity, direction) = noise_or_grain(quantity, direction.opposite());
            self.say_quality(quantity, direction);
        } else {
            self.give_up();
        }
    }

    /// Whether a thing follows, but for idle words and its colour.
    pub(super) fn next_thing(&self, index: usize) -> bool {
        let skipped = |sense: &Option<Sense>| sense.is_some_and(|s| s.is_idle() || matches!(s, Sense::Colour(_)));
        let next = self.tokens[index + 1..].iter().map(known).find(|sense| !skipped(sense)).flatten();
        matches!(next, Some(Sense::Thing | Sense::Subject(_)))
    }

    /// "a soft vignette" is a slight one; "soften the contrast" asks for less of it, "soften the shadows" for lighter ones.
    pub(super) fn say_soft(&mut self, index: usize) {
        match self.next(index) {
            Some(Sense::Quantity(Quantity::Contrast | Quantity::Highlights)) => {
                self.direction = Some(Direction::Less);
            }
            Some(Sense::Quantity(Quantity::Shadows)) => self.direction = Some(Direction::More),
            _ => self.say_amount(Amount::Slight),
        }
    }

    pub(super) fn say_quality(&mut self, quantity: Quantity, direction: Direction) {
        self.quantities.retain(|named| *named != quantity);
        let direction = if std::mem::take(&mut self.too) { direction.opposite() } else { direction };
        let direction = match (self.direction.take(), self.negated) {
            (Some(Direction::Less), _) | (_, true) => direction.opposite(),
            _ => direction,
        };
        self.negated = false;
        if let (Quantity::Exposure, [only @ (Quantity::Shadows | Quantity::Highlights)]) =
            (quantity, self.quantities.as_slice())
        {
            let only = *only;
            self.quantities.clear();
            self.emit(only, direction, None);
            return self.mark_quality();
        }
        self.emit(quantity, direction, None);
        self.mark_quality();
        self.quality = Some((quantity, direction));
    }

    /// What was said of the look's qualities already is left as it was said: "a dark moody look".
    pub(super) fn say_look(&mut self, amount: Amount, look: [(Quantity, Direction); 2]) {
        let amount = self.amount.take().unwrap_or(amount);
        for (quantity, direction) in look {
            if !self.has_found(quantity) {
                self.emit(quantity, direction, Some(amount));
                self.mark_quality();
            }
        }
    }

    pub(super) fn emit(&mut self, quantity: Quantity, direction: Direction, amount: Option<Amount>) {
        let said = self.amount.take();
        let amount = amount.or(said);
        let (quantity, direction) = noise_or_grain(quantity, direction);
        let change = Change::Adjust { quantity, direction, amount: amount.unwrap_or(Amount::Plain) };
        self.clause.found.push(Found::new(change, amount.is_some()));
    }

    /// What was found last was said by a quality.
    pub(super) fn mark_quality(&mut self) {
        if let Some(last) = self.clause.found.last_mut() {
            last.is_quality = true;
        }
    }
}

/// What nobody wants of a picture that is spoken of as it is.
fn is_fault(quantity: Quantity, direction: Direction) -> bool {
    matches!(
        (quantity, direction),
        (Quantity::Blur | Quantity::Grain | Quantity::Fade, Direction::More)
            | (Quantity::Exposure | Quantity::Contrast | Quantity::Saturation, Direction::Less)
    )
}

fn is_quantity(sense: Sense) -> bool {
    matches!(sense, Sense::Quantity(_) | Sense::Noise)
}
