//! Which editor made what, where a run has asked several.

use editscale_core::{CandidateId, Utility};
use editscale_engine::{CandidateRecord, RunRecord};
use editscale_page::escape;

use crate::choice::Choice;

/// A row for each editor. Nothing where the run has one only, or has asked one only and does not choose among them.
pub(super) fn section(record: &RunRecord, choice: &Choice<'_>) -> String {
    let editors = &record.manifest.editors;
    let routes = choice.settings().is_some_and(|settings| settings.search.routes());
    let asked = editors.iter().filter(|editor| !made_by(record, &editor.name).is_empty()).count();
    if editors.len() < 2 || (asked < 2 && !routes) {
        return String::new();
    }
    let rows: String = editors.iter().map(|editor| row(&editor.name, record, choice)).collect();
    format!(
        "<section aria-labelledby=\"editors\">\n<h2 id=\"editors\">Editors</h2>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Editors\">\n\
         <table><thead><tr><th scope=\"col\">Editor</th><th scope=\"col\">Asked</th><th scope=\"col\">Failed</th>\
         <th scope=\"col\">Best</th><th scope=\"col\">Mean</th><th scope=\"col\">In the end</th></tr></thead>\n\
         <tbody>\n{rows}</tbody></table></div>\n</section>\n"
    )
}

fn made_by<'r>(record: &'r RunRecord, editor: &str) -> Vec<&'r CandidateRecord> {
    record.candidates.iter().filter(|candidate| candidate.proposal.editor.as_str() == editor).collect()
}

fn row(editor: &str, record: &RunRecord, choice: &Choice<'_>) -> String {
    let asked = made_by(record, editor);
    let is_of_it = |id: CandidateId| asked.iter().any(|candidate| candidate.proposal.id == id);
    let values = choice.ranked().iter().filter(|ranked| is_of_it(ranked.id)).map(|ranked| ranked.utility);
    let best = values.clone().max().map_or_else(|| "–".to_owned(), |best| choice.value(best));
    let count = values.clone().count();
    let mean = Utility::new(values.map(Utility::get).sum::<f64>() / count.max(1) as f64);
    let mean = mean.filter(|_| count > 0).map_or_else(|| "–".to_owned(), |mean| choice.value(mean));
    format!(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{best}</td><td>{mean}</td><td>{}</td></tr>\n",
        escape(editor),
        asked.len(),
        asked.iter().filter(|candidate| has_failed(candidate)).count(),
        in_the_end(&asked, record)
    )
}

fn has_failed(candidate: &CandidateRecord) -> bool {
    matches!(candidate.made, Some(Err(_)))
}

/// What became of an editor whose last candidates all failed; the search may have given it up.
fn in_the_end(asked: &[&CandidateRecord], record: &RunRecord) -> String {
    let failures = asked.iter().rev().take_while(|candidate| has_failed(candidate)).count();
    let (Some(last), true) = (asked.last(), failures > 0) else { return String::new() };
    let later = record.candidates.iter().filter(|candidate| candidate.round > last.round).count();
    let failed = if failures == 1 { "the last one failed".to_owned() } else { format!("the last {failures} failed") };
    if later == 0 { failed } else { format!("{failed}; not asked again in the {later} candidates after that") }
}
