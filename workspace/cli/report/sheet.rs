//! The contact sheet: every candidate with its picture, scores and history.

use std::fmt::Write as _;

use editscale_core::{CandidateId, Ranked, Score};
use editscale_engine::{CandidateRecord, RunRecord};

use super::html::escape;
use super::thumbnails::Thumbnails;

pub(super) fn section(record: &RunRecord, thumbnails: &Thumbnails) -> String {
    let ranked: &[Ranked] = record.outcome.as_ref().map_or(&[], |outcome| &outcome.verdict.ranked);
    let place = |id: CandidateId| ranked.iter().position(|ranked| ranked.id == id);
    let mut order: Vec<&CandidateRecord> = record.candidates.iter().collect();
    order.sort_by_key(|candidate| (place(candidate.proposal.id).unwrap_or(usize::MAX), candidate.proposal.id));
    let cards: String = order
        .into_iter()
        .map(|candidate| {
            let place = place(candidate.proposal.id);
            card(candidate, place.map(|place| (place, &ranked[place])), thumbnails)
        })
        .collect();
    format!(
        "<section aria-labelledby=\"sheet\">\n<h2 id=\"sheet\">Candidates, the best first</h2>\n<ol class=\"sheet\">\n{cards}</ol>\n</section>\n"
    )
}

fn card(candidate: &CandidateRecord, ranked: Option<(usize, &Ranked)>, thumbnails: &Thumbnails) -> String {
    let id = candidate.proposal.id;
    let mark = if ranked.is_some_and(|(place, _)| place == 0) { " class=\"winner\"" } else { "" };
    let score = ranked.map_or_else(|| "–".to_owned(), |(_, ranked)| format!("{:.3}", ranked.utility.get()));
    let badge = if mark.is_empty() { "" } else { " <span class=\"badge\">Winner</span>" };
    format!(
        "<li id=\"candidate-{id}\"{mark}>\n{}<div class=\"facts\">\n<p class=\"score\">{score}{badge}</p>\n{}<p class=\"how\">{}</p>\n{}</div>\n</li>\n",
        shown(candidate, thumbnails),
        parts(candidate),
        history(candidate),
        notes(candidate, ranked.map(|(_, ranked)| ranked))
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
        format!("<span class=\"bar\" style=\"--share:{:.1}%\"></span>", value * 100.0)
    } else {
        String::new()
    };
    format!("<div><dt>{}</dt><dd>{bar}{value:.3}{sigma}</dd></div>", escape(name))
}

fn history(candidate: &CandidateRecord) -> String {
    let proposal = &candidate.proposal;
    let from = match proposal.lineage.parent {
        Some(parent) => format!(
            "{} of <a href=\"#candidate-{parent}\">{parent}</a>",
            proposal.lineage.edge.word().replace('_', " ")
        ),
        None => proposal.lineage.edge.word().replace('_', " "),
    };
    let mut text = format!("No. {} · {from} · seed {}", proposal.id, proposal.seed);
    for (knob, value) in proposal.knobs.iter() {
        let _infallible = write!(text, " · {} {value:.2}", escape(knob.as_str()));
    }
    text
}

fn notes(candidate: &CandidateRecord, ranked: Option<&Ranked>) -> String {
    let mut lines: Vec<String> = Vec::new();
    if let Some(Ok(made)) = &candidate.made {
        lines.extend(made.notes.iter().map(|note| escape(note)));
    }
    if let Some(probability) = ranked.and_then(|ranked| ranked.selection_probability) {
        lines.push(format!("drawn with probability {probability:.3}"));
    }
    lines.into_iter().map(|line| format!("<p class=\"note\">{line}</p>\n")).collect()
}
