//! What was measured, as plain data: `bench.json`, and what the report is made of.

use std::collections::BTreeMap;

use editscale_study::Bootstrapped;
use serde::{Deserialize, Serialize};

use super::{Coverage, MeasureError, MeasureRules, Printed, Said, Speed};
use crate::layouts::Preset;

/// A judge held against people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// [`Measured::VERSION`].
    pub version: u32,
    /// Which benchmark, by its name on the command line.
    pub preset: Preset,
    /// How intervals and held-out values were made.
    pub rules: MeasureRules,
    /// What could be judged.
    pub coverage: Coverage,
    /// The score of the whole first, then each reward and part, then the score less doubt.
    pub judges: Vec<JudgeMeasures>,
    /// Numbers that others printed, as facts to look at: nothing is held against them.
    pub printed: Option<Printed>,
    /// How long an edit took, where that is known.
    pub speed: Option<Speed>,
}

impl Measured {
    /// The version of the file.
    pub const VERSION: u32 = 1;

    /// The file's text: JSON, indented.
    pub fn to_json(&self) -> Result<String, MeasureError> {
        let text = serde_json::to_string_pretty(self).map_err(|error| MeasureError::Written(error.to_string()))?;
        Ok(text + "\n")
    }

    /// Reads a file's text. Fails, saying what was found, on another version and on what is no such file.
    pub fn from_json(text: &str) -> Result<Self, MeasureError> {
        let unreadable = |error: serde_json::Error| MeasureError::Unreadable(error.to_string());
        let value: serde_json::Value = serde_json::from_str(text).map_err(unreadable)?;
        match value.get("version").and_then(serde_json::Value::as_u64) {
            Some(version) if version == u64::from(Self::VERSION) => serde_json::from_value(value).map_err(unreadable),
            found => Err(MeasureError::Version { found }),
        }
    }

    /// The measures of the score of the whole.
    pub fn score(&self) -> Option<&JudgeMeasures> {
        self.judges.iter().find(|judge| judge.said == Said::Score)
    }
}

/// One number of a judge, held against people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgeMeasures {
    /// Which number.
    pub said: Said,
    /// How many of the things that people compared or rated have it.
    pub judged: usize,
    /// Of how many.
    pub of: usize,
    /// All together first, then by size, collection and editing model.
    pub sections: Vec<Section>,
}

impl JudgeMeasures {
    /// A metric by the names of its section and itself.
    pub fn metric(&self, section: &str, metric: &str) -> Option<&Metric> {
        let section = self.sections.iter().find(|each| each.name == section)?;
        section.metrics.iter().find(|each| each.name == metric)
    }
}

/// What a section takes from the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SectionKind {
    /// Everything.
    All,
    /// Groups of one size.
    Candidates,
    /// One collection of pictures.
    Dataset,
    /// One editing model.
    Model,
}

/// Metrics of a part of the benchmark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// What it takes.
    pub kind: SectionKind,
    /// Its name, such as `comparisons`, `2 candidates` or `model FLUX`.
    pub name: String,
    /// Its metrics.
    pub metrics: Vec<Metric>,
}

/// One metric: as published, and as it should be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name, in words of letters and `_`.
    pub name: String,
    /// What it says, in a sentence.
    pub says: String,
    /// As the published code computes it; nothing where that does not compute it.
    pub published: Option<Estimate>,
    /// As it should be; nothing where only the published code computes such a thing.
    pub right: Option<Estimate>,
    /// Why the two differ, in a sentence.
    pub differs: String,
    /// How many things it counts.
    pub n: u64,
    /// What these are: `groups`, `pairs`, `edits`.
    pub unit: String,
    /// How many independent sources they come from: what intervals resample.
    pub clusters: usize,
    /// Facts beside the value, by name, such as thresholds.
    pub facts: BTreeMap<String, f64>,
}

/// A value of a metric, and how sure it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The value; nothing where it is not defined, such as a correlation with one distinct rating.
    pub value: Option<f64>,
    /// The interval, by resampling sources; nothing of fewer than five sources, and of resamples that all give the same.
    pub interval: Option<Range>,
    /// The value if all that could not be judged were wrong.
    pub unjudged_wrong: Option<f64>,
    /// What scores without skill reach on these very groups and ties.
    pub random: Option<RandomLevel>,
}

/// An interval at the confidence of the rules.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// In how many resamples the value was not defined; they are left out.
    pub undefined: u32,
}

impl From<Bootstrapped> for Range {
    fn from(found: Bootstrapped) -> Self {
        Self { low: found.interval.low, high: found.interval.high, undefined: found.undefined }
    }
}

/// What random scores reach.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RandomLevel {
    /// The mean: exact where a formula gives it, else of the simulation.
    pub value: f64,
    /// Whether it is exact.
    pub is_exact: bool,
    /// How far a simulated mean is from the true one (one standard error); 0 where it is exact.
    pub error: f64,
    /// Between `low` and `high` lies one random judge at the confidence of the rules.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The probability that a random judge reaches the value, from above 0 to 1.
    pub p_value: Option<f64>,
}
