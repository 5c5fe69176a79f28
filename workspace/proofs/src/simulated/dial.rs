//! Policies with a dial, and where it must stand.
//!
//! Policies that spend by what they find have no number of candidates to be set; they are set by what a candidate costs in
//! units of score. To compare costs at equal gold, the dial of each is turned, on the development requests, until its mean gold
//! there is that of what it is compared with; figures then come of the reported requests with the dial where it stands.

use super::{Measured, Seeds, measure};
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
pub struct Dialed {
    /// What the dial sets.
    pub at: f64,
    /// The recipe's sections.
    pub recipe: String,
    /// Whether the gold that was asked for was reached at all.
    pub reaches: bool,
}

/// How often the dial is turned: it then stands to a thousandth.
const TURNS: u32 = 9;

/// Turns the dial until the mean gold of the development requests is `gold`, or to its end.
pub fn dial(world: &Setting, policy: &Dialled, (gold, requests): (f64, u64)) -> anyhow::Result<Dialed> {
    let (mut low, mut high) = (0.0, 1.0);
    let mut reaches = false;
    for _ in 0..TURNS {
        let middle = f64::midpoint(low, high);
        let found = at(world, policy, middle, (Seeds::Development, requests))?;
        if found.mean(|outcome| outcome.gold) >= gold {
            high = middle;
            reaches = true;
        } else {
            low = middle;
        }
    }
    let at = (policy.setting)(high);
    Ok(Dialed { at, recipe: (policy.recipe)(world, at), reaches })
}

fn at(world: &Setting, policy: &Dialled, effort: f64, requests: (Seeds, u64)) -> anyhow::Result<Measured> {
    let recipe = (policy.recipe)(world, (policy.setting)(effort));
    measure(world, &*recipes::simulated(&recipe)?, requests)
}

/// From one positive number to another in equal factors.
pub fn geometric(effort: f64, from: f64, to: f64) -> f64 {
    (from.ln() + effort * (to.ln() - from.ln())).exp()
}
