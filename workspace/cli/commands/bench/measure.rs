//! `editscale bench measure`: a judged folder measured once more.

use std::process::ExitCode;

use anyhow::{Result, bail};
use editscale_benchmarks::measures::{MeasureRules, Measured, measure};
use editscale_benchmarks::{JudgedCase, JudgedHead, Preset, read_judged};

use super::data::{Data, found};
use super::output::{Facts, show, write};
use crate::args::{BenchMeasure, BenchRules};
use crate::failure::{Misuse, tell};

/// Measures what was judged, without judging.
pub(crate) fn run(arguments: &BenchMeasure) -> Result<ExitCode> {
    let (head, cases) = read_judged(&arguments.dir).map_err(|error| Misuse::new(error.to_string()))?;
    let (data, shared) = if let Some(found) = found(&arguments.dir, &head, &cases) {
        (found.data, found.shared)
    } else {
        tell(&format!("not judged to the end: the {} cases that are judged are measured", cases.len()));
        (Data { fingerprint: head.fingerprint.clone(), ..Data::default() }, None)
    };
    let measured = measured(&head, &cases, &arguments.rules)?;
    let facts = Facts { head: &head, measured: &measured, data, shared };
    write(&arguments.dir, &facts)?;
    show(&facts, arguments.json)?;
    Ok(ExitCode::SUCCESS)
}

/// The rules of the command line.
pub(super) fn rules(arguments: &BenchRules) -> MeasureRules {
    MeasureRules {
        confidence: arguments.confidence,
        resamples: arguments.resamples,
        seed: arguments.seed,
        folds: arguments.folds as usize,
    }
}

/// Measures judged cases.
pub(super) fn measured(head: &JudgedHead, cases: &[JudgedCase], arguments: &BenchRules) -> Result<Measured> {
    let Some(preset) = Preset::from_name(&head.preset) else {
        bail!(Misuse::new(format!(
            "there is no benchmark `{}`: it was judged by another version of editscale",
            head.preset
        )));
    };
    Ok(measure(preset, cases, &rules(arguments))?)
}
