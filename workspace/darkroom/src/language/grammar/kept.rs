//! What is to stay as it is, and where a change is not to be.

use super::places::tone_of;
use super::reader::Reader;
use crate::plan::{Change, Plan, Quantity, Region};

/// A place that is to stay as it is.
pub(super) struct Kept {
    pub(super) region: Region,
    /// The changes that it is to be spared; all where none is named.
    pub(super) from: Vec<Change>,
}

impl Kept {
    /// Leaves the place out of every change that is meant for the whole picture.
    pub(super) fn spare(&self, plan: &mut Plan) {
        for edit in plan.edits.iter_mut().filter(|edit| edit.region.is_everywhere()) {
            let is_meant = self.from.is_empty() || self.from.iter().any(|from| is_alike(*from, edit.change));
            if is_meant && !self.is_settled_by(edit.change) {
                edit.region = self.region.complement();
            }
        }
    }

    /// Whether a change says itself where it is: in the frame, or in some tones.
    fn is_settled_by(&self, change: Change) -> bool {
        match change {
            Change::Adjust { quantity: Quantity::Vignette, .. } => true,
            Change::Adjust { quantity, .. } => self.region.tone.is_some() && tone_of(quantity).is_some(),
            change => change.moves_the_frame(),
        }
    }
}

/// Whether two changes are of one kind, whatever their amounts.
fn is_alike(one: Change, other: Change) -> bool {
    match (one, other) {
        (Change::Adjust { quantity: one, .. }, Change::Adjust { quantity: other, .. }) => one == other,
        _ => std::mem::discriminant(&one) == std::mem::discriminant(&other),
    }
}

impl Reader<'_> {
    /// "don't blur it", "without darkening the sky": nothing is asked for. "without noise" asks for less of it.
    pub(super) fn settle_forbidden(&mut self) {
        // "more contrast, but not saturation" leaves that as it is.
        let names_only = self.direction.is_none() && self.clause.found.is_empty() && !self.quantities.is_empty();
        self.clause.keeps |= self.excludes && names_only && self.amount.is_none();
        if !self.forbids {
            return;
        }
        let names_a_thing = self.negated && self.direction.is_none() && self.clause.found.is_empty();
        self.clause.keeps |= !(names_a_thing && (self.noise || !self.quantities.is_empty()));
    }

    /// "keep the shadows", "leave the reds", "but not the sky": a place that stays as it is.
    pub(super) fn settle_kept(&mut self) {
        let asks = !self.clause.found.is_empty() || !self.quantities.is_empty() || !self.colours.is_empty();
        let is_place = self.clause.names_region || self.clause.region.position.is_some();
        // "warmer, except the sky": the exception to what was said before.
        let is_exception = is_place && !asks && (self.negated || self.excepts) && !self.acts();
        self.clause.keeps |= self.preserves || is_exception;
        if self.preserves {
            self.place_what_is_kept();
        }
        if !self.clause.keeps {
            return;
        }
        // "keep everything but the sky" keeps what "except the sky" does not.
        self.clause.region.inverted = self.excepts && (self.preserves || self.forbids || self.negated);
        self.excepts = false;
        self.clause.names_region = self.clause.region != Region::default();
    }

    /// "keep the shadows", "leave the reds": what else is a quantity or a wish is a place here.
    fn place_what_is_kept(&mut self) {
        let (quantities, colours) = (std::mem::take(&mut self.quantities), std::mem::take(&mut self.colours));
        if let [quantity] = quantities[..] {
            self.clause.region.tone = self.clause.region.tone.or(tone_of(quantity));
        }
        if let ([(colour, false)], true) = (&colours[..], self.clause.region == Region::default())
            && !self.clause.has_pronoun
        {
            self.clause.region.colour = Some(*colour);
        }
        self.clause.found.clear();
        self.noise = false;
    }

    pub(super) fn settle_exception(&mut self) {
        if self.turns_around || self.excepts && self.excepts_of_a_place {
            // "turn the car around"; "the sky except the clouds" is more than a region can say.
            return self.give_up();
        }
        if !self.excepts {
            return;
        }
        if let (true, Some((colour, _))) = (self.clause.region == Region::default(), self.colours.first().copied()) {
            self.clause.region.colour = Some(colour);
            self.colours.remove(0);
        }
        self.clause.region.inverted = self.clause.region != Region::default();
        self.clause.names_region |= self.clause.region.inverted;
    }

    fn acts(&self) -> bool {
        self.direction.is_some() || self.removes || self.noise || self.turns || self.flips || self.crops
    }
}
