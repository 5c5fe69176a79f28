//! The contact sheet: every candidate with its picture, scores and history.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use editscale_core::{CandidateId, Ranked, Score};
use editscale_engine::{CandidateRecord, RunRecord};

use super::lineage::origin;
use super::thumbnails::Thumbnails;
use editscale_page::escape;

pub(super) fn section(record: &RunRecord, thumbnails: &Thumbnails) -> String {
    let ranked: &[Ranked] = record.outcome.as_ref().map_or(&[], |outcome| &outcome.verdict.ranked);
    let place = |id: CandidateId| ranked.iter().position(|ranked| ranked.id == id);
    let mut order: Vec<&CandidateRecord> = record.candidates.iter().collect();
    order.sort_by_key(|candidate| (place(candidate.proposal.id).unwrap_or(usize::MAX), candidate.proposal.id));
    let (failed, made): (Vec<&CandidateRecord>, Vec<&CandidateRecord>) =
        order.into_iter().partition(|candidate| matches!(candidate.made, Some(Err(_))));
    let said_of_all = notes_of_all(record);
    let cards: String = made
        .into_iter()
        .map(|candidate| {
            let place = place(candidate.proposal.id);
            card(candidate, place.map(|place| (place, &ranked[place])), thumbnails, &said_of_all)
        })
        .collect();
    let title = if ranked.is_empty() { "Candidates" } else { "Candidates, the best first" };
    let failures = failures(&failed);
    format!(
        "<section aria-labelledby=\"sheet\">\n<h2 id=\"sheet\">{title}</h2>\n<ol class=\"sheet\">\n{cards}{failures}</ol>\n</section>\n"
    )
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

fn card(
    candidate: &CandidateRecord,
    ranked: Option<(usize, &Ranked)>,
    thumbnails: &Thumbnails,
    said_of_all: &[Arc<str>],
) -> String {
    let id = candidate.proposal.id;
    let mark = if ranked.is_some_and(|(place, _)| place == 0) { " class=\"winner\"" } else { "" };
    let score = ranked.map_or_else(|| "–".to_owned(), |(_, ranked)| format!("{:.3}", ranked.utility.get()));
    let badge = if mark.is_empty() { "" } else { " <span class=\"badge\">Winner</span>" };
    format!(
        "<li id=\"candidate-{id}\"{mark}>\n{}<div class=\"facts\">\n<p class=\"score\">{score}{badge}</p>\n{}{}{}</div>\n</li>\n",
        shown(candidate, thumbnails),
        parts(candidate),
        history(candidate),
        notes(candidate, ranked.map(|(_, ranked)| ranked), said_of_all)
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

fn history(candidate: &CandidateRecord) -> String {
    let proposal = &candidate.proposal;
    let parent = proposal.lineage.parent.map(|parent| format!("<a href=\"#candidate-{parent}\">{parent}</a>"));
    let from = origin(proposal.lineage.edge, parent);
    let mut exact = format!("seed {}", proposal.seed);
    for (knob, value) in proposal.knobs.iter() {
        let _infallible = write!(exact, "<br>{} {value:.2}", escape(&knob.as_str().replace('_', " ")));
    }
    format!(
        "<p class=\"how\">No. {} · {from}</p>\n<details class=\"how\"><summary>Seed and knobs</summary>{exact}</details>\n",
        proposal.id
    )
}

fn notes(candidate: &CandidateRecord, ranked: Option<&Ranked>, said_of_all: &[Arc<str>]) -> String {
    let mut lines: Vec<String> = Vec::new();
    if let Some(Ok(made)) = &candidate.made {
        lines.extend(made.notes.iter().filter(|note| !said_of_all.contains(note)).map(|note| escape(note)));
    }
    if let Some(probability) = ranked.and_then(|ranked| ranked.selection_probability) {
        lines.push(format!("drawn with probability {probability:.3}"));
    }
    lines.into_iter().map(|line| format!("<p class=\"note\">{line}</p>\n")).collect()
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
