//! Instructions, drawn for a source.

use editscale_darkroom::language::read;
use editscale_darkroom::plan::{Amount, Axis, Change, Colour, Direction, Edit, Quantity, Region};
use editscale_picture::srgb_from_linear;

use crate::draw::Draw;
use crate::edits::{Move, Moved, carry_out};
use crate::kinds::{Degree, KINDS, Kind};
use crate::photos::{Source, of_colour};
use crate::phrases::{COLOURS, Phrasing, Place, Wish};

/// An instruction and what it asks for.
pub(crate) struct Ask {
    /// As people write it.
    pub(crate) text: String,
    /// The kinds of its edits, with a plus sign between.
    pub(crate) kind: String,
    /// What the darkroom reads in it.
    pub(crate) edits: Vec<Edit>,
}

/// How often an instruction asks for two edits, and for a part of the picture.
const TWO: f32 = 0.16;
const IN_PART: f32 = 0.15;

/// Two instructions for one source; the second is often about the same quantity as the first.
pub(crate) fn two(source: &Source, draw: &mut Draw) -> Option<[Ask; 2]> {
    let (first, wish) = visible(source, None, draw)?;
    let like = draw.chance(0.45).then_some(wish);
    let second = match visible(source, like, draw) {
        Some((second, _)) if second.text != first.text => Some(second),
        _ => visible(source, None, draw).map(|(second, _)| second).filter(|second| second.text != first.text),
    };
    second.map(|second| [first, second])
}

/// An instruction whose right answer can be seen, and its first wish.
fn visible(source: &Source, like: Option<Wish>, draw: &mut Draw) -> Option<(Ask, Wish)> {
    for _ in 0..24 {
        let Some(wish) = wish(source, like, draw) else { continue };
        let Some(ask) = said(source, wish, like.is_some(), draw) else { continue };
        if is_seen(source, &ask.edits, draw) {
            return Some((ask, wish));
        }
    }
    None
}

/// Whether the edits, carried out, change the picture enough to be seen: turns always, others from a mean of 0.012 in sRGB values.
fn is_seen(source: &Source, edits: &[Edit], draw: &mut Draw) -> bool {
    edits.iter().all(|edit| {
        let moves = [Move::of(edit, 1.0)];
        let Ok(edited) = carry_out(&source.pixels, &source.scene, &moves, draw.seed()) else { return false };
        let pairs = edited.rgb().iter().flatten().zip(source.pixels.rgb().iter().flatten());
        let srgb = |value: &f32| srgb_from_linear(value.clamp(0.0, 1.0));
        let far: f32 = pairs.map(|(one, other)| (srgb(one) - srgb(other)).abs()).sum();
        edit.change.moves_the_frame() || far > 0.012 * 3.0 * source.pixels.rgb().len() as f32
    })
}

/// A wish that makes sense for the source; of the same quantity as `like`, where that is given.
pub(crate) fn wish(source: &Source, like: Option<Wish>, draw: &mut Draw) -> Option<Wish> {
    let fits = |kind: &&Kind| {
        like.is_none_or(|like| Moved::by(like.kind.change) == Moved::by(kind.change)) && suits(kind, source)
    };
    let kinds: Vec<&'static Kind> = KINDS.iter().filter(fits).collect();
    if kinds.is_empty() {
        return None;
    }
    let kind = draw.weighted(&kinds, |kind| kind.weight);
    let degree = if kind.graded { draw.one(&Degree::ALL) } else { Degree::Plain };
    let in_part = kind.regional && !source.places.is_empty() && draw.chance(IN_PART);
    let place = in_part.then(|| draw.one(&source.places));
    let colours = (Moved::by(kind.change) == Moved::Recolour).then(|| {
        let from = draw.one(&source.colours);
        (from, other_than(from, draw))
    });
    Some(Wish { kind, degree, place, colours })
}

/// A colour that cannot be taken for this one: not it, and not a neighbour on the circle of hues.
pub(crate) fn other_than(colour: Colour, draw: &mut Draw) -> Colour {
    let at = COLOURS.iter().position(|(known, _)| *known == colour).unwrap_or(0);
    COLOURS[(at + 2 + (draw.unit() * 4.0) as usize) % COLOURS.len()].0
}

fn suits(kind: &Kind, source: &Source) -> bool {
    let lightens = matches!(kind.change, Change::Adjust { direction: Direction::More, .. });
    match Moved::by(kind.change) {
        Moved::Recolour => !source.colours.is_empty(),
        Moved::Saturation | Moved::Hue | Moved::BlackAndWhite => source.colourfulness > 0.08,
        Moved::Exposure | Moved::Shadows if lightens => source.lightness < 0.72,
        Moved::Exposure | Moved::Highlights => source.lightness > 0.18,
        _ => true,
    }
}

/// A wish in words; sometimes with a second one. Nothing where no phrasing fits, or where the darkroom reads something else in it.
fn said(source: &Source, wish: Wish, alone: bool, draw: &mut Draw) -> Option<Ask> {
    let first = phrased(wish, source.held_out, None, draw)?;
    let second = if !alone && draw.chance(TWO) { beside(source, wish, draw) } else { None };
    let mut expected = vec![meant(wish)];
    let (mut text, mut kind) = (first, wish.kind.name.to_owned());
    if let Some((second, words)) = second {
        expected.push(meant(second));
        kind = format!("{kind} + {}", second.kind.name);
        text = format!("{}{}{words}", text.trim_end_matches(" please"), draw.one(&[" and ", ", then ", ", and "]));
    }
    if draw.chance(0.5) {
        text = text[..1].to_uppercase() + &text[1..];
    }
    if draw.chance(0.35) {
        text.push('.');
    }
    let plan = read(&text);
    let read: Vec<(Change, Region)> = plan.edits.iter().map(|edit| (edit.change, edit.region.clone())).collect();
    let is_meant = plan.not_understood.is_empty() && read == expected;
    is_meant.then_some(Ask { text, kind, edits: plan.edits })
}

/// A second wish for the same instruction: of another quantity, of the whole picture, and such that both can be seen.
fn beside(source: &Source, first: Wish, draw: &mut Draw) -> Option<(Wish, String)> {
    const OF_COLOUR: [Moved; 7] = [
        Moved::Recolour,
        Moved::Hue,
        Moved::Saturation,
        Moved::BlackAndWhite,
        Moved::Sepia,
        Moved::Invert,
        Moved::Warmth,
    ];
    let second = wish(source, None, draw)?;
    let (one, other) = (Moved::by(first.kind.change), Moved::by(second.kind.change));
    let clash = OF_COLOUR.contains(&one) && OF_COLOUR.contains(&other);
    let in_part = first.place.is_some() || second.place.is_some() || first.colours.is_some();
    if one == other || clash || in_part || first.kind.change.moves_the_frame() {
        return None;
    }
    Some((second, phrased(second, source.held_out, Some("it"), draw)?))
}

/// A wish in words; with an `object` as the second part of an instruction.
fn phrased(wish: Wish, held_out: bool, object: Option<&'static str>, draw: &mut Draw) -> Option<String> {
    let mut phrasings: Vec<Phrasing> = wish.phrasings(held_out);
    if object.is_some() {
        phrasings.retain(Phrasing::continues);
    }
    if phrasings.is_empty() {
        return None;
    }
    let phrasing = draw.one(&phrasings);
    Some(wish.say(phrasing, object, draw))
}

/// What a wish means.
pub(crate) fn meant(wish: Wish) -> (Change, Region) {
    let amount: Amount = wish.degree.amount();
    match (wish.kind.change, wish.colours) {
        (Change::Adjust { quantity, direction, .. }, _) => {
            (Change::Adjust { quantity, direction, amount }, wish.place.map_or_else(Region::default, Place::region))
        }
        (Change::Recolour { amount, .. }, Some((from, to))) => (Change::Recolour { to, amount }, of_colour(from)),
        (change, _) => (change, wish.place.map_or_else(Region::default, Place::region)),
    }
}

/// The same edit the wrong way round; nothing for what has no other way.
pub(crate) fn reversed(edit: &Edit, draw: &mut Draw) -> Option<Change> {
    Some(match edit.change {
        Change::Adjust { quantity: Quantity::Grain | Quantity::Sepia, .. } => return None,
        Change::Adjust { quantity: Quantity::Blur, amount, .. } => {
            Change::Adjust { quantity: Quantity::Sharpness, direction: Direction::More, amount }
        }
        Change::Adjust { quantity: Quantity::Sharpness, amount, .. } => {
            Change::Adjust { quantity: Quantity::Blur, direction: Direction::More, amount }
        }
        Change::Adjust { quantity, direction, amount } => {
            Change::Adjust { quantity, direction: direction.opposite(), amount }
        }
        Change::Recolour { to, amount } => Change::Recolour { to: other_than(to, draw), amount },
        Change::Rotate { degrees } => {
            Change::Rotate { degrees: if degrees == 180.0 { draw.one(&[90.0, -90.0]) } else { -degrees } }
        }
        Change::Flip(Axis::Horizontal) => Change::Flip(Axis::Vertical),
        Change::Flip(Axis::Vertical) => Change::Flip(Axis::Horizontal),
        _ => return None,
    })
}
