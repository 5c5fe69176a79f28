//! From votes to score cards.

use std::sync::Arc;

use editscale_core::{Failure, Part, RewardName, Score, ScoreCard};

/// What one reward said, once.
#[derive(Debug, Clone)]
pub(crate) struct Vote {
    pub(crate) reward: RewardName,
    /// Which of the times that this reward was asked, from 0.
    pub(crate) number: u32,
    pub(crate) said: Result<Score, Failure>,
}

/// The card of one candidate: a reward that was asked several times enters its mean, and the spread of what it said.
///
/// In whatever order the votes came in, the card is the same to the last bit.
pub(crate) fn card(mut votes: Vec<Vote>) -> ScoreCard {
    let mut card = ScoreCard::default();
    votes.sort_by(|a, b| a.reward.cmp(&b.reward).then(a.number.cmp(&b.number)));
    for same in votes.chunk_by(|a, b| a.reward == b.reward) {
        card.enter(same[0].reward.clone(), pooled(same));
    }
    card
}

/// The pooled answer of one reward: over the votes that are scores; the first failure where none is.
fn pooled(votes: &[Vote]) -> Result<Score, Failure> {
    let scores: Vec<&Score> = votes.iter().filter_map(|vote| vote.said.as_ref().ok()).collect();
    match scores.as_slice() {
        [] => votes[0].said.clone(),
        [only] => Ok((*only).clone()),
        several => Ok(pool(several)),
    }
}

/// Mean of the means; the variance is that of the means plus the mean of the variances that the scores carry.
fn pool(scores: &[&Score]) -> Score {
    let (mean, sigma) = moments(scores.iter().map(|score| (score.mean(), score.sigma())));
    let part = |part: &Part| {
        let name = part.name().clone();
        let same = scores.iter().filter_map(|score| score.parts().iter().find(|other| *other.name() == name));
        let (mean, sigma) = moments(same.map(|part| (part.mean(), part.sigma())));
        Part::new(name, mean, Some(sigma)).ok()
    };
    let parts = scores[0].parts().iter().filter_map(part).collect();
    // Finite scores have a finite mean unless they are near the ends of the float range; the first then stands for all.
    match Score::with_sigma(mean, Some(sigma)) {
        Ok(score) => score.with_parts(parts).with_features(middle(scores)),
        Err(_) => scores[0].clone(),
    }
}

/// The mean of the points that have as many numbers as the first; nothing where no score has one.
fn middle(scores: &[&Score]) -> Arc<[f32]> {
    let mut points = scores.iter().filter_map(|score| score.features());
    let Some(first) = points.next() else { return Arc::from([]) };
    let mut sums: Vec<f64> = first.iter().map(|value| f64::from(*value)).collect();
    let mut count = 1.0;
    for point in points.filter(|point| point.len() == first.len()) {
        sums.iter_mut().zip(point.iter()).for_each(|(sum, value)| *sum += f64::from(*value));
        count += 1.0;
    }
    sums.into_iter().map(|sum| (sum / count) as f32).collect()
}

fn moments(values: impl Iterator<Item = (f64, Option<f64>)> + Clone) -> (f64, f64) {
    let count = values.clone().count() as f64;
    let mean = mean(values.clone().map(|(mean, _)| mean), count);
    let between = values.clone().map(|(value, _)| (value - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    let within = values.map(|(_, sigma)| sigma.unwrap_or(0.0).powi(2)).sum::<f64>() / count;
    (mean, (between + within).sqrt())
}

/// Of values that are counted from the first and kept between the least and the greatest: rounding makes of equal votes no
/// other one, which a gate might bar.
fn mean(values: impl Iterator<Item = f64> + Clone, count: f64) -> f64 {
    let first = values.clone().next().unwrap_or(f64::NAN);
    let mean = first + values.clone().map(|value| value - first).sum::<f64>() / count;
    let (low, high) = (values.clone().fold(first, f64::min), values.fold(first, f64::max));
    mean.max(low).min(high)
}

#[cfg(test)]
mod tests {
    use editscale_core::FailureKind;

    use super::*;

    fn vote(reward: &str, number: u32, mean: Result<f64, FailureKind>) -> Vote {
        let said = mean.map(|mean| Score::new(mean).unwrap()).map_err(|kind| Failure::new(kind, kind.word()));
        Vote { reward: RewardName::new(reward).unwrap(), number, said }
    }

    #[test]
    fn votes_are_pooled_by_reward() {
        let late = Err(FailureKind::TimedOut);
        let card = card(vec![vote("b", 0, Ok(1.0)), vote("a", 0, late), vote("b", 1, Ok(3.0)), vote("b", 2, late)]);
        let b = card.score(&RewardName::new("b").unwrap()).unwrap();
        assert_eq!((b.mean(), b.sigma()), (2.0, Some(2f64.sqrt())));
        assert!(card.score(&RewardName::new("a").unwrap()).is_none());
        assert_eq!(card.iter().count(), 2);
    }

    /// A third of a sum of three is not always what was summed.
    #[test]
    fn the_mean_of_equal_votes_is_each_of_them() {
        let judge = RewardName::new("judge").unwrap();
        for said in (0..1000).map(|n| f64::from(n) / 1000.0).chain([f64::MAX, f64::MIN, f64::MIN_POSITIVE]) {
            for votes in 2..8 {
                let card = card((0..votes).map(|number| vote("judge", number, Ok(said))).collect());
                let score = card.score(&judge).unwrap();
                assert_eq!((score.mean(), score.sigma()), (said, Some(0.0)), "{votes} votes");
            }
        }
        let ends = card(vec![vote("judge", 0, Ok(0.1)), vote("judge", 1, Ok(0.1)), vote("judge", 2, Ok(0.7))]);
        let mean = ends.score(&judge).unwrap().mean();
        assert!((mean - 0.3).abs() < 1e-15, "{mean}");
    }

    #[test]
    fn the_points_of_votes_are_averaged() {
        let seen = |number, point: &[f32]| {
            let score = Score::new(0.5).unwrap().with_features(point.into());
            Vote { said: Ok(score), ..vote("judge", number, Ok(0.0)) }
        };
        let pooled = |votes| card(votes).score(&RewardName::new("judge").unwrap()).unwrap().features().cloned();
        let middle = pooled(vec![seen(1, &[3.0, 0.0]), seen(0, &[1.0, 2.0]), seen(2, &[9.0]), seen(3, &[])]);
        assert_eq!(middle.as_deref(), Some(&[2.0, 1.0][..]), "of those that compare with the first");
        assert_eq!(pooled(vec![seen(0, &[]), seen(1, &[])]), None);
    }

    /// I3: a replay hears the votes in another order than the run did.
    #[test]
    fn the_order_in_which_votes_come_does_not_matter() {
        // 0.1 + 0.2 + 0.3 and 0.3 + 0.2 + 0.1 differ in the last bit.
        let scores = [Ok(0.1), Ok(0.2), Ok(0.3)];
        let failures = [Err(FailureKind::TimedOut), Err(FailureKind::Refused), Err(FailureKind::Malformed)];
        for said in [scores, failures] {
            let votes: Vec<Vote> =
                said.into_iter().zip(0..).map(|(said, number)| vote("judge", number, said)).collect();
            let mut backwards = votes.clone();
            backwards.reverse();
            assert_eq!(card(votes), card(backwards));
        }
    }
}
