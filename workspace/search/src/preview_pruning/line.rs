//! What the next stage of a candidate says, by what the last one said: a straight line, learned as candidates go on.
//!
//! Bayesian linear regression, conjugate (normal-inverse-gamma): prior and answers count in the same way, and the
//! prediction is Student's t. The prior holds before anything is known: scores correlate as the recipe expects, on one level
//! and with one spread.

use crate::predictive::{Moments, Predictive};

/// How many answers the prior knowledge of the level counts as: previews are judged lower or higher as a whole than what
/// comes of them, and one answer tells more about that than what is expected.
const LEVEL: f64 = 0.25;

/// What is expected of a line before anything is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expectation {
    /// The correlation of the last preview's score with the finished candidate's, from 0 to below 1.
    pub correlation: f64,
    /// The standard deviation of finished candidates' scores, at least 0; that of previews where absent.
    pub spread: Option<f64>,
    /// How many answers this knowledge is worth, above 1.
    pub strength: f64,
}

/// A line through the scores before and the scores after.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    before: Moments,
    /// What divides distances from the mean of the scores before.
    unit: f64,
    level: f64,
    slope: f64,
    /// The inverse of the precision: of the level, of both, of the slope.
    doubt: (f64, f64, f64),
    variance: f64,
    freedom: f64,
}

impl Line {
    /// `before` are all scores at the earlier stage, `pairs` those that went on, with what they came to.
    pub(crate) fn fit(before: Moments, pairs: &[(f64, f64)], expected: Expectation) -> Self {
        let Expectation { correlation, spread, strength } = expected;
        let own = before.spread().unwrap_or_default();
        let unit = if own > 0.0 { own } else { 1.0 };
        let spread = spread.unwrap_or(own);
        let prior_slope = correlation * spread;
        // Sums over pairs, with the level counted from the earlier stage's mean.
        let (mut count, mut x, mut xx, mut y, mut xy) = (LEVEL, 0.0, strength, 0.0, strength * prior_slope);
        for (before_score, after) in pairs {
            let (at, over) = ((before_score - before.mean) / unit, after - before.mean);
            (count, x, xx) = (count + 1.0, x + at, xx + at * at);
            (y, xy) = (y + over, xy + at * over);
        }
        let determinant = count * xx - x * x;
        let level = (xx * y - x * xy) / determinant;
        let slope = (count * xy - x * y) / determinant;
        let rest: f64 = pairs
            .iter()
            .map(|(score, after)| after - before.mean - level - slope * (score - before.mean) / unit)
            .map(|off| off * off)
            .sum();
        let moved = LEVEL * level * level + strength * (slope - prior_slope) * (slope - prior_slope);
        let noise = strength * (1.0 - correlation * correlation) * spread * spread;
        let freedom = strength + pairs.len() as f64;
        let doubt = (xx / determinant, -x / determinant, count / determinant);
        Self { before, unit, level, slope, doubt, variance: (rest + moved + noise) / freedom, freedom }
    }

    /// What comes of a score; nothing where numbers are too large to compute with.
    pub(crate) fn after(&self, score: f64) -> Option<Predictive> {
        let at = (score - self.before.mean) / self.unit;
        let doubt = self.doubt.0 + 2.0 * at * self.doubt.1 + at * at * self.doubt.2;
        let scale = (self.variance * (1.0 + doubt)).max(0.0).sqrt();
        Predictive::new(self.before.mean + self.level + self.slope * at, scale, self.freedom)
    }

    /// Mean and standard deviation of what comes of a score that is not seen yet, whose own are these.
    pub(crate) fn unseen(&self, mean: f64, spread: f64) -> Option<(f64, f64)> {
        let next = self.after(mean)?;
        let carried = self.slope / self.unit * spread;
        Some((next.location, next.scale.hypot(carried)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: Expectation = Expectation { correlation: 0.6, spread: None, strength: 4.0 };

    #[test]
    fn nothing_known_is_as_expected() {
        let before = Moments::of([1.0, 3.0]);
        let line = Line::fit(before, &[], EXPECTED);
        let next = line.after(2.0 + 2.0_f64.sqrt()).unwrap();
        assert!((next.location - (2.0 + 0.6 * 2.0_f64.sqrt())).abs() < 1e-12, "{next:?}");
        assert!(next.scale > 0.8 * 2.0_f64.sqrt());
    }

    #[test]
    fn many_answers_outweigh_what_was_expected() {
        let scores: Vec<f64> = (0..400).map(|n| f64::from(n % 20) / 10.0).collect();
        let noise = |n: usize| if n.is_multiple_of(2) { 0.1 } else { -0.1 };
        let pairs: Vec<(f64, f64)> =
            scores.iter().enumerate().map(|(n, score)| (*score, 5.0 - 2.0 * score + noise(n / 20))).collect();
        let line = Line::fit(Moments::of(scores), &pairs, EXPECTED);
        for score in [0.0, 1.0, 1.9] {
            let next = line.after(score).unwrap();
            assert!((next.location - (5.0 - 2.0 * score)).abs() < 0.05, "{next:?}");
            // The noise, and what is left of having expected the opposite.
            assert!(next.scale > 0.1 && next.scale < 0.2, "{next:?}");
        }
        let (mean, spread) = line.unseen(0.95, 0.5).unwrap();
        assert!((mean - 3.1).abs() < 0.05 && (spread - 1.0).abs() < 0.06, "{mean} {spread}");
    }

    #[test]
    fn equal_and_huge_scores_do_no_harm() {
        let equal = Line::fit(Moments::of([0.5; 4]), &[(0.5, 0.5)], EXPECTED).after(0.5).unwrap();
        assert_eq!((equal.location, equal.scale), (0.5, 0.0));
        let huge = Line::fit(Moments::of([1e300, -1e300]), &[(1e300, -1e300)], EXPECTED);
        assert_eq!(huge.after(1e300), None);
    }
}
