//! Beam-style iterative refinement: keep the best few, vary each of them, let parents compete with children.
//!
//! Those that have children in a round are the best of *all* candidates so far, whoever they descend from. A beam is better
//! than diverse trees where a single hill is to be climbed.

mod recipe;

use crate::family::{Family, Shape};
use crate::offspring::Plan;

pub use recipe::BeamRecipe;

/// How large a beam is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BeamSize {
    /// How many candidates have children, from 1 to 1000.
    pub width: u32,
    /// How many children each of them has, from 1 to 1000.
    pub children: u32,
    /// Rounds of children after the first round, from 1 to 1000.
    pub depth: u32,
}

/// The policy `beam {width, children, depth, edges, deduplicate, ties}`: `width × children` fresh candidates, then `depth`
/// rounds in which each of the best `width` of all so far has `children` children.
pub type Beam = Family<BeamSize>;

impl Shape for BeamSize {
    const NAME: &'static str = "beam";
    const PARENTS: &'static str = "width";
    const APART: bool = false;

    fn plan(self) -> Plan {
        Plan { parents: self.width, children: self.children, depth: self.depth }
    }

    fn of(plan: Plan) -> Self {
        Self { width: plan.parents, children: plan.children, depth: plan.depth }
    }
}
