//! Judged cases in a line each.

use std::collections::BTreeMap;

use editscale_benchmarks::measures::{MeasureRules, Measured, Metric};
use editscale_benchmarks::{Human, JudgedCandidate, JudgedCase};
use editscale_curate::PictureFacts;

/// Few resamples: intervals are looked at elsewhere.
pub(crate) const QUICK: MeasureRules = MeasureRules { confidence: 0.95, resamples: 50, seed: 1, folds: 2 };

/// An edit with a score.
pub(crate) fn edit(model: Option<&str>, rating: Option<f64>, score: Option<f64>) -> JudgedCandidate {
    JudgedCandidate {
        model: model.map(ToOwned::to_owned),
        rating,
        picture: None,
        score,
        sigma: None,
        said: BTreeMap::new(),
        failure: score.is_none().then(|| "the judge did not answer".to_owned()),
        seconds: None,
    }
}

/// The picture of a source by its name.
pub(crate) fn source(name: &str) -> Option<PictureFacts> {
    Some(PictureFacts { digest: name.to_owned(), hash: 0, width: 8, height: 8, name: Some(name.to_owned()) })
}

/// A case with a source of its own.
pub(crate) fn case(id: &str, human: Human, candidates: Vec<JudgedCandidate>) -> JudgedCase {
    JudgedCase {
        id: id.to_owned(),
        part: "part".to_owned(),
        dataset: None,
        instruction: "make it brighter".to_owned(),
        group: None,
        source: source(id),
        candidates,
        human,
    }
}

/// A group with a ranking and scores.
pub(crate) fn ranked(id: &str, ranking: &str, scores: &[f64]) -> JudgedCase {
    let candidates = scores.iter().map(|score| edit(None, None, Some(*score))).collect();
    case(id, Human::Ranking(ranking.to_owned()), candidates)
}

/// A metric of the score of the whole.
pub(crate) fn metric<'a>(measured: &'a Measured, section: &str, name: &str) -> &'a Metric {
    let found = measured.score().and_then(|score| score.metric(section, name));
    found.unwrap_or_else(|| panic!("no {name} of {section} in {measured:#?}"))
}

/// Fails where a value is not the expected one.
pub(crate) fn near(found: Option<f64>, expected: Option<f64>, what: &str) {
    let is_near = match (found, expected) {
        (Some(found), Some(expected)) => (found - expected).abs() < 1e-12,
        (found, expected) => found == expected,
    };
    assert!(is_near, "{what}: found {found:?}, expected {expected:?}");
}
