//! Where: things, tones and sides.

use super::clause::Found;
use super::reader::Reader;
use crate::plan::{Change, Position, Quantity, Subject, Tone};

impl Reader<'_> {
    /// Unknown words after a colour are things of that colour; known things without one are told by saliency.
    pub(super) fn settle_things(&mut self) {
        if self.clause.region.subject == Some(Subject::Object) && self.clause.unknown.len() == 1 && !self.has_thing {
            self.clause.unknown.clear();
        }
        let region = &mut self.clause.region;
        if self.has_thing && region.subject.is_none() {
            self.clause.guesses = region.colour.is_none();
            region.subject = Some(if region.colour.is_some() { Subject::Object } else { Subject::Foreground });
            self.clause.names_region = true;
        }
        // "the red background" is whatever is red.
        if region.colour.is_some() && matches!(region.subject, Some(Subject::Foreground | Subject::Background)) {
            region.subject = Some(Subject::Object);
        }
    }

    /// "warm highlights", "less noise in the shadows", "bluer shadows": tones named beside another change are its place. Detail in
    /// the shadows is shown by lifting them.
    pub(super) fn settle_tones(&mut self) {
        let others = |quantity: &Quantity| tone_of(*quantity).is_none();
        let asks = !self.clause.found.is_empty() || !self.colours.is_empty();
        let is_change = self.noise || asks || self.quantities.iter().any(others);
        let tones: Vec<Tone> = self.quantities.iter().copied().filter_map(tone_of).collect();
        let [tone] = tones[..] else { return };
        if is_change && !self.quantities.contains(&Quantity::Sharpness) {
            self.quantities.retain(others);
            self.clause.region.tone = Some(tone);
            self.clause.names_region = true;
        }
    }

    /// A side is a place only where something is done to it.
    pub(super) fn settle_position(&mut self) {
        if self.clause.region.position.is_none() {
            return;
        }
        let is_exposure = |found: &Found| matches!(found.change, Change::Adjust { quantity: Quantity::Exposure, .. });
        // Darkened corners and edges are a vignette.
        if self.clause.region.position == Some(Position::Edges) && self.clause.found.iter().all(is_exposure) {
            for found in &mut self.clause.found {
                if let Change::Adjust { quantity, direction, .. } = &mut found.change {
                    *quantity = Quantity::Vignette;
                    *direction = direction.opposite();
                }
            }
            if !self.clause.found.is_empty() {
                self.clause.region.position = None;
                return;
            }
        }
        let is_vignette = |found: &Found| matches!(found.change, Change::Adjust { quantity: Quantity::Vignette, .. });
        if !self.clause.found.is_empty() && self.clause.found.iter().all(is_vignette) {
            self.clause.region.position = None;
            return;
        }
        self.clause.names_region = true;
    }
}

/// The tones that a quantity is of, where it is of some.
pub(super) fn tone_of(quantity: Quantity) -> Option<Tone> {
    match quantity {
        Quantity::Shadows => Some(Tone::Dark),
        Quantity::Highlights => Some(Tone::Bright),
        _ => None,
    }
}
