//! What a pool came to: files for people and programs in its folder, and lines on the terminal.

use std::process::ExitCode;

use anyhow::{Context, Result};
use editscale_engine::{RunRecord, read_run, write_whole};
use editscale_picture::DecodeCache;
use editscale_schema::House;
use serde_json::{Value, json};

use super::page::{Line, page};
use super::plan::Planned;
use super::requests::{Came, Ended, ended, mean};
use crate::args::Pool;
use crate::commands::best::Best;
use crate::failure::{STOPPED, print, tell};
use crate::report;
use crate::words::in_vain;

/// The page of a pool, in its folder.
pub(super) const PAGE: &str = "pool.html";

/// Reasons that are told of each sort; `results.jsonl` has all.
const MOST_REASONS: usize = 20;

/// Writes what came of it, says it, and how to exit.
pub(super) fn finish(arguments: &Pool, planned: &Planned, came: Option<&[Came]>) -> Result<ExitCode> {
    let Some(came) = came else {
        tell("stopped: the same command goes on");
        print_summary(arguments, planned, "stopped", &[])?;
        return Ok(ExitCode::from(STOPPED));
    };
    let pictures = House::default().shared::<DecodeCache>();
    let lines = came.iter().map(|came| line(planned, came, &pictures)).collect::<Result<Vec<_>>>()?;
    let objects: String = lines.iter().map(|line| format!("{}\n", object(line))).collect();
    write_whole(&planned.folder.path().join("results.jsonl"), objects.as_bytes())?;
    write_whole(&planned.folder.path().join(PAGE), page(planned.terms.edits, &lines).as_bytes())?;
    tell_reasons("skipped", lines.iter().filter_map(|line| line.skipped.clone()));
    let in_vain = |line: &Line| Some(format!("{}: {}", spot(planned, line), line.why.as_ref()?));
    tell_reasons("came to nothing", lines.iter().filter_map(in_vain));
    tell(&summary(planned, &ended(came)));
    tell(&format!("report: {}", planned.folder.path().join(PAGE).display()));
    print_summary(arguments, planned, "finished", came)?;
    if ended(came).iter().any(|ended| ended.chosen.is_some()) {
        return Ok(ExitCode::SUCCESS);
    }
    tell("error: nothing came of any request");
    Ok(ExitCode::FAILURE)
}

/// Where a request stands in the data set, and its id where that is its own: people look it up by these.
fn spot(planned: &Planned, line: &Line) -> String {
    let listed = usize::try_from(line.row).ok().and_then(|row| planned.rows.get(row));
    let spot = listed.map_or_else(|| format!("row {}", line.row), |listed| planned.dataset.spot(&listed.place));
    if line.id() == line.row.to_string() { spot } else { format!("{spot} (`{}`)", line.id()) }
}

fn tell_reasons(what: &str, reasons: impl Iterator<Item = String>) {
    let reasons: Vec<String> = reasons.collect();
    reasons.iter().take(MOST_REASONS).for_each(|reason| tell(&format!("{what}: {reason}")));
    if let Some(more) = reasons.len().checked_sub(MOST_REASONS).filter(|more| *more > 0) {
        tell(&format!("{what}: {more} more, see results.jsonl"));
    }
}

fn summary(planned: &Planned, ended: &[&Ended]) -> String {
    let each = ended.iter().map(|ended| ended.edits);
    let (least, most) = (each.clone().min().unwrap_or_default(), each.clone().max().unwrap_or_default());
    let (edits, pool) = (each.sum::<u64>(), planned.terms.edits);
    let failed = ended.iter().filter(|ended| ended.chosen.is_none()).count();
    let failed = if failed > 0 { format!("; {failed} of them came to nothing") } else { String::new() };
    let mean = mean_utility(ended).map_or_else(String::new, |mean| format!("; mean score {mean:.3}"));
    format!("{} requests with {edits} of {pool} edits, from {least} to {most} each{failed}{mean}", ended.len())
}

fn mean_utility(ended: &[&Ended]) -> Option<f64> {
    mean(&ended.iter().filter_map(|ended| ended.utilities.first().copied()).collect::<Vec<f64>>())
}

fn print_summary(arguments: &Pool, planned: &Planned, state: &str, came: &[Came]) -> Result<()> {
    if !arguments.json {
        return print(&arguments.out.display().to_string());
    }
    let ended = ended(came);
    let failed = ended.iter().filter(|ended| ended.chosen.is_none()).count();
    let object = json!({
        "version": super::folder::VERSION,
        "out": arguments.out.display().to_string(),
        "state": state,
        "rows": { "done": ended.len() - failed, "failed": failed, "skipped": came.len() - ended.len() },
        "pool": planned.terms.edits,
        "edits": ended.iter().map(|ended| ended.edits).sum::<u64>(),
        "mean_utility": mean_utility(&ended),
    });
    print(&format!("{object:#}"))
}

/// What is told of a row; the report and the best picture are in its run directory then.
fn line(planned: &Planned, came: &Came, pictures: &DecodeCache) -> Result<Line> {
    let ended = match &came.ended {
        Err(reason) => return Ok(Line::skipped(came.row, reason)),
        Ok(ended) => ended,
    };
    let record = read_run(&ended.path)?;
    let written = write_best(planned, (ended, &record), pictures);
    let best = written.with_context(|| format!("cannot write the best picture into {}", ended.path.display()))?;
    report::write(&record, &ended.path, pictures)?;
    let run = ended.path.strip_prefix(planned.folder.path()).unwrap_or(&ended.path);
    let why = ended.chosen.is_none().then(|| in_vain(&record, &planned.gates));
    Ok(Line::of((ended, &record), run.display().to_string(), best, why))
}

/// The file of the best picture in the run directory, as the recipe wants it; nothing where nothing was chosen.
fn write_best(
    planned: &Planned,
    (ended, record): (&Ended, &RunRecord),
    pictures: &DecodeCache,
) -> Result<Option<String>> {
    let best = Best { record, pictures, output: planned.output, keep_metadata: false };
    let Some(chosen) = ended.chosen else { return Ok(None) };
    write_whole(&ended.path.join(best.file_name()), &best.rendered(chosen, best.format())?)?;
    Ok(Some(best.file_name()))
}

/// A line of `results.jsonl`.
fn object(line: &Line) -> Value {
    if let Some(reason) = &line.skipped {
        return json!({ "row": line.row, "skipped": reason });
    }
    json!({
        "row": line.row,
        "id": line.id(),
        "run": line.run,
        "edits": line.edits,
        "utility": line.utility,
        "image": line.image,
        "why": line.why,
    })
}
