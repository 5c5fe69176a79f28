//! Policies whose candidates have children, round after round: what a beam and diverse trees have in common.
//!
//! A first round from the source, then rounds in which the best few have children. Because a parent stays among those that
//! can have more of them, the best so far never drops from one round to the next. Every candidate, also one made from
//! another candidate, is scored against the request's own source and instruction.

pub(crate) mod recipe;

use std::fmt::Debug;

use editscale_core::{
    Cards, Decision, EditRequest, Need, Proposal, Remaining, Search, SearchFactory, StopReason, Trial,
};

use crate::archive::{Archive, Entry};
use crate::likeness::{Distinct, Likeness};
use crate::offspring::{EdgeMix, Offspring, Plan};
use crate::policy::{PolicyError, Rules};
use crate::ties::Ties;

/// What tells one policy whose candidates have children from another: its size, and which of them have children.
pub trait Shape: Copy + Debug + Send + Sync + 'static {
    /// The policy's name.
    const NAME: &'static str;

    /// What recipes call the count of those that have children.
    const PARENTS: &'static str;

    /// Whether every parent has a line of its own, which begins with its share of the first round, and never takes over from
    /// another line.
    const APART: bool;

    /// The size, as all of them count it.
    fn plan(self) -> Plan;

    /// The size that is counted so.
    fn of(plan: Plan) -> Self;
}

/// A policy whose candidates have children.
#[derive(Debug, Clone)]
pub struct Family<S> {
    size: S,
    edges: EdgeMix,
    likeness: Likeness,
    ties: Option<Ties>,
    rules: Rules,
}

impl<S: Shape> Family<S> {
    /// A first round of fresh candidates, as many as all later rounds have; in each of those every parent has its children.
    /// Equal pictures are counted once; of equally good ones the one asked for first wins.
    pub fn new(size: S, edges: EdgeMix, rules: Rules) -> Result<Self, PolicyError> {
        size.plan().check(S::PARENTS)?;
        edges.check()?;
        Ok(Self { size, edges, likeness: Likeness::default(), ties: None, rules })
    }

    /// The same policy in which of candidates that are the same only the best has children.
    #[must_use]
    pub fn deduplicated(self, likeness: Likeness) -> Self {
        Self { likeness, ..self }
    }

    /// The same policy with another order of equally good candidates in its verdict.
    #[must_use]
    pub fn settling(self, ties: Option<Ties>) -> Self {
        Self { ties, ..self }
    }
}

impl<S: Shape> SearchFactory for Family<S> {
    fn revision(&self) -> String {
        let (name, counted, Plan { parents, children, depth }) = (S::NAME, S::PARENTS, self.size.plan());
        let (edges, likeness, rules) = (self.edges.revision(), self.likeness.revision(), self.rules.revision());
        let ties = self.ties.map_or_else(String::new, Ties::revision);
        format!("{name}/1 {counted}={parents} children={children} depth={depth}{edges}{likeness}{ties}{rules}")
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
        Box::new(Growing { policy: self.clone(), offspring, archive, rounds: 0, lines: Vec::new() })
    }
}

struct Growing<S> {
    policy: Family<S>,
    offspring: Offspring,
    archive: Archive,
    /// Rounds that were asked for.
    rounds: u32,
    /// The line of each candidate that was asked for, in ask order.
    lines: Vec<usize>,
}

/// Whose turn it is: a line, and the candidate that it goes on from; a fresh one where there is none.
type Turn<'a> = (usize, Option<&'a Entry>);

impl<S: Shape> Search for Growing<S> {
    fn decide(&mut self, trials: &[Trial], left: &Remaining) -> Decision {
        self.archive.learn(trials);
        let next = self.next(left);
        self.archive.decision(next)
    }
}

impl<S: Shape> Growing<S> {
    fn next(&mut self, left: &Remaining) -> Result<Vec<Proposal>, StopReason> {
        self.archive.go_on(&self.policy.rules.stop)?;
        let plan = self.policy.size.plan();
        if self.rounds > plan.depth {
            return Err(StopReason::Finished);
        }
        let count = self.offspring.affordable(plan.round(), left)?;
        let proposals = self.round(count);
        self.rounds += 1;
        Ok(proposals)
    }

    /// The next round: the parents take turns, those that are ahead first. A round cut short by the budget so leaves out
    /// nobody as long as it has a child for each, and then those that are behind.
    fn round(&mut self, count: u32) -> Vec<Proposal> {
        let first = self.archive.asked();
        let turns = turns(&self.policy, &self.archive, &self.lines);
        let mut proposals = Vec::with_capacity(count as usize);
        for (id, (line, parent)) in (first..first + count).zip(turns.iter().cycle()) {
            let proposal = match parent {
                Some(parent) => self.offspring.child(id, &parent.proposal, self.rounds),
                None => self.offspring.fresh(id),
            };
            proposals.extend(proposal);
            self.lines.push(*line);
        }
        proposals
    }
}

/// The candidates that have children, the best first: of all so far, or of each line its best, in either case none that is
/// the same as one before. Lines that have none come last, and begin anew.
fn turns<'a, S: Shape>(policy: &Family<S>, archive: &'a Archive, lines: &[usize]) -> Vec<Turn<'a>> {
    let count = policy.size.plan().parents as usize;
    let (mut distinct, mut turns) = (Distinct::new(policy.likeness), Vec::with_capacity(count));
    let mut has_turn = vec![false; count];
    for placed in archive.placed() {
        if turns.len() == count {
            break;
        }
        let entry = archive.entry(placed.entry);
        // Every candidate that was asked for has a line.
        let Some(line) = lines.get(entry.proposal.id.0 as usize).copied() else { continue };
        if !(S::APART && has_turn[line]) && distinct.admit(entry) {
            has_turn[line] = true;
            turns.push((line, Some(entry)));
        }
    }
    if S::APART || turns.is_empty() {
        turns.extend((0..count).filter(|line| !has_turn[*line]).map(|line| (line, None)));
    }
    turns
}
