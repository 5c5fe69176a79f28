//! What a good, a bad and a careless editor make of an instruction.

use editscale_darkroom::plan::{Change, Edit, Region};

use crate::asks::{Ask, meant, reversed, wish};
use crate::damage::Damage;
use crate::draw::Draw;
use crate::edits::{Move, Moved};
use crate::photos::{Source, of_colour};

/// How a candidate comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// As asked.
    Right,
    /// The source again.
    Copy,
    /// The asked edits, too little of them.
    Weak,
    /// The asked edits, too much of them.
    Strong,
    /// The asked edits, far too much of them.
    Overdone,
    /// One of two edits, or half of one.
    HalfDone,
    /// The asked quantities, the wrong way.
    WrongDirection,
    /// The asked edit in another place.
    WrongRegion,
    /// Some edit that nobody asked for.
    Other,
    /// The asked edits and one that nobody asked for.
    Extra,
    /// The asked edits on a damaged picture.
    Damaged,
    /// Not as asked, and damaged.
    BadAndDamaged,
}

impl Role {
    /// Every role but the right one, and how often it is played.
    const OTHERS: [(Self, f32); 11] = [
        (Self::Copy, 0.09),
        (Self::Weak, 0.12),
        (Self::Strong, 0.1),
        (Self::Overdone, 0.06),
        (Self::HalfDone, 0.06),
        (Self::WrongDirection, 0.16),
        (Self::WrongRegion, 0.06),
        (Self::Other, 0.09),
        (Self::Extra, 0.1),
        (Self::Damaged, 0.12),
        (Self::BadAndDamaged, 0.05),
    ];

    pub(crate) fn draw(draw: &mut Draw) -> Self {
        draw.weighted(&Self::OTHERS, |(_, weight)| *weight).0
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Copy => "copy",
            Self::Weak => "weak",
            Self::Strong => "strong",
            Self::Overdone => "overdone",
            Self::HalfDone => "half done",
            Self::WrongDirection => "wrong direction",
            Self::WrongRegion => "wrong region",
            Self::Other => "other edit",
            Self::Extra => "extra edit",
            Self::Damaged => "damaged",
            Self::BadAndDamaged => "bad and damaged",
        }
    }
}

/// The moves and the damage of a candidate.
pub(crate) fn play(role: Role, ask: &Ask, source: &Source, draw: &mut Draw) -> (Vec<Move>, Option<Damage>) {
    let clean = |moves| (moves, None);
    match role {
        Role::Right => clean(by(ask, 0.88, 1.15, draw)),
        Role::Copy => clean(Vec::new()),
        Role::Weak if is_graded(ask) => clean(by(ask, 0.2, 0.6, draw)),
        Role::Strong if is_graded(ask) => clean(by(ask, 1.6, 2.3, draw)),
        Role::Overdone if is_graded(ask) => clean(by(ask, 2.4, 3.5, draw)),
        Role::HalfDone if is_graded(ask) || ask.edits.len() > 1 => clean(half(ask, draw)),
        Role::WrongDirection => clean(wrong_way(ask, source, draw)),
        Role::WrongRegion => clean(elsewhere(ask, source, draw)),
        Role::Other | Role::Weak | Role::HalfDone => clean(vec![unasked(ask, source, draw)]),
        Role::Extra | Role::Strong | Role::Overdone => {
            let mut moves = by(ask, 0.88, 1.15, draw);
            moves.push(unasked(ask, source, draw));
            clean(moves)
        }
        Role::Damaged => (by(ask, 0.88, 1.15, draw), Some(Damage::draw(draw))),
        Role::BadAndDamaged => {
            let role = draw.one(&[Role::Copy, Role::Weak, Role::WrongDirection, Role::Other]);
            (play(role, ask, source, draw).0, Some(Damage::draw(draw)))
        }
    }
}

/// Whether there can be too much or too little of anything that is asked for.
fn is_graded(ask: &Ask) -> bool {
    ask.edits.iter().any(|edit| matches!(edit.change, Change::Adjust { .. } | Change::Hue { .. }))
}

/// The asked edits by a multiple, each its own. What is all or nothing is done.
fn by(ask: &Ask, low: f32, high: f32, draw: &mut Draw) -> Vec<Move> {
    ask.edits.iter().map(|edit| Move::of(edit, draw.between(low, high))).collect()
}

fn half(ask: &Ask, draw: &mut Draw) -> Vec<Move> {
    let edits: Vec<&Edit> = ask.edits.iter().collect();
    if edits.len() > 1 {
        return vec![Move::of(draw.one(&edits), draw.between(0.9, 1.1))];
    }
    by(ask, 0.4, 0.7, draw)
}

fn wrong_way(ask: &Ask, source: &Source, draw: &mut Draw) -> Vec<Move> {
    let mut moves = Vec::new();
    for edit in &ask.edits {
        moves.push(match reversed(edit, draw) {
            Some(change) => Move { change, region: edit.region.clone(), factor: draw.between(0.6, 1.2) },
            None => unasked(ask, source, draw),
        });
    }
    moves
}

/// The first edit in another place, the others as asked; another edit where there is no other place.
fn elsewhere(ask: &Ask, source: &Source, draw: &mut Draw) -> Vec<Move> {
    let mut moves = by(ask, 0.9, 1.1, draw);
    match (other_region(&ask.edits[0], source, draw), moves.first_mut()) {
        (Some(region), Some(first)) => first.region = region,
        _ => moves = vec![unasked(ask, source, draw)],
    }
    moves
}

fn other_region(edit: &Edit, source: &Source, draw: &mut Draw) -> Option<Region> {
    let regions: Vec<Region> = match edit.change {
        Change::Recolour { .. } => source.colours.iter().map(|colour| of_colour(*colour)).collect(),
        Change::Adjust { .. } | Change::BlackAndWhite => {
            let everywhere = std::iter::once(Region::default());
            source.places.iter().map(|place| place.region()).chain(everywhere).collect()
        }
        _ => Vec::new(),
    };
    let others: Vec<&Region> = regions.iter().filter(|region| **region != edit.region).collect();
    (!others.is_empty()).then(|| draw.one(&others).clone())
}

/// An edit of a quantity that the instruction says nothing of.
fn unasked(ask: &Ask, source: &Source, draw: &mut Draw) -> Move {
    let is_asked = |change: Change| ask.edits.iter().any(|edit| Moved::by(edit.change) == Moved::by(change));
    loop {
        if let Some(wish) = wish(source, None, draw).filter(|wish| !is_asked(wish.kind.change)) {
            let (change, region) = meant(wish);
            return Move { change, region, factor: draw.between(0.85, 1.15) };
        }
    }
}
