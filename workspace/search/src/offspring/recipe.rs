//! How recipes say how children are made.

use editscale_core::Need;
use editscale_schema::{Absent, Fields, Key, Keys, Map, Mistake, Number, Section, Subtable, Whole, Yaml};

use super::EdgeMix;
use crate::Reason;

/// What a count of parents, of children or of rounds may be.
pub(crate) const COUNT: Whole = Whole { low: 1, high: 1000 };

pub(crate) const CHILDREN: Key<Whole> = Key {
    name: "children",
    rule: COUNT,
    absent: Absent::Refused,
    meaning: "candidates made from each of them in a round",
};

pub(crate) const EDGES: Section =
    Section { name: "edges", allowed: "a map", default: "all three alike", meaning: "how children are made" };

pub(crate) const EDGES_TABLE: Subtable = Subtable {
    path: "edges",
    about: "The shares in which children are made; at least one is above 0.",
    keys: EDGE_KEYS,
};

const EDGE_KEYS: Keys = &[&RE_EDIT, &EDIT_OF_EDIT, &FRESH];

const fn share(name: &'static str, meaning: &'static str) -> Key<Number> {
    Key { name, rule: Number::from(0.0, 1000.0), absent: Absent::Default(0.0), meaning }
}

const RE_EDIT: Key<Number> =
    share("re_edit", "share of children made like their parent, with the editor's knobs turned");
const EDIT_OF_EDIT: Key<Number> = share("edit_of_edit", "share of children made from their parent's picture");
const FRESH: Key<Number> = share("fresh", "share of children made from the source with a new seed");

pub(crate) fn read_edges(fields: &Fields<'_>) -> Option<EdgeMix> {
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

pub(crate) fn write_edges(edges: &EdgeMix) -> (String, Yaml) {
    let EdgeMix { re_edit, edit_of_edit, fresh } = edges;
    let shares = [RE_EDIT.write(Some(re_edit)), EDIT_OF_EDIT.write(Some(edit_of_edit)), FRESH.write(Some(fresh))];
    (EDGES.name.into(), Yaml::Map(shares.into_iter().flatten().collect()))
}

/// What can be done where nobody offers what children need.
pub(crate) fn reason(need: Need) -> Reason {
    let (setting, hint) = match need {
        Need::EditsCandidates => (
            Some("edges.edit_of_edit"),
            "set `edit_of_edit: 0` and `re_edit` or `fresh` above 0, or choose another editor",
        ),
        Need::Knobs => {
            (Some("edges.re_edit"), "set `re_edit: 0` and `edit_of_edit` or `fresh` above 0, or choose another editor")
        }
        Need::Seeds => (None, "choose another editor, or the policy `best_of_n`"),
        _ => return Reason::usual(need),
    };
    Reason { setting, hint }
}
