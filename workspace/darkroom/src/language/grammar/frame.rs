//! The frame: turns, mirrors, crops, the horizon.

use super::super::lexicon::Sense;
use super::super::words::Token;
use super::clause::Found;
use super::reader::{Reader, known};
use crate::plan::{Aspect, Axis, Change, Direction, Position, Region};

impl Reader<'_> {
    /// What the clause asks of the frame. It can only be asked of the whole picture: "rotate the cup" is not understood.
    pub(super) fn settle_frame(&mut self) {
        self.settle_horizon();
        self.settle_shape();
        self.turns |= self.is_turned_sideways();
        self.turns &= !self.hue;
        self.flips &= !self.is_told_how_to_lie();
        let moves = self.turns || self.flips || self.clause.found.iter().any(|found| is_turn(found.change));
        // "remove the mirror", "not rotated".
        let is_denied = moves && (self.removes || self.negated);
        if moves && self.is_about_a_part() || is_denied {
            return self.give_up();
        }
        self.settle_turn();
        self.settle_flip();
        self.settle_crop();
    }

    /// The horizon is no place that could be found: by itself it is to be level, and what else is asked of it is not understood.
    fn settle_horizon(&mut self) {
        if !self.has_horizon {
            return;
        }
        let found = &self.clause.found;
        let asks_more =
            self.turns || !self.colours.is_empty() || self.direction.is_some() || found.is_empty() && self.removes;
        if asks_more || found.iter().any(|found| found.change != Change::Straighten) {
            self.give_up();
        } else if found.is_empty() {
            self.clause.found.push(Found::new(Change::Straighten, false));
        }
    }

    /// "crop to landscape" and "make it square" say a ratio, "make this landscape warmer" what the picture is.
    fn settle_shape(&mut self) {
        let Some(shape) = self.shape else { return };
        let asks = !self.clause.found.is_empty() || !self.colours.is_empty() || self.hue || self.posterises;
        let asks = asks || self.turns || self.flips;
        match self.has_genre {
            _ if self.crops => _ = self.ratio.get_or_insert(shape),
            false if !asks => self.ratio = Some(shape),
            true if !asks => self.give_up(),
            _ => {}
        }
    }

    /// "turn it to the right": the verb of recolouring, where nothing is recoloured.
    fn is_turned_sideways(&self) -> bool {
        let is_sideways = matches!(self.clause.region.position, Some(Position::Left | Position::Right));
        let asks = !self.colours.is_empty() || !self.clause.found.is_empty() || self.clause.names_region;
        self.recolours && is_sideways && !asks
    }

    /// "crop to 9:16 vertical", "make the horizon horizontal": the word says how it is to lie.
    fn is_told_how_to_lie(&self) -> bool {
        let levels = self.clause.found.iter().any(|found| found.change == Change::Straighten);
        self.crops || self.ratio.is_some() || levels
    }

    fn is_about_a_part(&self) -> bool {
        let Region { subject, colour, tone, .. } = self.clause.region;
        let is_named = subject.is_some() || colour.is_some() || tone.is_some();
        self.has_half || is_named && !self.has_picture && !self.clause.has_pronoun
    }

    fn settle_turn(&mut self) {
        if !self.turns {
            return;
        }
        let by_side = match self.clause.region.position {
            Some(Position::Left) => Some(false),
            Some(Position::Right) => Some(true),
            _ => None,
        };
        let clockwise = self.clockwise.or(by_side).unwrap_or(self.direction != Some(Direction::Less));
        self.clause.found.retain(|found| found.change != Change::Straighten);
        if !self.clause.found.iter().any(|found| is_turn(found.change)) {
            if self.number.is_none() && self.amount.is_some() {
                // "rotate slightly": by how much, nobody knows.
                return self.give_up();
            }
            let degrees = self.number.take().unwrap_or(90.0) % 360.0;
            let change = Change::Rotate { degrees: if clockwise { degrees } else { -degrees } };
            self.clause.found.push(Found::new(change, true));
        }
        self.clause.region = Region::default();
    }

    fn settle_flip(&mut self) {
        if !self.flips {
            return;
        }
        let upside = self.clause.found.iter().any(|found| is_turn(found.change));
        self.clause.found.retain(|found| !is_turn(found.change));
        let axis = self.axis.unwrap_or(if upside { Axis::Vertical } else { Axis::Horizontal });
        self.clause.found.push(Found::new(Change::Flip(axis), false));
        self.clause.region = Region::default();
    }

    fn settle_crop(&mut self) {
        if let Some((width, height)) = self.ratio {
            if self.is_cut_round_a_place() {
                return self.give_up();
            }
            self.clause.found.push(Found::new(Change::Crop { aspect: aspect(width, height) }, false));
            self.clause.region = Region::default();
        } else if self.crops {
            self.give_up();
        }
    }

    /// "crop to a square around the cup", "crop the cup to a square", "crop to 4:5 at the top": the cut is not placed.
    fn is_cut_round_a_place(&self) -> bool {
        let Region { subject, colour, tone, position, .. } = self.clause.region;
        let is_picture =
            |token: &Token| matches!(known(token), Some(Sense::Picture | Sense::Pronoun | Sense::Genre(..)));
        let is_part = subject.is_some() || colour.is_some() || tone.is_some();
        let is_side = !matches!(position, None | Some(Position::Centre | Position::Edges));
        self.excepts || is_side || is_part && !self.tokens.iter().any(is_picture)
    }
}

fn is_turn(change: Change) -> bool {
    matches!(change, Change::Rotate { .. })
}

/// A ratio as whole numbers: 2.39:1 is 239:100.
fn aspect(width: f32, height: f32) -> Aspect {
    let is_whole = width.fract() == 0.0 && height.fract() == 0.0;
    let scale = if is_whole { 1.0 } else { 100.0 };
    let whole = |value: f32| (value * scale).round().clamp(1.0, 65_535.0) as u16;
    let (width, height) = (whole(width), whole(height));
    let divisor = gcd(width, height);
    Aspect { width: width / divisor, height: height / divisor }
}

fn gcd(one: u16, other: u16) -> u16 {
    if other == 0 { one.max(1) } else { gcd(other, one % other) }
}
