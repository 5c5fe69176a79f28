//! Pool: one budget for many requests, split after a first look at each, so that hard requests get more.
//!
//! Every request is probed with a few candidates. What one more candidate would bring then depends on how far the request's
//! candidates differ and on how good its best one is already. With utilities taken as normal, `m` further candidates of
//! mean μ and spread σ raise the best so far v by
//!
//! `E[max(v, x_1 … x_m)] − v = ∫_v^∞ (1 − F(x)^m) dx`, the (m+1)-th of them by `∫_v^∞ F(x)^m (1 − F(x)) dx`,
//!
//! which falls with m. So handing candidates out one by one, each to the request where the next one brings most, is the best
//! split there is under these estimates (Weitzman 1979 has the index for one request). Few probes tell a spread badly: the
//! estimate of each request is drawn towards that of all, as if `SHRINKING` further probes had shown the common one.
//!
//! Normal numbers have no end, and scores do: a request near the highest score there is looks as if it could gain. A target says
//! up to where a gain counts.
//!
//! It loses to an equal split where the probes say nothing about what is to come: where the spread within requests is the
//! same everywhere, every candidate is as good anywhere, and what the probe learns is noise.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use editscale_study::normal_below;

/// The probes that the common spread counts for against a request's own.
const SHRINKING: f64 = 4.0;

/// Places at which the gain's integral is taken, from the best so far to [`REACH`] spreads above it.
const PLACES: usize = 48;

/// How far above the greater of best and mean a candidate is thought to come, in spreads.
const REACH: f64 = 5.0;

/// What is known of one request.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Probed {
    /// The utilities of its candidates so far; what failed is left out.
    pub utilities: Vec<f64>,
    /// The most further candidates that it can use.
    pub most: u64,
}

/// How many further candidates each request gets of `pool` in all, in the order of the requests. A score above `target`, where
/// there is one, is worth no more than it: searches end there.
///
/// Equal gains go to the earlier request. A request that has shown no utility yet is taken for an average one. Where
/// nothing can be gained any more, what is left of the pool stays unspent.
pub fn allot(requests: &[Probed], pool: u64, target: Option<f64>) -> Vec<u64> {
    let common = Common::of(requests, target);
    let mut prospects: Vec<Prospect> = requests.iter().map(|request| common.prospect(request)).collect();
    let mut allotted = vec![0; requests.len()];
    let next = |(request, prospect): (usize, &Prospect)| Next { gain: prospect.gain(), request };
    let mut heap: BinaryHeap<Next> = prospects.iter().enumerate().map(next).collect();
    for _ in 0..pool {
        let wanted = |next: &Next| next.gain > 0.0;
        let Some(Next { request, .. }) = heap.pop().filter(wanted) else { break };
        allotted[request] += 1;
        prospects[request].take();
        if allotted[request] < requests[request].most {
            heap.push(Next { gain: prospects[request].gain(), request });
        }
    }
    allotted
}

/// What the next candidate brings, and to whom.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Next {
    gain: f64,
    request: usize,
}

impl Eq for Next {}

impl PartialOrd for Next {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Next {
    fn cmp(&self, other: &Self) -> Ordering {
        self.gain.total_cmp(&other.gain).then(other.request.cmp(&self.request))
    }
}

/// What the requests have in common.
#[derive(Debug, Clone, Copy)]
struct Common {
    mean: f64,
    variance: f64,
    /// What is above is worth no more.
    target: f64,
}

/// The mean of a request's utilities, and the sum of their squared distances from it.
fn moments(utilities: &[f64]) -> Option<(f64, f64)> {
    if utilities.is_empty() {
        return None;
    }
    let mean = utilities.iter().sum::<f64>() / utilities.len() as f64;
    Some((mean, utilities.iter().map(|utility| (utility - mean).powi(2)).sum()))
}

impl Common {
    /// The mean of the requests' means, and the variance within requests, pooled.
    fn of(requests: &[Probed], target: Option<f64>) -> Self {
        let known: Vec<(f64, f64, usize)> = requests
            .iter()
            .filter_map(|request| moments(&request.utilities).map(|(mean, sum)| (mean, sum, request.utilities.len())))
            .collect();
        let degrees: usize = known.iter().map(|(_, _, count)| count - 1).sum();
        let squares: f64 = known.iter().map(|(_, sum, _)| sum).sum();
        Self {
            mean: known.iter().map(|(mean, ..)| mean).sum::<f64>() / known.len().max(1) as f64,
            variance: squares / degrees.max(1) as f64,
            target: target.unwrap_or(f64::INFINITY),
        }
    }

    fn prospect(self, request: &Probed) -> Prospect {
        if request.most == 0 {
            return Prospect::default();
        }
        let Some((mean, squares)) = moments(&request.utilities) else {
            let spread = self.variance.sqrt();
            // Anything is better than nothing: the first candidate is worth what an average one is above the worst.
            return Prospect::between((self.mean - REACH * spread, self.target), self.mean, spread);
        };
        let degrees = (request.utilities.len() - 1) as f64;
        let spread = ((SHRINKING * self.variance + squares) / (SHRINKING + degrees)).sqrt();
        let best = request.utilities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Prospect::between((best, self.target), mean, spread)
    }
}

/// What further candidates of a request can bring.
#[derive(Debug, Clone, Default)]
struct Prospect {
    /// The width of one place of the integral, in utility.
    width: f64,
    /// F at each place.
    below: Vec<f64>,
    /// F to the power of the candidates that are handed out already.
    all_below: Vec<f64>,
}

impl Prospect {
    /// Of candidates with this mean and spread, above the best so far and up to a target.
    fn between((best, target): (f64, f64), mean: f64, spread: f64) -> Self {
        let width = ((best.max(mean) + REACH * spread).min(target) - best) / PLACES as f64;
        if !width.is_finite() || width <= 0.0 || spread <= 0.0 {
            return Self::default();
        }
        let place = |index: usize| best + (index as f64 + 0.5) * width;
        let below = (0..PLACES).map(|index| normal_below((place(index) - mean) / spread)).collect();
        Self { width, below, all_below: vec![1.0; PLACES] }
    }

    /// What the next candidate is expected to add to the best.
    fn gain(&self) -> f64 {
        self.all_below.iter().zip(&self.below).map(|(all, below)| all * (1.0 - below)).sum::<f64>() * self.width
    }

    fn take(&mut self) {
        self.all_below.iter_mut().zip(&self.below).for_each(|(all, below)| *all *= below);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn probed(utilities: &[f64]) -> Probed {
        Probed { utilities: utilities.to_vec(), most: 1000 }
    }

    #[test]
    fn the_gain_of_the_next_candidate_is_that_of_normal_numbers() {
        // From a best of −∞, as good as: the k-th of k standard normal numbers adds E[max of k] − E[max of k − 1].
        let expected = [0.0, 0.564_19, 0.846_28, 1.029_38, 1.162_96];
        let mut prospect = Prospect::between((-5.0, f64::INFINITY), 0.0, 1.0);
        let first = prospect.gain() - 5.0;
        let mut reached = first;
        for (drawn, expected) in expected.iter().enumerate() {
            assert!((reached - expected).abs() < 0.01, "{} of {expected} after {}", reached, drawn + 1);
            prospect.take();
            reached += prospect.gain();
        }
    }

    #[test]
    fn whose_candidates_differ_more_gets_more() {
        let requests = [probed(&[0.4, 0.5, 0.6]), probed(&[0.1, 0.5, 0.9]), probed(&[0.5, 0.5, 0.5])];
        let allotted = allot(&requests, 60, None);
        assert_eq!(allotted.iter().sum::<u64>(), 60);
        assert!(allotted[1] > allotted[0] && allotted[0] > allotted[2], "{allotted:?}");
    }

    #[test]
    fn nobody_is_given_what_brings_nothing() {
        assert_eq!(allot(&[probed(&[0.5, 0.5]), probed(&[0.7, 0.7])], 10, None), [0, 0]);
        assert_eq!(allot(&[Probed { utilities: vec![0.1, 0.9], most: 3 }], 10, None), [3]);
        assert_eq!(allot(&[], 10, None), [0; 0]);
        assert_eq!(allot(&[Probed::default(), Probed::default()], 10, None), [0, 0]);
        let unseen = [Probed { utilities: Vec::new(), most: 5 }, probed(&[0.2, 0.8])];
        assert!(allot(&unseen, 1, None)[0] == 1, "who has nothing comes first");
    }

    #[test]
    fn nothing_is_given_for_scores_above_the_target() {
        let requests = [probed(&[0.8, 0.9, 0.97]), probed(&[0.5, 0.55, 0.6])];
        let free = allot(&requests, 40, None);
        let bound = allot(&requests, 40, Some(0.98));
        assert!(bound[0] < free[0] && bound[1] > free[1], "{free:?} and then {bound:?}");
        assert_eq!(allot(&requests, 40, Some(0.6)), [0, 0], "both are there");
    }

    proptest! {
        #[test]
        fn a_split_is_within_the_pool_and_grows_with_it(
            utilities in prop::collection::vec(prop::collection::vec(-1e3f64..1e3, 0..6), 1..12),
            most in 0u64..20, pool in 0u64..60
        ) {
            let requests: Vec<Probed> =
                utilities.into_iter().map(|utilities| Probed { utilities, most }).collect();
            let (less, more) = (allot(&requests, pool, None), allot(&requests, pool + 1, None));
            prop_assert!(more.iter().sum::<u64>() <= pool + 1);
            prop_assert!(less.iter().zip(&more).all(|(less, more)| less <= more && *more <= most));
        }
    }
}
