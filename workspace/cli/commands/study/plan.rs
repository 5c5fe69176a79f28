//! `editscale study plan`: how many requests a difference takes.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use editscale_study::compare::{Power, minimum_detectable, requests_needed};
use serde_json::{Value, json};

use crate::args::StudyPlan;
use crate::bounded;
use crate::failure::{Misuse, print};

/// The most bytes that are read of a study.
const LARGEST: u64 = 256 << 20;

/// Says what was asked for.
pub(crate) fn run(arguments: &StudyPlan) -> Result<ExitCode> {
    let misuse = |error: editscale_study::StudyError| Misuse::new(error.to_string());
    let spread = match (&arguments.spread, &arguments.from) {
        (Some(spread), _) => *spread,
        (None, Some(file)) => spread_of(file)?,
        (None, None) => return Err(Misuse::new("expected --spread or --from").into()),
    };
    let power = Power { power: arguments.power, alpha: arguments.alpha };
    let needed = match arguments.difference {
        Some(difference) => Some(requests_needed(difference, spread, &power).map_err(misuse)?),
        None => None,
    };
    let seen = match arguments.requests {
        Some(requests) => Some(minimum_detectable(requests, spread, &power).map_err(misuse)?),
        None => None,
    };
    if arguments.json {
        let object = json!({
            "version": 1,
            "spread": spread,
            "power": power.power,
            "alpha": power.alpha,
            "difference": arguments.difference,
            "requests_needed": needed.flatten(),
            "requests": arguments.requests,
            "detectable": seen,
        });
        print(&serde_json::to_string_pretty(&object)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let how = format!("spread {spread}, power {}, alpha {}", power.power, power.alpha);
    if let Some((difference, needed)) = arguments.difference.zip(needed) {
        let needed = needed.map_or_else(|| "no number of requests".to_owned(), |needed| format!("{needed} requests"));
        print(&format!("{needed}, each by both recipes, to see a mean difference of {difference} ({how})"))?;
    }
    if let Some((requests, seen)) = arguments.requests.zip(seen) {
        print(&format!("{requests} requests show a mean difference of {} ({how})", editscale_page::number(seen)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The largest spread of a study's comparisons.
fn spread_of(file: &Path) -> Result<f64> {
    let shown = file.display();
    let bytes = bounded::read(file, LARGEST).map_err(|error| Misuse::new(format!("cannot read {shown}: {error}")))?;
    let study: Value = serde_json::from_slice(&bytes)
        .map_err(|error| Misuse::new(format!("{shown} is not what `editscale study` writes: {error}")))?;
    let comparisons = study.get("comparisons").and_then(Value::as_array).into_iter().flatten();
    let spreads = comparisons.filter_map(|one| one.get("spread").and_then(Value::as_f64));
    spreads.reduce(f64::max).ok_or_else(|| {
        let misuse = Misuse::new(format!("{shown} has no comparison to take a spread from"));
        misuse.hint("study two groups with common requests, or give --spread").into()
    })
}
