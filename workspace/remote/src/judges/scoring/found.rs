//! The numbers of one judgement, and when they are a score.

use editscale_core::{FailureKind, Part, PartName, Score};
use serde_json::Value;

use super::options::ScoringOptions;

/// Why one item of an answer is no score.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) kind: FailureKind,
    /// May hold the server's words: secrets are hidden and it is cut short before anybody reads it.
    pub(crate) words: String,
}

impl Missing {
    /// An item that is not what was expected.
    pub(crate) fn malformed(words: impl Into<String>) -> Self {
        Self { kind: FailureKind::Malformed, words: words.into() }
    }
}

/// What a server said of one candidate, on its own scale.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Found {
    pub(crate) mean: f64,
    pub(crate) sigma: Option<f64>,
    /// In the server's order. A part that is no finite number is not available, which is no part.
    pub(crate) parts: Vec<(String, f64, Option<f64>)>,
}

impl Found {
    pub(crate) fn new(mean: f64) -> Self {
        Self { mean, ..Self::default() }
    }

    /// The score on the recipe's scale. Whatever is not finite or not within the range is none.
    pub(crate) fn score(self, options: &ScoringOptions) -> Result<Score, Missing> {
        if !self.mean.is_finite() {
            return Err(Missing::malformed(format!("expected a finite score, found {}", self.mean)));
        }
        let mean = options.map.scale.mul_add(self.mean, options.map.offset);
        let spread = |sigma: Option<f64>| sigma.map(|sigma| sigma * options.map.scale.abs());
        if let Some((low, high)) = options.range.filter(|(low, high)| !(*low..=*high).contains(&mean)) {
            return Err(Missing::malformed(format!("expected a score from {low} to {high}, found {mean}")));
        }
        let part = |(name, mean, sigma): (String, f64, Option<f64>)| {
            let mean = options.map.scale.mul_add(mean, options.map.offset);
            Part::new(part_name(&name)?, mean, spread(sigma)).ok()
        };
        let parts = self.parts.into_iter().filter_map(part).collect();
        let score =
            Score::with_sigma(mean, spread(self.sigma)).map_err(|error| Missing::malformed(error.to_string()))?;
        Ok(score.with_parts(parts))
    }
}

/// A server's name for a part, with `_` for what cannot stand in a name.
fn part_name(text: &str) -> Option<PartName> {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() || ".-".contains(letter) { letter } else { '_' };
    let name: String = text.chars().take(64).map(letter).collect();
    PartName::new(name.trim_start_matches(['_', '.', '-'])).ok()
}

/// A number at some place of an answer.
pub(crate) fn number(value: &Value, place: &str) -> Result<f64, Missing> {
    if value.is_null() {
        return Err(Missing::malformed(format!("expected a number at {place}, found none")));
    }
    let missing = || Missing::malformed(format!("expected a number at {place}, found {value}"));
    value.as_f64().ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use editscale_core::RewardName;

    use super::*;
    use crate::fleet::Connection;
    use crate::judges::scoring::options::ScoreMap;

    fn options(map: ScoreMap, range: Option<(f64, f64)>) -> ScoringOptions {
        let plain = ScoringOptions::new(RewardName::new("judge").unwrap(), Connection::new(Vec::new()));
        ScoringOptions { map, range, ..plain }
    }

    #[test]
    fn scores_are_brought_to_the_recipes_scale() {
        let parts = vec![("a b".to_owned(), 1.0, Some(0.5)), ("gone".to_owned(), f64::NAN, None)];
        let found = Found { mean: 2.0, sigma: Some(0.5), parts };
        let score = found.score(&options(ScoreMap { scale: -2.0, offset: 1.0 }, None)).unwrap();
        assert_eq!((score.mean(), score.sigma()), (-3.0, Some(1.0)));
        assert_eq!((score.part("a_b"), score.parts().len()), (Some(-1.0), 1), "a part that is none is left out");
        assert_eq!(score.parts()[0].sigma(), Some(1.0));
    }

    #[test]
    fn what_is_no_number_or_out_of_range_is_no_score() {
        let range = Some((0.0, 1.0));
        for (mean, words) in [
            (f64::NAN, "found NaN"),
            (f64::INFINITY, "found inf"),
            (1.5, "from 0 to 1, found 1.5"),
            (-0.1, "from 0 to 1, found -0.1"),
        ] {
            let missing = Found::new(mean).score(&options(ScoreMap::default(), range)).unwrap_err();
            assert_eq!(missing.kind, FailureKind::Malformed);
            assert!(missing.words.contains(words), "{missing:?}");
        }
        let negative = Found { sigma: Some(-1.0), ..Found::new(0.0) };
        assert!(negative.score(&options(ScoreMap::default(), range)).is_err());
    }

    #[test]
    fn settings_that_mean_nothing_are_refused() {
        let map = |scale, offset| options(ScoreMap { scale, offset }, None);
        let range = |low, high| options(ScoreMap::default(), Some((low, high)));
        for bad in [map(0.0, 0.0), map(f64::NAN, 0.0), map(1.0, f64::INFINITY), range(1.0, 1.0), range(0.0, f64::NAN)] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
        assert!(range(-1.0, 1.0).check().is_ok());
    }
}
