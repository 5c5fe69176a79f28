//! Several votes of one judge, made into one score.

use editscale_core::{PartName, Score, ScoreError};

use super::rubric::Rubric;
use editscale_core::Part;

/// What one vote said: a number an aspect, in their order.
pub(crate) type Vote = Vec<f64>;

/// The mean of the votes with their spread. Each vote is combined before votes are averaged, so that the spread is that of
/// what is averaged.
pub(crate) fn score(rubric: &Rubric, votes: &[Vote]) -> Result<Score, ScoreError> {
    let all: Vec<f64> = votes.iter().map(|vote| rubric.combine(vote)).collect();
    let part = |(place, name): (usize, &PartName)| {
        let said: Vec<f64> = votes.iter().filter_map(|vote| vote.get(place).copied()).collect();
        Part::new(name.clone(), mean(&said), spread(&said))
    };
    let names = rubric.aspects.iter().map(|aspect| &aspect.part).enumerate();
    let parts = names.map(part).collect::<Result<Vec<_>, _>>()?;
    Ok(Score::with_sigma(mean(&all), spread(&all))?.with_parts(parts))
}

/// Counted from the first, so that equal votes have no other mean. Not a number where there are none, which no score can be made
/// of.
fn mean(numbers: &[f64]) -> f64 {
    let first = numbers.first().copied().unwrap_or(f64::NAN);
    first + numbers.iter().map(|number| number - first).sum::<f64>() / numbers.len() as f64
}

/// The sample standard deviation; nothing where one number cannot have one.
fn spread(numbers: &[f64]) -> Option<f64> {
    let mean = mean(numbers);
    let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
    (numbers.len() > 1).then(|| (squares / (numbers.len() as f64 - 1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn votes_are_averaged_after_they_are_combined() {
        let rubric = Rubric::standard().unwrap();
        let score = score(&rubric, &[vec![4.0, 9.0], vec![9.0, 4.0], vec![9.0, 9.0]]).unwrap();
        assert!((score.mean() - 7.0).abs() < 1e-12, "√(semantic · quality) of each: 6, 6 and 9");
        assert!((score.sigma().unwrap() - 3.0_f64.sqrt()).abs() < 1e-12);
        assert!((score.part("instruction_following").unwrap() - 22.0 / 3.0).abs() < 1e-12);
        assert_eq!(score.parts().len(), 2);
    }

    #[test]
    fn equal_votes_have_no_other_mean() {
        let rubric = Rubric::standard().unwrap();
        for said in (0..1000).map(|n| f64::from(n) / 100.0) {
            let score = score(&rubric, &[vec![said, 9.0], vec![said, 9.0], vec![said, 9.0]]).unwrap();
            assert_eq!((score.mean(), score.sigma()), (rubric.combine(&[said, 9.0]), Some(0.0)));
        }
    }

    #[test]
    fn one_vote_has_no_spread_and_no_vote_no_score() {
        let rubric = Rubric::standard().unwrap();
        assert_eq!(score(&rubric, &[vec![4.0, 9.0]]).unwrap().sigma(), None);
        assert!(score(&rubric, &[]).is_err());
    }
}
