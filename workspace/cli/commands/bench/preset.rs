//! `editscale bench editreward-bench` and its like: a benchmark judged and measured.

use std::process::ExitCode;

use anyhow::{Result, bail};
use editscale_benchmarks::Preset;

use super::against::against;
use super::data::{Data, Unreadable};
use super::judging::{Asked, judge, stop_where_asked};
use super::measure::measured;
use super::output::{Facts, show, write};
use crate::args::BenchPreset;
use crate::failure::{STOPPED, tell};

/// Judges a benchmark, measures, and tells what other data shares with it.
pub(crate) fn run(preset: Preset, arguments: &BenchPreset) -> Result<ExitCode> {
    let out = arguments.out.as_deref();
    let asked = Asked { preset, data: &arguments.data, judges: &arguments.judges, out };
    let Some(judged) = judge(asked, &stop_where_asked(out))? else {
        tell(match arguments.out {
            Some(_) => "stopped: the same command goes on from here",
            None => "stopped: with --out the same command would go on from here",
        });
        return Ok(ExitCode::from(STOPPED));
    };
    if judged.cases.is_empty() {
        let of = judged.problems.first().map(|problem| format!(": {problem}")).unwrap_or_default();
        bail!("the benchmark holds no case that can be used{of}");
    }
    let failed = judged.cases.iter().flat_map(|case| &case.candidates).filter(|edit| edit.score.is_none()).count();
    if failed > 0 {
        let of: usize = judged.cases.iter().map(|case| case.candidates.len()).sum();
        tell(&format!("{failed} of {of} edits could not be scored: each says why in judged.jsonl"));
    }
    let shared = against(&judged.cases, arguments)?;
    let measured = measured(&judged.head, &judged.cases, &arguments.rules)?;
    let data = Data {
        fingerprint: judged.head.fingerprint.clone(),
        described: judged.described,
        passed_over: judged.passed_over,
        unreadable: Unreadable::of(judged.problems),
    };
    let facts = Facts { head: &judged.head, measured: &measured, data, shared };
    if let Some(out) = &arguments.out {
        write(out, &facts)?;
    }
    show(&facts, arguments.json)?;
    let is_refused = arguments.refuse_shared && facts.shared.as_ref().is_some_and(|shared| shared.count > 0);
    if is_refused {
        tell("refused: the benchmark shares pictures with what was named by --against");
    }
    Ok(if is_refused { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
