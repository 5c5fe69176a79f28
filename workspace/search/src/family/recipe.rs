//! How recipes set policies whose candidates have children.

use std::sync::Arc;

use editscale_core::{Need, SearchFactory};
use editscale_schema::{Absent, Documented, Fields, Key, Keys, Options, Subtable, Whole, Yaml};

use super::{Family, Shape};
use crate::likeness::Likeness;
use crate::likeness::recipe::{DEDUPLICATE, DEDUPLICATE_TABLE, read_likeness, write_likeness};
use crate::offspring::recipe::{CHILDREN, COUNT, EDGES, EDGES_TABLE, read_edges, reason, write_edges};
use crate::offspring::{EdgeMix, Plan};
use crate::ties::Ties;
use crate::ties::recipe::{TIES, TIES_TABLE, read_ties, write_ties};
use crate::{PolicyChoice, PolicyError, Reason, Rules, WantsFeatures};

/// What recipes are told of one of these policies.
pub trait Told: Shape {
    /// One line for people.
    const ABOUT: &'static str;

    /// What it means to have a place among the parents.
    const PARENT: &'static str;

    /// What the depth is, and how large a run it makes.
    const ROUNDS: &'static str;
}

/// Settings of a policy whose candidates have children.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FamilyRecipe<S> {
    /// How many candidates have children, how many, and how often.
    pub size: S,
    /// How children are made.
    pub edges: EdgeMix,
    /// When two candidates count as the same.
    pub deduplicate: Likeness,
    /// In which order equally good candidates come.
    pub ties: Option<Ties>,
}

impl<S: Told> FamilyRecipe<S> {
    const PARENTS: Key<Whole> = Key { name: S::PARENTS, rule: COUNT, absent: Absent::Refused, meaning: S::PARENT };
    const DEPTH: Key<Whole> = Key { name: "depth", rule: COUNT, absent: Absent::Refused, meaning: S::ROUNDS };
}

impl<S: Told> PolicyChoice for FamilyRecipe<S> {
    fn factory(&self, rules: Rules) -> Result<Arc<dyn SearchFactory>, PolicyError> {
        let Self { size, edges, deduplicate, ties } = *self;
        Ok(Arc::new(Family::new(size, edges, rules)?.deduplicated(deduplicate).settling(ties)))
    }

    fn first_round(&self, _: bool) -> u64 {
        self.size.plan().round()
    }

    fn reason(&self, need: Need) -> Reason {
        reason(need)
    }

    fn trees(&self) -> Option<u32> {
        S::APART.then(|| self.size.plan().parents)
    }

    fn wants_features(&self) -> Option<WantsFeatures> {
        let wants = WantsFeatures { setting: "deduplicate.cosine", otherwise: "`cosine` compares nothing" };
        self.deduplicate.compares_features().then_some(wants)
    }
}

impl<S: Told> Options for FamilyRecipe<S> {
    const NAME: &'static str = S::NAME;
    const ABOUT: &'static str = S::ABOUT;
    const KEYS: Keys = &[
        &Self::PARENTS,
        &CHILDREN,
        &Self::DEPTH,
        &EDGES as &dyn Documented,
        &DEDUPLICATE as &dyn Documented,
        &TIES as &dyn Documented,
    ];
    const SUBTABLES: &'static [Subtable] = &[EDGES_TABLE, DEDUPLICATE_TABLE, TIES_TABLE];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (parents, children) = (fields.take(&Self::PARENTS), fields.take(&CHILDREN));
        let (depth, edges) = (fields.take(&Self::DEPTH), read_edges(fields));
        let (deduplicate, ties) = (read_likeness(fields), read_ties(fields));
        let plan = Plan { parents: parents? as u32, children: children? as u32, depth: depth? as u32 };
        Some(Self { size: S::of(plan), edges: edges?, deduplicate: deduplicate?, ties })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let Plan { parents, children, depth } = self.size.plan();
        let counts = [
            Self::PARENTS.write(Some(&parents.into())),
            CHILDREN.write(Some(&children.into())),
            Self::DEPTH.write(Some(&depth.into())),
        ];
        let likeness = [write_likeness(&self.deduplicate), write_ties(self.ties.as_ref())];
        counts.into_iter().chain([Some(write_edges(&self.edges))]).chain(likeness).flatten().collect()
    }
}
