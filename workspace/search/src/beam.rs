//! Beam-style iterative refinement: keep the best few, vary each of them, let parents compete with children.
//!
//! Because a parent stays in the pool, the best so far never drops from one depth to the next. Every candidate, also
//! one made from another candidate, is scored against the request's own source and instruction.

mod recipe;

use editscale_core::{
    CandidateId, Cards, Decision, Edge, EditRequest, Knobs, Lineage, Need, Proposal, Remaining, Search, SearchFactory,
    Seed, Start, StopReason, Trial,
};

use crate::archive::{Archive, Entry};
use crate::policy::{MOST_CANDIDATES, PolicyError, Rules, check_count};
use crate::proposals::{Ground, choice_seed};

pub use recipe::BeamRecipe;

/// How the children of a beam are made, as weights: at least one is above 0.
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

    fn check(self) -> Result<(), PolicyError> {
        let weights = self.weights();
        let sum: f64 = weights.iter().sum();
        if weights.iter().all(|weight| *weight >= 0.0) && sum.is_finite() && sum > 0.0 {
            return Ok(());
        }
        let expected = "weights of at least 0, one of them above 0".to_owned();
        Err(PolicyError { setting: "edges", expected, found: format!("{weights:?}") })
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
    fn round(self) -> u64 {
        u64::from(self.width) * u64::from(self.children)
    }
}

/// The policy `beam {width, children, depth, edges}`.
#[derive(Debug, Clone)]
pub struct Beam {
    size: BeamSize,
    edges: EdgeMix,
    rules: Rules,
}

impl Beam {
    /// `width × children` fresh candidates, then `depth` rounds in which each of the best `width` has `children`
    /// children.
    pub fn new(size: BeamSize, edges: EdgeMix, rules: Rules) -> Result<Self, PolicyError> {
        let BeamSize { width, children, depth } = size;
        check_count("width", width, 1000)?;
        check_count("children", children, 1000)?;
        check_count("depth", depth, 1000)?;
        edges.check()?;
        let beam = Self { size, edges, rules };
        if beam.largest_run() > MOST_CANDIDATES {
            let expected = format!("at most {MOST_CANDIDATES} candidates in all");
            let found = format!("{depth}, which makes {} candidates", beam.largest_run());
            return Err(PolicyError { setting: "depth", expected, found });
        }
        Ok(beam)
    }
}

impl SearchFactory for Beam {
    fn revision(&self) -> String {
        let Self { size: BeamSize { width, children, depth }, edges, rules } = self;
        let EdgeMix { re_edit, edit_of_edit, fresh } = edges;
        format!(
            "beam/1 width={width} children={children} depth={depth} re_edit={re_edit} edit_of_edit={edit_of_edit} \
             fresh={fresh}{}",
            rules.revision()
        )
    }

    fn needs(&self) -> Vec<Need> {
        let mut needs = vec![Need::Pointwise, Need::Seeds];
        if self.edges.re_edit > 0.0 {
            needs.push(Need::Knobs);
        }
        if self.edges.edit_of_edit > 0.0 {
            needs.push(Need::EditsCandidates);
        }
        needs
    }

    fn largest_run(&self) -> u64 {
        self.size.round() * (u64::from(self.size.depth) + 1)
    }

    fn start(&self, request: &EditRequest, cards: &Cards) -> Box<dyn Search> {
        let archive = Archive::new(self.rules.objective.clone());
        let ground = Ground::new(request, cards);
        Box::new(Running { policy: self.clone(), ground, archive, rounds: 0, made: [0; 3] })
    }
}

struct Running {
    policy: Beam,
    ground: Ground,
    archive: Archive,
    /// Rounds that were asked for.
    rounds: u32,
    made: Made,
}

impl Search for Running {
    fn decide(&mut self, trials: &[Trial], left: &Remaining) -> Decision {
        self.archive.learn(trials);
        let (best, without_gain) = self.archive.standing();
        if let Some(reason) = self.policy.rules.stop.met(best, without_gain) {
            return Decision::Stop(self.archive.verdict(reason));
        }
        if self.rounds > self.policy.size.depth {
            return Decision::Stop(self.archive.verdict(StopReason::Finished));
        }
        let count = self.ground.affordable(self.policy.size.round(), left);
        if count == 0 {
            return Decision::Stop(self.archive.verdict(self.ground.shortage()));
        }
        let proposals = self.round(count);
        self.archive.ask(&proposals);
        self.rounds += 1;
        Decision::Explore { proposals, keep: Vec::new() }
    }
}

impl Running {
    /// The next round: the beam's members take turns, so that a round cut short by the budget favours the best.
    fn round(&mut self, count: u32) -> Vec<Proposal> {
        let first = self.archive.asked();
        let beam: Vec<Entry> = self.beam().into_iter().cloned().collect();
        if beam.is_empty() {
            return self.ground.all_fresh(first, count);
        }
        let mut proposals = Vec::with_capacity(count as usize);
        for n in 0..count {
            let parent = &beam[n as usize % beam.len()];
            proposals.extend(self.child(first + n, parent));
        }
        proposals
    }

    /// The best `width` among all candidates so far, equal pictures counted once.
    fn beam(&self) -> Vec<&Entry> {
        let mut beam: Vec<&Entry> = Vec::new();
        for placed in self.archive.placed() {
            let entry = self.archive.entry(placed.entry);
            if beam.len() < self.policy.size.width as usize && beam.iter().all(|member| member.image != entry.image) {
                beam.push(entry);
            }
        }
        beam
    }

    fn child(&mut self, id: u32, parent: &Entry) -> Option<Proposal> {
        let kind = self.policy.edges.next(&self.made);
        self.made[kind as usize] += 1;
        let fresh = self.ground.fresh(id)?;
        Some(match kind {
            Kind::ReEdit => self.re_edit(fresh, parent),
            Kind::EditOfEdit => Proposal {
                start: Start::Candidate(parent.proposal.id),
                lineage: Lineage { parent: Some(parent.proposal.id), edge: Edge::EditOfEdit },
                ..fresh
            },
            Kind::Fresh => fresh,
        })
    }

    /// The parent made again with its knobs turned. What the parent started from stays: the re-edit of an edit of an
    /// edit starts from the same picture as its parent did.
    fn re_edit(&self, fresh: Proposal, parent: &Entry) -> Proposal {
        let CandidateId(id) = fresh.id;
        let made = &parent.proposal;
        Proposal {
            start: made.start,
            seed: made.seed,
            knobs: self.turned(&made.knobs, choice_seed(self.ground.root, 1 + u64::from(id))),
            lineage: Lineage { parent: Some(made.id), edge: Edge::ReEdit },
            ..fresh
        }
    }

    /// Every knob turned by up to a quarter of its range at the first depth, less with every further one: the search
    /// narrows as it goes down.
    fn turned(&self, knobs: &Knobs, seed: Seed) -> Knobs {
        let reach = 0.25 / f64::from(self.rounds.max(1));
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
