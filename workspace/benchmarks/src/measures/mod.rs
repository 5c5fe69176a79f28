//! Numbers about judged cases: each metric as published code computes it and as it should be, with intervals and with what
//! random scores reach.
//!
//! Modules in reading order:
//!
//! 1. `said`: which numbers of a judge are measured.
//! 2. `evaluate`: any metric of any items; `intervals`: how sure a value is.
//! 3. `comparison`, `orders`: items that people put in an order, and their metrics; `rated`, `ratings`: the same of single
//!    ratings.
//! 4. `sections`: all together, by size, by collection, by editing model.
//!    `sources`: which cases are no independent witnesses.
//! 5. `measured`: what comes out; `printed`: what others printed; `speed`.
//! 6. `agreement`, `position`: two judges, pairs in both orders; `calibration`, `doubt`: scores to what people would say, and
//!    what stated deviations are worth.

mod agreement;
mod calibration;
mod comparison;
mod doubt;
mod evaluate;
mod intervals;
mod measured;
mod orders;
mod position;
mod printed;
mod rated;
mod ratings;
mod said;
mod sections;
mod sources;
mod speed;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use editscale_study::StudyError;

pub use agreement::{
    Agreement, Contest, ContestMetric, Difference, NAMED_DIFFERENCES, PairAgreement, ScoreAgreement, agreement,
};
pub use calibration::{Bin, Calibration, Errors, KnotPoint, RELIABILITY_BINS, Target, calibrate};
pub use doubt::{Doubt, PairDoubt};
pub use intervals::{FEWEST_SOURCES, why_no_interval};
pub use measured::{Estimate, JudgeMeasures, Measured, Metric, RandomLevel, Range, Section, SectionKind};
pub(crate) use orders::{PAIRS_WITH_OTHERS, PREFERRED_BY_JUDGE, PREFERRED_BY_PEOPLE};
pub use position::{OrdersAndPeople, PlaceBias, Position, position};
pub use printed::{Printed, PrintedRow, printed};
pub use said::{KAPPAS, Said, said_in};
pub use speed::{Speed, speed};

use crate::JudgedCase;
use crate::layouts::Preset;

/// How intervals, levels of chance and held-out values are made. Equal rules and cases give equal numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MeasureRules {
    /// The share of resamples inside an interval, above 0 and below 1.
    pub confidence: f64,
    /// How many resamples an interval, and rounds of random scores a level of chance, is made of; at least 1.
    pub resamples: u32,
    /// What all of them are counted from.
    pub seed: u64,
    /// Into how many folds sources are cut where something is tuned; at least 2.
    pub folds: usize,
}

impl Default for MeasureRules {
    fn default() -> Self {
        Self { confidence: 0.95, resamples: 2_000, seed: 0, folds: 10 }
    }
}

/// Why nothing can be measured.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum MeasureError {
    /// No cases, or none that people judged.
    #[error(
        "there is nothing to measure: expected cases with an order or with ratings of people, found {cases} without"
    )]
    Nothing {
        /// How many cases there are.
        cases: usize,
    },
    /// The judge said nothing of any case.
    #[error("none of {cases} cases could be judged{}", why.as_deref().map(|why| format!(": {why}")).unwrap_or_default())]
    Unjudged {
        /// How many cases there are.
        cases: usize,
        /// Why the first edit has no score.
        why: Option<String>,
    },
    /// A metric that cannot be computed.
    #[error("{metric} of {section}: {study}")]
    Metric {
        /// The section.
        section: String,
        /// The metric.
        metric: String,
        /// Why.
        study: StudyError,
    },
    /// Numbers that cannot be estimated from.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// Two judges of different cases.
    #[error(
        "the judges have no case in common: expected the same benchmark judged twice, found {first} and {second} cases"
    )]
    NothingInCommon {
        /// Cases of the first.
        first: usize,
        /// Cases of the second.
        second: usize,
    },
    /// No score is worth more than another.
    #[error("scores of `{reward}` say nothing of what people say: the best map is one value for all of them")]
    Level {
        /// Whose scores.
        reward: String,
    },
    /// What a map is fitted on cannot say how far it errs.
    #[error("a calibration needs at least two different sources, so that its error can be told: found {sources}")]
    OneSource {
        /// How many sources there are.
        sources: usize,
    },
    /// A file of another version.
    #[error("version {}: expected {}", found.map_or("none".to_owned(), |found| found.to_string()), Measured::VERSION)]
    Version {
        /// The version that the file names.
        found: Option<u64>,
    },
    /// Text that is no such file.
    #[error("expected what `editscale bench` writes: {0}")]
    Unreadable(String),
    /// What cannot be written.
    #[error("the measures cannot be written as JSON: {0}")]
    Written(String),
}

/// What of a benchmark could be judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// All cases.
    pub cases: usize,
    /// Those of which every edit has a score.
    pub judged: usize,
    /// All places of edits: an edit counts in each case that it is compared in.
    pub edits: usize,
    /// Those with a score.
    pub scored: usize,
    /// How many different edits stand there: a picture after one instruction on one source, each judged once. Pictures that
    /// cannot be read count each for themselves.
    #[serde(default)]
    pub different_edits: usize,
    /// Cases whose order of people cannot be read; they count as wrong as published, and are left out rightly.
    pub unreadable: usize,
    /// Cases in which people tied at least two candidates.
    pub tied: usize,
}

/// Holds a judge against people, by the metrics of a benchmark: every number that it says by itself (the published code looks
/// at one only), in every section.
///
/// An interval resamples sources: all cases with one source picture or of one group together. Time is that of `resamples`
/// computations of each metric, twice. Fails where there is nothing to measure, and on rules that are none.
pub fn measure(preset: Preset, cases: &[JudgedCase], rules: &MeasureRules) -> Result<Measured, MeasureError> {
    let coverage = coverage(cases);
    if cases.iter().all(|case| !sections::is_measurable(case)) {
        return Err(MeasureError::Nothing { cases: cases.len() });
    }
    if coverage.scored == 0 {
        let why = cases.iter().flat_map(|case| &case.candidates).find_map(|edit| edit.failure.clone());
        return Err(MeasureError::Unjudged { cases: cases.len(), why });
    }
    let mut levels = evaluate::Levels::default();
    let judges = said_in(cases).into_iter().map(|said| sections::measured((preset, cases), said, rules, &mut levels));
    Ok(Measured {
        version: Measured::VERSION,
        preset,
        rules: *rules,
        coverage,
        judges: judges.collect::<Result<_, _>>()?,
        printed: printed(preset),
        speed: speed(cases),
    })
}

fn coverage(cases: &[JudgedCase]) -> Coverage {
    let orders = cases.iter().filter_map(|case| Some((comparison::ranking(case)?, comparison::compared(case).len())));
    let orders = orders.map(|(text, candidates)| editscale_study::judges::HumanOrder::parse(&text, candidates).ok());
    let orders: Vec<_> = orders.collect();
    let edits = || cases.iter().flat_map(|case| &case.candidates);
    Coverage {
        cases: cases.len(),
        judged: cases.iter().filter(|case| Said::Score.of_case(case).is_some()).count(),
        edits: edits().count(),
        scored: edits().filter(|edit| Said::Score.of(edit).is_some()).count(),
        different_edits: different_edits(cases),
        unreadable: orders.iter().filter(|order| order.is_none()).count(),
        tied: orders.iter().flatten().filter(|order| order.has_ties()).count(),
    }
}

fn different_edits(cases: &[JudgedCase]) -> usize {
    let places = cases.iter().flat_map(|case| case.candidates.iter().map(move |edit| (case, edit)));
    let (mut different, mut unread) = (BTreeSet::new(), 0);
    for (case, edit) in places {
        match (&case.source, &edit.picture) {
            (Some(source), Some(picture)) => {
                different.insert((&*source.digest, &*case.instruction, &*picture.digest));
            }
            _ => unread += 1,
        }
    }
    different.len() + unread
}
