//! Which candidate came from which.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use editscale_core::CandidateId;
use editscale_engine::{CandidateRecord, RunRecord};

/// Deeper nesting than this is drawn flat, so that a narrow screen holds it.
const DEEPEST: usize = 8;

/// The tree as nested lists, which every browser, printer and screen reader can show.
pub(super) fn section(record: &RunRecord) -> String {
    let mut children: BTreeMap<Option<CandidateId>, Vec<&CandidateRecord>> = BTreeMap::new();
    for candidate in &record.candidates {
        children.entry(candidate.proposal.lineage.parent).or_default().push(candidate);
    }
    if children.len() < 2 {
        return String::new();
    }
    let mut tree = String::new();
    branch(record, &children, None, 0, &mut tree);
    format!(
        "<section aria-labelledby=\"lineage\">\n<h2 id=\"lineage\">Lineage</h2>\n<div class=\"tree\">{tree}</div>\n</section>\n"
    )
}

fn branch(
    record: &RunRecord,
    children: &BTreeMap<Option<CandidateId>, Vec<&CandidateRecord>>,
    parent: Option<CandidateId>,
    depth: usize,
    tree: &mut String,
) {
    let Some(members) = children.get(&parent) else { return };
    tree.push_str(if depth > DEEPEST { "<ul class=\"flat\">" } else { "<ul>" });
    for candidate in members {
        let id = candidate.proposal.id;
        let (utility, mark) = utility(record, id);
        let edge = candidate.proposal.lineage.edge.word();
        let _infallible = write!(
            tree,
            "<li><a href=\"#candidate-{id}\" class=\"{edge}{mark}\">{id}</a> <span>{} · {utility}</span>",
            edge.replace('_', " ")
        );
        // A parent is always older than its children, so this ends.
        if parent.is_none_or(|parent| parent < id) {
            branch(record, children, Some(id), depth + 1, tree);
        }
        tree.push_str("</li>\n");
    }
    tree.push_str("</ul>\n");
}

fn utility(record: &RunRecord, id: CandidateId) -> (String, &'static str) {
    let mut ranked = record.outcome.iter().flat_map(|outcome| &outcome.verdict.ranked).enumerate();
    match ranked.find(|(_, ranked)| ranked.id == id) {
        Some((0, ranked)) => (format!("{:.3}, the winner", ranked.utility.get()), " won"),
        Some((_, ranked)) => (format!("{:.3}", ranked.utility.get()), ""),
        None => ("no score".to_owned(), " failed"),
    }
}
