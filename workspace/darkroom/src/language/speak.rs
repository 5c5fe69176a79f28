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
                write!(f, "{}{more} {}", words_before(*amount), name(*quantity))?;
                words_after(*amount, f)
            }
            Self::Hue { degrees: Some(degrees) } => write!(f, "hues turned by {degrees} degrees"),
            Self::Hue { degrees: None } => f.write_str("hues turned"),
            Self::BlackAndWhite => f.write_str("black and white"),
            Self::Invert => f.write_str("inverted"),
            Self::Posterise { levels: Some(levels) } => write!(f, "posterised to {levels} levels"),
            Self::Posterise { levels: None } => f.write_str("posterised"),
            Self::Recolour { to, amount } => write!(f, "{}{}", words_before(*amount), colour(*to)),
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

fn name(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::Exposure => "brightness",
        Quantity::Contrast => "contrast",
        Quantity::Highlights => "highlights",
        Quantity::Shadows => "shadows",
        Quantity::Warmth => "warmth",
        Quantity::Tint => "magenta tint",
        Quantity::Saturation => "saturation",
        Quantity::Vibrance => "vibrance",
        Quantity::Fade => "fade",
        Quantity::Sepia => "sepia",
        Quantity::Sharpness => "sharpness",
        Quantity::Blur => "blur",
        Quantity::Denoise => "noise reduction",
        Quantity::Grain => "film grain",
        Quantity::Vignette => "vignette",
    }
}

fn colour(colour: Colour) -> String {
    match colour {
        Colour::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
        named => format!("{named:?}").to_lowercase(),
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_everywhere() {
            return Ok(());
        }
        let mut parts = Vec::new();
        parts.extend(self.colour.map(colour));
        parts.extend(self.subject.map(|subject| {
            let name = match subject {
                Subject::Sky => "sky",
                Subject::Greenery => "greenery",
                Subject::Water => "water",
                Subject::Foreground => "main subject",
                Subject::Background => "background",
                Subject::Skin => "skin",
                Subject::Object => "parts",
            };
            name.to_owned()
        }));
        parts.extend(self.tone.map(|tone| {
            let name = match tone {
                Tone::Bright => "bright areas",
                Tone::Middle => "midtones",
                Tone::Dark => "dark areas",
            };
            name.to_owned()
        }));
        parts.extend(self.position.map(|position| {
            let name = match position {
                Position::Left => "on the left",
                Position::Right => "on the right",
                Position::Top => "at the top",
                Position::Bottom => "at the bottom",
                Position::Centre => "in the centre",
                Position::Edges => "at the edges",
                Position::TopLeft => "at the top left",
                Position::TopRight => "at the top right",
                Position::BottomLeft => "at the bottom left",
                Position::BottomRight => "at the bottom right",
            };
            name.to_owned()
        }));
        let before = if self.inverted { ", everywhere except:" } else { ", in:" };
        write!(f, "{before} {}", parts.join(" "))
    }
}
