//! What an instruction asks for: a list of changes, each with an amount and a place.
//!
//! The plan is the meaning of the words and nothing more: it holds no parameter of any implementation. The editor
//! chooses from it how to make a change, and the reward reads from it what to look for; neither sees the other.

use std::ops::Range;

/// The reading of one instruction.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// The understood edits, in the order in which the text names them.
    pub edits: Vec<Edit>,
    /// The parts of the text that ask for something outside the vocabulary, in text order.
    pub not_understood: Vec<Fragment>,
    /// The parts of the text that name a thing which is only guessed to be what the picture is of, in text order.
    pub guessed: Vec<Fragment>,
}

/// One change, its place, and the words it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// What is to change, in which direction and by how much.
    pub change: Change,
    /// Where it is to change.
    pub region: Region,
    /// The byte range of the instruction that this edit was read from.
    pub words: Range<usize>,
}

/// A part of an instruction that there is something to be said about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// The words, as written.
    pub text: String,
    /// Their byte range in the instruction.
    pub words: Range<usize>,
}

/// Towards more or towards less of a quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Brighter, warmer, more contrast, …
    More,
    /// Darker, cooler, less contrast, …
    Less,
}

impl Direction {
    /// The other way.
    #[must_use]
    pub fn opposite(self) -> Self {
        match self {
            Self::More => Self::Less,
            Self::Less => Self::More,
        }
    }

    /// 1 for more, −1 for less.
    pub fn sign(self) -> f32 {
        match self {
            Self::More => 1.0,
            Self::Less => -1.0,
        }
    }
}

/// How much of a change is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// "a touch", "slightly", "a little", "subtle".
    Slight,
    /// No word for the amount.
    Plain,
    /// "much", "a lot", "very", "strongly".
    Strong,
    /// "extremely", "as … as possible", "completely".
    Extreme,
    /// A stated share, as in "by 20%": `0.2`. Positive; the direction is kept apart.
    Share(f32),
    /// Stated photographic stops, as in "one stop brighter". Positive; of other quantities than exposure so much as goes with that
    /// many stops.
    Stops(f32),
}

/// A tone, colour or detail quantity that can go up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quantity {
    /// Overall lightness ("brighter", "underexpose").
    Exposure,
    /// Difference between light and dark tones.
    Contrast,
    /// Lightness of the brightest tones only.
    Highlights,
    /// Lightness of the darkest tones only.
    Shadows,
    /// Blue (less) to amber (more).
    Warmth,
    /// Green (less) to magenta (more).
    Tint,
    /// Chroma of all colours alike.
    Saturation,
    /// Chroma, of muted colours most, of skin and already vivid colours least.
    Vibrance,
    /// Lifted blacks and softened contrast, as of an old print; only `More` unless a faded look is to be undone.
    Fade,
    /// Brown toning of a monochrome picture.
    Sepia,
    /// Fine detail: `More` sharpens.
    Sharpness,
    /// Loss of detail: `More` blurs.
    Blur,
    /// Removal of noise: `More` denoises.
    Denoise,
    /// Film grain.
    Grain,
    /// Darkening towards the corners (`Less`: lightening them, or a white vignette).
    Vignette,
}

/// One change.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// A quantity goes up or down.
    Adjust {
        /// Which.
        quantity: Quantity,
        /// Up or down.
        direction: Direction,
        /// By how much.
        amount: Amount,
    },
    /// All hues turn by `degrees` (positive: red towards yellow towards green), or by an amount left open (`None`).
    Hue {
        /// Angle on the OKLab hue circle, in degrees, −180..=180.
        degrees: Option<f32>,
    },
    /// Colour is removed.
    BlackAndWhite,
    /// Tones and colours are inverted, as in a negative.
    Invert,
    /// The number of tones is reduced.
    Posterise {
        /// Levels a channel, at least 2, where the text states them.
        levels: Option<u8>,
    },
    /// What is in the region takes on a colour; its light and shade stay.
    Recolour {
        /// The colour.
        to: Colour,
        /// "slightly more orange" is a lesser pull than "make it orange".
        amount: Amount,
    },
    /// The picture turns about its centre.
    Rotate {
        /// Clockwise as seen, in degrees, −360..=360. Right angles are exact; others crop to the largest upright
        /// rectangle of the picture's own aspect ratio.
        degrees: f32,
    },
    /// The horizon is found and levelled.
    Straighten,
    /// The picture is mirrored.
    Flip(Axis),
    /// The picture is cut to an aspect ratio, keeping as much as possible.
    Crop {
        /// Width over height.
        aspect: Aspect,
    },
}

impl Change {
    /// Whether pixels change their places, so that it can only be carried out on the whole picture.
    pub fn moves_the_frame(self) -> bool {
        matches!(self, Self::Rotate { .. } | Self::Straighten | Self::Flip(_) | Self::Crop { .. })
    }
}

/// The way a picture is mirrored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Axis {
    /// Left and right change places ("mirror", "flip horizontally").
    Horizontal,
    /// Top and bottom change places ("flip vertically", "flip upside down").
    Vertical,
}

/// Width to height, as small whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Aspect {
    /// At least 1.
    pub width: u16,
    /// At least 1.
    pub height: u16,
}

/// A colour that has a common English name, or a stated one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Colour {
    Red,
    Orange,
    Yellow,
    Green,
    Teal,
    Cyan,
    Blue,
    Purple,
    Magenta,
    Pink,
    Brown,
    Beige,
    Gold,
    White,
    Grey,
    Black,
    /// An sRGB value given as `#rrggbb`.
    Rgb(u8, u8, u8),
}

/// Where a change is asked for: the intersection of what is named. Everything empty means the whole picture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Region {
    /// What is named, where it is a thing.
    pub subject: Option<Subject>,
    /// The colour that the region has in the source ("the *red* flowers").
    pub colour: Option<Colour>,
    /// The part of the frame ("on the left", "the top half", "the corners").
    pub position: Option<Position>,
    /// The tones ("the dark areas", "the highlights" as a place).
    pub tone: Option<Tone>,
    /// "everything but the red flowers": the complement of the rest.
    pub inverted: bool,
}

/// A thing that can be named as a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// Sky, clouds.
    Sky,
    /// Grass, lawn, leaves, trees, plants, foliage.
    Greenery,
    /// Sea, lake, river, water.
    Water,
    /// What the picture is of ("the subject", "the cat", "the person"): found by saliency.
    Foreground,
    /// All that the picture is not of.
    Background,
    /// Skin, face.
    Skin,
    /// A thing with no recognisable shape to us, known only by the colour named with it ("the red flowers", "the
    /// blue car"). Never without a `Region::colour`, except where the noun itself has a usual colour.
    Object,
}

/// A part of the frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Position {
    Left,
    Right,
    Top,
    Bottom,
    Centre,
    Edges,
    TopLeft,
    TopRight,
    BottomLeft,
    BottomRight,
}

/// A range of tones, as a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Tone {
    Bright,
    Middle,
    Dark,
}

impl Region {
    /// Whether this is the whole picture.
    pub fn is_everywhere(&self) -> bool {
        *self == Self::default()
    }

    /// All but this.
    #[must_use]
    pub fn complement(&self) -> Self {
        Self { inverted: !self.inverted, ..self.clone() }
    }
}
