//! Diverse trees: several small searches that do not know of each other's scores, so that none of them can take the
//! children of the others.
//!
//! Diverse verifier tree search (Beeching et al., "Scaling test-time compute with open models", 2024) on edits: `trees`
//! independent trees, in each of which the best candidate so far has `children` children a round; the best of all trees
//! is the verdict. A beam of the same size gives every child to the best few of all, which soon descend from one: it is
//! the better where a single hill is to be climbed, and is stuck where the hill that looks best at first is not the
//! highest.
//!
//! A parent stays in the pool of its tree, so that the best of a tree, and the best of all, never drops.

mod recipe;

use editscale_core::{
    Cards, Decision, EditRequest, Need, Proposal, Remaining, Search, SearchFactory, StopReason, Trial,
};

use crate::archive::{Archive, Entry};
use crate::likeness::{Distinct, Likeness};
use crate::offspring::{EdgeMix, Offspring, Plan};
use crate::policy::{PolicyError, Rules};
use crate::ties::Ties;

pub use recipe::DiverseTreesRecipe;

/// How many trees there are, and how large they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreesSize {
    /// How many trees there are, from 1 to 1000.
    pub trees: u32,
    /// How many children the best candidate of each has in a round, from 1 to 1000.
    pub children: u32,
    /// Rounds of children after the first round, from 1 to 1000.
    pub depth: u32,
}

impl TreesSize {
    fn plan(self) -> Plan {
        Plan { parents: self.trees, children: self.children, depth: self.depth }
    }
}

/// The policy `diverse_trees {trees, children, depth, edges, deduplicate, ties}`.
#[derive(Debug, Clone)]
pub struct DiverseTrees {
    size: TreesSize,
    edges: EdgeMix,
    likeness: Likeness,
    ties: Option<Ties>,
    rules: Rules,
}

impl DiverseTrees {
    /// `trees × children` fresh candidates, `children` for each tree, then `depth` rounds in which the best of each tree
    /// has `children` children. Equal pictures are counted once; of equally good ones the one asked for first wins.
    pub fn new(size: TreesSize, edges: EdgeMix, rules: Rules) -> Result<Self, PolicyError> {
        size.plan().check("trees")?;
        edges.check()?;
        Ok(Self { size, edges, likeness: Likeness::default(), ties: None, rules })
    }

    /// The same trees, of which none grows on from a candidate that is the same as that of a better tree: it takes its own
    /// next best.
    #[must_use]
    pub fn deduplicated(self, likeness: Likeness) -> Self {
        Self { likeness, ..self }
    }

    /// The same trees with another order of equally good candidates in the verdict.
    #[must_use]
    pub fn settling(self, ties: Option<Ties>) -> Self {
        Self { ties, ..self }
    }
}

impl SearchFactory for DiverseTrees {
    fn revision(&self) -> String {
        let Self { size: TreesSize { trees, children, depth }, edges, likeness, ties, rules } = self;
        let ties = ties.map_or_else(String::new, Ties::revision);
        let (edges, likeness, rules) = (edges.revision(), likeness.revision(), rules.revision());
        format!("diverse_trees/1 trees={trees} children={children} depth={depth}{edges}{likeness}{ties}{rules}")
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
        Box::new(Running { policy: self.clone(), offspring, archive, rounds: 0, trees: Vec::new() })
    }
}

struct Running {
    policy: DiverseTrees,
    offspring: Offspring,
    archive: Archive,
    /// Rounds that were asked for.
    rounds: u32,
    /// The tree of each candidate that was asked for, in ask order.
    trees: Vec<usize>,
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

    /// The next round: the trees take turns, those that are ahead first. A round cut short by the budget so leaves out no
    /// tree as long as it has a child for each, and then those that are behind.
    fn round(&mut self, count: u32) -> Vec<Proposal> {
        let first = self.archive.asked();
        let members = members(&self.policy, &self.archive, &self.trees);
        let mut proposals = Vec::with_capacity(count as usize);
        for (id, (tree, member)) in (first..first + count).zip(members.iter().cycle()) {
            let proposal = match member {
                Some(parent) => self.offspring.child(id, &parent.proposal, self.rounds),
                None => self.offspring.fresh(id),
            };
            proposals.extend(proposal);
            self.trees.push(*tree);
        }
        proposals
    }
}

/// The candidate that each tree grows on from: its best that is not the same as that of a tree before. The trees come in
/// the order of these; last come those that have none, and begin anew.
fn members<'a>(policy: &DiverseTrees, archive: &'a Archive, trees: &[usize]) -> Vec<(usize, Option<&'a Entry>)> {
    let count = policy.size.trees as usize;
    let (mut distinct, mut members) = (Distinct::new(policy.likeness), Vec::with_capacity(count));
    let mut has_member = vec![false; count];
    for placed in archive.placed() {
        if members.len() == count {
            break;
        }
        let entry = archive.entry(placed.entry);
        // Every candidate that was asked for has a tree.
        let Some(tree) = trees.get(entry.proposal.id.0 as usize).copied() else { continue };
        if !has_member[tree] && distinct.admit(entry) {
            has_member[tree] = true;
            members.push((tree, Some(entry)));
        }
    }
    members.extend((0..count).filter(|tree| !has_member[*tree]).map(|tree| (tree, None)));
    members
}
