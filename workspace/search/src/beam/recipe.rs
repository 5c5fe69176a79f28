//! How recipes set the policy `beam`.

use std::sync::Arc;

use editscale_core::{Need, SearchFactory};
use editscale_schema::{
    Absent, Documented, Fields, Key, Keys, Map, Mistake, Number, Options, Section, Subtable, Whole, Yaml,
};

use super::{Beam, BeamSize, EdgeMix};
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
}

const COUNT: Whole = Whole { low: 1, high: 1000 };

const WIDTH: Key<Whole> =
    Key { name: "width", rule: COUNT, absent: Absent::Refused, meaning: "candidates that live on from round to round" };

const CHILDREN: Key<Whole> = Key {
    name: "children",
    rule: COUNT,
    absent: Absent::Refused,
    meaning: "candidates made from each of them in a round",
};

const DEPTH: Key<Whole> = Key {
    name: "depth",
    rule: COUNT,
    absent: Absent::Refused,
    meaning: "rounds of children, after a first round from the source; a run makes width × children × (depth + 1) \
              candidates, at most 100,000",
};

const EDGES: Section =
    Section { name: "edges", allowed: "a map", default: "all three alike", meaning: "how children are made" };

const EDGE_KEYS: Keys = &[&RE_EDIT, &EDIT_OF_EDIT, &FRESH];

const fn share(name: &'static str, meaning: &'static str) -> Key<Number> {
    Key { name, rule: Number::from(0.0, 1000.0), absent: Absent::Default(0.0), meaning }
}

const RE_EDIT: Key<Number> =
    share("re_edit", "share of children made like their parent, with the editor's knobs turned");
const EDIT_OF_EDIT: Key<Number> = share("edit_of_edit", "share of children made from their parent's picture");
const FRESH: Key<Number> = share("fresh", "share of children made from the source with a new seed");

impl PolicyChoice for BeamRecipe {
    fn factory(&self, rules: Rules) -> Result<Arc<dyn SearchFactory>, PolicyError> {
        let Self { width, children, depth, edges } = *self;
        Ok(Arc::new(Beam::new(BeamSize { width, children, depth }, edges, rules)?))
    }

    fn first_round(&self, _: bool) -> u64 {
        u64::from(self.width) * u64::from(self.children)
    }

    fn reason(&self, need: Need) -> Reason {
        let (setting, hint) = match need {
            Need::EditsCandidates => (
                Some("edges.edit_of_edit"),
                "set `edit_of_edit: 0` and `re_edit` or `fresh` above 0, or choose another editor",
            ),
            Need::Knobs => (
                Some("edges.re_edit"),
                "set `re_edit: 0` and `edit_of_edit` or `fresh` above 0, or choose another editor",
            ),
            Need::Seeds => (None, "choose another editor, or the policy `best_of_n`"),
            _ => return Reason::usual(need),
        };
        Reason { setting, hint }
    }
}

impl Options for BeamRecipe {
    const NAME: &'static str = "beam";
    const ABOUT: &'static str = "Keeps the best few candidates, makes children of each, lets parents compete with \
                                 children, and repeats.";
    const KEYS: Keys = &[&WIDTH, &CHILDREN, &DEPTH, &EDGES as &dyn Documented];
    const SUBTABLES: &'static [Subtable] = &[Subtable {
        path: "edges",
        about: "The shares in which children are made; at least one is above 0.",
        keys: EDGE_KEYS,
    }];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (width, children, depth) = (fields.take(&WIDTH), fields.take(&CHILDREN), fields.take(&DEPTH));
        let edges = read_edges(fields);
        Some(Self { width: width? as u32, children: children? as u32, depth: depth? as u32, edges: edges? })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let EdgeMix { re_edit, edit_of_edit, fresh } = &self.edges;
        let edges = [RE_EDIT.write(Some(re_edit)), EDIT_OF_EDIT.write(Some(edit_of_edit)), FRESH.write(Some(fresh))];
        let edges = Yaml::Map(edges.into_iter().flatten().collect());
        [
            WIDTH.write(Some(&self.width.into())),
            CHILDREN.write(Some(&self.children.into())),
            DEPTH.write(Some(&self.depth.into())),
            Some((EDGES.name.into(), edges)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn read_edges(fields: &Fields<'_>) -> Option<EdgeMix> {
    let Some(entry) = fields.entry(EDGES.name) else {
        return Some(EdgeMix { re_edit: 1.0, edit_of_edit: 1.0, fresh: 1.0 });
    };
    let edges = Map::of(entry).read(EDGE_KEYS, fields.mistakes())?;
    let shares = (edges.take(&RE_EDIT), edges.take(&EDIT_OF_EDIT), edges.take(&FRESH));
    let (re_edit, edit_of_edit, fresh) = (shares.0?, shares.1?, shares.2?);
    if re_edit + edit_of_edit + fresh == 0.0 {
        let mistake = Mistake::new("`edges` gives no edge a share").hint("set one of its keys above 0");
        fields.error(&entry.key_span, mistake);
    }
    Some(EdgeMix { re_edit, edit_of_edit, fresh })
}
