//! How long a judge takes for an edit.

use serde::{Deserialize, Serialize};

use crate::JudgedCase;

/// Seconds an edit. Calls judge several edits: the time of a call is shared evenly among them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// How many edits have a time. Those that equal an edit judged before cost nothing and have none.
    pub edits: usize,
    /// All together.
    pub total: f64,
    /// The mean.
    pub mean: f64,
    /// The least.
    pub least: f64,
    /// Half take at most this long.
    pub median: f64,
    /// Nine of ten take at most this long.
    pub ninety: f64,
    /// 99 of 100 take at most this long.
    pub ninety_nine: f64,
    /// The greatest.
    pub greatest: f64,
}

/// The times of all edits that have one; nothing where none has.
pub fn speed(cases: &[JudgedCase]) -> Option<Speed> {
    let edits = cases.iter().flat_map(|case| &case.candidates);
    of_seconds(edits.filter_map(|edit| edit.seconds).filter(|seconds| seconds.is_finite() && *seconds >= 0.0).collect())
}

/// The quantiles are times that were measured: the least that so many do not exceed.
fn of_seconds(mut seconds: Vec<f64>) -> Option<Speed> {
    seconds.sort_by(f64::total_cmp);
    let at_most = |share: f64| {
        let place = (seconds.len() as f64 * share).ceil() as usize;
        seconds.get(place.saturating_sub(1)).copied()
    };
    let total: f64 = seconds.iter().sum();
    Some(Speed {
        edits: seconds.len(),
        total,
        mean: total / seconds.len() as f64,
        least: *seconds.first()?,
        median: at_most(0.5)?,
        ninety: at_most(0.9)?,
        ninety_nine: at_most(0.99)?,
        greatest: *seconds.last()?,
    })
}
