//! Beam-style iterative refinement: keep the best few, vary each of them, let parents compete with children.
//!
//! Because a parent stays in the pool, the best so far never drops from one depth to the next. Every candidate, also
//! one made from another candidate, is scored against the request's own source and instruction.

mod recipe;

use editscale_core::{
    Cards, Decision, EditRequest, Need, Proposal, Remaining, Search, SearchFactory, StopReason, Trial,
};

use crate::archive::{Archive, Entry};
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
    edges: EdgeMix,
    likeness: Likeness,
    ties: Option<Ties>,
    rules: Rules,
}

impl Beam {
    /// `width × children` fresh candidates, then `depth` rounds in which each of the best `width` has `children`
    /// children. Equal pictures are counted once; of equally good ones the one asked for first wins.
    pub fn new(size: BeamSize, edges: EdgeMix, rules: Rules) -> Result<Self, PolicyError> {
        size.plan().check("width")?;
        edges.check()?;
        Ok(Self { size, edges, likeness: Likeness::default(), ties: None, rules })
    }

    /// The same beam in which of candidates that are the same only the best has children.
    #[must_use]
    pub fn deduplicated(self, likeness: Likeness) -> Self {
        Self { likeness, ..self }
    }

    /// The same beam with another order of equally good candidates in its verdict.
    #[must_use]
    pub fn settling(self, ties: Option<Ties>) -> Self {
        Self { ties, ..self }
    }
}

impl SearchFactory for Beam {
    fn revision(&self) -> String {
        let Self { size: BeamSize { width, children, depth }, edges, likeness, ties, rules } = self;
        let ties = ties.map_or_else(String::new, Ties::revision);
        let (edges, likeness, rules) = (edges.revision(), likeness.revision(), rules.revision());
        format!("beam/1 width={width} children={children} depth={depth}{edges}{likeness}{ties}{rules}")
    }

    fn needs(&self) -> Vec<Need> {
        self.edges.needs()
    }

    fn largest_run(&self) -> u64 {
        self.size.plan().all()
    }

    fn looks(&self) -> bool {
        self.likeness.looks() || self.ties.is_some()
    }

    fn start(&self, request: &EditRequest, cards: &Cards) -> Box<dyn Search> {
        let archive = Archive::new(self.rules.objective.clone()).settling(self.ties);
        let offspring = Offspring::new(self.edges, request, cards);
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
        match self.next(left) {
            Ok(proposals) => {
                self.archive.ask(&proposals);
                self.rounds += 1;
                Decision::Explore { proposals, keep: Vec::new() }
            }
            Err(reason) => Decision::Stop(self.archive.verdict(reason)),
        }
    }
}

impl Running {
    fn next(&mut self, left: &Remaining) -> Result<Vec<Proposal>, StopReason> {
        let (best, without_gain) = self.archive.standing();
        if let Some(reason) = self.policy.rules.stop.met(best, without_gain) {
            return Err(reason);
        }
        if self.rounds > self.policy.size.depth {
            return Err(StopReason::Finished);
        }
        let count = self.offspring.affordable(self.policy.size.plan().round(), left)?;
        Ok(self.round(count))
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
    let mut beam = Distinct::new(policy.likeness);
    for placed in archive.placed() {
        if beam.kept().len() == policy.size.width as usize {
            break;
        }
        beam.admit(archive.entry(placed.entry));
    }
    beam.into_kept()
}
