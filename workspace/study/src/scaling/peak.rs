//! Where a gold curve is highest, and whether it falls afterwards.

use super::pools::Pools;
use crate::bootstrap::{Ends, Resampling, bootstrap};
use crate::compare::{Comparing, Paired, compare};
use crate::{Clusters, StudyError};

/// Where the mean gold of the best of k is highest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Peak {
    /// The smallest such k.
    pub k: usize,
    /// The interval of k, over requests drawn anew.
    pub low: usize,
    /// Its upper end.
    pub high: usize,
    /// The share of resamples in which the largest k is the highest: near 1, the curve was still rising where it ends.
    pub rising: f64,
}

impl Pools {
    /// The peak of the gold curve over every k from 1 to [`Pools::most`], with a percentile bootstrap over requests. A flat curve
    /// has its peak anywhere, and a wide interval says so. Takes time `resamples`·requests·most.
    pub fn peak(&self, how: &Resampling) -> Result<Peak, StudyError> {
        let (mut at_end, mut calls) = (0_u32, 0_u32);
        let statistic = |rows: &[usize]| {
            let highest = self.highest(rows);
            calls += 1;
            // The first call is of all requests as they are.
            at_end += u32::from(calls > 1 && highest == self.most());
            Some(highest as f64)
        };
        let how = Resampling { ends: Ends::Percentile, ..*how };
        let found = bootstrap(&Clusters::singles(self.requests.len()), &how, statistic)?.ok_or(StudyError::Empty)?;
        let [low, k, high] = [found.interval.low, found.interval.mean, found.interval.high].map(|k| k as usize);
        Ok(Peak { k, low, high, rising: f64::from(at_end) / f64::from(how.resamples) })
    }

    /// The change of the gold from the best of `from` to the best of `to`, request by request. Fails on sizes of 0 or above
    /// [`Pools::most`], and with fewer than two requests.
    pub fn change(&self, from: usize, to: usize, how: &Comparing) -> Result<Paired, StudyError> {
        self.place(from)?;
        self.place(to)?;
        compare(&self.golds(from), &self.golds(to), how)
    }

    /// The smallest k with the highest mean gold over these requests.
    fn highest(&self, rows: &[usize]) -> usize {
        let mut sums = vec![0.0; self.most()];
        for row in rows {
            sums.iter_mut().zip(&self.requests[*row].gold).for_each(|(sum, gold)| *sum += gold);
        }
        // What rounding alone puts higher is not higher.
        let size = sums.iter().fold(0.0, |size: f64, sum| size.max(sum.abs()));
        let is_higher = |sum: f64, best: f64| sum > best + 1e-12 * size;
        let best = (1..sums.len()).fold(0, |best, place| if is_higher(sums[place], sums[best]) { place } else { best });
        best + 1
    }
}

#[cfg(test)]
mod tests {
    use super::super::Candidate;
    use super::*;
    use crate::Counted;

    /// Candidates whose proxy pays for gold up to a point and then for a trick that ruins them.
    fn hackable(tricks: f64) -> Pools {
        let mut counted = Counted::new(12);
        let mut candidate = || {
            let is_trick = counted.unit() < tricks;
            let gold = if is_trick { 0.0 } else { counted.unit() };
            Candidate { proxy: if is_trick { 2.0 } else { gold }, gold, cost: 1.0 }
        };
        let pools: Vec<Vec<Candidate>> = (0..60).map(|_| (0..64).map(|_| candidate()).collect()).collect();
        Pools::new(&pools, 64).unwrap()
    }

    #[test]
    fn a_hackable_proxy_peaks_and_falls() {
        let pools = hackable(0.05);
        let peak = pools.peak(&Resampling::default()).unwrap();
        // E = (1−q)^k·k/(k+1) is highest where k(k+1) = 1/−ln(0.95): near 4.
        assert!(peak.low >= 2 && peak.high <= 8 && (3..=5).contains(&peak.k) && peak.rising == 0.0, "{peak:?}");
        let fall = pools.change(peak.k, 64, &Comparing::default()).unwrap();
        assert!(fall.difference.high < 0.0 && fall.test.p < 0.001, "{fall:?}");
    }

    #[test]
    fn an_honest_proxy_rises_to_the_end() {
        let peak = hackable(0.0).peak(&Resampling::default()).unwrap();
        assert_eq!((peak.k, peak.low, peak.high, peak.rising), (64, 64, 64, 1.0));
        let flat = Pools::new(&[vec![Candidate { proxy: 1.0, gold: 0.1, cost: 1.0 }; 9]], 9).unwrap();
        assert_eq!(flat.peak(&Resampling::default()).unwrap().k, 1);
        assert_eq!(flat.change(1, 10, &Comparing::default()), Err(StudyError::Sizes(10)));
    }
}
