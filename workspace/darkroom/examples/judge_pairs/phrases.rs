//! The edits that are asked for, and the words that ask for them.
//!
//! All words are the darkroom's own: a test reads every phrasing back and expects the edit that it was made from. A phrasing is a
//! sentence with a word in it; about a fifth of them are held out, kept for photographs that are held out too. Every word occurs in
//! phrasings that are not.

use editscale_darkroom::plan::{Amount, Axis, Change, Colour, Direction, Position, Quantity, Region, Subject};

use crate::draw::Draw;

/// How much the words ask for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Degree {
    Slight,
    Plain,
    Strong,
}

impl Degree {
    pub(crate) const ALL: [Self; 3] = [Self::Slight, Self::Plain, Self::Strong];

    pub(crate) fn amount(self) -> Amount {
        match self {
            Self::Slight => Amount::Slight,
            Self::Plain => Amount::Plain,
            Self::Strong => Amount::Strong,
        }
    }

    /// Words before a quality, after a sentence, before a verb, before a noun.
    fn words(self, slot: &str) -> &'static [&'static str] {
        match (self, slot) {
            (Self::Slight, "{pre}") => &["slightly ", "a little ", "a bit ", "a touch ", "somewhat "],
            (Self::Slight, "{post}") => &[" slightly", " a little", " a bit", " just a touch"],
            (Self::Slight, "{adv}") => &["slightly ", "gently ", "subtly "],
            (Self::Slight, _) => &["a little ", "a bit of ", "a touch of ", "some subtle "],
            (Self::Strong, "{pre}") => &["much ", "a lot ", "far ", "way ", "considerably "],
            (Self::Strong, "{post}") => &[" a lot", " strongly", " significantly", " dramatically", " very much"],
            (Self::Strong, "{adv}") => &["strongly ", "heavily ", "dramatically "],
            (Self::Strong, _) => &["a lot of ", "lots of ", "heavy ", "strong "],
            (Self::Plain, _) => &[""],
        }
    }
}

const SLOTS: [&str; 4] = ["{pre}", "{post}", "{adv}", "{amt}"];

/// A kind of edit and the words that ask for it.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// With the plain amount; a recolouring's colour stands for any.
    pub(crate) change: Change,
    /// How often it is asked for.
    pub(crate) weight: f32,
    /// Whether words for amounts go with it.
    pub(crate) graded: bool,
    /// Whether it is asked for in parts of the picture, too.
    pub(crate) regional: bool,
    /// For "make it {w}".
    qualities: &'static [&'static str],
    /// For "{w} it".
    verbs: &'static [&'static str],
    /// For "increase the {w}", or "decrease".
    nouns: &'static [&'static str],
    sentences: &'static [&'static str],
}

const fn adjust(quantity: Quantity, direction: Direction) -> Change {
    Change::Adjust { quantity, direction, amount: Amount::Plain }
}

const BASE: Kind = Kind {
    name: "",
    change: Change::Invert,
    weight: 1.0,
    graded: true,
    regional: false,
    qualities: &[],
    verbs: &[],
    nouns: &[],
    sentences: &[],
};

/// Every kind.
pub(crate) static KINDS: &[Kind] = &[
    Kind {
        name: "exposure+",
        change: adjust(Quantity::Exposure, Direction::More),
        weight: 1.5,
        regional: true,
        qualities: &["brighter", "lighter"],
        verbs: &["brighten", "lighten"],
        nouns: &["brightness", "exposure"],
        sentences: &["it is too dark, fix that", "add {amt}light to {obj}"],
        ..BASE
    },
    Kind {
        name: "exposure-",
        change: adjust(Quantity::Exposure, Direction::Less),
        weight: 1.5,
        regional: true,
        qualities: &["darker", "dimmer"],
        verbs: &["darken", "dim"],
        nouns: &["brightness", "exposure"],
        sentences: &["it is too bright, fix that"],
        ..BASE
    },
    Kind {
        name: "contrast+",
        change: adjust(Quantity::Contrast, Direction::More),
        regional: true,
        qualities: &["punchier", "more contrasty"],
        nouns: &["contrast"],
        sentences: &["add {amt}contrast", "give {obj} {pre}more contrast"],
        ..BASE
    },
    Kind {
        name: "contrast-",
        change: adjust(Quantity::Contrast, Direction::Less),
        regional: true,
        qualities: &["flatter", "less contrasty"],
        verbs: &["flatten"],
        nouns: &["contrast"],
        sentences: &["give {obj} {pre}less contrast"],
        ..BASE
    },
    Kind {
        name: "highlights-",
        change: adjust(Quantity::Highlights, Direction::Less),
        weight: 0.6,
        nouns: &["highlights"],
        sentences: &["pull down the highlights{post}", "tame the highlights{post}"],
        ..BASE
    },
    Kind {
        name: "shadows+",
        change: adjust(Quantity::Shadows, Direction::More),
        weight: 0.6,
        nouns: &["shadows"],
        sentences: &["lift the shadows{post}", "open up the shadows{post}"],
        ..BASE
    },
    Kind {
        name: "warmth+",
        change: adjust(Quantity::Warmth, Direction::More),
        regional: true,
        qualities: &["warmer"],
        verbs: &["warm up"],
        nouns: &["warmth", "color temperature"],
        sentences: &["give {obj} a {pre}warmer tone", "{pre}warmer colors please"],
        ..BASE
    },
    Kind {
        name: "warmth-",
        change: adjust(Quantity::Warmth, Direction::Less),
        regional: true,
        qualities: &["cooler", "colder"],
        verbs: &["cool down"],
        nouns: &["warmth", "color temperature"],
        sentences: &["give {obj} a {pre}cooler tone", "{pre}cooler colors please"],
        ..BASE
    },
    Kind {
        name: "tint+",
        change: adjust(Quantity::Tint, Direction::More),
        weight: 0.6,
        nouns: &["magenta tint"],
        sentences: &["add {amt}magenta tint", "shift the tint to magenta{post}", "push the tint towards magenta{post}"],
        ..BASE
    },
    Kind {
        name: "tint-",
        change: adjust(Quantity::Tint, Direction::Less),
        weight: 0.6,
        nouns: &["magenta tint"],
        sentences: &["add {amt}green tint", "shift the tint to green{post}", "push the tint towards green{post}"],
        ..BASE
    },
    Kind {
        name: "saturation+",
        change: adjust(Quantity::Saturation, Direction::More),
        weight: 1.2,
        regional: true,
        qualities: &["more saturated", "more colorful", "more vivid"],
        verbs: &["saturate"],
        nouns: &["saturation", "color intensity"],
        sentences: &["make the colors {pre}stronger"],
        ..BASE
    },
    Kind {
        name: "saturation-",
        change: adjust(Quantity::Saturation, Direction::Less),
        weight: 1.2,
        regional: true,
        qualities: &["less saturated", "less colorful", "more muted"],
        verbs: &["desaturate", "mute"],
        nouns: &["saturation", "color intensity"],
        sentences: &["make the colors {pre}weaker"],
        ..BASE
    },
    Kind {
        name: "sharpness+",
        change: adjust(Quantity::Sharpness, Direction::More),
        qualities: &["sharper", "crisper"],
        verbs: &["sharpen"],
        nouns: &["sharpness"],
        sentences: &["bring out the details{post}"],
        ..BASE
    },
    Kind {
        name: "blur+",
        change: adjust(Quantity::Blur, Direction::More),
        regional: true,
        qualities: &["blurrier", "softer"],
        verbs: &["blur", "soften"],
        sentences: &["make {obj} out of focus{post}", "apply {amt}blur", "add {amt}blur"],
        ..BASE
    },
    Kind {
        name: "fade+",
        change: adjust(Quantity::Fade, Direction::More),
        weight: 0.8,
        qualities: &["more faded"],
        verbs: &["fade"],
        sentences: &["give {obj} a faded look{post}", "make {obj} look washed out{post}", "add {amt}fade"],
        ..BASE
    },
    Kind {
        name: "sepia+",
        change: adjust(Quantity::Sepia, Direction::More),
        weight: 0.8,
        sentences: &["give {obj} {amt}sepia", "make {obj} sepia{post}", "turn {obj} sepia{post}", "add {amt}sepia"],
        ..BASE
    },
    Kind {
        name: "vignette+",
        change: adjust(Quantity::Vignette, Direction::More),
        weight: 0.8,
        sentences: &[
            "add {amt}vignette",
            "put {amt}vignette on {obj}",
            "give {obj} {amt}vignette",
            "{amt}vignette please",
        ],
        ..BASE
    },
    Kind {
        name: "grain+",
        change: adjust(Quantity::Grain, Direction::More),
        weight: 0.8,
        qualities: &["grainier"],
        sentences: &[
            "add {amt}film grain",
            "add {amt}grain to {obj}",
            "give {obj} {amt}grain",
            "put {amt}film grain on {obj}",
        ],
        ..BASE
    },
    Kind {
        name: "hue",
        change: Change::Hue { degrees: None },
        weight: 0.5,
        graded: false,
        sentences: &["shift the hue", "shift the hue of {obj}", "rotate the hue", "shift the hues of {obj}"],
        ..BASE
    },
    Kind {
        name: "black and white",
        change: Change::BlackAndWhite,
        weight: 0.9,
        graded: false,
        regional: true,
        sentences: &[
            "make {obj} black and white",
            "convert {obj} to black and white",
            "turn {obj} into grayscale",
            "make {obj} grayscale",
            "make {obj} monochrome",
            "black and white please",
            "convert to grayscale",
            "turn {obj} black and white",
        ],
        ..BASE
    },
    Kind {
        name: "invert",
        change: Change::Invert,
        weight: 0.5,
        graded: false,
        sentences: &["invert the colors", "invert {obj}", "make {obj} a negative", "turn {obj} into a negative"],
        ..BASE
    },
    Kind {
        name: "recolour",
        change: Change::Recolour { to: Colour::Blue, amount: Amount::Plain },
        weight: 2.0,
        graded: false,
        sentences: &[
            "make the {from} things {to}",
            "turn the {from} objects {to}",
            "recolor the {from} things to {to}",
            "turn everything from {from} to {to}",
            "the {from} things should be {to}",
            "paint the {from} objects {to}",
            "make the {from} objects {to}",
            "please turn the {from} items {to}",
        ],
        ..BASE
    },
    Kind {
        name: "mirror",
        change: Change::Flip(Axis::Horizontal),
        weight: 0.4,
        graded: false,
        sentences: &[
            "mirror {obj}",
            "flip {obj} horizontally",
            "flip {obj} left to right",
            "mirror {obj} horizontally",
        ],
        ..BASE
    },
    Kind {
        name: "flip",
        change: Change::Flip(Axis::Vertical),
        weight: 0.4,
        graded: false,
        sentences: &["flip {obj} vertically", "flip {obj} top to bottom", "mirror {obj} vertically"],
        ..BASE
    },
    Kind {
        name: "rotate 90",
        change: Change::Rotate { degrees: 90.0 },
        weight: 0.3,
        graded: false,
        sentences: &[
            "rotate {obj} 90 degrees clockwise",
            "rotate {obj} by 90 degrees",
            "rotate {obj} clockwise by 90 degrees",
        ],
        ..BASE
    },
    Kind {
        name: "rotate -90",
        change: Change::Rotate { degrees: -90.0 },
        weight: 0.3,
        graded: false,
        sentences: &["rotate {obj} 90 degrees counterclockwise", "rotate {obj} counterclockwise by 90 degrees"],
        ..BASE
    },
    Kind {
        name: "rotate 180",
        change: Change::Rotate { degrees: 180.0 },
        weight: 0.3,
        graded: false,
        sentences: &["rotate {obj} 180 degrees", "turn {obj} upside down", "rotate {obj} by 180 degrees"],
        ..BASE
    },
];

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
    fn has(&self, slots: &[&str]) -> bool {
        slots.iter().any(|slot| self.sentence.contains(slot))
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
            (self.degree == Degree::Plain || phrasing.has(&SLOTS)) && (self.place.is_none() || phrasing.has(&["{obj}"]))
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
        for slot in SLOTS {
            text = text.replace(slot, draw.one(self.degree.words(slot)));
        }
        if let Some((from, to)) = self.colours {
            text = text.replace("{from}", name_of(from)).replace("{to}", name_of(to));
        }
        text
    }
}
