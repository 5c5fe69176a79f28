//! How much candidates look like each other.
//!
//! Two candidates are compared by the cosine of what a reward saw of them, where the same reward tells it of both; else by their
//! perceptual hashes, as `1 − 2·bits/64`, where both have one; else they have nothing to do with each other, which is 0. All three
//! are between −1 and 1, with 1 for copies. Sums over all others are taken at once, so that the cost grows with the number of
//! candidates and not with its square.

use std::collections::BTreeMap;

use editscale_core::RewardName;

use super::Seen;

/// Who can be compared by what a reward saw: the reward, and the length of its points.
type View<'s> = (&'s RewardName, usize);

/// The mean likeness of each candidate to all others, in the same order; 0 where there is no other.
pub(crate) fn mean_likeness(seen: &[&Seen]) -> Vec<f64> {
    let mut sums = vec![0.0; seen.len()];
    let mut views: BTreeMap<View<'_>, Vec<(usize, Vec<f64>)>> = BTreeMap::new();
    for (place, (view, point)) in seen.iter().enumerate().filter_map(|(place, seen)| Some((place, point(seen)?))) {
        views.entry(view).or_default().push((place, point));
    }
    let everybody = Bits::of(seen.iter().copied());
    let mut has_view = vec![false; seen.len()];
    for members in views.values() {
        add_cosines(&mut sums, members);
        members.iter().for_each(|(place, _)| has_view[*place] = true);
        // Those of the candidate's own view are compared already, and all others are apart.
        let own = Bits::of(members.iter().map(|(place, _)| seen[*place]));
        let apart = everybody.without(&own);
        members
            .iter()
            .for_each(|(place, _)| sums[*place] += seen[*place].hash.map_or(0.0, |hash| apart.likeness(hash.0)));
    }
    for (place, seen) in seen.iter().enumerate().filter(|(place, _)| !has_view[*place]) {
        // It has a likeness of 1 to itself, which is no other.
        sums[place] += seen.hash.map_or(0.0, |hash| everybody.likeness(hash.0) - 1.0);
    }
    let others = seen.len().saturating_sub(1).max(1) as f64;
    sums.into_iter().map(|sum| sum / others).collect()
}

/// The unit vector of the first reward, by name, that tells what it saw.
fn point(seen: &Seen) -> Option<(View<'_>, Vec<f64>)> {
    let (name, features) = seen.card.iter().find_map(|(name, said)| Some((name, said.as_ref().ok()?.features()?)))?;
    let length = features.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
    let unit = features.iter().map(|value| f64::from(*value) / length).collect();
    (length > 0.0).then_some(((name, features.len()), unit))
}

/// Adds to each member's sum its cosines with all others: its product with the sum of all, less that with itself.
fn add_cosines(sums: &mut [f64], members: &[(usize, Vec<f64>)]) {
    let Some((_, first)) = members.first() else { return };
    let mut total = vec![0.0; first.len()];
    for (_, point) in members {
        total.iter_mut().zip(point).for_each(|(total, value)| *total += value);
    }
    for (place, point) in members {
        let with_all: f64 = total.iter().zip(point).map(|(total, value)| total * value).sum();
        sums[*place] += with_all - 1.0;
    }
}

/// How many hashes have each bit.
#[derive(Debug, Clone, Copy)]
struct Bits {
    hashes: f64,
    set: [f64; 64],
}

impl Bits {
    fn of<'s>(seen: impl IntoIterator<Item = &'s Seen>) -> Self {
        let mut bits = Self { hashes: 0.0, set: [0.0; 64] };
        for hash in seen.into_iter().filter_map(|seen| seen.hash) {
            bits.hashes += 1.0;
            bits.set.iter_mut().enumerate().for_each(|(bit, set)| *set += ((hash.0 >> bit) & 1) as f64);
        }
        bits
    }

    /// All but those.
    fn without(&self, those: &Self) -> Self {
        let mut rest = *self;
        rest.hashes -= those.hashes;
        rest.set.iter_mut().zip(those.set).for_each(|(set, of_those)| *set -= of_those);
        rest
    }

    /// The sum of `1 − 2·bits/64` over all of them.
    fn likeness(&self, hash: u64) -> f64 {
        if self.hashes == 0.0 {
            return 0.0;
        }
        let differs = |(bit, set): (usize, &f64)| if (hash >> bit) & 1 == 1 { self.hashes - set } else { *set };
        let bits: f64 = self.set.iter().enumerate().map(differs).sum();
        self.hashes - 2.0 * bits / 64.0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod tests {
    use editscale_core::{PerceptualHash, Score, ScoreCard};
    use proptest::prelude::*;

    use super::*;

    fn seen((features, hash): &(Option<Vec<f32>>, Option<u64>)) -> Seen {
        let mut card = ScoreCard::default();
        if let Some(features) = features {
            let score = Score::new(0.0).unwrap().with_features(features.clone().into());
            card.enter(RewardName::new("judge").unwrap(), Ok(score));
        }
        Seen { card, hash: hash.map(PerceptualHash) }
    }

    /// As the header says it, pair by pair.
    fn pair(a: &Seen, b: &Seen) -> f64 {
        if let (Some((of, a)), Some((also, b))) = (point(a), point(b))
            && of == also
        {
            return a.iter().zip(&b).map(|(a, b)| a * b).sum();
        }
        a.hash.zip(b.hash).map_or(0.0, |(a, b)| 1.0 - 2.0 * f64::from(a.distance(b)) / 64.0)
    }

    proptest! {
        #[test]
        fn sums_at_once_are_sums_of_pairs(
            looks in prop::collection::vec(
                (prop::option::of(prop::collection::vec(-1.0f32..1.0, 2..4)), prop::option::of(any::<u64>())), 0..12,
            )
        ) {
            let seen: Vec<Seen> = looks.iter().map(seen).collect();
            let all: Vec<&Seen> = seen.iter().collect();
            for (place, found) in mean_likeness(&all).into_iter().enumerate() {
                let others = || (0..seen.len()).filter(|other| *other != place);
                let sum: f64 = others().map(|other| pair(&seen[place], &seen[other])).sum();
                let expected = sum / others().count().max(1) as f64;
                prop_assert!((found - expected).abs() < 1e-9, "{} for {}", found, expected);
            }
        }
    }

    #[test]
    fn copies_are_alike_and_strangers_are_not() {
        let all = [seen(&(None, Some(5))), seen(&(None, Some(5))), seen(&(None, None))];
        assert_eq!(mean_likeness(&all.iter().collect::<Vec<_>>()), [0.5, 0.5, 0.0]);
        assert_eq!(mean_likeness(&[&all[0]]), [0.0]);
    }
}
