//! Which candidate came from which.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use editscale_core::{CandidateId, Edge, Ranked};
use editscale_engine::{CandidateRecord, CritiqueRecord, RunRecord};
use editscale_page::escape;

use crate::choice::Choice;

/// Deeper nesting than this is drawn flat, so that a narrow screen holds it.
const DEEPEST: usize = 8;

/// The tree as nested lists, which every browser, printer and screen reader can show. Nothing where no candidate has a parent:
/// there is no tree then.
pub(super) fn section(record: &RunRecord, choice: &Choice<'_>) -> String {
    let tree = Tree::of(record, choice);
    if tree.children.keys().all(Option::is_none) && record.candidates.iter().all(|each| each.critiques.is_empty()) {
        return String::new();
    }
    let mut html = String::new();
    tree.branch(None, 0, &mut html);
    format!(
        "<section aria-labelledby=\"lineage\">\n<h2 id=\"lineage\">Lineage</h2>\n<div class=\"tree\">{html}</div>\n</section>\n"
    )
}

/// Where a candidate came from, in words; `parent` is what its parent is called.
pub(super) fn origin(edge: Edge, parent: Option<String>) -> String {
    let Some(parent) = parent else { return edge.word().replace('_', " ") };
    match edge {
        Edge::Fresh => format!("fresh, after {parent}"),
        Edge::ReEdit => format!("a variation of {parent}"),
        Edge::EditOfEdit => format!("edited from {parent}"),
        Edge::Resume => format!("continued from {parent}"),
        Edge::Neighbour => format!("noise near {parent}"),
    }
}

/// The candidates of a run by whom they came from.
struct Tree<'a> {
    /// By their parent; without one, from the source.
    children: BTreeMap<Option<CandidateId>, Vec<&'a CandidateRecord>>,
    /// The place of each that was ranked, and its utility.
    ranked: HashMap<CandidateId, (usize, &'a Ranked)>,
    choice: &'a Choice<'a>,
    /// The request's own instruction.
    instruction: &'a str,
}

impl<'a> Tree<'a> {
    fn of(record: &'a RunRecord, choice: &'a Choice<'a>) -> Self {
        let mut children: BTreeMap<Option<CandidateId>, Vec<&CandidateRecord>> = BTreeMap::new();
        for candidate in &record.candidates {
            children.entry(candidate.proposal.lineage.parent).or_default().push(candidate);
        }
        let ranked = choice.ranked().iter().enumerate();
        let ranked = ranked.map(|(place, ranked)| (ranked.id, (place, ranked))).collect();
        Self { children, ranked, choice, instruction: record.manifest.request.instruction.as_str() }
    }

    fn branch(&self, parent: Option<CandidateId>, depth: usize, html: &mut String) {
        let Some(members) = self.children.get(&parent) else { return };
        html.push_str(if depth > DEEPEST { "<ul class=\"flat\">" } else { "<ul>" });
        for candidate in members {
            let id = candidate.proposal.id;
            let (utility, mark) = self.utility(id);
            let edge = candidate.proposal.lineage.edge;
            let _infallible = write!(
                html,
                "<li><a href=\"#candidate-{id}\" class=\"{}{mark}\">{id}</a> <span>{} · {utility}</span>",
                edge.word(),
                origin(edge, parent.map(|parent| parent.to_string()))
            );
            self.words(candidate, html);
            // A parent is always older than its children, so this ends.
            if parent.is_none_or(|parent| parent < id) {
                self.branch(Some(id), depth + 1, html);
            }
            html.push_str("</li>\n");
        }
        html.push_str("</ul>\n");
    }

    /// What the editor was told, where that is not what the request says, and what critics wrote.
    fn words(&self, candidate: &CandidateRecord, html: &mut String) {
        let told = &candidate.proposal.instruction;
        if **told != *self.instruction {
            let _infallible = write!(html, "<p class=\"told\">told: {}</p>", escape(told));
        }
        candidate.critiques.iter().for_each(|critique| html.push_str(&remark(critique)));
    }

    fn utility(&self, id: CandidateId) -> (String, &'static str) {
        match self.ranked.get(&id) {
            Some((0, ranked)) => (format!("{}, the winner", self.choice.value(ranked.utility)), " won"),
            Some((_, ranked)) => (self.choice.value(ranked.utility), ""),
            None => ("no score".to_owned(), " failed"),
        }
    }
}

/// What a critic wrote about a candidate, or why it did not.
pub(super) fn remark(CritiqueRecord { critic, written, .. }: &CritiqueRecord) -> String {
    let critic = escape(critic.as_str());
    match written {
        Ok(critique) => {
            let satisfied = if critique.satisfied { ", satisfied" } else { "" };
            format!("<p class=\"critique\">{critic}{satisfied}: {}</p>", escape(&critique.text))
        }
        Err(why) => format!("<p class=\"critique\">{critic} wrote nothing: {}</p>", escape(&why.message)),
    }
}

#[cfg(test)]
mod tests {
    use editscale_core::{CriticName, Critique, Failure, FailureKind};

    use super::*;

    #[test]
    fn what_critics_wrote_is_shown_and_is_no_markup() {
        let critic = CriticName::new("editor").unwrap();
        let record = |written| CritiqueRecord { round: 1, critic: critic.clone(), written };
        let critique = Critique { text: "too <dark>".into(), instruction: None, satisfied: true };
        let shown = remark(&record(Ok(critique)));
        assert!(shown.contains("editor, satisfied: too &lt;dark&gt;"), "{shown}");
        let shown = remark(&record(Err(Failure::new(FailureKind::Malformed, "no JSON"))));
        assert!(shown.contains("editor wrote nothing: no JSON"), "{shown}");
    }

    #[test]
    fn origins_are_told_in_words() {
        for (edge, parent, expected) in [
            (Edge::Fresh, None, "fresh"),
            (Edge::ReEdit, Some("3"), "a variation of 3"),
            (Edge::EditOfEdit, Some("3"), "edited from 3"),
            (Edge::Resume, Some("3"), "continued from 3"),
        ] {
            assert_eq!(origin(edge, parent.map(str::to_owned)), expected);
        }
    }
}
