//! What is heard of one clause, word by word.

use std::ops::Range;

use super::super::lexicon::Sense;
use super::super::words::{Meaning, Token};
use super::clause::{Clause, Found, Way};
use super::qualities::Described;
use crate::plan::{Amount, Axis, Change, Colour, Direction, Position, Quantity, Subject};

/// Reads one clause.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each says whether a kind of word was heard, independently")]
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: &'a [Token],
    /// Whether a place was spoken of before, which a pronoun may mean.
    pub(super) leans: bool,
    /// Which way the clause before went.
    pub(super) before: Way,
    pub(super) clause: Clause,
    // Amounts and directions.
    pub(super) too: bool,
    pub(super) is_too_much: bool,
    pub(super) amount: Option<Amount>,
    pub(super) number: Option<f32>,
    pub(super) direction: Option<Direction>,
    /// A number is where a quantity is to be, not by how much it is to change.
    pub(super) sets: bool,
    // Verbs.
    pub(super) adds: bool,
    pub(super) removes: bool,
    /// It is removed by a word that turns qualities round.
    pub(super) strips: bool,
    pub(super) idles: bool,
    pub(super) alters: bool,
    pub(super) mends: bool,
    pub(super) recolours: bool,
    pub(super) balances: bool,
    pub(super) states: bool,
    // Denials.
    pub(super) negated: bool,
    pub(super) denies: bool,
    /// "not" by itself, as in "but not the saturation".
    pub(super) excludes: bool,
    pub(super) forbids: bool,
    pub(super) preserves: bool,
    pub(super) excepts: bool,
    /// A place was named before "except".
    pub(super) excepts_of_a_place: bool,
    // Places.
    pub(super) has_thing: bool,
    pub(super) has_picture: bool,
    /// A side is named as a part of the picture, not as a direction.
    pub(super) has_half: bool,
    /// "around" after a place, and no place after it yet.
    pub(super) turns_around: bool,
    /// The thing is a new one.
    pub(super) is_new: bool,
    // Quantities, and qualities that only describe a thing.
    pub(super) quantities: Vec<Quantity>,
    pub(super) quality: Option<(Quantity, Direction)>,
    pub(super) described: Vec<Described>,
    pub(super) noise: bool,
    pub(super) hue: bool,
    pub(super) posterises: bool,
    /// Colours in the order of the text, each with whether it was a comparative.
    pub(super) colours: Vec<(Colour, bool)>,
    pub(super) all_colours: bool,
    /// A quality says which shade of the colour: "dark blue".
    pub(super) is_shaded: bool,
    // The frame.
    pub(super) turns: bool,
    pub(super) clockwise: Option<bool>,
    pub(super) flips: bool,
    pub(super) axis: Option<Axis>,
    pub(super) crops: bool,
    pub(super) ratio: Option<(f32, f32)>,
    pub(super) shape: Option<(f32, f32)>,
    pub(super) has_genre: bool,
    pub(super) has_horizon: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, tokens: &'a [Token], leans: bool, before: Way) -> Self {
        Self { text, tokens, leans, before, ..Self::default() }
    }

    pub(super) fn read(mut self) -> Clause {
        for (index, token) in self.tokens.iter().enumerate() {
            match token.sense {
                Meaning::Known(sense, comparative) => self.hear(sense, comparative, index),
                Meaning::Ratio(width, height) => self.ratio = Some((width, height)),
                Meaning::Hex(red, green, blue) => self.colours.push((Colour::Rgb(red, green, blue), false)),
                Meaning::Size => self.give_up(),
                Meaning::Break => {}
                Meaning::Unknown => self.clause.unknown.push(token.place.clone()),
            }
        }
        self.finish();
        self.clause
    }

    /// The place of the whole clause.
    pub(super) fn whole(&self) -> Range<usize> {
        self.tokens[0].place.start..self.tokens[self.tokens.len() - 1].place.end
    }

    /// The clause is not understood.
    pub(super) fn give_up(&mut self) {
        self.clause.unknown.push(self.whole());
    }

    /// The sense of the next token that says anything.
    pub(super) fn next(&self, index: usize) -> Option<Sense> {
        let mut senses = self.tokens[index + 1..].iter().map(known);
        senses.find(|sense| sense.is_none_or(|sense| !sense.is_idle())).flatten()
    }

    pub(super) fn next_is(&self, index: usize, check: impl Fn(Sense) -> bool) -> bool {
        self.next(index).is_some_and(check)
    }

    /// The sense of the last token before that says anything.
    pub(super) fn last(&self, index: usize) -> Option<Sense> {
        let mut senses = self.tokens[..index].iter().rev().map(known);
        senses.find(|sense| sense.is_none_or(|sense| !sense.is_idle())).flatten()
    }

    pub(super) fn is_word(&self, index: usize, words: &[&str]) -> bool {
        let word = self.tokens.get(index).and_then(|token| self.text.get(token.place.clone()));
        word.is_some_and(|word| words.iter().any(|known| known.eq_ignore_ascii_case(word)))
    }

    fn hear(&mut self, sense: Sense, comparative: bool, index: usize) {
        self.clause.says_something |= says_something(sense);
        match sense {
            Sense::Filler | Sense::Stranger | Sense::Indefinite | Sense::And | Sense::By | Sense::To | Sense::From => {}
            Sense::Everything => {}
            Sense::Pronoun => self.clause.has_pronoun = true,
            Sense::Picture => {
                self.has_picture = true;
                self.refuse_a_border(index);
            }
            Sense::Rest => self.clause.means_the_rest = true,
            Sense::Thing => self.say_thing(index),
            Sense::Subject(subject) => self.say_subject(subject, index),
            Sense::Position(position) => self.say_position(position, index),
            Sense::Tone(tone) => {
                self.clause.region.tone = Some(tone);
                self.clause.names_region = true;
            }
            Sense::Colour(colour) => self.say_colour(colour, comparative, index),
            Sense::AllColours => self.all_colours = true,
            Sense::Amount(_) | Sense::Number(_) | Sense::Percent | Sense::Stops | Sense::Times => {
                self.hear_amount(sense, index);
            }
            Sense::Quality(quantity, direction) => self.hear_quality(quantity, direction, comparative, index),
            Sense::Quantity(quantity) => self.say_quantity(quantity),
            Sense::WhiteBalance => {
                self.balances = true;
                self.say_quantity(Quantity::Warmth);
            }
            Sense::Noise => self.noise = true,
            Sense::Hue => self.hue = true,
            Sense::Look(amount, look) => self.say_look(amount, look),
            Sense::Whole(change) => self.say_whole(change),
            Sense::Posterise => self.posterises = true,
            Sense::Levels => self.posterises |= self.number.is_some(),
            Sense::Level if self.number.is_some() => self.posterises = true,
            Sense::Level => self.say_whole(Change::Straighten),
            _ => self.hear_verb(sense, index),
        }
    }

    /// Verbs, denials, and words of the frame.
    fn hear_verb(&mut self, sense: Sense, index: usize) {
        match sense {
            Sense::Towards(direction) => self.direction = Some(self.direction.unwrap_or(direction)),
            Sense::Add => {
                self.adds = true;
                self.direction = Some(self.direction.unwrap_or(Direction::More));
            }
            Sense::Deep => {
                let shadows = self.next_is(index, |next| next == Sense::Quantity(Quantity::Shadows));
                self.direction = Some(if shadows { Direction::Less } else { Direction::More });
            }
            Sense::IdleVerb => self.idles = true,
            Sense::Remove => (self.removes, self.strips) = (true, true),
            Sense::Take => self.removes = true,
            Sense::No => (self.removes, self.strips, self.denies) = (true, true, true),
            Sense::Recolour => self.recolours = true,
            Sense::Too => self.too = true,
            Sense::TooMuch => (self.direction, self.is_too_much) = (Some(Direction::Less), true),
            Sense::Not => {
                (self.negated, self.denies) = (true, true);
                self.excludes |= self.is_word(index, &["not"]);
            }
            Sense::Forbid => self.forbids = true,
            Sense::Without => (self.forbids, self.negated, self.denies) = (true, true, true),
            Sense::Except => (self.excepts, self.excepts_of_a_place) = (true, self.has_thing),
            Sense::Around => self.say_around(),
            Sense::Keep => self.preserves = true,
            Sense::Mend => (self.idles, self.mends) = (true, true),
            Sense::Alter => {
                (self.idles, self.alters) = (true, true);
                self.preserves |= self.negated || self.forbids;
            }
            Sense::Rotate => self.turns = true,
            Sense::Clockwise(clockwise) => (self.clockwise, self.turns) = (Some(clockwise), true),
            Sense::Degrees => self.turns |= !self.hue,
            Sense::Flip(axis) => {
                self.flips = true;
                self.axis = axis.or(self.axis);
            }
            Sense::Crop => self.crops = true,
            Sense::Shape(width, height) | Sense::Genre(width, height) => {
                (self.shape, self.has_picture) = (Some((width, height)), true);
                self.has_genre |= matches!(sense, Sense::Genre(..));
                // "convert it to landscape": the word after "to" is what it is to become.
                self.crops |= self.last(index) == Some(Sense::To);
            }
            Sense::Horizon => self.has_horizon = true,
            _ => {}
        }
    }

    fn say_whole(&mut self, change: Change) {
        if self.negated || (self.removes && change != Change::Straighten) {
            return;
        }
        self.clause.found.push(Found::new(change, false));
    }

    fn say_thing(&mut self, index: usize) {
        self.has_thing = true;
        self.is_new |= self.is_new_thing(index);
        self.turns_around = false;
    }

    /// The first thing that is named is the place, and what comes after it tells more of it: "the cat on the grass". A face is a part
    /// of whoever is named with it.
    fn say_subject(&mut self, subject: Subject, index: usize) {
        let named = self.clause.region.subject.filter(|_| self.has_thing);
        if !self.has_thing || (subject == Subject::Skin && named == Some(Subject::Foreground)) {
            self.clause.region.subject = Some(subject);
        }
        self.clause.names_region = true;
        self.say_thing(index);
    }

    /// "the left half" is a part of the picture; "left" may be a direction.
    fn say_position(&mut self, position: Position, index: usize) {
        self.refuse_a_border(index);
        self.clause.region.position = Some(position);
        let words = self.text.get(self.tokens[index].place.clone()).unwrap_or_default();
        self.has_half |= words.contains(' ') && self.last(index) != Some(Sense::To);
    }

    /// "add a white border", "put a small frame around it", "frame it in black": drawn round the picture, which no change here does.
    /// "darken the border" and "a border vignette" are about what is there.
    fn refuse_a_border(&mut self, index: usize) {
        const BORDERS: [&str; 6] = ["border", "borders", "frame", "frames", "margin", "margins"];
        const EDGES: [&str; 2] = ["edge", "edges"];
        const FRAMED: [&str; 6] = ["it", "this", "the", "my", "that", "everything"];
        const PUTS: [&str; 4] = ["put", "apply", "use", "draw"];
        let is_vignette = self.next_is(index, |next| next == Sense::Quantity(Quantity::Vignette));
        let is_edge = self.is_word(index, &EDGES);
        if is_vignette || !is_edge && !self.is_word(index, &BORDERS) {
            return;
        }
        let of_it = |place: &usize| {
            let told =
                matches!(known(&self.tokens[*place]), Some(Sense::Colour(_) | Sense::Quality(..) | Sense::Amount(_)));
            told || self.is_word(*place, &["small", "nice", "simple", "picture", "photo"])
        };
        let first = (0..index).rev().find(|place| !of_it(place));
        let is_coloured = (first.map_or(0, |first| first + 1)..index)
            .any(|place| matches!(known(&self.tokens[place]), Some(Sense::Colour(_))));
        let is_drawn = match first {
            Some(first) => {
                matches!(known(&self.tokens[first]), Some(Sense::Indefinite | Sense::Add)) || self.is_word(first, &PUTS)
            }
            None => is_coloured || index == 0 && self.is_word(0, &["frame"]) && self.is_word(1, &FRAMED),
        };
        // "add a dark edge" is a vignette.
        if is_drawn && (is_coloured || !is_edge) {
            self.give_up();
        }
    }

    /// Whether "a" stands before a thing, with nothing but its qualities between.
    fn is_new_thing(&self, index: usize) -> bool {
        let of_it = |sense: &Option<Sense>| {
            matches!(sense, Some(Sense::Colour(_) | Sense::Quality(..) | Sense::Thing | Sense::Quantity(_)))
        };
        let first = self.tokens[..index].iter().rev().map(known).find(|sense| !of_it(sense));
        first.flatten() == Some(Sense::Indefinite)
    }

    /// "everything around the cat" is all but it; "the sky around the tower" is the sky; "turn the car around" is neither.
    fn say_around(&mut self) {
        if self.has_thing { self.turns_around = true } else { self.excepts = true }
    }

    /// A colour before its thing is where to look ("the red flowers"); any other is what is wanted.
    fn say_colour(&mut self, colour: Colour, comparative: bool, index: usize) {
        const SHADES: [&str; 10] =
            ["dark", "light", "bright", "pale", "vivid", "pastel", "muted", "rich", "intense", "dull"];
        let is_where = self.next_is(index, |next| matches!(next, Sense::Thing | Sense::Subject(_)))
            || matches!(self.tokens.get(index + 1), Some(next) if next.sense == Meaning::Unknown && !comparative)
                && index + 2 < self.tokens.len();
        let is_from = index > 0 && known(&self.tokens[index - 1]) == Some(Sense::From);
        if (is_where || is_from) && !comparative && self.clause.region.colour.is_none() {
            self.clause.region.colour = Some(colour);
            self.clause.names_region = true;
            self.clause.region.subject.get_or_insert(Subject::Object);
            return;
        }
        self.is_shaded |= index > 0 && self.is_word(index - 1, &SHADES);
        self.colours.push((colour, comparative));
    }

    /// What the clause comes to once all of it is heard.
    fn finish(&mut self) {
        self.clause.acts = self.direction.is_some() || self.removes || self.idles || self.recolours || self.is_new;
        self.settle_way();
        self.settle_described();
        self.settle_stripped();
        self.settle_things();
        self.settle_vignette();
        self.settle_forbidden();
        self.settle_kept();
        self.settle_exception();
        self.settle_tones();
        self.settle_casts();
        self.settle_quantities();
        self.settle_noise();
        self.settle_frame();
        self.settle_hue_and_levels();
        self.settle_colours();
        self.settle_position();
        self.settle_amount();
        let is_empty = self.clause.found.is_empty() && !self.clause.names_region && !self.clause.keeps;
        // Words that mean something elsewhere but ask for nothing here. "not a filter" asks for nothing either way.
        if is_empty && self.clause.says_something && !self.negated {
            self.give_up();
        }
    }
}

/// The sense of a token that the lexicon knows.
pub(super) fn known(token: &Token) -> Option<Sense> {
    match token.sense {
        Meaning::Known(sense, _) => Some(sense),
        _ => None,
    }
}

fn says_something(sense: Sense) -> bool {
    let is_of_another = matches!(
        sense,
        Sense::Alter
            | Sense::Mend
            | Sense::Pronoun
            | Sense::By
            | Sense::To
            | Sense::From
            | Sense::Amount(_)
            | Sense::Everything
            | Sense::Rest
    );
    !is_of_another && !sense.is_idle()
}
