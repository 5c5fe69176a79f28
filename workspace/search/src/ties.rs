//! How the verdict orders candidates that are as good as each other: the one that is most like the others comes first.
//!
//! Rewards give equal scores often, and then whoever was asked for first would win. What most of the tied agree on is a
//! better guess than chance, as ADE-CoT has it (arXiv:2603.00141), and an outlier is the likelier to have fooled the judge.

pub(crate) mod recipe;

use editscale_core::{PerceptualHash, Score, ScoreCard};

use crate::PolicyError;
use crate::archive::{Entry, Placed};
use crate::likeness::{cosine, shared_points};

/// Candidates whose utilities are nearly equal are ordered by nearness to their centre: the cosine of their features with
/// the mean of the tied ones' unit features where one reward gave all of them some, else the mean distance of their
/// perceptual hash from those of the tied, where all have one. Of equally near ones the smaller standard deviation comes
/// first (so the greater lower confidence bound), then the one that was asked for earlier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ties {
    within: f64,
}

impl Ties {
    /// A group of ties begins at the best that is in none, and has all whose utility is at most `within` less: finite and
    /// at least 0. Above 0 the verdict is in order of utility only to within it.
    pub fn new(within: f64) -> Result<Self, PolicyError> {
        if within.is_finite() && within >= 0.0 {
            return Ok(Self { within });
        }
        let expected = "a finite number of at least 0".to_owned();
        Err(PolicyError { setting: "ties.centroid", expected, found: within.to_string() })
    }

    /// The setting in words for a policy's revision.
    pub(crate) fn revision(self) -> String {
        format!(" ties.centroid={} by features or {}", self.within, PerceptualHash::REVISION)
    }

    /// Orders the groups of ties in `order`, which has the best first.
    pub(crate) fn settle(self, entries: &[Entry], order: &mut [Placed]) {
        let mut rest = order;
        while let Some(best) = rest.first().map(|placed| placed.utility.get()) {
            let is_tied = |placed: &Placed| best - placed.utility.get() <= self.within;
            let count = rest.partition_point(is_tied).max(1);
            let (tied, lower) = rest.split_at_mut(count);
            if count > 1 {
                settle(entries, tied);
            }
            rest = lower;
        }
    }
}

/// Orders one group. What is sorted is in ask order where nothing else tells, as the order that comes in is stable.
fn settle(entries: &[Entry], tied: &mut [Placed]) {
    tied.sort_by_key(|placed| entries[placed.entry].proposal.id);
    let members: Vec<&Entry> = tied.iter().map(|placed| &entries[placed.entry]).collect();
    let distances = distances(&members);
    let mut order: Vec<(f64, f64, Placed)> = tied
        .iter()
        .zip(&members)
        .zip(distances)
        .map(|((placed, entry), distance)| (distance, spread(&entry.card), *placed))
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    tied.iter_mut().zip(order).for_each(|(place, (_, _, placed))| *place = placed);
}

/// How far each is from the middle of all; equally far where nobody can tell.
fn distances(members: &[&Entry]) -> Vec<f64> {
    let cards: Vec<&ScoreCard> = members.iter().map(|entry| &entry.card).collect();
    if let Some(distances) = shared_points(&cards).and_then(|points| by_features(&points)) {
        return distances;
    }
    let hashes: Option<Vec<PerceptualHash>> = members.iter().map(|entry| entry.hash).collect();
    hashes.map_or_else(|| vec![0.0; members.len()], |hashes| by_hashes(&hashes))
}

/// One minus the cosine with the mean of the unit vectors; nothing where a point or that mean is at the origin.
fn by_features(points: &[&[f32]]) -> Option<Vec<f64>> {
    let mut centre = vec![0.0f64; points.first()?.len()];
    for point in points {
        let length = point.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        centre.iter_mut().zip(*point).for_each(|(sum, value)| *sum += f64::from(*value) / length);
    }
    let centre: Vec<f32> = centre.into_iter().map(|sum| (sum / points.len() as f64) as f32).collect();
    points.iter().map(|point| Some(1.0 - cosine(point, &centre)?)).collect()
}

/// The mean distance of each hash from all, counted bit by bit.
fn by_hashes(hashes: &[PerceptualHash]) -> Vec<f64> {
    let ones: Vec<usize> = (0..64).map(|bit| hashes.iter().filter(|hash| hash.0 >> bit & 1 == 1).count()).collect();
    let others = |hash: &PerceptualHash| -> usize {
        let other = |(bit, ones): (usize, &usize)| if hash.0 >> bit & 1 == 1 { hashes.len() - ones } else { *ones };
        ones.iter().enumerate().map(other).sum()
    };
    hashes.iter().map(|hash| others(hash) as f64 / hashes.len() as f64).collect()
}

/// The standard deviations on a card together; without end where a reward gives none.
fn spread(card: &ScoreCard) -> f64 {
    let sigmas: Option<Vec<f64>> = card.iter().map(|(_, said)| said.as_ref().ok().and_then(Score::sigma)).collect();
    sigmas.map_or(f64::INFINITY, |sigmas| sigmas.iter().map(|sigma| sigma.powi(2)).sum::<f64>().sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_counted_as_their_distances_are() {
        let hashes = [0u64, 0b1, 0b11, u64::MAX, 0xf0f0].map(PerceptualHash);
        for (hash, found) in hashes.iter().zip(by_hashes(&hashes)) {
            let sum: u32 = hashes.iter().map(|other| hash.distance(*other)).sum();
            assert!((found - f64::from(sum) / 5.0).abs() < 1e-12, "{hash:?}");
        }
    }

    #[test]
    fn the_middle_is_where_most_look() {
        let (plain, near, odd) = ([1.0f32, 0.0], [2.0f32, 0.2], [0.0f32, 3.0]);
        let found = by_features(&[&odd, &plain, &near]).unwrap();
        assert!(found[2] < found[1] && found[1] < found[0], "{found:?}");
        assert_eq!(by_features(&[&plain, &[0.0, 0.0]]), None);
        assert_eq!(by_features(&[&plain, &[-1.0, 0.0]]), None);
    }
}
