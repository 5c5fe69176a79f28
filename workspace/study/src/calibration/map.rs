//! A monotone map from scores to values, as a list of knots.

use crate::StudyError;

/// A score and what it becomes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Knot {
    /// The score.
    pub score: f64,
    /// Its value.
    pub value: f64,
}

/// What happens between two knots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Between {
    /// A straight line from one to the next.
    #[default]
    Lines,
    /// The value of the knot below, up to the next knot.
    Steps,
}

/// A map that never falls: knots in ascending order of score, with values that never fall. Below the first and above
/// the last knot it stays level.
///
/// Equal values of different scores make ties: order within them must come from the scores themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct MonotoneMap {
    knots: Vec<Knot>,
    between: Between,
}

impl MonotoneMap {
    /// Takes saved knots. Fails, naming the knot, without any, where a number is not finite, where scores do not rise
    /// and where values fall.
    pub fn new(knots: Vec<Knot>, between: Between) -> Result<MonotoneMap, StudyError> {
        crate::check(&knots.iter().map(|knot| knot.score).collect::<Vec<f64>>())?;
        crate::check(&knots.iter().map(|knot| knot.value).collect::<Vec<f64>>())?;
        let rises = |two: &[Knot]| two[0].score < two[1].score && two[0].value <= two[1].value;
        match knots.windows(2).position(|two| !rises(two)) {
            Some(before) => Err(StudyError::Knots { index: before + 1 }),
            None => Ok(MonotoneMap { knots, between }),
        }
    }

    /// The knots, in ascending order: all there is to save, with `between`.
    pub fn knots(&self) -> &[Knot] {
        &self.knots
    }

    /// What happens between knots.
    pub fn between(&self) -> Between {
        self.between
    }

    /// The value of a score, by halving. A score that is no number has the lowest value.
    pub fn apply(&self, score: f64) -> f64 {
        let above = self.knots.partition_point(|knot| knot.score <= score);
        let below = above.checked_sub(1).and_then(|index| self.knots.get(index));
        match (below, self.knots.get(above)) {
            (Some(below), Some(above)) if self.between == Between::Lines => on_line(*below, *above, score),
            (Some(below), _) => below.value,
            (None, first) => first.map_or(f64::NAN, |first| first.value),
        }
    }
}

/// The value between two knots; the share is taken first, so that neither product nor difference overflows where the
/// ends do not, and held between the ends against rounding.
fn on_line(low: Knot, high: Knot, score: f64) -> f64 {
    let share = (score / 2.0 - low.score / 2.0) / (high.score / 2.0 - low.score / 2.0);
    (low.value * (1.0 - share) + high.value * share).clamp(low.value, high.value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn knots(list: &[(f64, f64)]) -> Vec<Knot> {
        list.iter().map(|(score, value)| Knot { score: *score, value: *value }).collect()
    }

    #[test]
    fn values_between_and_beyond_the_knots() {
        let knots = knots(&[(0.0, 1.0), (2.0, 2.0), (4.0, 6.0)]);
        let lines = MonotoneMap::new(knots.clone(), Between::Lines).unwrap();
        let steps = MonotoneMap::new(knots, Between::Steps).unwrap();
        for (score, line, step) in [
            (-9.0, 1.0, 1.0),
            (0.0, 1.0, 1.0),
            (0.5, 1.25, 1.0),
            (2.0, 2.0, 2.0),
            (3.0, 4.0, 2.0),
            (4.0, 6.0, 6.0),
            (9.0, 6.0, 6.0),
            (f64::NAN, 1.0, 1.0),
        ] {
            assert_eq!((lines.apply(score), steps.apply(score)), (line, step), "{score}");
        }
    }

    #[test]
    fn bad_knots_are_named() {
        for (list, mistake) in [
            (&[][..], StudyError::Empty),
            (&[(0.0, 1.0), (0.0, 2.0)], StudyError::Knots { index: 1 }),
            (&[(0.0, 1.0), (1.0, 2.0), (2.0, 1.5)], StudyError::Knots { index: 2 }),
            (&[(0.0, f64::INFINITY)], StudyError::NotFinite { index: 0, value: f64::INFINITY }),
        ] {
            assert_eq!(MonotoneMap::new(knots(list), Between::Lines), Err(mistake));
        }
    }

    proptest! {
        #[test]
        fn maps_never_fall(
            steps in prop::collection::vec((0.01_f64..9.0, 0.0_f64..3.0), 1..12),
            a in -9.0_f64..90.0,
            b in -9.0_f64..90.0,
        ) {
            let knots = steps.iter().scan((0.0, 0.0), |(score, value), (right, up)| {
                *score += right;
                *value += up;
                Some(Knot { score: *score, value: *value })
            });
            let knots: Vec<Knot> = knots.collect();
            for between in [Between::Lines, Between::Steps] {
                let map = MonotoneMap::new(knots.clone(), between).unwrap();
                prop_assert!(map.apply(a.min(b)) <= map.apply(a.max(b)));
                prop_assert!(knots.iter().all(|knot| map.apply(knot.score) == knot.value));
            }
        }
    }
}
