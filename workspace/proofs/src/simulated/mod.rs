//! What policies are worth in the simulated world.
//!
//! Two sets of requests: those of [`Seeds::Development`], on which settings were found, and those of [`Seeds::Reported`],
//! which gave every figure in the documentation and on which nothing was tuned.

pub mod coverage;
pub mod dial;
pub mod guarded;
pub mod measure;
pub mod savings;
pub mod sweep;

use editscale_study::{Interval, StudyError, mean_interval};
use serde_json::{Value, json};

use crate::output::Findings;
use crate::world::Setting;
use crate::world::setting::STEPS;

pub use measure::{Measured, Outcome, measure};
pub use savings::Requests;

/// Which requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seeds {
    /// For finding settings.
    Development,
    /// For figures that are reported.
    Reported,
}

impl Seeds {
    /// The number of the first request.
    pub fn first(self) -> u64 {
        match self {
            Self::Development => 1_000_000,
            Self::Reported => 2_000_000,
        }
    }
}

/// How large a study is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Requests of the study's own world.
    pub requests: Requests,
    /// Requests of each world of the sweep.
    pub swept: Requests,
    /// Replications of a study, for the coverage of intervals.
    pub replications: u64,
}

impl Size {
    /// The size of the reported study.
    pub const FULL: Self = Self {
        requests: Requests { development: 2_000, reported: 2_000 },
        swept: Requests { development: 300, reported: 800 },
        replications: 2_000,
    };
    /// A size for tests: its figures mean nothing.
    pub const QUICK: Self = Self {
        requests: Requests { development: 8, reported: 20 },
        swept: Requests { development: 2, reported: 3 },
        replications: 20,
    };
}

/// The study.
pub fn study(size: Size) -> anyhow::Result<Findings> {
    let setting = Setting::default();
    let savings = savings::study(&setting, size.requests)?;
    let sweep = sweep::study(&setting, size.swept)?;
    let (curves, curves_plot) = guarded::study(&setting, size.requests.reported)?;
    let coverage = coverage::study(&setting, size.replications)?;
    Ok(Findings {
        study: "simulated",
        title: "Policies in a simulated world",
        lead: "Made by `cargo run --release -p editscale-proofs -- simulated --out docs/studies/simulated`: an editor and a \
               judge of which the truth is known. Settings were found on other requests than those reported."
            .to_owned(),
        facts: facts(&setting, size),
        sheets: vec![savings, sweep, curves, coverage],
        plots: vec![curves_plot],
    })
}

fn facts(setting: &Setting, size: Size) -> Vec<(&'static str, Value)> {
    let last = f64::from(setting.checkpoints[1]) / f64::from(STEPS);
    vec![
        ("requests_reported", json!(size.requests.reported)),
        ("requests_for_settings", json!(size.requests.development)),
        ("preview_correlations", json!(setting.preview_correlation)),
        ("preview_path_in_edits", json!(last)),
        ("judgement_in_edits", json!(setting.judge_price)),
        ("spread_of_difficulty", json!(setting.difficulty)),
        ("share_of_exploits", json!(setting.hacks)),
    ]
}

/// The mean of numbers and the 95% interval of it over requests.
pub fn interval(values: &[f64]) -> Result<Interval, StudyError> {
    mean_interval(values, 0.95)?.ok_or(StudyError::Few { found: values.len(), needed: 2 })
}
