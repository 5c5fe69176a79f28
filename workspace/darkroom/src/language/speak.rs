//! Edits in plain words, for logs and reports.

use std::fmt;

use crate::plan::{Amount, Axis, Change, Colour, Direction, Edit, Position, Quantity, Region, Subject, Tone};

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.change, self.region)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Adjust { quantity, direction, amount } => {
                let more = if *direction == Direction::More { "more" } else { "less" };
                write!(f, "{}{more} {quantity}", words_before(*amount))?;
                words_after(*amount, f)
            }
            Self::Hue { degrees: Some(degrees) } => write!(f, "hues turned by {degrees} degrees"),
            Self::Hue { degrees: None } => f.write_str("hues turned"),
            Self::BlackAndWhite => f.write_str("black and white"),
            Self::Invert => f.write_str("inverted"),
            Self::Posterise { levels: Some(levels) } => write!(f, "posterised to {levels} levels"),
            Self::Posterise { levels: None } => f.write_str("posterised"),
            Self::Recolour { to, amount } => write!(f, "{}{to}", words_before(*amount)),
            Self::Rotate { degrees } => {
                let way = if *degrees < 0.0 { "counterclockwise" } else { "clockwise" };
                write!(f, "rotated {} degrees {way}", degrees.abs())
            }
            Self::Straighten => f.write_str("straightened"),
            Self::Flip(Axis::Horizontal) => f.write_str("flipped horizontally"),
            Self::Flip(Axis::Vertical) => f.write_str("flipped vertically"),
            Self::Crop { aspect } => write!(f, "cropped to {}:{}", aspect.width, aspect.height),
        }
    }
}

fn words_before(amount: Amount) -> &'static str {
    match amount {
        Amount::Slight => "slightly ",
        Amount::Strong => "much ",
        Amount::Extreme => "extremely ",
        Amount::Plain | Amount::Share(_) | Amount::Stops(_) => "",
    }
}

fn words_after(amount: Amount, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match amount {
        Amount::Share(share) => write!(f, " by {:.0}%", share * 100.0),
        Amount::Stops(stops) => write!(f, " by {stops:.2} stops"),
        _ => Ok(()),
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exposure => "brightness",
            Self::Contrast => "contrast",
            Self::Highlights => "highlights",
            Self::Shadows => "shadows",
            Self::Warmth => "warmth",
            Self::Tint => "magenta tint",
            Self::Saturation => "saturation",
            Self::Vibrance => "vibrance",
            Self::Fade => "fade",
            Self::Sepia => "sepia",
            Self::Sharpness => "sharpness",
            Self::Blur => "blur",
            Self::Denoise => "noise reduction",
            Self::Grain => "film grain",
            Self::Vignette => "vignette",
        })
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rgb(red, green, blue) => write!(f, "#{red:02x}{green:02x}{blue:02x}"),
            named => f.write_str(&format!("{named:?}").to_lowercase()),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sky => "sky",
            Self::Greenery => "greenery",
            Self::Water => "water",
            Self::Foreground => "main subject",
            Self::Background => "background",
            Self::Skin => "skin",
            Self::Object => "parts",
        })
    }
}

impl fmt::Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bright => "bright areas",
            Self::Middle => "midtones",
            Self::Dark => "dark areas",
        })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Left => "on the left",
            Self::Right => "on the right",
            Self::Top => "at the top",
            Self::Bottom => "at the bottom",
            Self::Centre => "in the centre",
            Self::Edges => "at the edges",
            Self::TopLeft => "at the top left",
            Self::TopRight => "at the top right",
            Self::BottomLeft => "at the bottom left",
            Self::BottomRight => "at the bottom right",
        })
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_everywhere() {
            return Ok(());
        }
        f.write_str(if self.inverted { ", everywhere except:" } else { ", in:" })?;
        let Self { colour, subject, tone, position, .. } = self;
        let words: [Option<&dyn fmt::Display>; 4] = [
            colour.as_ref().map(|colour| colour as _),
            subject.as_ref().map(|subject| subject as _),
            tone.as_ref().map(|tone| tone as _),
            position.as_ref().map(|position| position as _),
        ];
        words.into_iter().flatten().try_for_each(|word| write!(f, " {word}"))
    }
}
