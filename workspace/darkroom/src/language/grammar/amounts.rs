//! Amounts, numbers and their units, as they are heard.

use super::super::lexicon::Sense;
use super::reader::Reader;
use crate::plan::{Amount, Change, Quantity};

impl Reader<'_> {
    pub(super) fn hear_amount(&mut self, sense: Sense, index: usize) {
        match sense {
            Sense::Amount(amount) => self.say_amount(amount),
            Sense::Number(value) => self.say_number(value, index),
            Sense::Percent => {
                if let Some(value) = self.number.take() {
                    self.say_amount(Amount::Share(value / 100.0));
                }
            }
            Sense::Times => {
                if let Some(value) = self.number.take() {
                    self.say_amount(Amount::Share((value - 1.0).abs()));
                }
            }
            // "stop blurring it" is no measure of light.
            Sense::Stops if index == 0 && self.tokens.len() > 1 => self.forbids = true,
            Sense::Stops => {
                let value = self.number.take().unwrap_or(1.0);
                self.say_amount(Amount::Stops(value));
                if self.quality.is_none() && self.quantities.is_empty() && self.direction.is_some() {
                    self.quantities.push(Quantity::Exposure);
                }
            }
            _ => {}
        }
    }

    /// A number in words needs a unit, or a word before it that makes it one: "one side" and "half the picture" are no amounts.
    pub(super) fn say_number(&mut self, value: f32, index: usize) {
        const THIS: [&str; 2] = ["this", "that"];
        let is_unit = |next: Sense| {
            let is_count = matches!(next, Sense::Levels | Sense::Level | Sense::Times);
            is_count || matches!(next, Sense::Stops | Sense::Percent | Sense::Degrees)
        };
        let last = self.last(index);
        let word = self.text.get(self.tokens[index].place.clone()).unwrap_or_default();
        let is_bare = word.starts_with(char::is_alphabetic) && !self.next_is(index, is_unit) && !self.turns;
        if is_bare && !matches!(last, Some(Sense::By | Sense::To)) {
            // "this one" is the picture.
            if index == 0 || !self.is_word(index - 1, &THIS) {
                self.give_up();
            }
            return;
        }
        self.number = Some(value);
        self.sets |= last == Some(Sense::To);
    }

    pub(super) fn say_amount(&mut self, amount: Amount) {
        // At the end of a clause an amount belongs to the change before it.
        if let Some(last) = self.clause.found.last_mut().filter(|last| !last.has_amount)
            && let Change::Adjust { amount: said, .. } = &mut last.change
        {
            *said = amount;
            last.has_amount = true;
            return;
        }
        // "a little less", "much more": a stated number says more than a word.
        if !matches!(self.amount, Some(Amount::Share(_) | Amount::Stops(_))) {
            self.amount = Some(amount);
        }
    }
}
