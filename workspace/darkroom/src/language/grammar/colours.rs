//! Colours that are wanted, or spoken of as places; hues and levels.

use super::super::lexicon::Sense;
use super::super::words::{Meaning, Token};
use super::clause::Found;
use super::reader::Reader;
use crate::plan::{Amount, Change, Colour, Direction, Quantity};

impl Reader<'_> {
    pub(super) fn settle_hue_and_levels(&mut self) {
        if self.hue {
            let is_back = self.direction == Some(Direction::Less) || self.clockwise == Some(false);
            let sign = if is_back { -1.0 } else { 1.0 };
            let degrees = self.number.take().map(|value| within_half_a_turn(sign * value));
            self.clause.found.push(Found::new(Change::Hue { degrees }, true));
        }
        if self.posterises {
            let levels = self.number.take().map(|value| value.clamp(2.0, 64.0) as u8);
            self.clause.found.push(Found::new(Change::Posterise { levels }, true));
        }
    }

    /// Colours that are wanted, or spoken of as places.
    pub(super) fn settle_colours(&mut self) {
        let colours = std::mem::take(&mut self.colours);
        let Some((colour, comparative)) = colours.last().copied() else { return };
        if let ([(place, false), (to, comparative)], true) = (colours.as_slice(), self.clause.found.is_empty())
            && self.names_one_as_place()
        {
            self.clause.region.colour = Some(*place);
            self.clause.names_region = true;
            return self.recolour(*to, *comparative);
        }
        if !self.clause.found.is_empty() && !self.is_shaded || self.boosts_a_colour(comparative) {
            return self.place_by_colour(colour);
        }
        let is_unwanted = self.direction == Some(Direction::Less) || self.removes || self.negated;
        if self.clause.names_region || (self.leans && self.clause.has_pronoun) {
            if is_unwanted {
                return self.emit(Quantity::Saturation, Direction::Less, None);
            }
            return self.recolour(colour, comparative);
        }
        match cast(colour) {
            Some((quantity, direction)) => {
                self.clause.is_bare_colour = !self.idles && !self.recolours && !self.clause.has_pronoun;
                let direction = if is_unwanted { direction.opposite() } else { direction };
                self.emit(quantity, direction, None);
            }
            // No picture becomes white, grey or black by a cast.
            None => self.give_up(),
        }
    }

    /// A comparative, or "more", is a lesser pull than the colour itself.
    fn recolour(&mut self, to: Colour, comparative: bool) {
        let is_nudged = comparative || self.direction.is_some();
        let said = self.amount.take();
        let amount = said.unwrap_or(if is_nudged { Amount::Slight } else { Amount::Plain });
        self.clause.found.push(Found::new(Change::Recolour { to, amount }, true));
    }

    /// "make the reds blue", "the blue parts red", "red to blue": of two colours that are told apart the first is what there is.
    fn names_one_as_place(&self) -> bool {
        if self.clause.names_region || self.removes || self.direction == Some(Direction::Less) {
            return false;
        }
        let is_colour = |token: &&Token| matches!(token.sense, Meaning::Known(Sense::Colour(_), _));
        let is_plural = self.tokens.iter().find(is_colour).is_some_and(ends_in_s);
        let after = self.tokens.iter().skip_while(|token| !is_colour(token)).nth(1);
        is_plural || after.is_some_and(|token| !is_colour(&token))
    }

    /// "boost the greens", "desaturate the blues", "make the reds more intense": the plural noun is a place.
    fn boosts_a_colour(&self, comparative: bool) -> bool {
        let is_plural = self.tokens.iter().any(ends_in_s);
        is_plural && !comparative && (self.direction.is_some() || self.removes)
    }

    fn place_by_colour(&mut self, colour: Colour) {
        if self.clause.region.colour.is_none() && self.clause.region.subject.is_none() {
            self.clause.region.colour = Some(colour);
            self.clause.names_region = true;
        }
        if self.clause.found.is_empty() {
            let (direction, _) = self.wanted();
            self.emit(Quantity::Saturation, direction, None);
        }
    }
}

/// An angle on the circle, in degrees, −180 to 180.
fn within_half_a_turn(degrees: f32) -> f32 {
    let turned = degrees.rem_euclid(360.0);
    if turned > 180.0 { turned - 360.0 } else { turned }
}

/// Whether a colour's name stands in the plural, by its length: the lexicon holds no plurals.
fn ends_in_s(token: &Token) -> bool {
    let Meaning::Known(Sense::Colour(colour), false) = token.sense else { return false };
    token.place.len() == format!("{colour:?}").len() + 1
}

/// The cast that a colour's name stands for when it is said of the whole picture.
pub(super) fn cast(colour: Colour) -> Option<(Quantity, Direction)> {
    Some(match colour {
        Colour::Blue | Colour::Cyan | Colour::Teal => (Quantity::Warmth, Direction::Less),
        Colour::Orange | Colour::Yellow | Colour::Gold | Colour::Red | Colour::Brown => {
            (Quantity::Warmth, Direction::More)
        }
        Colour::Green => (Quantity::Tint, Direction::Less),
        Colour::Magenta | Colour::Pink | Colour::Purple => (Quantity::Tint, Direction::More),
        _ => return None,
    })
}
