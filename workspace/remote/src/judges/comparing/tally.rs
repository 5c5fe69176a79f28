//! What all answers about one set come to: a score for each candidate, and how far places decided instead of pictures.

use std::cmp::Ordering;

use editscale_core::{Part, PartName, Score};

use super::answer::Places;
use super::strengths::{Compared, Strength, largest_group, pair_weight, strengths};

/// The names of the parts.
const BEATS_AVERAGE: &str = "beats_average";
const FLIPS: &str = "flips";
const POSITION_BIAS: &str = "position_bias";
const FIRST_WINS: &str = "first_wins";

/// A share with its standard deviation.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Share {
    mean: f64,
    sigma: f64,
}

/// Every two candidates of one order that came back both forwards and backwards. `back` has the places in the backward order.
pub(crate) fn compared(order: &[usize], forth: &Places, back: &Places) -> Vec<Compared> {
    let weight = pair_weight(order.len());
    let last = order.len().saturating_sub(1);
    let share = |places: &Places, own: usize, other: usize| Some(won(places.get(own)?.cmp(places.get(other)?)));
    let pair = |own: usize, other: usize| {
        Some(Compared {
            a: *order.get(own)?,
            b: *order.get(other)?,
            before: share(forth, own, other)?,
            after: share(back, last - own, last - other)?,
            weight,
        })
    };
    (0..order.len()).flat_map(|own| (own + 1..order.len()).filter_map(move |other| pair(own, other))).collect()
}

/// The share of the win of the one whose place is compared with the other's.
fn won(order: Ordering) -> f64 {
    match order {
        Ordering::Less => 1.0,
        Ordering::Equal => 0.5,
        Ordering::Greater => 0.0,
    }
}

/// A score for each of so many candidates. None for those that no chain of comparisons connects with the largest group: their
/// strengths would be measured from another average.
pub(crate) fn scores(count: usize, all: &[Compared], prior_sigma: f64) -> Vec<Option<Score>> {
    let links: Vec<(usize, usize)> = all.iter().map(|each| (each.a, each.b)).collect();
    let group = largest_group(count, &links);
    let mut scores = vec![None; count];
    if group.len() < 2 && count > 1 {
        return scores;
    }
    let place = |member: usize| group.binary_search(&member).ok();
    let within: Vec<Compared> =
        all.iter().filter_map(|each| Some(Compared { a: place(each.a)?, b: place(each.b)?, ..*each })).collect();
    let (bias, first) = (flips(&within), first_wins(&within));
    let found = strengths(group.len(), &within, prior_sigma);
    for (place, (member, strength)) in group.iter().zip(found).enumerate() {
        let own = flips(within.iter().filter(|each| each.a == place || each.b == place));
        let parts = [(FLIPS, own), (POSITION_BIAS, bias), (FIRST_WINS, first)];
        if let Some(score) = scores.get_mut(*member) {
            *score = scored(strength, &parts);
        }
    }
    scores
}

/// Those that have a strength by now, the best first.
pub(crate) fn standing(count: usize, all: &[Compared], prior_sigma: f64) -> Vec<usize> {
    let scores = scores(count, all, prior_sigma);
    let known = scores.iter().enumerate().filter_map(|(member, score)| Some((member, score.as_ref()?.mean())));
    let mut standing: Vec<(usize, f64)> = known.collect();
    standing.sort_by(|a, b| b.1.total_cmp(&a.1));
    standing.into_iter().map(|(member, _)| member).collect()
}

fn scored(strength: Strength, shares: &[(&str, Option<Share>)]) -> Option<Score> {
    let part = |name: &str, mean: f64, sigma: Option<f64>| Part::new(PartName::new(name).ok()?, mean, sigma).ok();
    let beats = 1.0 / (1.0 + (-strength.mean).exp());
    let known = shares.iter().filter_map(|(name, share)| part(name, share.as_ref()?.mean, Some(share.as_ref()?.sigma)));
    let parts = part(BEATS_AVERAGE, beats, None).into_iter().chain(known).collect();
    Some(Score::with_sigma(strength.mean, Some(strength.sigma)).ok()?.with_parts(parts))
}

/// The share of pairs whose answer changed with the order.
fn flips<'a>(compared: impl IntoIterator<Item = &'a Compared>) -> Option<Share> {
    let changed = compared.into_iter().map(|each| (each.weight, f64::from(each.before != each.after)));
    share(changed)
}

/// The share of wins that went to the one shown earlier, of those that were no tie. A half where places do not matter.
fn first_wins(compared: &[Compared]) -> Option<Share> {
    let both = compared.iter().flat_map(|each| [(each.weight, each.before), (each.weight, 1.0 - each.after)]);
    share(both.filter(|(_, won)| *won != 0.5))
}

/// The weighted mean of ones and zeros, and the standard deviation of what is known of the share then (a beta distribution, from
/// a uniform one before): unlike the usual one it is not 0 where all agree.
fn share(observed: impl Iterator<Item = (f64, f64)>) -> Option<Share> {
    let (all, ones) = observed.fold((0.0, 0.0), |(all, ones), (weight, one)| (all + weight, ones + weight * one));
    let likely = (ones + 1.0) / (all + 2.0);
    let sigma = (likely * (1.0 - likely) / (all + 3.0)).sqrt();
    (all > 0.0).then(|| Share { mean: ones / all, sigma })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Answers about a set by a judge that gives each showing these places.
    fn judged(count: usize, says: impl Fn(&[usize]) -> Places) -> Vec<Compared> {
        let order: Vec<usize> = (0..count).collect();
        let back: Vec<usize> = order.iter().rev().copied().collect();
        compared(&order, &says(&order), &says(&back))
    }

    #[test]
    fn both_orders_are_read_from_the_same_side() {
        // The lower number is better, whatever the order.
        let honest = |shown: &[usize]| shown.to_vec();
        let all = judged(3, honest);
        let pairs: Vec<(usize, usize, f64, f64)> =
            all.iter().map(|each| (each.a, each.b, each.before, each.after)).collect();
        assert_eq!(pairs, [(0, 1, 1.0, 1.0), (0, 2, 1.0, 1.0), (1, 2, 1.0, 1.0)]);
        let scores = scores(3, &all, 2.0);
        let means: Vec<f64> = scores.iter().map(|score| score.as_ref().unwrap().mean()).collect();
        assert!(means[0] > means[1] && means[1] > means[2], "{means:?}");
        assert_eq!(standing(3, &all, 2.0), [0, 1, 2]);
        let best = scores[0].as_ref().unwrap();
        assert_eq!((best.part("flips"), best.part("position_bias")), (Some(0.0), Some(0.0)));
        assert_eq!(best.part("first_wins"), Some(0.5));
        assert!(best.part("beats_average").unwrap() > 0.5);
    }

    proptest! {
        #[test]
        fn a_judge_that_sees_only_places_is_found_out(count in 2_usize..9) {
            for says in [|shown: &[usize]| (0..shown.len()).collect(), |shown: &[usize]| (0..shown.len()).rev().collect::<Places>()] {
                let all = judged(count, says);
                let first = if says(&[0, 1])[0] == 0 { 1.0 } else { 0.0 };
                for score in scores(count, &all, 2.0) {
                    let score = score.unwrap();
                    prop_assert!(score.mean().abs() < 1e-9 && score.sigma().unwrap() > 0.0);
                    prop_assert_eq!(score.part("position_bias"), Some(1.0));
                    prop_assert_eq!(score.part("flips"), Some(1.0));
                    prop_assert_eq!(score.part("first_wins"), Some(first));
                    let first = score.parts().iter().find(|part| part.name().as_str() == "first_wins").unwrap();
                    prop_assert!(first.sigma().unwrap() > 0.0, "one answer proves nothing");
                }
            }
        }
    }

    #[test]
    fn who_is_not_connected_has_no_score() {
        let pair = |a, b| Compared { a, b, before: 1.0, after: 1.0, weight: 1.0 };
        let is_scored =
            |count, all: &[Compared]| -> Vec<bool> { scores(count, all, 2.0).iter().map(Option::is_some).collect() };
        assert_eq!(is_scored(4, &[pair(0, 1), pair(3, 1)]), [true, true, false, true]);
        assert_eq!(is_scored(3, &[]), [false; 3]);
        assert_eq!(is_scored(1, &[]), [true]);
        let alone = scores(1, &[], 2.0).remove(0).unwrap();
        assert_eq!((alone.mean(), alone.sigma(), alone.parts().len()), (0.0, Some(2.0), 1));
    }

    #[test]
    fn only_ties_say_nothing_of_first_places() {
        let all = judged(2, |shown| vec![0; shown.len()]);
        let score = scores(2, &all, 2.0).remove(0).unwrap();
        assert_eq!((score.part("position_bias"), score.part("first_wins")), (Some(0.0), None));
    }
}
