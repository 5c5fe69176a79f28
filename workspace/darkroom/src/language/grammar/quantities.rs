//! Quantities and qualities: which way, and by how much.

use super::super::lexicon::Sense;
use super::clause::{Found, Way, noise_or_grain};
use super::colours::cast;
use super::qualities::Described;
use super::reader::{Reader, known};
use crate::plan::{Amount, Change, Colour, Direction, Position, Quantity};

impl Reader<'_> {
    /// "reduce the contrast and the saturation": quantities that are named alone go the way of the clause before. After "less" it is open
    /// whether an effect goes too or is to be added ("less contrast, vignette").
    pub(super) fn settle_way(&mut self) {
        let names = !self.quantities.is_empty() || self.noise;
        let is_alone = self.direction.is_none() && self.clause.found.is_empty() && self.colours.is_empty();
        let has_verb = self.removes || self.negated || self.idles || self.recolours || self.turns;
        let is_other = self.forbids || self.preserves || self.excepts || self.balances || self.sets;
        let is_new = self.tokens.iter().any(|token| known(token) == Some(Sense::Indefinite));
        if names && is_alone && !has_verb && !is_other && !is_new {
            let Way { direction, removes, strips, .. } = self.before;
            let is_effect = self.noise || self.quantities.iter().copied().any(is_effect);
            if is_effect && direction == Some(Direction::Less) && !removes {
                self.give_up();
            }
            (self.direction, self.removes, self.strips) = (direction, removes, strips);
        }
        let Self { direction, removes, strips, states, .. } = *self;
        self.clause.way = Way { direction, removes, strips, states };
    }

    /// "the dark sky" tells which sky; where nothing else is asked for, it is a wish all the same: "the dark sky please", "fix this
    /// underexposed photo".
    pub(super) fn settle_described(&mut self) {
        let asks = !self.clause.found.is_empty()
            || !self.quantities.is_empty()
            || !self.colours.is_empty()
            || self.noise
            || self.all_colours && !self.mends
            || self.clause.keeps;
        if asks || self.adds || self.removes || self.recolours || self.turns || self.flips || self.crops {
            return;
        }
        for Described { quantity, direction, is_complaint } in std::mem::take(&mut self.described) {
            if self.mends && !is_complaint {
                self.complain(quantity, direction);
            } else {
                self.say_quality(quantity, direction);
            }
        }
    }

    /// "remove the faded look", "get rid of the dark shadows": the opposite of the quality is asked for.
    pub(super) fn settle_stripped(&mut self) {
        if !self.strips {
            return;
        }
        for found in self.clause.found.iter_mut().filter(|found| found.is_quality) {
            if let Change::Adjust { quantity, direction, .. } = &mut found.change {
                (*quantity, *direction) = noise_or_grain(*quantity, direction.opposite());
            }
        }
    }

    /// "a dark vignette", "a white vignette around the edges": the words beside it say what kind of vignette.
    pub(super) fn settle_vignette(&mut self) {
        if !self.quantities.contains(&Quantity::Vignette) {
            return;
        }
        if matches!(self.clause.region.position, Some(Position::Edges | Position::Centre)) {
            self.excepts = false;
        }
        let is_tone = |found: &Found| matches!(found.change, Change::Adjust { quantity: Quantity::Exposure, .. });
        let tone = self.clause.found.iter().position(is_tone).map(|tone| self.clause.found.remove(tone).change);
        let is_white = self.colours.iter().any(|(colour, _)| *colour == Colour::White);
        self.colours.retain(|(colour, _)| !matches!(colour, Colour::White | Colour::Black));
        if let Some(Change::Adjust { amount, .. }) = tone.filter(|_| self.amount.is_none()) {
            self.amount = Some(amount);
        }
        // "a light vignette" is a faint one.
        if self.quantities.contains(&Quantity::Exposure) {
            self.quantities.retain(|quantity| *quantity != Quantity::Exposure);
            self.amount.get_or_insert(Amount::Slight);
        }
        let is_bright = matches!(tone, Some(Change::Adjust { direction: Direction::More, .. }));
        if is_white || is_bright {
            self.quantities.retain(|quantity| *quantity != Quantity::Vignette);
            self.emit(Quantity::Vignette, Direction::Less, None);
        }
    }

    /// "a magenta tint", "the green cast": the colour says which way. A cast of no colour could be any.
    pub(super) fn settle_casts(&mut self) {
        let Some(place) = self.quantities.iter().position(|quantity| *quantity == Quantity::Tint) else { return };
        let Some((quantity, direction)) = self.colours.last().and_then(|(colour, _)| cast(*colour)) else {
            if self.removes || self.negated {
                self.give_up();
            }
            return;
        };
        self.quantities.remove(place);
        self.colours.clear();
        let (towards, _) = self.wanted();
        let direction = if towards == Direction::Less { direction.opposite() } else { direction };
        self.emit(quantity, direction, None);
    }

    pub(super) fn settle_quantities(&mut self) {
        let has_no_way = self.direction.is_none() && !self.removes && !self.negated;
        let is_open = self.direction.is_none() && self.number.is_none() && self.clause.found.is_empty();
        let is_unbalanced = self.balances && is_open && self.colours.is_empty();
        // "set the contrast to 50": where it is now is not known.
        let is_set = self.sets && has_no_way && !self.quantities.is_empty();
        // "adjust the contrast", "fix the exposure": which way is not said.
        let is_aimed = self.tokens.iter().any(|token| known(token) == Some(Sense::To));
        let is_changed = (self.alters || self.mends) && !is_aimed;
        let is_altered = is_changed && has_no_way && is_open && !self.quantities.is_empty();
        let are_faults = self.mends && self.quantities.iter().copied().all(is_effect);
        self.removes |= is_altered && are_faults;
        if is_unbalanced || is_set || is_altered && !are_faults {
            self.give_up();
        }
        let wanted = self.wanted();
        if !self.quantities.is_empty() {
            let number = self.bare_number();
            // "remove the blur": all of it goes.
            let amount = self.amount.take().or(number).or(wanted.1.then_some(Amount::Strong));
            for quantity in std::mem::take(&mut self.quantities) {
                // Shadows that are removed, or too strong, are lit.
                let is_lit = quantity == Quantity::Shadows && (self.is_too_much || self.strips && wanted.1);
                self.emit(quantity, if is_lit { Direction::More } else { wanted.0 }, amount);
            }
        }
        self.settle_all_colours(wanted);
    }

    /// "remove all colour", "tone down the colours", "give it more colour".
    fn settle_all_colours(&mut self, wanted: (Direction, bool)) {
        if self.all_colours && self.clause.found.is_empty() && self.colours.is_empty() {
            match wanted {
                (Direction::Less, true) => {
                    self.clause.found.push(Found::new(Change::BlackAndWhite, false));
                }
                (direction, false) if self.direction.is_some() => self.emit(Quantity::Saturation, direction, None),
                _ => {}
            }
        }
        let only_colour = self.recolours && self.colours.is_empty() && self.clause.found.is_empty();
        if only_colour && self.removes {
            self.clause.found.push(Found::new(Change::BlackAndWhite, false));
        } else if only_colour && self.direction.is_some() {
            self.emit(Quantity::Saturation, wanted.0, None);
        }
    }

    /// Up or down, and whether all of it is to go.
    pub(super) fn wanted(&self) -> (Direction, bool) {
        match self.direction {
            // "take the highlights down": a direction says more than the verb.
            Some(direction) if !self.negated => (direction, false),
            _ if self.removes || self.negated => (Direction::Less, true),
            _ => (Direction::More, false),
        }
    }

    /// "contrast +15": a number without a unit is a percentage from 2 on, below that stops or a share.
    fn bare_number(&mut self) -> Option<Amount> {
        let value = self.number.take()?;
        Some(Amount::Share(if value >= 2.0 { value / 100.0 } else { value }))
    }

    pub(super) fn settle_noise(&mut self) {
        let cleans = |found: &Found| matches!(found.change, Change::Adjust { quantity: Quantity::Denoise, .. });
        if !self.noise || self.clause.found.iter().any(cleans) {
            return;
        }
        // "clean the noise up": the verb says more than its particle.
        let goes = self.removes || self.mends || self.wanted().0 == Direction::Less;
        self.emit(if goes { Quantity::Denoise } else { Quantity::Grain }, Direction::More, None);
    }

    /// An amount or number that came after all of its changes, or before none.
    pub(super) fn settle_amount(&mut self) {
        let number = self.bare_number();
        let Some(amount) = self.amount.take().or(number) else { return };
        self.clause.amount = Some(amount);
        for found in &mut self.clause.found {
            if let (Change::Adjust { amount: said, .. } | Change::Recolour { amount: said, .. }, false) =
                (&mut found.change, found.has_amount)
            {
                *said = amount;
            }
        }
    }
}

/// Whether a quantity is one that a picture has not by itself.
fn is_effect(quantity: Quantity) -> bool {
    matches!(quantity, Quantity::Vignette | Quantity::Fade | Quantity::Sepia | Quantity::Blur | Quantity::Grain)
}
