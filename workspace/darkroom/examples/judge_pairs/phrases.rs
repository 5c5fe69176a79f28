//! The sentences that ask for edits.
//!
//! All words are the darkroom's own: a test reads every phrasing back and expects the edit that it was made from. A phrasing is a
//! sentence with a word in it; about a fifth of them are held out, kept for photographs that are held out too. Every word occurs in
//! phrasings that are not.

use editscale_darkroom::plan::{Change, Colour, Direction, Position, Region, Subject};

use crate::draw::Draw;
use crate::kinds::{Degree, Kind, Slot};

const WHOLE: [&str; 8] =
    ["the image", "the photo", "the picture", "it", "this photo", "this picture", "the shot", "the whole image"];

const FOR_QUALITIES: [&str; 7] = [
    "make {obj} {pre}{w}",
    "please make {obj} {pre}{w}",
    "can you make {obj} {pre}{w}",
    "i want {obj} {pre}{w}",
    "{obj} should be {pre}{w}",
    "i would like {obj} {pre}{w}",
    "{pre}{w} please",
];
const FOR_VERBS: [&str; 5] = [
    "{w} {obj}{post}",
    "please {w} {obj}{post}",
    "could you {w} {obj}{post}",
    "{adv}{w} {obj}",
    "i want you to {w} {obj}{post}",
];
const UP: [&str; 5] = [
    "increase the {w}{post}",
    "raise the {w}{post}",
    "boost the {w}{post}",
    "more {w} please",
    "{adv}increase the {w}",
];
const DOWN: [&str; 5] =
    ["decrease the {w}{post}", "reduce the {w}{post}", "lower the {w}{post}", "less {w} please", "{adv}reduce the {w}"];

/// A part of the picture and its names.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) position: Option<Position>,
    pub(crate) subject: Option<Subject>,
    names: &'static [&'static str],
}

impl Place {
    pub(crate) fn region(&self) -> Region {
        Region { position: self.position, subject: self.subject, ..Region::default() }
    }
}

const fn position(position: Position, names: &'static [&'static str]) -> Place {
    Place { position: Some(position), subject: None, names }
}

/// Every place.
pub(crate) static PLACES: &[Place] = &[
    position(Position::Left, &["the left half", "the left side"]),
    position(Position::Right, &["the right half", "the right side"]),
    position(Position::Top, &["the top half", "the upper half"]),
    position(Position::Bottom, &["the bottom half", "the lower half"]),
    position(Position::Centre, &["the center", "the middle"]),
    Place { position: None, subject: Some(Subject::Background), names: &["the background"] },
    Place { position: None, subject: Some(Subject::Foreground), names: &["the main subject", "the foreground"] },
];

/// The colours of recolourings, in the order of their hues.
pub(crate) const COLOURS: [(Colour, &str); 7] = [
    (Colour::Red, "red"),
    (Colour::Orange, "orange"),
    (Colour::Yellow, "yellow"),
    (Colour::Green, "green"),
    (Colour::Blue, "blue"),
    (Colour::Purple, "purple"),
    (Colour::Pink, "pink"),
];

/// What a colour is called.
pub(crate) fn name_of(colour: Colour) -> &'static str {
    COLOURS.iter().find(|(known, _)| *known == colour).map_or("other", |(_, name)| name)
}

/// A sentence with a word in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Phrasing {
    sentence: &'static str,
    word: &'static str,
}

impl Phrasing {
    fn has(&self, mark: &str) -> bool {
        self.sentence.contains(mark)
    }

    /// Whether it can follow an "and".
    pub(crate) fn continues(&self) -> bool {
        let begins = ["i ", "can ", "could ", "please ", "it ", "the ", "{obj}"];
        !begins.iter().any(|begin| self.sentence.starts_with(begin))
    }

    /// About a fifth of all, by a hash of what it says.
    fn is_drawn(&self, kind: &Kind) -> bool {
        blake3::hash(format!("{}|{}|{}", kind.name, self.sentence, self.word).as_bytes()).as_bytes()[0] < 51
    }
}

/// Every phrasing of a kind, each with whether it is held out.
pub(crate) fn phrasings(kind: &Kind) -> Vec<(Phrasing, bool)> {
    let is_less = matches!(kind.change, Change::Adjust { direction: Direction::Less, .. });
    let with = |sentences: &'static [&'static str], words: &'static [&'static str]| {
        words.iter().flat_map(move |word| sentences.iter().map(move |sentence| Phrasing { sentence, word }))
    };
    let all: Vec<Phrasing> = with(kind.sentences, &[""])
        .chain(with(&FOR_QUALITIES, kind.qualities))
        .chain(with(&FOR_VERBS, kind.verbs))
        .chain(with(if is_less { &DOWN } else { &UP }, kind.nouns))
        .collect();
    let is_known = |word: &str| all.iter().any(|other| other.word == word && !other.is_drawn(kind));
    let mut marked: Vec<(Phrasing, bool)> =
        all.iter().map(|phrasing| (*phrasing, phrasing.is_drawn(kind) && is_known(phrasing.word))).collect();
    // A kind of few phrasings holds its last one out all the same.
    if marked.iter().all(|(_, held_out)| !held_out)
        && let Some(last) = marked.last_mut()
    {
        last.1 = true;
    }
    marked
}

/// What is to be said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    pub(crate) kind: &'static Kind,
    pub(crate) degree: Degree,
    pub(crate) place: Option<&'static Place>,
    /// Of a recolouring: from which to which.
    pub(crate) colours: Option<(Colour, Colour)>,
}

impl Wish {
    /// The phrasings that can say it.
    pub(crate) fn phrasings(&self, held_out: bool) -> Vec<Phrasing> {
        let fits = |phrasing: &Phrasing| {
            let is_graded = Slot::ALL.iter().any(|slot| phrasing.has(slot.mark()));
            (self.degree == Degree::Plain || is_graded) && (self.place.is_none() || phrasing.has("{obj}"))
        };
        let all = phrasings(self.kind).into_iter();
        all.filter(|(phrasing, held)| *held == held_out && fits(phrasing)).map(|(phrasing, _)| phrasing).collect()
    }

    /// The wish in words; `object` is what it is about where it is about the whole picture.
    pub(crate) fn say(&self, phrasing: Phrasing, object: Option<&'static str>, draw: &mut Draw) -> String {
        let object = match self.place {
            Some(place) => draw.one(place.names),
            None => object.unwrap_or_else(|| draw.one(&WHOLE)),
        };
        let mut text = phrasing.sentence.replace("{w}", phrasing.word).replace("{obj}", object);
        for slot in Slot::ALL {
            text = text.replace(slot.mark(), draw.one(self.degree.words(slot)));
        }
        if let Some((from, to)) = self.colours {
            text = text.replace("{from}", name_of(from)).replace("{to}", name_of(to));
        }
        text
    }
}
