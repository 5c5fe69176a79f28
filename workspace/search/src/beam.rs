//! Beam-style iterative refinement: keep the best few, vary each of them, let parents compete with children.
//!
//! Because a parent stays in the pool, the best so far never drops from one depth to the next. Every candidate, also
//! one made from another candidate, is scored against the request's own source and instruction.

mod recipe;

use editscale_core::{
    Cards, Decision, EditRequest, Need, Proposal, Remaining, Search, SearchFactory, StopReason, Trial,
};

use crate::archive::{Archive, Entry};
use crate::family::Family;
use crate::likeness::{Distinct, Likeness};
use crate::offspring::{EdgeMix, Offspring, Plan};
use crate::policy::{PolicyError, Rules};
use crate::ties::Ties;

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

impl BeamSize {
    fn plan(self) -> Plan {
        Plan { parents: self.width, children: self.children, depth: self.depth }
    }
}

/// The policy `beam {width, children, depth, edges, deduplicate, ties}`.
#[derive(Debug, Clone)]
pub struct Beam {
    size: BeamSize,
    family: Family,
}

impl Beam {
    /// `width × children` fresh candidates, then `depth` rounds in which each of the best `width` has `children`
    /// children. Equal pictures are counted once; of equally good ones the one asked for first wins.
    pub fn new(size: BeamSize, edges: EdgeMix, rules: Rules) -> Result<Self, PolicyError> {
        size.plan().check("width")?;
        Ok(Self { size, family: Family::new(edges, rules)? })
    }

    /// The same beam in which of candidates that are the same only the best has children.
    #[must_use]
    pub fn deduplicated(self, likeness: Likeness) -> Self {
        Self { family: Family { likeness, ..self.family }, ..self }
    }

    /// The same beam with another order of equally good candidates in its verdict.
    #[must_use]
    pub fn settling(self, ties: Option<Ties>) -> Self {
        Self { family: Family { ties, ..self.family }, ..self }
    }
}

impl SearchFactory for Beam {
    fn revision(&self) -> String {
        let Self { size: BeamSize { width, children, depth }, family } = self;
        format!("beam/1 width={width} children={children} depth={depth}{}", family.revision())
    }

    fn needs(&self) -> Vec<Need> {
        self.family.edges.needs()
    }

    fn largest_run(&self) -> u64 {
        self.size.plan().all()
    }

    fn looks(&self) -> bool {
        self.family.looks()
    }

    fn start(&self, request: &EditRequest, cards: &Cards) -> Box<dyn Search> {
        let (archive, offspring) = self.family.begin(request, cards);
        Box::new(Running { policy: self.clone(), offspring, archive, rounds: 0 })
    }
}

struct Running {
    policy: Beam,
    offspring: Offspring,
    archive: Archive,
    /// Rounds that were asked for.
    rounds: u32,
}

impl Search for Running {
    fn decide(&mut self, trials: &[Trial], left: &Remaining) -> Decision {
        self.archive.learn(trials);
        let next = self.next(left);
        self.archive.decision(next)
    }
}

impl Running {
    fn next(&mut self, left: &Remaining) -> Result<Vec<Proposal>, StopReason> {
        self.archive.go_on(&self.policy.family.rules.stop)?;
        if self.rounds > self.policy.size.depth {
            return Err(StopReason::Finished);
        }
        let count = self.offspring.affordable(self.policy.size.plan().round(), left)?;
        let proposals = self.round(count);
        self.rounds += 1;
        Ok(proposals)
    }

    /// The next round: the beam's members take turns, so that a round cut short by the budget favours the best.
    fn round(&mut self, count: u32) -> Vec<Proposal> {
        let first = self.archive.asked();
        let (beam, offspring) = (beam(&self.policy, &self.archive), &mut self.offspring);
        let mut parents = beam.iter().cycle();
        let proposals = (first..first + count).map(|id| match parents.next() {
            Some(parent) => offspring.child(id, &parent.proposal, self.rounds),
            None => offspring.fresh(id),
        });
        proposals.flatten().collect()
    }
}

/// The best `width` among all candidates so far, what is the same counted once.
fn beam<'a>(policy: &Beam, archive: &'a Archive) -> Vec<&'a Entry> {
    let mut beam = Distinct::new(policy.family.likeness);
    for placed in archive.placed() {
        if beam.kept().len() == policy.size.width as usize {
            break;
        }
        beam.admit(archive.entry(placed.entry));
    }
    beam.into_kept()
}
