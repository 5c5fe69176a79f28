//! What a pool came to, told to people and programs.

use std::process::ExitCode;

use anyhow::Result;
use editscale_engine::{read_run, write_whole};
use serde_json::{Value, json};

use super::plan::Planned;
use super::requests::{Came, Ended};
use crate::args::Pool;
use crate::failure::{STOPPED, print, tell};

/// Writes `results.jsonl`, prints what came of it, and says how to exit.
pub(super) fn finish(arguments: &Pool, planned: &Planned, came: Option<&[Came]>) -> Result<ExitCode> {
    let Some(came) = came else {
        tell("stopped: the same command goes on");
        print_summary(arguments, planned, "stopped", &[])?;
        return Ok(ExitCode::from(STOPPED));
    };
    let lines = came.iter().map(|came| line(planned, came)).collect::<Result<Vec<_>>>()?;
    write_whole(&planned.folder.path().join("results.jsonl"), lines.concat().as_bytes())?;
    for reason in came.iter().filter_map(|came| came.ended.as_ref().err()) {
        tell(&format!("skipped: {reason}"));
    }
    print_summary(arguments, planned, "finished", came)?;
    let ended = ended(came);
    let (least, most) = (ended.iter().map(|ended| ended.edits).min(), ended.iter().map(|ended| ended.edits).max());
    if let (Some(least), Some(most)) = (least, most) {
        let edits: u64 = ended.iter().map(|ended| ended.edits).sum();
        tell(&format!("{} requests with {edits} edits in all, from {least} to {most} each", ended.len()));
    }
    let is_in_vain = ended.iter().all(|ended| ended.chosen.is_none());
    Ok(if is_in_vain { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn ended(came: &[Came]) -> Vec<&Ended> {
    came.iter().filter_map(|came| came.ended.as_ref().ok()).collect()
}

fn print_summary(arguments: &Pool, planned: &Planned, state: &str, came: &[Came]) -> Result<()> {
    if !arguments.json {
        return print(&arguments.out.display().to_string());
    }
    let ended = ended(came);
    let best: Vec<f64> = ended.iter().filter_map(|ended| ended.utilities.first().copied()).collect();
    // Each divided before they are added: no sum is beyond the range of numbers.
    let mean = (!best.is_empty()).then(|| best.iter().map(|utility| utility / best.len() as f64).sum::<f64>());
    let object = json!({
        "version": super::folder::VERSION,
        "out": arguments.out,
        "state": state,
        "rows": { "done": ended.len(), "skipped": came.len() - ended.len() },
        "pool": planned.terms.edits,
        "edits": ended.iter().map(|ended| ended.edits).sum::<u64>(),
        "mean_utility": mean,
    });
    print(&format!("{object:#}"))
}

/// A line of `results.jsonl`.
fn line(planned: &Planned, came: &Came) -> Result<String> {
    let object = match &came.ended {
        Err(reason) => json!({ "row": came.row, "skipped": reason }),
        Ok(ended) => json!({
            "row": ended.row,
            "id": ended.id,
            "run": ended.path.strip_prefix(planned.folder.path()).unwrap_or(&ended.path),
            "edits": ended.edits,
            "utility": ended.utilities.first(),
            "image": image(ended)?,
        }),
    };
    Ok(format!("{object}\n"))
}

/// The chosen picture's file, from the run directory; nothing where none was chosen.
fn image(ended: &Ended) -> Result<Value> {
    let Some(chosen) = ended.chosen else { return Ok(Value::Null) };
    let record = read_run(&ended.path)?;
    let made = record.candidates.into_iter().find(|candidate| candidate.proposal.id == chosen);
    let image = made.and_then(|candidate| candidate.made).and_then(Result::ok).map(|made| made.image);
    Ok(image.map_or(Value::Null, |image| json!(format!("images/{}.{}", image.digest(), image.media().extension()))))
}
