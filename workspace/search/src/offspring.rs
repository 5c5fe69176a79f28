//! How children are made of candidates, and how many of them a plan asks for.

pub(crate) mod recipe;

use editscale_core::{
    CandidateId, Cards, Edge, EditRequest, Knobs, Lineage, Need, Proposal, Remaining, Seed, Start, StopReason,
};

use crate::policy::{MOST_CANDIDATES, PolicyError, check_count};
use crate::proposals::{Ground, choice_seed};

/// How children are made, as weights: at least one is above 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EdgeMix {
    /// From the source, with the parent's seed and knobs, the knobs turned.
    pub re_edit: f64,
    /// From the parent's picture, with a seed of its own.
    pub edit_of_edit: f64,
    /// From the source, with a seed of its own.
    pub fresh: f64,
}

/// How one child is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    ReEdit,
    EditOfEdit,
    Fresh,
}

impl Kind {
    const ALL: [Self; 3] = [Self::ReEdit, Self::EditOfEdit, Self::Fresh];
}

/// How many children of each kind there are so far, in the order of [`Kind::ALL`].
type Made = [u32; 3];

impl EdgeMix {
    /// In the order of [`Kind::ALL`].
    fn weights(self) -> [f64; 3] {
        [self.re_edit, self.edit_of_edit, self.fresh]
    }

    pub(crate) fn check(self) -> Result<(), PolicyError> {
        let weights = self.weights();
        let sum: f64 = weights.iter().sum();
        if weights.iter().all(|weight| *weight >= 0.0) && sum.is_finite() && sum > 0.0 {
            return Ok(());
        }
        let expected = "weights of at least 0, one of them above 0".to_owned();
        Err(PolicyError { setting: "edges", expected, found: format!("{weights:?}") })
    }

    /// The weights in words for a policy's revision.
    pub(crate) fn revision(self) -> String {
        let Self { re_edit, edit_of_edit, fresh } = self;
        format!(" re_edit={re_edit} edit_of_edit={edit_of_edit} fresh={fresh}")
    }

    /// What children of this mix need of editors and rewards.
    pub(crate) fn needs(self) -> Vec<Need> {
        let mut needs = vec![Need::Pointwise, Need::Seeds];
        if self.re_edit > 0.0 {
            needs.push(Need::Knobs);
        }
        if self.edit_of_edit > 0.0 {
            needs.push(Need::EditsCandidates);
        }
        needs
    }

    /// The kind of the next child of a run, so that after any number of children each kind has had its share of them to
    /// within one: the kind that is furthest behind its share goes next.
    fn next(self, made: &Made) -> Kind {
        let weights = self.weights();
        let sum: f64 = weights.iter().sum();
        let children = f64::from(1 + made.iter().sum::<u32>());
        let behind = |kind: Kind| weights[kind as usize] / sum * children - f64::from(made[kind as usize]);
        // Of kinds that are as far behind, but for a rounding, the first goes.
        let further = |a: Kind, b: Kind| if behind(b) > behind(a) + 1e-9 { b } else { a };
        Kind::ALL.into_iter().reduce(further).unwrap_or(Kind::Fresh)
    }
}

/// How many candidates a policy asks for: so many that have children, so many children of each, so many rounds of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// How many candidates have children in a round.
    pub parents: u32,
    /// How many each of them has.
    pub children: u32,
    /// Rounds of children after the first round.
    pub depth: u32,
}

impl Plan {
    /// Checks the three counts, each from 1 to 1000, and what they make together; `parents` is called so in recipes.
    pub(crate) fn check(self, parents: &'static str) -> Result<(), PolicyError> {
        check_count(parents, self.parents, 1000)?;
        check_count("children", self.children, 1000)?;
        check_count("depth", self.depth, 1000)?;
        if self.all() > MOST_CANDIDATES {
            let expected = format!("at most {MOST_CANDIDATES} candidates in all");
            let found = format!("{}, which makes {} candidates", self.depth, self.all());
            return Err(PolicyError { setting: "depth", expected, found });
        }
        Ok(())
    }

    /// Candidates of one round.
    pub(crate) fn round(self) -> u64 {
        u64::from(self.parents) * u64::from(self.children)
    }

    /// Candidates of all rounds; the first has no parents.
    pub(crate) fn all(self) -> u64 {
        self.round() * (u64::from(self.depth) + 1)
    }
}

/// Makes the children of one run.
#[derive(Debug)]
pub(crate) struct Offspring {
    ground: Ground,
    edges: EdgeMix,
    made: Made,
}

impl Offspring {
    pub(crate) fn new(edges: EdgeMix, request: &EditRequest, cards: &Cards) -> Self {
        Self { ground: Ground::new(request, cards), edges, made: [0; 3] }
    }

    /// How many of a round the budget still has, or why none.
    pub(crate) fn affordable(&self, round: u64, left: &Remaining) -> Result<u32, StopReason> {
        match self.ground.affordable(round, left) {
            0 => Err(self.ground.shortage()),
            count => Ok(count),
        }
    }

    /// A candidate from the source, of no parent.
    pub(crate) fn fresh(&self, id: u32) -> Option<Proposal> {
        self.ground.fresh(id)
    }

    /// A child of what came of this proposal, in the round of this number, from 1.
    pub(crate) fn child(&mut self, id: u32, parent: &Proposal, depth: u32) -> Option<Proposal> {
        let kind = self.edges.next(&self.made);
        self.made[kind as usize] += 1;
        let fresh = self.ground.fresh(id)?;
        Some(match kind {
            Kind::ReEdit => self.re_edit(fresh, parent, depth),
            Kind::EditOfEdit => Proposal {
                start: Start::Candidate(parent.id),
                lineage: Lineage { parent: Some(parent.id), edge: Edge::EditOfEdit },
                ..fresh
            },
            Kind::Fresh => fresh,
        })
    }

    /// The parent made again with its knobs turned. What the parent started from stays: the re-edit of an edit of an
    /// edit starts from the same picture as its parent did.
    fn re_edit(&self, fresh: Proposal, parent: &Proposal, depth: u32) -> Proposal {
        let CandidateId(id) = fresh.id;
        Proposal {
            start: parent.start,
            seed: parent.seed,
            knobs: self.turned(&parent.knobs, choice_seed(self.ground.root, 1 + u64::from(id)), depth),
            lineage: Lineage { parent: Some(parent.id), edge: Edge::ReEdit },
            ..fresh
        }
    }

    /// Every knob turned by up to a quarter of its range at the first depth, less with every further one: the search
    /// narrows as it goes down.
    fn turned(&self, knobs: &Knobs, seed: Seed, depth: u32) -> Knobs {
        let reach = 0.25 / f64::from(depth.max(1));
        let mut turned = knobs.clone();
        for (n, spec) in self.ground.knobs.iter().enumerate() {
            let from = knobs.get(spec.name.as_str()).unwrap_or(spec.default);
            let share = reach * (2.0 * seed.mix(n as u64).unit() - 1.0);
            // A knob's range is finite, so its values are.
            turned.set(spec.name.clone(), spec.turned(from, share)).ok();
        }
        turned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_edge_keeps_its_share() {
        let mix = EdgeMix { re_edit: 2.0, edit_of_edit: 1.0, fresh: 1.0 };
        let mut so_far = [0; 3];
        for n in 0..400 {
            so_far[mix.next(&so_far) as usize] += 1;
            for (count, weight) in so_far.iter().zip([0.5, 0.25, 0.25]) {
                assert!((f64::from(*count) - weight * f64::from(n + 1)).abs() < 1.0 + 1e-9, "{so_far:?}");
            }
        }
        let only = EdgeMix { re_edit: 0.0, edit_of_edit: 0.0, fresh: 3.0 };
        assert!((0..50).all(|n| only.next(&[0, 0, n]) == Kind::Fresh));
    }
}
