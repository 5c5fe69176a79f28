//! `report.html`: a run to be read, one self-contained page.
//!
//! Everything in it is drawn from the run's record. Pictures are small copies made of pixels, so that nothing private of a file goes
//! along, and nothing is loaded from elsewhere.

mod curve;
mod editors;
mod lineage;
mod sheet;
mod thumbnails;
mod trees;

use std::path::{Path, PathBuf};

use editscale_core::{Ending, StopReason, TowerPictures};
use editscale_engine::{RunRecord, WriteError, write_whole};
use editscale_page::{SCRIPT, escape, shortened};
use editscale_picture::DecodeCache;
use editscale_search::Finalists;

use crate::choice::Choice;
use crate::followed::hardly_followed;
use crate::words::critiques;
use lineage::remark;
use sheet::Sheet;
use thumbnails::{LARGE_EDGE, picture};

const STYLE: &str = include_str!("style.css");

/// An instruction with more characters than this is set smaller.
const LONG: usize = 120;

/// An instruction with more characters than this is cut, and stands in full below.
const TOO_LONG: usize = 280;

/// Where the report of a run is.
pub(crate) fn place(run_dir: &Path) -> PathBuf {
    run_dir.join("report.html")
}

/// Writes the report of a run into its folder. What is decoded already is not read again.
pub(crate) fn write(record: &RunRecord, run_dir: &Path, decoded: &DecodeCache) -> Result<PathBuf, WriteError> {
    let path = place(run_dir);
    write_whole(&path, render(record, decoded).as_bytes())?;
    Ok(path)
}

/// The page of a run, whose pictures need not be decoded again where they are kept.
fn render(record: &RunRecord, decoded: &DecodeCache) -> String {
    let choice = Choice::of(record);
    let title = escape(&shortened(record.manifest.request.instruction.as_str(), LONG));
    let sections = [
        header(record, &choice),
        comparison(record, decoded),
        rewritings(record),
        Sheet::of(record, &choice, decoded).section(),
        editors::section(record, &choice),
        curve::section(record, &choice),
        lineage::section(record, &choice),
        ledger(record, &choice),
        about(record, &choice),
    ];
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} · editscale</title>\n<style>{}{STYLE}</style>\n</head>\n<body>\n<main>\n{}</main>\n\
         <script>{SCRIPT}</script>\n</body>\n</html>\n",
        editscale_page::STYLE,
        sections.join("\n")
    )
}

fn header(record: &RunRecord, choice: &Choice<'_>) -> String {
    let manifest = &record.manifest;
    let found = found(record, choice).unwrap_or_else(|| in_vain(record).to_owned());
    let shortage = choice.shortage();
    let notes = sheet::notes_of_all(record);
    let hardly = hardly_followed(record, choice);
    let notes = hardly.as_deref().into_iter().chain(notes.iter().map(|note| &**note)).chain(shortage.as_deref());
    let notes: String = notes.map(|note| format!("<p class=\"remark\">Note: {}.</p>\n", escape(note))).collect();
    format!(
        "<header>\n<p class=\"kicker\">{}</p>\n{}<p>{found} {}</p>\n{notes}</header>\n",
        escape(&manifest.source_name),
        headline(manifest.request.instruction.as_str()),
        ending(record, choice)
    )
}

/// What was chosen; and where it is not the one with the highest score, by whom, and which one that is.
fn found(record: &RunRecord, choice: &Choice<'_>) -> Option<String> {
    let chosen = choice.chosen()?;
    let (count, value) = (record.candidates.len(), choice.value(chosen.utility));
    let rank = if choice.is_by_rank() { ("has the mean rank", " (1 is best)") } else { ("scores", "") };
    if choice.is_the_best() {
        return Some(format!("The best of {count} candidates {} <strong>{value}</strong>{}.", rank.0, rank.1));
    }
    let how = choice.how().map_or_else(String::new, |how| format!(", {}", escape(&how.replace('`', ""))));
    let higher = choice.higher().map_or_else(String::new, |higher| {
        let (id, value) = (higher.id, choice.value(higher.utility));
        format!("; <a href=\"#candidate-{id}\">No. {id}</a> has {}, {value}", choice.better())
    });
    Some(format!("Chosen of {count} candidates: <strong>{value}</strong>{}{how}{higher}.", rank.1))
}

fn headline(instruction: &str) -> String {
    let whole = escape(instruction);
    let length = instruction.chars().count();
    if length <= LONG {
        return format!("<h1>{whole}</h1>\n");
    }
    if length <= TOO_LONG {
        return format!("<h1 class=\"long\">{whole}</h1>\n");
    }
    format!(
        "<h1 class=\"long\">{}</h1>\n<details><summary>The whole instruction</summary><p>{whole}</p></details>\n",
        escape(&shortened(instruction, TOO_LONG))
    )
}

/// What a critic made of the instruction before the first edit.
fn rewritings(record: &RunRecord) -> String {
    if record.rewritings.is_empty() {
        return String::new();
    }
    let written: String = record.rewritings.iter().map(|each| remark(each) + "\n").collect();
    let told = record.rewritings.iter().rev().find_map(|each| each.written.as_ref().ok()?.instruction.as_ref());
    let told = told.map_or_else(
        || "<p>The instruction stayed as it is.</p>\n".to_owned(),
        |told| format!("<p class=\"told\">told: {}</p>\n", escape(told.as_str())),
    );
    format!(
        "<section aria-labelledby=\"rewritten\" class=\"facts\">\n<h2 id=\"rewritten\">Rewritten before the first edit</h2>\n\
         {told}{written}</section>\n"
    )
}

/// Why there is no winner.
fn in_vain(record: &RunRecord) -> &'static str {
    let candidates = &record.candidates;
    if record.outcome.is_none() {
        return "No candidate is ranked yet.";
    }
    if !candidates.iter().any(|candidate| matches!(candidate.made, Some(Ok(_)))) {
        return "No candidate could be made.";
    }
    if !candidates.iter().any(|candidate| candidate.card.iter().any(|(_, said)| said.is_ok())) {
        return "Candidates were made, and none of them could be judged.";
    }
    "Candidates were made and judged, and none of them meets the objective."
}

fn ending(record: &RunRecord, choice: &Choice<'_>) -> String {
    let Some(outcome) = &record.outcome else { return "The run is unfinished.".to_owned() };
    match (&outcome.verdict.reason, outcome.ending) {
        (_, Ending::Cancelled) => "The run was stopped and can be resumed.".to_owned(),
        (StopReason::Target, _) => "It ended because the target score was reached.".to_owned(),
        (StopReason::Patience, _) => "It ended because nothing better came.".to_owned(),
        (StopReason::Finished, _) if choice.shortage().is_some() => "All candidates were made.".to_owned(),
        (StopReason::Finished, _) => "All that was planned was done.".to_owned(),
        (StopReason::Budget, _) => "It ended because the budget was spent.".to_owned(),
        (StopReason::Enough, _) => {
            let figures = choice.why_enough().map_or_else(String::new, |figures| format!(": {figures}"));
            format!("It ended because another candidate would bring less than it costs{figures}.")
        }
        // What it got stuck on is then what the sentence before says.
        (StopReason::Stuck(_), _) if outcome.verdict.ranked.is_empty() => String::new(),
        (StopReason::Stuck(why), _) => format!("It ended early: {}.", escape(why)),
    }
}

/// Source beside winner under a slider.
fn comparison(record: &RunRecord, decoded: &DecodeCache) -> String {
    let winner = record.outcome.as_ref().and_then(editscale_core::Outcome::winner);
    let after = winner.and_then(|id| record.candidates.get(id.0 as usize));
    let after = after.and_then(|candidate| candidate.made.as_ref()?.as_ref().ok());
    let Some((source, edited)) = picture(&record.manifest.request.source, LARGE_EDGE, decoded)
        .zip(after.and_then(|made| picture(&made.image, LARGE_EDGE, decoded)))
    else {
        return String::new();
    };
    let same_frame = source.width.abs_diff(edited.width) <= 1 && source.height.abs_diff(edited.height) <= 1;
    if !same_frame {
        return format!(
            "<section aria-labelledby=\"compare\">\n<h2 id=\"compare\">Source and winner</h2>\n<div class=\"pair\">\
             <figure><img src=\"{}\" alt=\"The source\"><figcaption>Source</figcaption></figure>\
             <figure><img src=\"{}\" alt=\"The winner\"><figcaption>Winner</figcaption></figure></div>\n</section>\n",
            source.url, edited.url
        );
    }
    format!(
        "<section aria-labelledby=\"compare\">\n<h2 id=\"compare\">Source and winner</h2>\n\
         <div class=\"slider\" style=\"aspect-ratio:{}/{};--at:50%\">\n\
         <img src=\"{}\" alt=\"The winner\"><div class=\"before\"><img src=\"{}\" alt=\"The source\"></div>\n\
         <input type=\"range\" min=\"0\" max=\"100\" value=\"50\" aria-label=\"How much of the source is shown, from the left\">\n\
         </div>\n<p class=\"legend\"><span>Source on the left</span><span>Winner on the right</span></p>\n</section>\n",
        source.width, source.height, edited.url, source.url
    )
}

fn ledger(record: &RunRecord, choice: &Choice<'_>) -> String {
    let Some(outcome) = &record.outcome else { return String::new() };
    let (ledger, critiques) = (&outcome.ledger, critiques(record));
    let mut rows = vec![
        ("Candidates", record.candidates.len().to_string()),
        ("Edits", ledger.edits.to_string()),
        ("Judgements", ledger.reward_calls.saturating_sub(critiques).to_string()),
        ("Rounds", outcome.rounds.to_string()),
        ("Failed", outcome.failed.to_string()),
        ("Active time", format!("{:.1} s", ledger.wall.as_secs_f64())),
    ];
    if !ledger.loading.is_zero() {
        rows.push(("Of it loading networks", format!("{:.1} s", ledger.loading.as_secs_f64())));
    }
    if !ledger.pictures.is_none() {
        let TowerPictures { computed, found } = ledger.pictures;
        rows.push(("Through shared vision towers", computed.to_string()));
        rows.push(("Found there", found.to_string()));
    }
    if critiques > 0 {
        rows.push(("Critiques", critiques.to_string()));
    }
    if ledger.cost.nfe > 0 {
        rows.push(("Denoiser evaluations", ledger.cost.nfe.to_string()));
    }
    if ledger.cost.tokens > 0 {
        rows.push(("Tokens", ledger.cost.tokens.to_string()));
    }
    if ledger.cost.usd.micros > 0 {
        rows.push(("Money", ledger.cost.usd.to_string()));
    }
    if let Some(draw) = outcome.verdict.draw {
        rows.push((choice.dial(), format!("{:.4}", draw.temperature)));
        rows.extend(draw.drawn.map(|drawn| ("Different candidates drawn", drawn.to_string())));
        rows.push(("Effective sample size", format!("{:.2}", draw.effective_sample_size)));
        rows.push(("KL from equal weights", format!("{:.3} nats", draw.kl)));
    }
    let cells: String =
        rows.iter().map(|(name, value)| format!("<div><dt>{name}</dt><dd>{}</dd></div>\n", escape(value))).collect();
    format!(
        "<section aria-labelledby=\"spent\">\n<h2 id=\"spent\">What it took</h2>\n<dl class=\"ledger\">\n{cells}</dl>\n</section>\n"
    )
}

fn about(record: &RunRecord, choice: &Choice<'_>) -> String {
    let manifest = &record.manifest;
    let editors = manifest.editors.iter().map(|each| (&each.name, &each.revision));
    let revisions = editors.chain(manifest.rewards.iter().map(|each| (&each.name, &each.revision)));
    let revisions = revisions.chain(manifest.critics.iter().map(|each| (&each.name, &each.revision)));
    let revisions: String = revisions
        .map(|(name, revision)| format!("<li><code>{}</code> is {}</li>\n", escape(name), escape(revision)))
        .collect();
    format!(
        "<section aria-labelledby=\"about\">\n<h2 id=\"about\">How it was made</h2>\n<ul>\n<li>{}, run <code>{}</code>, seed {}</li>\n\
         {}<li>Objective: <code>{}</code></li>\n{revisions}</ul>\n\
         <details><summary>The recipe, every default spelled out</summary><pre tabindex=\"0\" aria-label=\"Recipe\">{}</pre></details>\n</section>\n",
        escape(&manifest.program),
        escape(manifest.run.as_str()),
        manifest.request.seed,
        policy(record, choice),
        escape(&manifest.objective),
        escape(&manifest.resolved_recipe)
    )
}

/// The policy and what is laid over it, as the recipe has them.
fn policy(record: &RunRecord, choice: &Choice<'_>) -> String {
    let line = |what: &str, how: &str| format!("<li>{what}: <code>{}</code></li>\n", escape(how));
    let Some(settings) = choice.settings() else { return line("Policy", &record.manifest.search) };
    let select = settings.select.as_ref().map(|select| line("Choice in the end", &select.write().to_string()));
    let finalists = settings.finalists.as_ref().map(|Finalists { count, votes, .. }| {
        format!("<li>Finalists: the first {count}, judged again {votes} times each</li>\n")
    });
    [Some(line("Policy", &settings.search.write().to_string())), select, finalists].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_instruction_is_set_smaller_and_a_longer_one_folded() {
        for (length, is_smaller, is_folded) in [
            (1, false, false),
            (LONG, false, false),
            (LONG + 1, true, false),
            (TOO_LONG, true, false),
            (TOO_LONG + 1, true, true),
        ] {
            let html = headline(&"ä".repeat(length));
            assert_eq!(html.contains("<h1 class=\"long\">"), is_smaller, "{length}");
            assert_eq!(html.contains("<details>"), is_folded, "{length}");
            assert!(html.contains(&"ä".repeat(length)), "{length}");
        }
    }
}
