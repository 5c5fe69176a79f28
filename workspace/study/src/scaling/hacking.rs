//! How much more the proxy gains by choice than the gold.

use super::points::Estimate;
use super::pools::{Pools, Request};
use crate::bootstrap::{Ends, Resampling, bootstrap};
use crate::{Clusters, FEWEST, StudyError};

/// What choice among k gains over no choice, by the proxy and in truth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// How many candidates there are to choose from.
    pub k: usize,
    /// The proxy of the chosen one less the mean proxy.
    pub proxy: Estimate,
    /// The gold of the chosen one less the mean gold.
    pub gold: Estimate,
    /// The one less the other, in their own units: of use where both are on one scale.
    pub raw: Estimate,
    /// The same with each gain in units of its own spread within requests: of use on any scales. 0 where the proxy is as good as gold;
    /// `None` where all candidates have one proxy, or one gold.
    pub in_spreads: Option<Estimate>,
}

impl Pools {
    /// The hacking gap at `k`. Intervals of gains and of the raw gap are of the mean over requests; that in spreads is a
    /// bias-corrected bootstrap over requests, spreads included. Fails on sizes of 0 or above [`Pools::most`].
    pub fn gap(&self, k: usize, how: &Resampling) -> Result<Gap, StudyError> {
        let place = self.place(k)?;
        let gains: Vec<[f64; 2]> = self.requests.iter().map(|request| gains(request, place)).collect();
        let estimate =
            |of: fn(&[f64; 2]) -> f64| Estimate::of(&gains.iter().map(of).collect::<Vec<f64>>(), how.confidence);
        Ok(Gap {
            k,
            proxy: estimate(|[proxy, _]| *proxy)?,
            gold: estimate(|[_, gold]| *gold)?,
            raw: estimate(|[proxy, gold]| proxy - gold)?,
            in_spreads: self.in_spreads(&gains, how)?,
        })
    }

    fn in_spreads(&self, gains: &[[f64; 2]], how: &Resampling) -> Result<Option<Estimate>, StudyError> {
        let statistic = |rows: &[usize]| {
            let [proxy, gold] = [0, 1].map(|which| {
                let gain: f64 = rows.iter().map(|row| gains[*row][which]).sum();
                let variance: f64 = rows.iter().map(|row| self.requests[*row].variances[which]).sum();
                let count = rows.len() as f64;
                (variance > 0.0).then(|| gain / count / (variance / count).sqrt())
            });
            Some(proxy? - gold?)
        };
        let how = Resampling { ends: Ends::BiasCorrected, ..*how };
        let found = bootstrap(&Clusters::singles(gains.len()), &how, statistic)?;
        Ok(found.map(|found| {
            let ends = (gains.len() >= FEWEST).then_some([found.interval.low, found.interval.high]);
            Estimate { mean: found.interval.mean, ends }
        }))
    }
}

/// What the chosen one of k is above the mean, in proxy and in gold.
fn gains(request: &Request, place: usize) -> [f64; 2] {
    let gain = |curve: &[f64]| curve.get(place).zip(curve.first()).map_or(0.0, |(chosen, mean)| chosen - mean);
    [gain(&request.proxy), gain(&request.gold)]
}

#[cfg(test)]
mod tests {
    use super::super::Candidate;
    use super::*;
    use crate::Counted;

    fn pools(proxy_of: impl Fn(f64, f64) -> f64) -> Pools {
        let mut counted = Counted::new(6);
        let mut candidate = || {
            let (gold, noise) = (counted.unit(), counted.unit());
            Candidate { proxy: proxy_of(gold, noise), gold, cost: 1.0 }
        };
        let pools: Vec<Vec<Candidate>> = (0..50).map(|_| (0..16).map(|_| candidate()).collect()).collect();
        Pools::new(&pools, 16).unwrap()
    }

    #[test]
    fn a_proxy_that_is_gold_on_another_scale_has_no_gap_in_spreads() {
        let found = pools(|gold, _| 100.0 * gold - 3.0).gap(8, &Resampling::default()).unwrap();
        let in_spreads = found.in_spreads.unwrap();
        assert!(in_spreads.mean.abs() < 1e-9 && found.raw.mean > 1.0, "{found:?}");
        assert!((found.proxy.mean - found.gold.mean - found.raw.mean).abs() < 1e-9);
    }

    #[test]
    fn a_noisy_proxy_gains_what_gold_does_not() {
        let noisy = pools(|gold, noise| gold + 2.0 * noise);
        let [few, many] = [2, 16].map(|k| noisy.gap(k, &Resampling::default()).unwrap().in_spreads.unwrap());
        assert!(few.ends.unwrap()[0] > 0.0 && many.mean > few.mean, "{few:?} {many:?}");
        let random = pools(|_, noise| noise).gap(16, &Resampling::default()).unwrap();
        // 16 uniform numbers: the best is 15/34 above the mean, whose standard deviation is 1/√12.
        assert!((random.proxy.mean - 15.0 / 34.0).abs() < 0.02 && random.gold.mean.abs() < 0.1, "{random:?}");
        assert_eq!(noisy.gap(1, &Resampling::default()).unwrap().raw.mean, 0.0);
    }

    #[test]
    fn what_has_no_spread_has_no_gap_in_spreads() {
        assert_eq!(pools(|_, _| 1.0).gap(4, &Resampling::default()).unwrap().in_spreads, None);
        assert_eq!(pools(|gold, _| gold).gap(17, &Resampling::default()), Err(StudyError::Sizes(17)));
    }
}
