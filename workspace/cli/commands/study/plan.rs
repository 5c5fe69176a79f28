//! `editscale study plan`: how many requests a difference takes.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use editscale_page::three_digits;
use editscale_schema::quote;
use editscale_study::compare::{MOST_REQUESTS, Power, minimum_detectable, requests_needed};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::args::StudyPlan;
use crate::bounded;
use crate::failure::{Misuse, print};

/// The most bytes that are read of a study.
const LARGEST: u64 = 256 << 20;

/// Says what was asked for.
pub(crate) fn run(arguments: &StudyPlan) -> Result<ExitCode> {
    let misuse = |error: editscale_study::StudyError| Misuse::new(error.to_string());
    let (spread, from) = match (&arguments.spread, &arguments.from) {
        (Some(spread), _) => (*spread, None),
        (None, Some(file)) => {
            let row = row_of(file, arguments.between.as_deref())?;
            (row.spread, Some(row))
        }
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
            "from": from,
            "power": power.power,
            "alpha": power.alpha,
            "difference": arguments.difference,
            "requests_needed": needed.flatten(),
            "requests": arguments.requests,
            "detectable": seen.flatten(),
        });
        print(&serde_json::to_string_pretty(&object)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let of = from.map_or_else(String::new, |row| format!(" of {row}"));
    let how = format!("spread {}{of}, power {}, alpha {}", three_digits(spread), power.power, power.alpha);
    if let Some((difference, needed)) = arguments.difference.zip(needed) {
        let needed = match needed {
            Some(needed) => format!("{needed} requests"),
            None if difference == 0.0 => "no number of requests".to_owned(),
            None => format!("more than {MOST_REQUESTS} requests"),
        };
        print(&format!("{needed}, each by both recipes, to see a mean difference of {difference} ({how})"))?;
    }
    if let Some((requests, seen)) = arguments.requests.zip(seen) {
        let shown = match seen {
            Some(seen) => format!("show a mean difference of {}", three_digits(seen)),
            None => format!("show no difference, however large: over so few no p is as low as {}", power.alpha),
        };
        print(&format!("{requests} requests {shown} ({how})"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What a plan needs of a study.
#[derive(Deserialize)]
struct Study {
    comparisons: Vec<Row>,
}

/// A comparison of a study.
#[derive(Deserialize, Serialize)]
struct Row {
    first: String,
    second: String,
    /// Null at the end of the runs.
    #[serde(skip_serializing)]
    budget: Option<f64>,
    requests: u64,
    #[serde(skip_serializing)]
    spread: f64,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} − {} at the end of the runs over {} requests", self.second, self.first, self.requests)
    }
}

impl Row {
    /// Whether these are its groups, in either order.
    fn is_between(&self, groups: &str) -> bool {
        [(&self.first, &self.second), (&self.second, &self.first)]
            .iter()
            .any(|(one, other)| format!("{one},{other}") == groups)
    }
}

/// The comparison at the end of a study's runs: that between these two groups, or that with the largest spread. Those at parts of the
/// runs' cost are of other choices, and have spreads of their own.
fn row_of(file: &Path, between: Option<&str>) -> Result<Row> {
    let shown = file.display();
    let bytes = bounded::read(file, LARGEST).map_err(|error| Misuse::new(format!("cannot read {shown}: {error}")))?;
    let study: Study = serde_json::from_slice(&bytes)
        .map_err(|error| Misuse::new(format!("{shown} is not what `editscale study` writes: {error}")))?;
    let ends: Vec<Row> = study.comparisons.into_iter().filter(|row| row.budget.is_none()).collect();
    let pairs = ends.iter().map(|row| format!("{},{}", row.first, row.second)).collect::<Vec<String>>().join("; ");
    let wanted = ends.into_iter().filter(|row| between.is_none_or(|groups| row.is_between(groups)));
    let widest = wanted.reduce(|one, other| if other.spread > one.spread { other } else { one });
    widest.ok_or_else(|| match between {
        Some(groups) if !pairs.is_empty() => {
            let misuse = Misuse::new(format!("{shown} does not compare {}", quote(groups)));
            misuse.hint(format!("it compares {pairs}")).into()
        }
        _ => {
            let misuse = Misuse::new(format!("{shown} has no comparison to take a spread from"));
            misuse.hint("study two groups with common requests, or give --spread").into()
        }
    })
}
