//! Pools of candidates, one a request, and what is expected of the best of k of each.

use crate::mean_interval::{deviation, mean};
use crate::{StudyError, expected_best, expected_gold};

/// One of a request's candidates, made without looking at the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// What a policy would choose by.
    pub proxy: f64,
    /// What is wanted.
    pub gold: f64,
    /// What it cost, in any one unit.
    pub cost: f64,
}

/// What one request's pool says, for every k from 1.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// The expected proxy of the one with the best proxy of k.
    pub(super) proxy: Vec<f64>,
    /// The expected gold of the one with the best proxy of k.
    pub(super) gold: Vec<f64>,
    /// The expected gold of the one with the best gold of k: what a perfect proxy would get.
    pub(super) best: Vec<f64>,
    /// The mean cost of a candidate.
    pub(super) cost: f64,
    /// The variances of proxy and gold within the pool.
    pub(super) variances: [f64; 2],
}

/// The pools of many requests, all of them read up to the same k.
#[derive(Debug, Clone)]
pub struct Pools {
    pub(super) requests: Vec<Request>,
    kept: Vec<usize>,
    most: usize,
}

impl Pools {
    /// Pools up to the best of `most`. A request with fewer candidates is left out at every k: otherwise a curve would be of
    /// other requests at one k than at the next. Takes time n² a pool. Fails where `most` is 0, where no request has as
    /// many, and on numbers that are not finite.
    pub fn new(pools: &[Vec<Candidate>], most: usize) -> Result<Self, StudyError> {
        if most == 0 {
            return Err(StudyError::Sizes(most));
        }
        let kept: Vec<usize> = (0..pools.len()).filter(|request| pools[*request].len() >= most).collect();
        if kept.is_empty() {
            let found = pools.iter().map(Vec::len).max().unwrap_or(0);
            return Err(StudyError::Few { found, needed: most });
        }
        let requests: Result<Vec<Request>, StudyError> =
            kept.iter().map(|kept| Request::new(&pools[*kept], most)).collect();
        Ok(Self { requests: requests?, kept, most })
    }

    /// The largest k.
    pub fn most(&self) -> usize {
        self.most
    }

    /// The places of the requests that have enough candidates, in the list given.
    pub fn kept(&self) -> &[usize] {
        &self.kept
    }

    /// The typical standard deviations of proxy and gold among the candidates of one request: the roots of their mean variances.
    pub fn spreads(&self) -> [f64; 2] {
        [0, 1].map(|which| self.over(|request| request.variances[which]).sqrt())
    }

    /// The expected gold of the best of `k` by proxy, one number a request, in the order of [`Self::kept`]: to compare with
    /// another k, or with other pools of the same requests. Empty where `k` is 0 or above [`Self::most`].
    pub fn golds(&self, k: usize) -> Vec<f64> {
        let of = |request: &Request| request.gold.get(k.checked_sub(1)?).copied();
        self.requests.iter().filter_map(of).collect()
    }

    /// The mean of something over requests.
    pub(super) fn over(&self, of: impl Fn(&Request) -> f64) -> f64 {
        mean(&self.requests.iter().map(of).collect::<Vec<f64>>())
    }
}

impl Request {
    fn new(pool: &[Candidate], most: usize) -> Result<Self, StudyError> {
        let column = |of: fn(&Candidate) -> f64| pool.iter().map(of).collect::<Vec<f64>>();
        let (proxies, golds, costs) = (column(|each| each.proxy), column(|each| each.gold), column(|each| each.cost));
        crate::check(&costs)?;
        let first = |mut expected: Vec<f64>| {
            expected.truncate(most);
            expected
        };
        Ok(Self {
            proxy: first(expected_best(&proxies)?),
            gold: first(expected_gold(&proxies, &golds)?),
            best: first(expected_best(&golds)?),
            cost: mean(&costs),
            variances: [deviation(&proxies).powi(2), deviation(&golds).powi(2)],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(scores: &[(f64, f64)]) -> Vec<Candidate> {
        scores.iter().map(|(proxy, gold)| Candidate { proxy: *proxy, gold: *gold, cost: 2.0 }).collect()
    }

    #[test]
    fn requests_with_too_few_are_left_out_at_every_k() {
        let pools = [pool(&[(1.0, 5.0)]), pool(&[(1.0, 0.0), (2.0, 1.0)]), pool(&[(3.0, 0.5), (1.0, 0.0), (2.0, 1.0)])];
        let found = Pools::new(&pools, 2).unwrap();
        assert_eq!((found.kept(), found.most()), (&[1, 2][..], 2));
        // Of the third: the pairs (3, 1), (3, 2) and (1, 2) choose 0.5, 0.5 and 1.
        assert_eq!(found.golds(1), [0.5, 0.5]);
        assert!((found.golds(2)[1] - 2.0 / 3.0).abs() < 1e-12 && found.golds(2)[0] == 1.0);
        assert!(found.golds(3).is_empty() && found.golds(0).is_empty());
    }

    #[test]
    fn pools_that_say_nothing_are_named() {
        let pools = [pool(&[(1.0, 5.0)])];
        assert_eq!(Pools::new(&pools, 2).unwrap_err(), StudyError::Few { found: 1, needed: 2 });
        assert_eq!(Pools::new(&pools, 0).unwrap_err(), StudyError::Sizes(0));
        assert_eq!(Pools::new(&[], 1).unwrap_err(), StudyError::Few { found: 0, needed: 1 });
        let broken = [vec![Candidate { proxy: 1.0, gold: 1.0, cost: f64::NAN }]];
        assert!(matches!(Pools::new(&broken, 1), Err(StudyError::NotFinite { .. })));
    }

    #[test]
    fn spreads_are_those_within_requests() {
        // Variances 2 and 8 of proxies, 0 of golds; that the second request is scored higher throughout does not matter.
        let pools = [pool(&[(0.0, 1.0), (2.0, 1.0)]), pool(&[(100.0, 7.0), (104.0, 7.0)])];
        let [proxy, gold] = Pools::new(&pools, 2).unwrap().spreads();
        assert!((proxy - 5.0_f64.sqrt()).abs() < 1e-12 && gold == 0.0, "{proxy} {gold}");
    }
}
