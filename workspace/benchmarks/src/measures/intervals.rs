//! Intervals by resampling sources, and when there is none.

use editscale_study::{Clusters, StudyError, bootstrap};

use super::MeasureRules;
use super::measured::Range;

/// Resamples of fewer independent sources than this say nothing of how sure a value is.
pub const FEWEST_SOURCES: usize = 5;

/// Ends that are no further apart differ by rounding alone.
const ROUNDING: f64 = 1e-12;

/// The interval of a statistic. Nothing where there are fewer than [`FEWEST_SOURCES`], and nothing where resamples give no two
/// different values: neither is certainty.
pub(super) fn interval(
    clusters: &Clusters,
    rules: &MeasureRules,
    statistic: impl FnMut(&[usize]) -> Option<f64>,
) -> Result<Option<Range>, StudyError> {
    let found = bootstrap(clusters, &rules.resampling(), statistic)?.map(Range::from);
    Ok(found.filter(|range| clusters.len() >= FEWEST_SOURCES && range.high - range.low > ROUNDING))
}

/// Why a value of so many independent things has no interval. `things` says what these are, in the plural.
pub fn why_no_interval(count: usize, things: &str) -> String {
    match count {
        1 => format!("1 {} is too few for an interval", things.trim_end_matches('s')),
        _ if count < FEWEST_SOURCES => format!("{count} {things} are too few for an interval"),
        _ => "resamples give no two different values".to_owned(),
    }
}
