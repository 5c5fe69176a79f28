//! The two gold values of a pair, from what was asked for and what was done; nothing is measured in the picture.
//!
//! **Following.** Each asked edit is answered by the best of what was done:
//!
//! | done, as a multiple r of the asked amount | worth |
//! |---|---|
//! | the opposite, r < 0 | 0 |
//! | nothing | 0.1 |
//! | too little, up to r = 0.85 | rising straight from 0.1 to 1 |
//! | enough, up to r = 1.2 | 1 |
//! | too much | 1 − 0.45 · min(1, log₂(r / 1.2) / 1.3) |
//!
//! A related edit (sepia for black and white, …) earns the share in [`RELATED`]; in another place than asked, 0.12 to 0.45 of
//! it. The asked edits' mean is taken, times 1 − 0.55 s for each edit that nobody asked for, s its strength in 0..=1, times 1 − 0.12
//! s for damage.
//!
//! **Quality.** 1, times 1 − (0.25 + 0.6 s) for damage of severity s, times 1 − 0.5 s for unasked sharpening, blurring, grain and
//! posterising, 1 − 0.1 s for any other unasked edit but a turn or a mirror, and 0.88 for an asked edit that is overdone more than
//! one and a half times.

use editscale_darkroom::plan::{Change, Edit, Region};

use crate::damage::Damage;
use crate::edits::{Move, Moved, size};

/// Gold values, each in 0..=1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Gold {
    pub(crate) following: f32,
    pub(crate) quality: f32,
}

/// What is asked, in which direction; what was done, in which direction; what that is worth. 0 = either direction.
const RELATED: &[(Moved, i8, Moved, i8, f32)] = &[
    (Moved::Warmth, 1, Moved::Sepia, 1, 0.25),
    (Moved::Sepia, 1, Moved::Warmth, 1, 0.3),
    (Moved::Sepia, 1, Moved::BlackAndWhite, 0, 0.25),
    (Moved::BlackAndWhite, 0, Moved::Sepia, 1, 0.3),
    (Moved::Fade, 1, Moved::Contrast, -1, 0.45),
    (Moved::Contrast, -1, Moved::Fade, 1, 0.5),
    (Moved::Saturation, -1, Moved::Fade, 1, 0.25),
    (Moved::Fade, 1, Moved::Saturation, -1, 0.2),
    (Moved::Exposure, 1, Moved::Fade, 1, 0.2),
    (Moved::Exposure, 1, Moved::Shadows, 1, 0.4),
    (Moved::Shadows, 1, Moved::Exposure, 1, 0.4),
    (Moved::Exposure, -1, Moved::Highlights, -1, 0.4),
    (Moved::Highlights, -1, Moved::Exposure, -1, 0.4),
    (Moved::Exposure, -1, Moved::Vignette, 1, 0.2),
    (Moved::Vignette, 1, Moved::Exposure, -1, 0.15),
    (Moved::Recolour, 0, Moved::Hue, 0, 0.15),
    (Moved::Hue, 0, Moved::Recolour, 0, 0.2),
];

/// What a picture is worth that was made by these moves, with this damage, to somebody who asked for these edits.
pub(crate) fn gold(asked: &[Edit], moves: &[Move], damage: Option<Damage>) -> Gold {
    let severity = damage.map_or(0.0, |damage| damage.severity);
    let mean = asked.iter().map(|edit| best(edit, moves)).sum::<f32>() / asked.len().max(1) as f32;
    let mut gold = Gold {
        following: mean * (1.0 - 0.12 * severity),
        quality: if damage.is_some() { 0.75 - 0.6 * severity } else { 1.0 },
    };
    for step in moves {
        if asked.iter().all(|edit| answer(edit, step).is_none()) {
            gold.following *= 1.0 - 0.55 * strength(step);
            gold.quality *= 1.0 - harm(step) * strength(step);
        } else if asked.iter().any(|edit| ratio(edit, step) > 1.5) {
            gold.quality *= 0.88;
        }
    }
    gold
}

/// What the best of the moves is worth to an asked edit.
fn best(asked: &Edit, moves: &[Move]) -> f32 {
    moves.iter().filter_map(|step| answer(asked, step)).reduce(f32::max).unwrap_or(0.1)
}

/// What a move is worth to an asked edit; nothing where it has nothing to do with it.
fn answer(asked: &Edit, step: &Move) -> Option<f32> {
    let worth =
        if Moved::by(asked.change) == Moved::by(step.change) { same_kind(asked, step) } else { related(asked, step) }?;
    Some(worth * at_place(&asked.region, &step.region))
}

fn same_kind(asked: &Edit, step: &Move) -> Option<f32> {
    match (asked.change, step.change) {
        (Change::Recolour { to, .. }, Change::Recolour { to: done, .. }) => {
            let same_place = asked.region.colour == step.region.colour;
            same_place.then(|| if to == done { amount(ratio(asked, step)) } else { 0.25 })
        }
        (Change::Adjust { .. } | Change::Hue { .. }, _) => Some(amount(ratio(asked, step))),
        (one, other) if one == other => Some(1.0),
        _ => Some(0.15),
    }
}

fn related(asked: &Edit, step: &Move) -> Option<f32> {
    let (one, other) = (Moved::by(asked.change), Moved::by(step.change));
    let (wanted, done) = (size(asked.change, 1.0), step.size());
    match (one, other) {
        (Moved::BlackAndWhite, Moved::Saturation) if done < 0.0 => return Some(amount(-done / 2.5)),
        (Moved::Saturation, Moved::BlackAndWhite) => return Some(amount(2.5 / -wanted)),
        _ => {}
    }
    let fits = |sign: i8, size: f32| sign == 0 || (sign > 0) == (size > 0.0);
    let row = RELATED.iter().find(|row| (row.0, row.2) == (one, other) && fits(row.1, wanted) && fits(row.3, done));
    row.map(|row| row.4)
}

/// The done amount over the asked one, where both move the same; else 0.
fn ratio(asked: &Edit, step: &Move) -> f32 {
    if Moved::by(asked.change) == Moved::by(step.change) { step.size() / size(asked.change, 1.0) } else { 0.0 }
}

fn amount(ratio: f32) -> f32 {
    match ratio {
        r if r < 0.0 => 0.0,
        r if r <= 0.85 => 0.1 + 0.9 * r / 0.85,
        r if r <= 1.2 => 1.0,
        r => 1.0 - 0.45 * ((r / 1.2).log2() / 1.3).min(1.0),
    }
}

fn at_place(asked: &Region, done: &Region) -> f32 {
    match (asked.is_everywhere(), done.is_everywhere()) {
        _ if asked == done => 1.0,
        (false, true) => 0.35,
        (true, false) => 0.45,
        _ => 0.12,
    }
}

/// How strong an edit is that nobody asked for, in 0..=1.
fn strength(step: &Move) -> f32 {
    let part = if step.region.is_everywhere() { 1.0 } else { 0.75 };
    match step.change {
        Change::Adjust { .. } | Change::Hue { .. } => (step.size().abs() / 1.2).min(1.0) * part,
        _ => part,
    }
}

/// What an edit that nobody asked for takes from the quality at full strength.
fn harm(step: &Move) -> f32 {
    match Moved::by(step.change) {
        Moved::Sharpness | Moved::Grain | Moved::Posterise => 0.5,
        _ if step.change.moves_the_frame() => 0.0,
        _ => 0.1,
    }
}

#[cfg(test)]
mod tests {
    use editscale_darkroom::language::read;

    use super::*;
    use crate::damage::Harm;

    fn follow(asked: &str, done: &str, factor: f32) -> f32 {
        let moves: Vec<Move> = read(done).edits.iter().map(|edit| Move::of(edit, factor)).collect();
        gold(&read(asked).edits, &moves, None).following
    }

    #[test]
    fn amounts_are_worth_what_the_rule_says() {
        for (done, factor, worth) in [
            ("brighter", 1.0, 1.0),
            ("brighter", 0.425, 0.55),
            ("slightly brighter", 1.0, 0.1 + 0.9 * 0.4 / 0.85),
            ("brighter", 4.0, 0.55),
            ("darker", 1.0, 0.0),
            ("", 1.0, 0.1),
            ("brighten the left half", 1.0, 0.45),
        ] {
            assert!((follow("brighter", done, factor) - worth).abs() < 1e-3, "{done} x {factor}");
        }
    }

    #[test]
    fn what_nobody_asked_for_costs() {
        assert!(follow("warmer", "warmer, and mirror it", 1.0) < 0.5);
        assert!(follow("warmer and sharper", "warmer", 1.0) < 0.6);
        assert!(follow("black and white", "sepia", 1.0) < 0.4);
        assert_eq!(follow("more saturated", "black and white", 1.0), 0.0);
        assert_eq!(follow("make the red things blue", "make the red things green", 1.0), 0.25);
        assert_eq!(follow("blur it", "sharpen it", 1.0), 0.0);
    }

    #[test]
    fn damage_is_paid_by_quality() {
        let asked = read("warmer").edits;
        let moves = [Move::of(&asked[0], 1.0)];
        let clean = gold(&asked, &moves, None);
        let noisy = gold(&asked, &moves, Some(Damage { harm: Harm::Noise, severity: 1.0 }));
        assert_eq!(clean, Gold { following: 1.0, quality: 1.0 });
        assert!(noisy.quality < 0.2 && noisy.following > 0.85);
    }
}
