//! How recipes set the policy `beam`.

use std::sync::Arc;

use editscale_core::{Need, SearchFactory};
use editscale_schema::{Absent, Documented, Fields, Key, Keys, Options, Subtable, Whole, Yaml};

use super::{Beam, BeamSize};
use crate::likeness::Likeness;
use crate::likeness::recipe::{DEDUPLICATE, DEDUPLICATE_TABLE, read_likeness, write_likeness};
use crate::offspring::EdgeMix;
use crate::offspring::recipe::{CHILDREN, COUNT, EDGES, EDGES_TABLE, read_edges, reason, write_edges};
use crate::ties::Ties;
use crate::ties::recipe::{TIES, TIES_TABLE, read_ties, write_ties};
use crate::{PolicyChoice, PolicyError, Reason, Rules};

/// Settings of iterative refinement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BeamRecipe {
    /// Candidates that live on from round to round.
    pub width: u32,
    /// Children of each of them in a round.
    pub children: u32,
    /// Rounds of children, after a first round from the source.
    pub depth: u32,
    /// How children are made.
    pub edges: EdgeMix,
    /// When two candidates count as the same.
    pub deduplicate: Likeness,
    /// In which order equally good candidates come.
    pub ties: Option<Ties>,
}

const WIDTH: Key<Whole> =
    Key { name: "width", rule: COUNT, absent: Absent::Refused, meaning: "candidates that live on from round to round" };

const DEPTH: Key<Whole> = Key {
    name: "depth",
    rule: COUNT,
    absent: Absent::Refused,
    meaning: "rounds of children, after a first round from the source; a run makes width × children × (depth + 1) \
              candidates, at most 100,000",
};

impl PolicyChoice for BeamRecipe {
    fn factory(&self, rules: Rules) -> Result<Arc<dyn SearchFactory>, PolicyError> {
        let Self { width, children, depth, edges, deduplicate, ties } = *self;
        let beam = Beam::new(BeamSize { width, children, depth }, edges, rules)?;
        Ok(Arc::new(beam.deduplicated(deduplicate).settling(ties)))
    }

    fn first_round(&self, _: bool) -> u64 {
        u64::from(self.width) * u64::from(self.children)
    }

    fn reason(&self, need: Need) -> Reason {
        reason(need)
    }
}

impl Options for BeamRecipe {
    const NAME: &'static str = "beam";
    const ABOUT: &'static str = "Keeps the best few candidates, makes children of each, lets parents compete with \
                                 children, and repeats.";
    const KEYS: Keys = &[
        &WIDTH,
        &CHILDREN,
        &DEPTH,
        &EDGES as &dyn Documented,
        &DEDUPLICATE as &dyn Documented,
        &TIES as &dyn Documented,
    ];
    const SUBTABLES: &'static [Subtable] = &[EDGES_TABLE, DEDUPLICATE_TABLE, TIES_TABLE];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (width, children, depth) = (fields.take(&WIDTH), fields.take(&CHILDREN), fields.take(&DEPTH));
        let (edges, deduplicate, ties) = (read_edges(fields), read_likeness(fields), read_ties(fields));
        let (width, children, depth) = (width? as u32, children? as u32, depth? as u32);
        Some(Self { width, children, depth, edges: edges?, deduplicate: deduplicate?, ties })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        [
            WIDTH.write(Some(&self.width.into())),
            CHILDREN.write(Some(&self.children.into())),
            DEPTH.write(Some(&self.depth.into())),
            Some(write_edges(&self.edges)),
            write_likeness(&self.deduplicate),
            write_ties(self.ties.as_ref()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
