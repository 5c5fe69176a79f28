//! Edits as instructions: words that [`read`](super::read) reads back as the edit that they were made of.
//!
//! Nothing is taken on trust. A few phrasings are tried, and the first one that is read back as the very edit is taken, so
//! that what is written is always understood.

use super::read;
use crate::plan::{Amount, Change, Direction, Edit, Position, Quantity, Region, Subject, Tone};

/// An instruction for one edit, of whose amount a share is written in whole percent; nothing where no words for it are
/// known. `words` are those that the edit was read from, if any.
pub(crate) fn instruct(edit: &Edit, words: Option<&str>) -> Option<String> {
    let own = words.map(str::to_owned).into_iter();
    let phrases = match edit.change {
        Change::Adjust { quantity, direction, amount: Amount::Share(share) } => {
            adjusted(quantity, direction, (share * 100.0).round() as u32, &edit.region)
        }
        _ => Vec::new(),
    };
    own.chain(phrases).find(|phrase| says(phrase, edit))
}

/// Whether a text is read as this edit and nothing else.
fn says(text: &str, edit: &Edit) -> bool {
    let plan = read(text);
    match plan.edits.as_slice() {
        [one] => plan.not_understood.is_empty() && is_same(one, edit),
        _ => false,
    }
}

/// Whether two edits ask for the same, shares to within half a percent.
pub(crate) fn is_same(one: &Edit, other: &Edit) -> bool {
    let is_same_change = match (one.change, other.change) {
        (
            Change::Adjust { quantity, direction, amount: Amount::Share(share) },
            Change::Adjust { quantity: as_quantity, direction: as_direction, amount: Amount::Share(as_share) },
        ) => (quantity, direction) == (as_quantity, as_direction) && (share - as_share).abs() < 0.006,
        (one, other) => one == other,
    };
    is_same_change && one.region == other.region
}

fn adjusted(quantity: Quantity, direction: Direction, percent: u32, region: &Region) -> Vec<String> {
    let is_more = direction == Direction::More;
    let raise = if is_more { "increase" } else { "reduce" };
    let noun = noun(quantity);
    let verb = verb(quantity, is_more);
    if region.is_everywhere() {
        let by_verb = verb.map(|verb| format!("{verb} the picture by {percent}%"));
        let more = if is_more { "more" } else { "less" };
        return [Some(format!("{raise} the {noun} by {percent}%")), by_verb, Some(format!("{percent}% {more} {noun}"))]
            .into_iter()
            .flatten()
            .collect();
    }
    let mut phrases = Vec::new();
    for place in places(region) {
        phrases.extend(verb.map(|verb| format!("{verb} {place} by {percent}%")));
        phrases.push(format!("{raise} the {noun} of {place} by {percent}%"));
        phrases.push(format!("{raise} the {noun} in {place} by {percent}%"));
        phrases.push(format!("{raise} the {noun} by {percent}% in {place}"));
    }
    phrases
}

fn noun(quantity: Quantity) -> &'static str {
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
        Quantity::Sepia => "sepia tone",
        Quantity::Sharpness => "sharpness",
        Quantity::Blur => "blur",
        Quantity::Denoise => "noise reduction",
        Quantity::Grain => "film grain",
        Quantity::Vignette => "vignette",
    }
}

fn verb(quantity: Quantity, is_more: bool) -> Option<&'static str> {
    Some(match (quantity, is_more) {
        (Quantity::Exposure, true) => "brighten",
        (Quantity::Exposure, false) => "darken",
        (Quantity::Warmth, true) => "warm up",
        (Quantity::Warmth, false) => "cool down",
        (Quantity::Saturation, true) => "saturate",
        (Quantity::Saturation, false) => "desaturate",
        (Quantity::Sharpness, true) => "sharpen",
        (Quantity::Blur, true) => "blur",
        (Quantity::Denoise, true) => "denoise",
        (Quantity::Fade, true) => "fade",
        _ => return None,
    })
}

/// A region in words, in a few ways.
fn places(region: &Region) -> Vec<String> {
    let colour = region.colour.map_or_else(String::new, |colour| format!("{colour} "));
    let things: &[&str] = match (region.subject, region.tone) {
        (Some(Subject::Sky), _) => &["sky"],
        (Some(Subject::Greenery), _) => &["greenery", "leaves", "grass"],
        (Some(Subject::Water), _) => &["water"],
        (Some(Subject::Foreground), _) => &["main subject", "subject", "foreground"],
        (Some(Subject::Background), _) => &["background"],
        (Some(Subject::Skin), _) => &["skin"],
        (Some(Subject::Object), _) => &["thing", "flowers", "object"],
        (None, Some(Tone::Bright)) => &["bright areas", "bright parts", "highlights"],
        (None, Some(Tone::Middle)) => &["midtones"],
        (None, Some(Tone::Dark)) => &["dark areas", "dark parts", "shadows"],
        (None, None) if region.colour.is_some() => &["parts", "areas"],
        (None, None) => &[""],
    };
    let placed = |thing: &&str| match (region.position, thing.is_empty()) {
        (Some(position), true) => vec![format!("the {}", part(position))],
        (Some(position), false) => vec![format!("the {colour}{thing} {position}")],
        (None, _) => vec![format!("the {colour}{thing}")],
    };
    let plain = things.iter().flat_map(placed);
    if region.inverted {
        return plain.flat_map(|place| [format!("everything but {place}"), format!("all but {place}")]).collect();
    }
    plain.collect()
}

fn part(position: Position) -> &'static str {
    match position {
        Position::Left => "left half",
        Position::Right => "right half",
        Position::Top => "top half",
        Position::Bottom => "bottom half",
        Position::Centre => "centre",
        Position::Edges => "edges",
        Position::TopLeft => "top left corner",
        Position::TopRight => "top right corner",
        Position::BottomLeft => "bottom left corner",
        Position::BottomRight => "bottom right corner",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUANTITIES: [Quantity; 15] = [
        Quantity::Exposure,
        Quantity::Contrast,
        Quantity::Highlights,
        Quantity::Shadows,
        Quantity::Warmth,
        Quantity::Tint,
        Quantity::Saturation,
        Quantity::Vibrance,
        Quantity::Fade,
        Quantity::Sepia,
        Quantity::Sharpness,
        Quantity::Blur,
        Quantity::Denoise,
        Quantity::Grain,
        Quantity::Vignette,
    ];

    /// Of the whole picture, every quantity can be asked for by every share, in either direction that has a meaning.
    #[test]
    fn every_quantity_has_words_that_are_read_back() {
        let mut missing = Vec::new();
        for quantity in QUANTITIES {
            for direction in [Direction::More, Direction::Less] {
                // Less of a grain is less noise, so that nobody is ever read to ask for it.
                if (quantity, direction) == (Quantity::Grain, Direction::Less) {
                    continue;
                }
                for percent in [1, 5, 37, 100, 150] {
                    let amount = Amount::Share(percent as f32 / 100.0);
                    let change = Change::Adjust { quantity, direction, amount };
                    let edit = Edit { change, region: Region::default(), words: 0..0 };
                    if instruct(&edit, None).is_none() {
                        missing.push(format!("{edit} {percent}"));
                    }
                }
            }
        }
        assert!(missing.is_empty(), "{missing:#?}");
    }

    /// Of the regions that instructions name, most have words.
    #[test]
    fn regions_have_words_that_are_read_back() {
        for words in [
            "brighten the sky",
            "darken the background",
            "make the red flowers more saturated",
            "warm up the skin",
            "darken the corners",
            "brighten the left side",
            "more contrast in the dark areas",
            "sharpen the main subject",
            "blur everything but the subject",
            "brighten the top left corner",
            "cool down the water",
            "more saturation in the greenery",
        ] {
            let plan = read(words);
            let [edit] = plan.edits.as_slice() else { panic!("{words}: {plan:?}") };
            let Change::Adjust { quantity, direction, .. } = edit.change else { panic!("{words}") };
            let change = Change::Adjust { quantity, direction, amount: Amount::Share(0.23) };
            let said = instruct(&Edit { change, ..edit.clone() }, None);
            assert!(said.is_some(), "{words}: no words for {edit}");
        }
    }
}
