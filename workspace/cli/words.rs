//! A run in words and in JSON.

use std::path::{Path, PathBuf};

use editscale_config::{Diagnostic, Report};
use editscale_core::{Ending, FailureKind, Ledger, Outcome, StopReason};
use editscale_engine::{CandidateRecord, RunRecord};
use editscale_search::Gate;
use editscale_server::{CandidateForm, CritiqueForm, DrawForm, LedgerForm};
use serde::Serialize;
use serde_json::{Value, json};

use crate::choice::Choice;
use crate::followed::hardly_followed;
use crate::report;

/// What `edit --json` prints: see `docs/json.md`.
#[derive(Debug, Serialize)]
pub(crate) struct RunJson {
    version: u32,
    run: String,
    run_dir: String,
    report: String,
    ending: &'static str,
    reason: &'static str,
    explanation: Option<String>,
    outputs: Vec<String>,
    winner: Option<CandidateForm>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rewritings: Vec<CritiqueForm>,
    candidates: Vec<CandidateForm>,
    rounds: u32,
    failed: u32,
    ledger: LedgerForm,
    draw: Option<DrawForm>,
}

impl RunJson {
    pub(crate) fn new(record: &RunRecord, outcome: &Outcome, run_dir: &Path, outputs: &[PathBuf]) -> Self {
        let wish = record.manifest.request.instruction.as_str();
        let candidates: Vec<CandidateForm> = record
            .candidates
            .iter()
            .map(|each| CandidateForm::new(each, Some(outcome)).of_request(each, wish))
            .collect();
        Self {
            version: 1,
            run: record.manifest.run.to_string(),
            run_dir: shown(run_dir),
            report: shown(&report::place(run_dir)),
            ending: if outcome.ending == Ending::Search { "search" } else { "cancelled" },
            reason: outcome.verdict.reason.word(),
            explanation: match &outcome.verdict.reason {
                StopReason::Stuck(why) => Some(why.to_string()),
                _ => None,
            },
            outputs: outputs.iter().map(|path| shown(path)).collect(),
            winner: outcome.winner().and_then(|id| candidates.get(id.0 as usize).cloned()),
            rewritings: record.rewritings.iter().map(Into::into).collect(),
            candidates,
            rounds: outcome.rounds,
            failed: outcome.failed,
            ledger: LedgerForm::from(&outcome.ledger),
            draw: outcome.verdict.draw.map(DrawForm::from),
        }
    }
}

/// A path as JSON has it, which knows no names that are not UTF-8.
fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// What a run did, in a few lines for people. Where it came to nothing, the error that follows says why.
pub(crate) fn summary(record: &RunRecord, outcome: &Outcome) -> Vec<String> {
    let ledger = &outcome.ledger;
    let choice = Choice::of(record);
    let shortage = choice.shortage();
    let reason = match (&outcome.verdict.reason, outcome.ending) {
        (_, Ending::Cancelled) => ": stopped by you".to_owned(),
        (StopReason::Target, _) => ": the target score is reached".to_owned(),
        (StopReason::Patience, _) => ": nothing better came".to_owned(),
        (StopReason::Finished, _) if shortage.is_some() => ": all candidates are made".to_owned(),
        (StopReason::Finished, _) => ": all that was planned is done".to_owned(),
        (StopReason::Budget, _) => ": the budget is spent".to_owned(),
        (StopReason::Enough, _) => {
            let figures = choice.why_enough().map_or_else(String::new, |figures| format!(" ({figures})"));
            format!(": another candidate would bring less than it costs{figures}")
        }
        (StopReason::Stuck(_), _) if is_in_vain(outcome) && !record.candidates.is_empty() => String::new(),
        (StopReason::Stuck(why), _) => format!(": {why}"),
    };
    let mut lines = vec![format!("{}{reason}", spent(record, ledger))];
    lines.extend(shortage);
    let is_refused = unjudged(record).next().is_none() && reasons(record).len() == 1;
    if !(is_in_vain(outcome) && is_refused) {
        lines.extend(losses(record, outcome));
        lines.extend(judges_in_vain(record));
    }
    lines.extend(chosen(record, &choice));
    lines.extend(hardly_followed(record, &choice).map(|note| format!("note: {note}")));
    lines
}

/// What a run took, in one line.
fn spent(record: &RunRecord, ledger: &Ledger) -> String {
    let critiques = critiques(record);
    let judgements = ledger.reward_calls.saturating_sub(critiques);
    let critiques = if critiques == 0 { String::new() } else { format!(", {}", several(critiques, "critique")) };
    let (edits, judgements) = (several(ledger.edits, "edit"), several(judgements, "judgement"));
    format!("{edits}, {judgements}{critiques}, {:.1} s", ledger.wall.as_secs_f64())
}

/// A number of things whose plural ends in s.
pub(crate) fn several(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// How often a critic was asked about a candidate or about the request: calls that the ledger counts as reward calls.
pub(crate) fn critiques(record: &RunRecord) -> u64 {
    let all = record.candidates.iter().flat_map(|candidate| &candidate.critiques).chain(&record.rewritings);
    all.filter(|critique| critique.counts()).count() as u64
}

/// Who was chosen, with what score, and where it is not the highest, by whom.
fn chosen(record: &RunRecord, choice: &Choice<'_>) -> Option<String> {
    let chosen = choice.chosen()?;
    let scores = record.candidates.get(chosen.id.0 as usize).map(parts_in_words).unwrap_or_default();
    let value = choice.value(chosen.utility);
    let value = if choice.is_by_rank() { format!("mean rank {value}, 1 is best") } else { value };
    let word = if choice.is_the_best() { "best" } else { "chosen" };
    let how = choice.how().filter(|_| !choice.is_the_best()).map_or_else(String::new, |how| format!(", {how}"));
    let higher = choice.higher().map_or_else(String::new, |higher| {
        format!("; candidate {} has {}, {}", higher.id, choice.better(), choice.value(higher.utility))
    });
    Some(format!("{word}: candidate {} with {value}{scores}{how}{higher}", chosen.id))
}

/// How many candidates came to nothing. Those that a stopped run has not come to are no failures.
fn losses(record: &RunRecord, outcome: &Outcome) -> Vec<String> {
    let unfinished = match outcome.ending {
        Ending::Cancelled => record.candidates.iter().filter(|candidate| is_unfinished(candidate)).count() as u32,
        Ending::Search => 0,
    };
    let failed = outcome.failed.saturating_sub(unfinished);
    let asked = outcome.asked;
    let failed = (failed > 0).then(|| format!("{failed} of {asked} candidates failed, or no reward could judge them"));
    let unfinished = (unfinished > 0).then(|| format!("{unfinished} of {asked} candidates are not finished"));
    failed.into_iter().chain(unfinished).collect()
}

/// Whether a candidate was still to be made, or to be judged by anybody, when its run was stopped.
fn is_unfinished(candidate: &CandidateRecord) -> bool {
    let is_cancelled = |kind: FailureKind| kind == FailureKind::Cancelled;
    match &candidate.made {
        None => true,
        Some(Err(why)) => is_cancelled(why.kind),
        Some(Ok(_)) => {
            // What was judged by anybody counts as judged.
            let said: Vec<_> = candidate.card.iter().map(|(_, said)| said.as_ref().err()).collect();
            said.iter().all(Option::is_some)
                && (said.is_empty() || said.iter().flatten().any(|why| is_cancelled(why.kind)))
        }
    }
}

/// Whether a search came to its end with nothing to hand out.
fn is_in_vain(outcome: &Outcome) -> bool {
    outcome.ending == Ending::Search && outcome.winner().is_none()
}

/// Why nothing came of a run: that the gates let nothing pass, or else the failure that was met most often.
pub(crate) fn in_vain(record: &RunRecord, gates: &[Gate]) -> String {
    if let Some(barred) = barred(record, gates) {
        return format!("no candidate passed the gates: {barred}");
    }
    let most = reasons(record).into_iter().rev().max_by_key(|(_, count)| *count);
    let why = most.map_or_else(String::new, |(reason, _)| format!(": {reason}"));
    format!("no candidate could be made and judged{why}")
}

/// What each gate asks for and the best that was had, where candidates were made and judged by all rewards: nothing else
/// can bar those.
fn barred(record: &RunRecord, gates: &[Gate]) -> Option<String> {
    let is_judged = |candidate: &CandidateRecord| {
        let mut said = candidate.card.iter().peekable();
        said.peek().is_some() && said.all(|(_, said)| said.is_ok())
    };
    if gates.is_empty() || !record.candidates.iter().any(is_judged) {
        return None;
    }
    let told = gates.iter().map(|gate| {
        let name = gate.part.as_ref().map_or_else(|| gate.reward.to_string(), |part| format!("{}.{part}", gate.reward));
        let best = record.candidates.iter().filter_map(|candidate| gated_value(candidate, gate)).max_by(f64::total_cmp);
        let best = best.map_or_else(|| "no candidate has it".to_owned(), |best| format!("the best had {best:.3}"));
        format!("`{name}` of at least {}, {best}", gate.at_least)
    });
    Some(told.collect::<Vec<_>>().join("; "))
}

/// The score or part that a gate looks at.
fn gated_value(candidate: &CandidateRecord, gate: &Gate) -> Option<f64> {
    let score = candidate.card.score(&gate.reward)?;
    gate.part.as_ref().map_or_else(|| Some(score.mean()), |part| score.part(part.as_str()))
}

/// Why candidates were not made or not judged, each reason once with its count.
fn reasons(record: &RunRecord) -> Vec<(String, u32)> {
    let made = record.candidates.iter().filter_map(|candidate| candidate.made.as_ref());
    let edits = made.filter_map(|made| made.as_ref().err()).map(ToString::to_string);
    counted(edits.chain(unjudged(record)))
}

/// Why rewards could not judge, each reason once with its count.
fn judges_in_vain(record: &RunRecord) -> Vec<String> {
    let shown = counted(unjudged(record)).into_iter().take(5);
    shown.map(|(reason, count)| if count == 1 { reason } else { format!("{reason} ({count} times)") }).collect()
}

/// Why a reward could not judge a candidate, for each such pair.
fn unjudged(record: &RunRecord) -> impl Iterator<Item = String> {
    let said = record.candidates.iter().flat_map(|candidate| candidate.card.iter());
    said.filter_map(|(name, said)| Some(format!("reward `{name}`: {}", said.as_ref().err()?)))
}

/// Each of these once, in the order in which they came, with how often it did.
fn counted(reasons: impl Iterator<Item = String>) -> Vec<(String, u32)> {
    let mut counts: Vec<(String, u32)> = Vec::new();
    for reason in reasons {
        match counts.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => counts.push((reason, 1)),
        }
    }
    counts
}

/// The parts of all scores; under the names of their rewards where there are several.
fn parts_in_words(record: &CandidateRecord) -> String {
    let are_several = record.card.iter().count() > 1;
    let scores = record.card.iter().filter_map(|(reward, said)| Some((reward, said.as_ref().ok()?)));
    let parts = scores.flat_map(|(reward, score)| {
        let of = if are_several { format!("{reward}.") } else { String::new() };
        score.parts().iter().map(move |part| format!("{of}{} {:.2}", part.name(), part.mean()))
    });
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// Findings about a recipe, a JSON object each.
pub(crate) fn diagnostics(report: &Report) -> Vec<Value> {
    report.diagnostics().iter().map(diagnostic).collect()
}

fn diagnostic(diagnostic: &Diagnostic) -> Value {
    json!({
        "severity": diagnostic.severity.word(),
        "line": diagnostic.place.line,
        "column": diagnostic.place.column,
        "message": diagnostic.message,
        "hint": diagnostic.hint,
    })
}
