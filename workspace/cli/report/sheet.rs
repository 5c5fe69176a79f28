//! The contact sheet: every candidate with its picture, scores and history.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use editscale_core::{CandidateId, Ranked, Score};
use editscale_engine::{CandidateRecord, RunRecord};
use editscale_page::escape;
use editscale_picture::DecodeCache;

use super::lineage::{origin, remark};
use super::thumbnails::Thumbnails;
use super::trees::{self, begins_anew};
use crate::choice::Choice;

/// All that the cards are drawn from.
pub(super) struct Sheet<'a> {
    record: &'a RunRecord,
    choice: &'a Choice<'a>,
    thumbnails: Thumbnails,
    /// What is said of the whole run, and not again of each.
    said_of_all: Vec<Arc<str>>,
    /// The tree of each candidate, where the search grows several.
    trees: Option<Vec<u32>>,
}

impl<'a> Sheet<'a> {
    pub(super) fn of(record: &'a RunRecord, choice: &'a Choice<'a>, decoded: &DecodeCache) -> Self {
        let (thumbnails, said_of_all) = (Thumbnails::new(record, decoded), notes_of_all(record));
        Self { record, choice, thumbnails, said_of_all, trees: trees::of(record, choice) }
    }

    pub(super) fn section(&self) -> String {
        let ranked = self.choice.ranked();
        let place = |id: CandidateId| ranked.iter().position(|ranked| ranked.id == id);
        let mut order: Vec<&CandidateRecord> = self.record.candidates.iter().collect();
        order.sort_by_key(|candidate| (place(candidate.proposal.id).unwrap_or(usize::MAX), candidate.proposal.id));
        let (failed, made): (Vec<&CandidateRecord>, Vec<&CandidateRecord>) =
            order.into_iter().partition(|candidate| matches!(candidate.made, Some(Err(_))));
        let cards: String = made.into_iter().map(|each| self.card(each, place(each.proposal.id))).collect();
        let title = match ranked {
            [] => "Candidates",
            _ if self.choice.is_the_best() => "Candidates, the best first",
            _ => "Candidates, in the order of the verdict",
        };
        let failures = failures(&failed);
        format!(
            "<section aria-labelledby=\"sheet\">\n<h2 id=\"sheet\">{title}</h2>\n<ol class=\"sheet\">\n{cards}{failures}</ol>\n</section>\n"
        )
    }

    /// The card of a candidate that stands at this place of the verdict.
    fn card(&self, candidate: &CandidateRecord, place: Option<usize>) -> String {
        let id = candidate.proposal.id;
        let ranked = place.and_then(|place| self.choice.ranked().get(place));
        let mark = if place == Some(0) { " class=\"winner\"" } else { "" };
        let score = ranked.map_or_else(|| "–".to_owned(), |ranked| self.choice.value(ranked.utility));
        let (rank, badges) = (if self.choice.is_by_rank() { "rank " } else { "" }, self.badges(candidate, place));
        format!(
            "<li id=\"candidate-{id}\"{mark}>\n{}<div class=\"facts\">\n<p class=\"score\">{rank}{score}{badges}</p>\n{}{}{}</div>\n</li>\n",
            shown(candidate, &self.thumbnails),
            parts(candidate),
            self.history(candidate),
            self.notes(candidate, ranked)
        )
    }

    /// What a candidate is in the verdict: the chosen one, a drawn one, a finalist.
    fn badges(&self, candidate: &CandidateRecord, place: Option<usize>) -> String {
        let is_drawn = place.is_some_and(|place| place < self.choice.drawn());
        let again = match candidate.votes_again {
            0 => None,
            1 => Some("Judged again".to_owned()),
            votes => Some(format!("Judged again, {votes} votes")),
        };
        let badges = [(place == Some(0)).then(|| "Winner".to_owned()), is_drawn.then(|| "Drawn".to_owned()), again];
        badges.into_iter().flatten().map(|badge| format!(" <span class=\"badge\">{badge}</span>")).collect()
    }

    fn history(&self, candidate: &CandidateRecord) -> String {
        let proposal = &candidate.proposal;
        let parent = proposal.lineage.parent.map(|parent| format!("<a href=\"#candidate-{parent}\">{parent}</a>"));
        let from = origin(proposal.lineage.edge, parent);
        let tree = self.tree(candidate);
        let are_several = self.record.manifest.editors.len() > 1;
        let by = if are_several { format!(" · by {}", escape(proposal.editor.as_str())) } else { String::new() };
        let mut exact = format!("seed {}", proposal.seed);
        for (knob, value) in proposal.knobs.iter() {
            let _infallible = write!(exact, "<br>{} {value:.2}", escape(&knob.as_str().replace('_', " ")));
        }
        format!(
            "<p class=\"how\">No. {} · {from}{tree}{by}</p>\n<details class=\"how\"><summary>Seed and knobs</summary>{exact}</details>\n",
            proposal.id
        )
    }

    /// The tree that a candidate is of, and why it begins there where it does.
    fn tree(&self, candidate: &CandidateRecord) -> String {
        let tree = self.trees.as_ref().and_then(|trees| trees.get(candidate.proposal.id.0 as usize));
        let anew = if begins_anew(candidate) { ", which had nothing of its own to go on from" } else { "" };
        tree.map_or_else(String::new, |tree| format!(" · tree {tree}{anew}"))
    }

    fn notes(&self, candidate: &CandidateRecord, ranked: Option<&Ranked>) -> String {
        let mut lines: Vec<String> = Vec::new();
        if let Some(Ok(made)) = &candidate.made {
            lines.extend(made.notes.iter().filter(|note| !self.said_of_all.contains(note)).map(|note| escape(note)));
        }
        if let Some(probability) = ranked.and_then(|ranked| ranked.selection_probability) {
            lines.push(format!("chance in one draw {probability:.3}"));
        }
        let lines: String = lines.into_iter().map(|line| format!("<p class=\"note\">{line}</p>\n")).collect();
        candidate.critiques.iter().fold(lines, |lines, critique| lines + &remark(critique) + "\n")
    }
}

/// The notes that every candidate that was made carries: they are about the run.
pub(super) fn notes_of_all(record: &RunRecord) -> Vec<Arc<str>> {
    let mut made = record.candidates.iter().filter_map(|candidate| candidate.made.as_ref()?.as_ref().ok());
    let mut notes: Vec<Arc<str>> = made.next().map_or_else(Vec::new, |first| first.notes.clone());
    for each in made {
        notes.retain(|note| each.notes.contains(note));
    }
    notes
}

/// One card for all that failed in the same words.
fn failures(failed: &[&CandidateRecord]) -> String {
    let mut alike: BTreeMap<&str, Vec<CandidateId>> = BTreeMap::new();
    for candidate in failed {
        if let Some(Err(why)) = &candidate.made {
            alike.entry(&why.message).or_default().push(candidate.proposal.id);
        }
    }
    let mut alike: Vec<(&str, Vec<CandidateId>)> = alike.into_iter().collect();
    alike.sort_by_key(|(_, ids)| ids.first().copied());
    alike.into_iter().map(|(why, ids)| failure(why, &ids)).collect()
}

fn failure(why: &str, ids: &[CandidateId]) -> String {
    let count =
        if let [_] = ids { "1 candidate failed".to_owned() } else { format!("{} candidates failed", ids.len()) };
    let anchors: String = ids.iter().map(|id| format!("<span id=\"candidate-{id}\">{id}</span> ")).collect();
    format!(
        "<li class=\"failures\">\n<div class=\"facts\">\n<p class=\"score\">{count}</p>\n<p>{}</p>\n<p class=\"how\">No. {}</p>\n</div>\n</li>\n",
        escape(why),
        anchors.trim_end()
    )
}

fn shown(candidate: &CandidateRecord, thumbnails: &Thumbnails) -> String {
    let id = candidate.proposal.id;
    let why = match &candidate.made {
        Some(Ok(made)) => match thumbnails.of(&made.image) {
            Some(copy) => {
                let (url, width, height) = (&copy.url, copy.width, copy.height);
                return format!("<img src=\"{url}\" width=\"{width}\" height=\"{height}\" alt=\"Candidate {id}\">\n");
            }
            None => "Picture not kept".to_owned(),
        },
        Some(Err(why)) => escape(&why.message),
        None => "Not made".to_owned(),
    };
    format!("<p class=\"missing\">{why}</p>\n")
}

/// The parts of every reward's score, as bars where the score lies between 0 and 1.
fn parts(candidate: &CandidateRecord) -> String {
    let mut rows = String::new();
    for (reward, said) in candidate.card.iter() {
        match said {
            Ok(score) => rows.push_str(&rows_of(reward.as_str(), score)),
            Err(why) => {
                let (reward, why) = (escape(reward.as_str()), escape(&why.message));
                let _infallible = write!(rows, "<div><dt>{reward}</dt><dd>failed: {why}</dd></div>");
            }
        }
    }
    if rows.is_empty() { rows } else { format!("<dl class=\"parts\">{rows}</dl>\n") }
}

fn rows_of(reward: &str, score: &Score) -> String {
    let sigma = score.sigma().map_or_else(String::new, |sigma| format!(" ± {sigma:.3}"));
    let mut rows = row(reward, score.mean(), &sigma);
    for part in score.parts() {
        rows.push_str(&row(&part.name().as_str().replace('_', " "), part.mean(), ""));
    }
    rows
}

fn row(name: &str, value: f64, sigma: &str) -> String {
    let bar = if (0.0..=1.0).contains(&value) {
        format!(" class=\"bar\" style=\"--share:{:.1}%\"", value * 100.0)
    } else {
        String::new()
    };
    format!("<div{bar}><dt>{}</dt><dd>{value:.3}{sigma}</dd></div>", escape(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_alike_are_one_card_that_every_link_finds() {
        let card = failure("cannot do `<x>`", &[CandidateId(0), CandidateId(2)]);
        for part in ["2 candidates failed", "cannot do `&lt;x&gt;`", "id=\"candidate-0\"", "id=\"candidate-2\""] {
            assert!(card.contains(part), "{part}: {card}");
        }
        assert!(failure("no", &[CandidateId(1)]).contains("1 candidate failed"));
    }
}
