//! The edits that are asked for, each with its words.

use editscale_darkroom::plan::{Amount, Axis, Change, Colour, Direction, Quantity};

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

    /// The words for it in a slot.
    pub(crate) fn words(self, slot: Slot) -> &'static [&'static str] {
        match (self, slot) {
            (Self::Slight, Slot::BeforeQuality) => &["slightly ", "a little ", "a bit ", "a touch ", "somewhat "],
            (Self::Slight, Slot::AfterSentence) => &[" slightly", " a little", " a bit", " just a touch"],
            (Self::Slight, Slot::BeforeVerb) => &["slightly ", "gently ", "subtly "],
            (Self::Slight, Slot::BeforeNoun) => &["a little ", "a bit of ", "a touch of ", "some subtle "],
            (Self::Strong, Slot::BeforeQuality) => &["much ", "a lot ", "far ", "way ", "considerably "],
            (Self::Strong, Slot::AfterSentence) => {
                &[" a lot", " strongly", " significantly", " dramatically", " very much"]
            }
            (Self::Strong, Slot::BeforeVerb) => &["strongly ", "heavily ", "dramatically "],
            (Self::Strong, Slot::BeforeNoun) => &["a lot of ", "lots of ", "heavy ", "strong "],
            (Self::Plain, _) => &[""],
        }
    }
}

/// Where in a sentence the words for an amount go.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Slot {
    BeforeQuality,
    AfterSentence,
    BeforeVerb,
    BeforeNoun,
}

impl Slot {
    pub(crate) const ALL: [Self; 4] = [Self::BeforeQuality, Self::AfterSentence, Self::BeforeVerb, Self::BeforeNoun];

    /// What stands in its place in a sentence.
    pub(crate) fn mark(self) -> &'static str {
        match self {
            Self::BeforeQuality => "{pre}",
            Self::AfterSentence => "{post}",
            Self::BeforeVerb => "{adv}",
            Self::BeforeNoun => "{amt}",
        }
    }
}

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
    pub(crate) qualities: &'static [&'static str],
    /// For "{w} it".
    pub(crate) verbs: &'static [&'static str],
    /// For "increase the {w}", or "decrease".
    pub(crate) nouns: &'static [&'static str],
    pub(crate) sentences: &'static [&'static str],
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
