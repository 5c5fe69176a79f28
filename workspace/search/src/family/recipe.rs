//! How recipes say what beams and diverse trees have in common.

use editscale_schema::{Fields, Yaml};

use crate::likeness::Likeness;
use crate::likeness::recipe::{read_likeness, write_likeness};
use crate::offspring::EdgeMix;
use crate::offspring::recipe::{read_edges, write_edges};
use crate::ties::Ties;
use crate::ties::recipe::{read_ties, write_ties};

/// How children are made, who is the same as whom, and the order of equally good ones.
pub(crate) fn read_family(fields: &Fields<'_>) -> Option<(EdgeMix, Likeness, Option<Ties>)> {
    let (edges, deduplicate, ties) = (read_edges(fields), read_likeness(fields), read_ties(fields));
    Some((edges?, deduplicate?, ties))
}

/// The same as recipes have it.
pub(crate) fn write_family(edges: &EdgeMix, deduplicate: &Likeness, ties: Option<&Ties>) -> Vec<(String, Yaml)> {
    [Some(write_edges(edges)), write_likeness(deduplicate), write_ties(ties)].into_iter().flatten().collect()
}
