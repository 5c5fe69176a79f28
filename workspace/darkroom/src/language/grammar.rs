//! From the words of a clause to what it asks for.
//!
//! A clause is read from left to right. It holds at most one place and any number of changes; an amount belongs to the change
//! after it, or, at the end, to the change before it. A clause that names only a place shares the change of the clause before; one that
//! names only a change and a pronoun shares the place before.

use std::ops::Range;

use super::lexicon::Sense;
use super::words::{Meaning, Token};
use crate::plan::{
    Amount, Aspect, Axis, Change, Colour, Direction, Edit, Fragment, Plan, Position, Quantity, Region, Subject, Tone,
};

/// Reads the tokens of a text.
pub(super) fn read(text: &str, tokens: &[Token]) -> Plan {
    let mut plan = Plan::default();
    let mut before = Before::default();
    for clause in clauses(tokens) {
        read_clause(text, clause, &mut before, &mut plan);
    }
    if let Some(kept) = before.kept {
        kept.spare(&mut plan);
    }
    plan
}

/// A place that is to stay as it is.
struct Kept {
    region: Region,
    /// The changes that it is to be spared; all where none is named.
    from: Vec<Change>,
}

impl Kept {
    /// Leaves the place out of every change that is meant for the whole picture.
    fn spare(&self, plan: &mut Plan) {
        for edit in plan.edits.iter_mut().filter(|edit| edit.region.is_everywhere()) {
            let is_meant = self.from.is_empty() || self.from.iter().any(|from| is_alike(*from, edit.change));
            if is_meant && !self.is_settled_by(edit.change) {
                edit.region = Region { inverted: !self.region.inverted, ..self.region.clone() };
            }
        }
    }

    /// Whether a change says itself where it is: in the frame, or in some tones.
    fn is_settled_by(&self, change: Change) -> bool {
        match change {
            Change::Adjust { quantity: Quantity::Vignette, .. } => true,
            Change::Adjust { quantity, .. } => self.region.tone.is_some() && tone_of(quantity).is_some(),
            change => is_geometric(change),
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

/// What earlier clauses leave for later ones.
#[derive(Default)]
struct Before {
    region: Region,
    changes: Vec<Change>,
    /// Whether the last clause was not understood, so that what leans on it is not either.
    lost: bool,
    /// The first place that is to stay as it is.
    kept: Option<Kept>,
}

/// Tokens cut at breaks and joining words. A joining word inside one thought ("black and white") is a phrase of its own and is not
/// seen here.
fn clauses(tokens: &[Token]) -> Vec<&[Token]> {
    let is_cut = |token: &Token| matches!(token.sense, Meaning::Break | Meaning::Known(Sense::And, _));
    let thoughts = |clause| <[Token]>::chunk_by(clause, |last, next| !begins_a_thought(last, next));
    tokens.split(is_cut).filter(|clause| !clause.is_empty()).flat_map(thoughts).collect()
}

/// "warmer without darkening the sky", "brighten everything but leave the sky": what is not to happen is a thought of its own.
fn begins_a_thought(last: &Token, next: &Token) -> bool {
    match next.sense {
        Meaning::Known(Sense::Forbid | Sense::Without, _) => true,
        Meaning::Known(Sense::Keep, _) => matches!(last.sense, Meaning::Known(Sense::Except, _)),
        _ => false,
    }
}

/// Everything that a clause says, gathered.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each says whether a kind of word was heard, independently")]
struct Clause {
    found: Vec<Found>,
    region: Region,
    /// A place was named, or a pronoun stands for one.
    names_region: bool,
    /// The place is a thing that can only be guessed at.
    guesses: bool,
    has_pronoun: bool,
    unknown: Vec<Range<usize>>,
    says_something: bool,
    /// Something is to be added, taken away or moved up or down.
    acts: bool,
    keeps: bool,
}

/// A change found in a clause, with the amount that was said of it.
#[derive(Debug, Clone, Copy)]
struct Found {
    change: Change,
    has_amount: bool,
}

fn read_clause(text: &str, tokens: &[Token], before: &mut Before, plan: &mut Plan) {
    let mut reader = Reader::new(tokens);
    reader.leans = !before.region.is_everywhere();
    let clause = reader.read();
    let place = tokens[0].place.start..tokens[tokens.len() - 1].place.end;
    if clause.keeps {
        if clause.names_region {
            let from = clause.found.into_iter().map(|found| found.change).collect();
            before.kept.get_or_insert(Kept { region: clause.region, from });
        }
        return;
    }
    if !clause.unknown.is_empty() {
        before.lost = true;
        return miss(text, place, plan);
    }
    if clause.found.is_empty() {
        return read_bare(text, &clause, place, before, plan);
    }
    let leans = clause.has_pronoun && !clause.names_region;
    let region = if leans { before.region.clone() } else { clause.region };
    if clause.guesses && !clause.found.iter().all(|found| is_geometric(found.change)) {
        plan.guessed.push(Fragment { text: text[place.clone()].to_owned(), words: place.clone() });
    }
    let mut said: Vec<Change> = Vec::new();
    for found in &clause.found {
        if said.contains(&found.change) {
            continue;
        }
        said.push(found.change);
        let region = if is_geometric(found.change) { Region::default() } else { region.clone() };
        let is_repeated = |edit: &Edit| edit.change == found.change && edit.region == region;
        if !plan.edits.iter().any(is_repeated) {
            plan.edits.push(Edit { change: found.change, region, words: place.clone() });
        }
    }
    before.region = region;
    before.changes = clause.found.into_iter().map(|found| found.change).collect();
    before.lost = false;
}

/// A clause without a change of its own: another place for the change before, or nothing at all.
fn read_bare(text: &str, clause: &Clause, place: Range<usize>, before: &mut Before, plan: &mut Plan) {
    if clause.names_region && !clause.acts && !before.changes.is_empty() && !before.lost {
        let edits = before.changes.iter().map(|change| Edit {
            change: *change,
            region: clause.region.clone(),
            words: place.clone(),
        });
        plan.edits.extend(edits);
    } else if clause.says_something || before.lost && clause.names_region {
        miss(text, place, plan);
    }
}

fn miss(text: &str, place: Range<usize>, plan: &mut Plan) {
    plan.not_understood.push(Fragment { text: text[place.clone()].to_owned(), words: place });
}

fn is_geometric(change: Change) -> bool {
    matches!(change, Change::Rotate { .. } | Change::Straighten | Change::Flip(_) | Change::Crop { .. })
}

/// Reads one clause.
#[expect(clippy::struct_excessive_bools, reason = "each says whether a kind of word was heard, independently")]
struct Reader<'a> {
    tokens: &'a [Token],
    /// Whether a place was spoken of before, which a pronoun may mean.
    leans: bool,
    too: bool,
    clause: Clause,
    amount: Option<Amount>,
    direction: Option<Direction>,
    removes: bool,
    negated: bool,
    forbids: bool,
    preserves: bool,
    balances: bool,
    number: Option<f32>,
    /// Colours in the order of the text, each with whether it was a comparative and whether a change was already asked for.
    colours: Vec<(Colour, bool)>,
    recolours: bool,
    excepts: bool,
    seen_thing: bool,
    turns: Option<Turn>,
    flips: bool,
    axis: Option<Axis>,
    crops: bool,
    clockwise: Option<bool>,
    ratio: Option<(f32, f32)>,
    hue: bool,
    posterises: bool,
    noise: bool,
    all_colours: bool,
    quantities: Vec<Quantity>,
    quality: Option<(Quantity, Direction)>,
}

/// A rotation that is asked for, its angle still open.
#[derive(Debug, Clone, Copy)]
struct Turn;

impl<'a> Reader<'a> {
    fn new(tokens: &'a [Token]) -> Self {
        Self {
            tokens,
            leans: false,
            too: false,
            clause: Clause::default(),
            amount: None,
            direction: None,
            removes: false,
            negated: false,
            forbids: false,
            preserves: false,
            balances: false,
            number: None,
            colours: Vec::new(),
            recolours: false,
            excepts: false,
            seen_thing: false,
            turns: None,
            flips: false,
            axis: None,
            crops: false,
            clockwise: None,
            ratio: None,
            hue: false,
            posterises: false,
            noise: false,
            all_colours: false,
            quantities: Vec::new(),
            quality: None,
        }
    }

    fn read(mut self) -> Clause {
        let mut index = 0;
        while index < self.tokens.len() {
            let token = &self.tokens[index];
            match token.sense {
                Meaning::Known(sense, comparative) => self.hear(sense, comparative, index),
                Meaning::Ratio(width, height) => self.ratio = Some((width, height)),
                Meaning::Hex(red, green, blue) => self.colours.push((Colour::Rgb(red, green, blue), false)),
                Meaning::Break => {}
                Meaning::Unknown => self.clause.unknown.push(token.place.clone()),
            }
            index += 1;
        }
        self.finish();
        self.clause
    }

    /// The sense of the next token that says anything.
    fn next(&self, index: usize) -> Option<Sense> {
        let senses = self.tokens[index + 1..].iter().map(|token| match token.sense {
            Meaning::Known(sense, _) => Some(sense),
            _ => None,
        });
        senses.into_iter().find(|sense| *sense != Some(Sense::Filler)).flatten()
    }

    fn next_is(&self, index: usize, check: impl Fn(Sense) -> bool) -> bool {
        self.next(index).is_some_and(check)
    }

    fn hear(&mut self, sense: Sense, comparative: bool, index: usize) {
        self.clause.says_something |= !matches!(
            sense,
            Sense::Filler
                | Sense::Alter
                | Sense::Pronoun
                | Sense::By
                | Sense::To
                | Sense::From
                | Sense::Amount(_)
                | Sense::Everything
        );
        match sense {
            Sense::Filler | Sense::And | Sense::By | Sense::To | Sense::From => {}
            Sense::Amount(amount) => self.say_amount(amount),
            Sense::Number(value) => self.number = Some(value),
            Sense::Percent => {
                if let Some(value) = self.number.take() {
                    self.say_amount(Amount::Share(value / 100.0));
                }
            }
            Sense::Stops => {
                let value = self.number.take().unwrap_or(1.0);
                self.say_amount(Amount::Stops(value));
                if self.quality.is_none() && self.quantities.is_empty() && self.direction.is_some() {
                    self.quantities.push(Quantity::Exposure);
                }
            }
            Sense::Times => {
                if let Some(value) = self.number.take() {
                    self.say_amount(Amount::Share((value - 1.0).abs()));
                }
            }
            Sense::Towards(direction) => self.direction = Some(self.direction.unwrap_or(direction)),
            Sense::Deep => {
                let shadows = self.next_is(index, |next| next == Sense::Quantity(Quantity::Shadows));
                self.direction = Some(if shadows { Direction::Less } else { Direction::More });
            }
            Sense::Remove => self.removes = true,
            Sense::Not => self.negated = true,
            Sense::Forbid => self.forbids = true,
            Sense::Without => (self.forbids, self.negated) = (true, true),
            Sense::WhiteBalance => {
                self.balances = true;
                self.say_quantity(Quantity::Warmth);
            }
            Sense::Except => self.excepts = true,
            Sense::Keep => self.preserves = true,
            Sense::Alter => self.preserves |= self.negated || self.forbids,
            Sense::Quantity(quantity) => self.say_quantity(quantity),
            Sense::Noise => self.noise = true,
            Sense::Quality(Quantity::Blur, Direction::More) if self.next_is(index, is_quantity) => {
                self.say_soft(index);
            }
            // "but not darker" asks for nothing; "not so dark" asks for brighter.
            Sense::Quality(..) if comparative && self.negated => self.clause.keeps = true,
            Sense::Quality(quantity, direction) => self.say_quality(quantity, direction),
            Sense::Too => self.too = true,
            Sense::Look(look) => {
                for (quantity, direction) in look {
                    self.emit(quantity, direction, Some(Amount::Slight));
                }
            }
            Sense::Whole(change) => self.say_whole(change),
            Sense::Hue => self.hue = true,
            Sense::Rotate => self.turns = Some(Turn),
            Sense::Flip(axis) => {
                self.flips = true;
                self.axis = axis.or(self.axis);
            }
            Sense::Crop => self.crops = true,
            Sense::Posterise => self.posterises = true,
            Sense::Recolour => self.recolours = true,
            Sense::Clockwise(clockwise) => {
                self.clockwise = Some(clockwise);
                self.turns = Some(Turn);
            }
            Sense::Colour(colour) => self.say_colour(colour, comparative, index),
            Sense::AllColours => self.all_colours = true,
            Sense::Subject(subject) => self.say_subject(subject),
            Sense::Thing => self.seen_thing = true,
            Sense::Position(position) => self.clause.region.position = Some(position),
            Sense::Tone(tone) => {
                self.clause.region.tone = Some(tone);
                self.clause.names_region = true;
            }
            Sense::Everything => {}
            Sense::Degrees => {
                if self.turns.is_none() && !self.hue {
                    self.turns = Some(Turn);
                }
            }
            Sense::Levels => self.posterises |= self.number.is_some(),
            Sense::Level if self.number.is_some() => self.posterises = true,
            Sense::Level => self.say_whole(Change::Straighten),
            Sense::Pronoun => self.clause.has_pronoun = true,
        }
    }

    fn say_amount(&mut self, amount: Amount) {
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

    fn say_quantity(&mut self, quantity: Quantity) {
        // "brighten the shadows" names the shadows' own quantity.
        if let Some((Quantity::Exposure, direction)) = self.quality
            && matches!(quantity, Quantity::Shadows | Quantity::Highlights)
        {
            self.quality = None;
            self.clause.found.pop();
            self.emit(quantity, direction, None);
            return;
        }
        let is_said = |found: &Found| matches!(found.change, Change::Adjust { quantity: said, .. } if said == quantity);
        if !self.clause.found.iter().any(is_said) {
            self.quantities.push(quantity);
        }
    }

    /// "a soft vignette" is a slight one; "soften the contrast" asks for less of it, "soften the shadows" for lighter ones.
    fn say_soft(&mut self, index: usize) {
        match self.next(index) {
            Some(Sense::Quantity(Quantity::Contrast | Quantity::Highlights)) => {
                self.direction = Some(Direction::Less);
            }
            Some(Sense::Quantity(Quantity::Shadows)) => self.direction = Some(Direction::More),
            _ => self.say_amount(Amount::Slight),
        }
    }

    fn say_quality(&mut self, quantity: Quantity, direction: Direction) {
        self.quantities.retain(|named| *named != quantity);
        let direction = if std::mem::take(&mut self.too) { opposite(direction) } else { direction };
        let direction = match (self.direction.take(), self.negated) {
            (Some(Direction::Less), _) => opposite(direction),
            (_, true) => opposite(direction),
            _ => direction,
        };
        self.negated = false;
        if let (Quantity::Exposure, [only @ (Quantity::Shadows | Quantity::Highlights)]) =
            (quantity, self.quantities.as_slice())
        {
            let only = *only;
            self.quantities.clear();
            return self.emit(only, direction, None);
        }
        self.emit(quantity, direction, None);
        self.quality = Some((quantity, direction));
    }

    fn say_whole(&mut self, change: Change) {
        if self.negated || (self.removes && change != Change::Straighten) {
            return;
        }
        self.clause.found.push(Found { change, has_amount: false });
    }

    fn say_subject(&mut self, subject: Subject) {
        self.clause.region.subject = Some(subject);
        self.clause.names_region = true;
        self.seen_thing = true;
    }

    /// A colour before its thing is where to look ("the red flowers"); any other is what is wanted.
    fn say_colour(&mut self, colour: Colour, comparative: bool, index: usize) {
        let is_where = self.next_is(index, |next| matches!(next, Sense::Thing | Sense::Subject(_)))
            || matches!(self.tokens.get(index + 1), Some(next) if next.sense == Meaning::Unknown && !comparative)
                && index + 2 < self.tokens.len();
        let is_from = index > 0 && matches!(self.tokens[index - 1].sense, Meaning::Known(Sense::From, _));
        if (is_where || is_from) && !comparative && self.clause.region.colour.is_none() {
            self.clause.region.colour = Some(colour);
            self.clause.names_region = true;
            self.clause.region.subject.get_or_insert(Subject::Object);
            return;
        }
        self.colours.push((colour, comparative));
    }

    fn emit(&mut self, quantity: Quantity, direction: Direction, amount: Option<Amount>) {
        let said = self.amount.take();
        let amount = amount.or(said);
        let (quantity, direction) = match (quantity, direction) {
            // Less of a grain is less noise.
            (Quantity::Grain, Direction::Less) => (Quantity::Denoise, Direction::More),
            other => other,
        };
        let change = Change::Adjust { quantity, direction, amount: amount.unwrap_or(Amount::Plain) };
        self.clause.found.push(Found { change, has_amount: amount.is_some() });
    }

    /// What the clause comes to once all of it is heard.
    fn finish(&mut self) {
        self.clause.acts = self.direction.is_some() || self.removes;
        self.settle_things();
        self.settle_vignette();
        self.settle_forbidden();
        self.settle_kept();
        self.settle_exception();
        self.settle_tones();
        self.settle_casts();
        self.settle_quantities();
        self.settle_noise();
        self.settle_geometry();
        self.settle_hue_and_levels();
        self.settle_colours();
        self.settle_position();
        self.settle_amount();
        if self.clause.found.is_empty() && self.clause.says_something && !self.clause.names_region && !self.clause.keeps
        {
            // Words that mean something elsewhere but ask for nothing here.
            if !self.is_harmless() {
                self.clause.unknown.push(self.whole());
            }
        }
    }

    /// The place of the whole clause.
    fn whole(&self) -> Range<usize> {
        self.tokens[0].place.start..self.tokens[self.tokens.len() - 1].place.end
    }

    fn is_harmless(&self) -> bool {
        self.negated || self.direction.is_none() && !self.removes && self.colours.is_empty() && self.number.is_none()
    }

    /// Unknown words after a colour are things of that colour; known things without one are told by saliency.
    fn settle_things(&mut self) {
        if self.clause.region.subject == Some(Subject::Object) && self.clause.unknown.len() == 1 && !self.seen_thing {
            self.clause.unknown.clear();
        }
        let region = &mut self.clause.region;
        if self.seen_thing && region.subject.is_none() {
            self.clause.guesses = region.colour.is_none();
            region.subject = Some(if region.colour.is_some() { Subject::Object } else { Subject::Foreground });
            self.clause.names_region = true;
        }
        // "the red sky" looks for the sky in the picture, whatever colour a person calls it.
        if region.colour.is_some() && !matches!(region.subject, Some(Subject::Object) | None) {
            let subject = region.subject;
            if matches!(subject, Some(Subject::Foreground | Subject::Background)) {
                region.subject = Some(Subject::Object);
            }
        }
    }

    /// "a dark vignette", "a white vignette around the edges": the words beside it say what kind of vignette.
    fn settle_vignette(&mut self) {
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

    /// "don't blur it", "without darkening the sky": nothing is asked for. "without noise" asks for less of it.
    fn settle_forbidden(&mut self) {
        if !self.forbids {
            return;
        }
        let names_a_thing = self.negated && self.direction.is_none() && self.clause.found.is_empty();
        self.clause.keeps |= !(names_a_thing && (self.noise || !self.quantities.is_empty()));
    }

    /// "keep the shadows", "leave the reds", "but not the sky": a place that stays as it is.
    fn settle_kept(&mut self) {
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

    fn acts(&self) -> bool {
        self.direction.is_some() || self.removes || self.noise || self.turns.is_some() || self.flips || self.crops
    }

    /// "warm highlights", "less noise in the shadows": tones named beside another change are its place. Detail in the shadows is
    /// shown by lifting them.
    fn settle_tones(&mut self) {
        let others = |quantity: &Quantity| tone_of(*quantity).is_none();
        let is_change = self.noise || !self.clause.found.is_empty() || self.quantities.iter().any(others);
        let tones: Vec<Tone> = self.quantities.iter().copied().filter_map(tone_of).collect();
        let [tone] = tones[..] else { return };
        if is_change && !self.quantities.contains(&Quantity::Sharpness) {
            self.quantities.retain(others);
            self.clause.region.tone = Some(tone);
            self.clause.names_region = true;
        }
    }

    fn settle_exception(&mut self) {
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

    /// "a magenta tint", "the green cast": the colour says which way. A cast of no colour could be any.
    fn settle_casts(&mut self) {
        let Some(place) = self.quantities.iter().position(|quantity| *quantity == Quantity::Tint) else { return };
        let Some((quantity, direction)) = self.colours.last().and_then(|(colour, _)| cast(*colour)) else {
            if self.removes || self.negated {
                self.clause.unknown.push(self.whole());
            }
            return;
        };
        self.quantities.remove(place);
        self.colours.clear();
        let (towards, _) = self.wanted();
        let direction = if towards == Direction::Less { opposite(direction) } else { direction };
        self.emit(quantity, direction, None);
    }

    fn settle_quantities(&mut self) {
        let wanted = self.wanted();
        let is_open = self.direction.is_none() && self.number.is_none() && self.clause.found.is_empty();
        if self.balances && is_open && self.colours.is_empty() {
            self.clause.unknown.push(self.whole());
        }
        if !self.quantities.is_empty() {
            let number = self.bare_number();
            // "remove the blur": all of it goes.
            let amount = self.amount.take().or(number).or(wanted.1.then_some(Amount::Strong));
            for quantity in std::mem::take(&mut self.quantities) {
                self.emit(quantity, wanted.0, amount);
            }
        }
        if self.all_colours && self.clause.found.is_empty() && self.colours.is_empty() {
            match wanted {
                (Direction::Less, true) => {
                    self.clause.found.push(Found { change: Change::BlackAndWhite, has_amount: false });
                }
                (direction, false) if self.direction.is_some() => self.emit(Quantity::Saturation, direction, None),
                _ => {}
            }
        }
        let only_colour = self.recolours && self.colours.is_empty() && self.clause.found.is_empty();
        if only_colour && self.removes {
            self.clause.found.push(Found { change: Change::BlackAndWhite, has_amount: false });
        } else if only_colour && self.direction.is_some() {
            self.emit(Quantity::Saturation, wanted.0, None);
        }
    }

    /// Up or down, and whether all of it is to go.
    fn wanted(&self) -> (Direction, bool) {
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

    fn settle_noise(&mut self) {
        let cleans = |found: &Found| matches!(found.change, Change::Adjust { quantity: Quantity::Denoise, .. });
        if !self.noise || self.clause.found.iter().any(cleans) {
            return;
        }
        // "clean the noise up": the verb says more than its particle.
        let goes = self.removes || self.wanted().0 == Direction::Less;
        self.emit(if goes { Quantity::Denoise } else { Quantity::Grain }, Direction::More, None);
    }

    fn settle_geometry(&mut self) {
        let side = self.clause.region.position;
        let sideways = matches!(side, Some(Position::Left | Position::Right));
        if self.recolours
            && sideways
            && self.colours.is_empty()
            && self.clause.found.is_empty()
            && !self.clause.names_region
        {
            self.turns = Some(Turn);
        }
        if self.turns.is_some() && !self.hue {
            let by_side = match side {
                Some(Position::Left) => Some(false),
                Some(Position::Right) => Some(true),
                _ => None,
            };
            let clockwise = self.clockwise.or(by_side).unwrap_or(self.direction != Some(Direction::Less));
            self.clause.found.retain(|found| found.change != Change::Straighten);
            let already = self.clause.found.iter().any(|found| matches!(found.change, Change::Rotate { .. }));
            if !already {
                let degrees = self.number.take().unwrap_or(90.0).clamp(0.0, 360.0);
                let change = Change::Rotate { degrees: if clockwise { degrees } else { -degrees } };
                self.clause.found.push(Found { change, has_amount: true });
            }
            self.clause.region = Region::default();
        }
        // "crop to 9:16 vertical", "make the horizon horizontal": the word says how it is to lie.
        let lies = self.crops
            || self.ratio.is_some()
            || self.clause.found.iter().any(|found| found.change == Change::Straighten);
        if self.flips && !lies {
            let upside = self.clause.found.iter().any(|found| matches!(found.change, Change::Rotate { .. }));
            self.clause.found.retain(|found| !matches!(found.change, Change::Rotate { .. }));
            let axis = self.axis.unwrap_or(if upside { Axis::Vertical } else { Axis::Horizontal });
            self.clause.found.push(Found { change: Change::Flip(axis), has_amount: false });
            self.clause.region = Region::default();
        }
        if self.crops || self.ratio.is_some() {
            if let Some((width, height)) = self.ratio {
                let change = Change::Crop { aspect: aspect(width, height) };
                self.clause.found.push(Found { change, has_amount: false });
                self.clause.region = Region::default();
            } else {
                self.clause.unknown.push(self.whole());
            }
        }
    }

    fn settle_hue_and_levels(&mut self) {
        if self.hue {
            let sign =
                if self.direction == Some(Direction::Less) || self.clockwise == Some(false) { -1.0 } else { 1.0 };
            let degrees = self.number.take().map(|value| (sign * value).clamp(-180.0, 180.0));
            self.clause.found.push(Found { change: Change::Hue { degrees }, has_amount: true });
        }
        if self.posterises {
            let levels = self.number.take().map(|value| value.clamp(2.0, 64.0) as u8);
            self.clause.found.push(Found { change: Change::Posterise { levels }, has_amount: true });
        }
    }

    /// Colours that are wanted, or spoken of as places.
    fn settle_colours(&mut self) {
        let colours = std::mem::take(&mut self.colours);
        let Some((colour, comparative)) = colours.last().copied() else { return };
        if let ([(place, false), (to, comparative)], true) = (colours.as_slice(), self.clause.found.is_empty())
            && self.names_one_as_place()
        {
            self.clause.region.colour = Some(*place);
            self.clause.names_region = true;
            let nudged = if *comparative || self.direction.is_some() { Amount::Slight } else { Amount::Plain };
            let amount = self.amount.take().unwrap_or(nudged);
            self.clause.found.push(Found { change: Change::Recolour { to: *to, amount }, has_amount: true });
            return;
        }
        if !self.clause.found.is_empty() || self.boosts_a_colour(comparative) {
            return self.place_by_colour(colour);
        }
        let toned = matches!(self.direction, Some(Direction::Less)) || self.removes || self.negated;
        if self.clause.names_region || (self.leans && self.clause.has_pronoun) {
            if toned {
                self.emit(Quantity::Saturation, Direction::Less, None);
                return;
            }
            let nudged = comparative || self.direction.is_some();
            let said = self.amount.take();
            let amount = said.unwrap_or(if nudged { Amount::Slight } else { Amount::Plain });
            let change = Change::Recolour { to: colour, amount };
            self.clause.found.push(Found { change, has_amount: true });
            return;
        }
        match cast(colour) {
            Some((quantity, direction)) => {
                let direction = if toned { opposite(direction) } else { direction };
                self.emit(quantity, direction, None);
            }
            None => self.place_by_colour(colour),
        }
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
        let plural = self.tokens.iter().any(|token| {
            matches!(token.sense, Meaning::Known(Sense::Colour(_), _)) && token.place.len() > 3 && !comparative
        });
        let text_is_plural = self
            .tokens
            .iter()
            .any(|token| matches!(token.sense, Meaning::Known(Sense::Colour(_), false)) && ends_in_s(token));
        plural && text_is_plural && (self.direction.is_some() || self.removes)
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

    /// A side is a place only where something is done to it.
    fn settle_position(&mut self) {
        if self.clause.region.position.is_none() {
            return;
        }
        let is_exposure = |found: &Found| matches!(found.change, Change::Adjust { quantity: Quantity::Exposure, .. });
        // Darkened corners and edges are a vignette.
        if self.clause.region.position == Some(Position::Edges) && self.clause.found.iter().all(is_exposure) {
            for found in &mut self.clause.found {
                if let Change::Adjust { quantity, direction, .. } = &mut found.change {
                    *quantity = Quantity::Vignette;
                    *direction = opposite(*direction);
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

    /// An amount or number that came after all of its changes, or before none.
    fn settle_amount(&mut self) {
        let number = self.number.take();
        let left_over = self
            .amount
            .take()
            .or_else(|| number.map(|value| Amount::Share(if value >= 2.0 { value / 100.0 } else { value })));
        let Some(amount) = left_over else { return };
        for found in &mut self.clause.found {
            if let (Change::Adjust { amount: said, .. } | Change::Recolour { amount: said, .. }, false) =
                (&mut found.change, found.has_amount)
            {
                *said = amount;
            }
        }
    }
}

/// Whether a colour's name stands in the plural, by its length: the lexicon holds no plurals.
fn ends_in_s(token: &Token) -> bool {
    let Meaning::Known(Sense::Colour(colour), _) = token.sense else { return false };
    token.place.len() == format!("{colour:?}").len() + 1
}

/// The tones that a quantity is of, where it is of some.
fn tone_of(quantity: Quantity) -> Option<Tone> {
    match quantity {
        Quantity::Shadows => Some(Tone::Dark),
        Quantity::Highlights => Some(Tone::Bright),
        _ => None,
    }
}

fn is_quantity(sense: Sense) -> bool {
    matches!(sense, Sense::Quantity(_) | Sense::Noise)
}

fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::More => Direction::Less,
        Direction::Less => Direction::More,
    }
}

/// The cast that a colour's name stands for when it is said of the whole picture.
fn cast(colour: Colour) -> Option<(Quantity, Direction)> {
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
