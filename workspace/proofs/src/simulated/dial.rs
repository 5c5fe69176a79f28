//! Policies with a dial, and where it must stand.
//!
//! Policies that spend by what they find have no number of candidates to be set; they are set by what a candidate costs in
//! units of score. To compare costs at equal gold, the dial of each is turned, on the development requests, until its mean gold
//! there is that of what it is compared with; figures then come of the reported requests with the dial where it stands.

use super::{Seeds, measure};
use crate::recipes;
use crate::world::Setting;

/// A policy with a dial of effort from 0 to 1: the more, the more candidates and the higher gold.
#[derive(Debug, Clone, Copy)]
pub struct Dialled {
    /// What tables call it.
    pub name: &'static str,
    /// What the dial sets, from 0 to 1.
    pub setting: fn(f64) -> f64,
    /// The recipe's sections with the dial's setting in them, in a world.
    pub recipe: fn(&Setting, f64) -> String,
}

/// A policy with its dial where it should stand.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The recipe's sections.
    pub recipe: String,
    /// Whether the gold that was asked for was reached at all.
    pub reaches: bool,
}

/// Where the dial is tried before it is turned finely: gold may fall again with too many candidates, so that the first place
/// that is good enough is looked for from below.
const PLACES: u32 = 12;

/// How often the dial is turned finely.
const TURNS: u32 = 5;

/// Turns the dial up until the mean gold of the development requests is `gold`, or to where it is highest. The recipe ends with
/// `section`.
pub fn dial(
    world: &Setting,
    (policy, section): (&Dialled, &str),
    (gold, requests): (f64, u64),
) -> anyhow::Result<Standing> {
    let recipe = |effort: f64| format!("{}{section}", (policy.recipe)(world, (policy.setting)(effort)));
    let found = |effort: f64| {
        let policy = recipes::simulated(&recipe(effort))?;
        anyhow::Ok(measure(world, &*policy, (Seeds::Development, requests))?.mean(|one| one.gold))
    };
    let standing = |effort: f64, reaches: bool| Standing { recipe: recipe(effort), reaches };
    let place = |step: u32| f64::from(step) / f64::from(PLACES);
    let (mut best, mut highest) = (0.0, f64::NEG_INFINITY);
    for step in 0..=PLACES {
        let golden = found(place(step))?;
        if golden >= gold {
            let finely = between(place(step.saturating_sub(1)), place(step), |effort| Ok(found(effort)? >= gold))?;
            return Ok(standing(finely, true));
        }
        if golden > highest {
            (best, highest) = (place(step), golden);
        }
    }
    Ok(standing(best, false))
}

/// The least effort that is enough, between one that is not and one that is.
fn between(low: f64, high: f64, is_enough: impl Fn(f64) -> anyhow::Result<bool>) -> anyhow::Result<f64> {
    let (mut low, mut high) = (low, high);
    for _ in 0..TURNS {
        let middle = f64::midpoint(low, high);
        if is_enough(middle)? { high = middle } else { low = middle }
    }
    Ok(high)
}

/// From one positive number to another in equal factors.
pub fn geometric(effort: f64, from: f64, to: f64) -> f64 {
    (from.ln() + effort * (to.ln() - from.ln())).exp()
}
