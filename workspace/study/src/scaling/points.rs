//! The points of a scaling curve.

use super::pools::{Pools, Request};
use crate::StudyError;
use crate::mean_interval::{FEWEST, mean, mean_interval};

/// A mean over requests, and the ends of its interval where there are at least [`FEWEST`](crate::FEWEST).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// The lower and the upper end.
    pub ends: Option<[f64; 2]>,
}

impl Estimate {
    /// The mean of one number a request with [`mean_interval`]. Fails as that does.
    pub fn of(values: &[f64], confidence: f64) -> Result<Self, StudyError> {
        let found = mean_interval(values, confidence)?.filter(|_| values.len() >= FEWEST);
        Ok(Self { mean: mean(values), ends: found.map(|found| [found.low, found.high]) })
    }
}

/// One point of a scaling curve: the best of k by proxy, on average over all ways to pick k, and over requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// How many candidates there are to choose from.
    pub k: usize,
    /// What k candidates cost on average.
    pub cost: f64,
    /// The proxy of the chosen one.
    pub proxy: Estimate,
    /// The gold of the chosen one.
    pub gold: Estimate,
    /// The gold of the best of k by gold: what a perfect proxy would choose.
    pub best: Estimate,
}

impl Pools {
    /// The curve at these sizes, with intervals of the mean over requests. Fails on sizes of 0 or above [`Pools::most`].
    pub fn points(&self, sizes: &[usize], confidence: f64) -> Result<Vec<Point>, StudyError> {
        sizes.iter().map(|k| self.point(*k, confidence)).collect()
    }

    fn point(&self, k: usize, confidence: f64) -> Result<Point, StudyError> {
        let place = self.place(k)?;
        let estimate = |of: fn(&Request) -> &Vec<f64>| {
            let values: Vec<f64> = self.requests.iter().filter_map(|each| of(each).get(place).copied()).collect();
            Estimate::of(&values, confidence)
        };
        Ok(Point {
            k,
            cost: self.over(|request| request.cost) * k as f64,
            proxy: estimate(|request| &request.proxy)?,
            gold: estimate(|request| &request.gold)?,
            best: estimate(|request| &request.best)?,
        })
    }

    /// Where the numbers of this k stand.
    pub(super) fn place(&self, k: usize) -> Result<usize, StudyError> {
        k.checked_sub(1).filter(|place| *place < self.most()).ok_or(StudyError::Sizes(k))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Candidate;
    use super::*;
    use crate::Counted;

    #[test]
    fn a_curve_worked_out_by_hand() {
        let pool = |scores: [(f64, f64); 3]| scores.map(|(proxy, gold)| Candidate { proxy, gold, cost: 4.0 }).to_vec();
        let pools = [pool([(1.0, 0.0), (2.0, 1.0), (3.0, 0.2)]), pool([(5.0, 1.0), (5.0, 0.0), (4.0, 0.2)])];
        let found = Pools::new(&pools, 3).unwrap().points(&[1, 3], 0.95).unwrap();
        assert_eq!((found[0].k, found[0].cost, found[1].cost), (1, 4.0, 12.0));
        let near = |found: Estimate, expected: f64| assert!((found.mean - expected).abs() < 1e-12, "{found:?}");
        near(found[0].proxy, f64::midpoint(2.0, 14.0 / 3.0));
        near(found[0].gold, 0.4);
        // The best by proxy of all: 0.2, and one of two equals 0.5.
        near(found[1].gold, 0.35);
        near(found[1].best, 1.0);
        assert!(found.iter().all(|point| point.gold.ends.is_none()), "two requests are too few");
        let many: Vec<Vec<Candidate>> = pools.iter().cycle().take(10).cloned().collect();
        let many = Pools::new(&many, 3).unwrap().points(&[1], 0.95).unwrap();
        assert!(many[0].gold.ends.is_some());
        let one = Pools::new(&pools[..1], 3).unwrap();
        assert_eq!(one.points(&[2], 0.95).unwrap()[0].gold.ends, None);
        assert_eq!(one.points(&[4], 0.95), Err(StudyError::Sizes(4)));
        assert_eq!(one.points(&[0], 0.95), Err(StudyError::Sizes(0)));
    }

    /// One world with a hundred requests: golds that the proxy sees with noise.
    fn world(seed: u64, requests: usize, each: usize) -> Vec<Vec<Candidate>> {
        let mut counted = Counted::new(seed);
        let mut candidate = |level: f64| {
            let gold = level + counted.unit();
            Candidate { proxy: gold + counted.unit(), gold, cost: 1.0 }
        };
        (0..requests).map(|_| (0..each).map(|_| candidate(0.0)).collect()).collect()
    }

    #[test]
    fn pools_say_what_running_each_size_says() {
        // The best of 4 by proxy, drawn anew 40,000 times, against pools of 8.
        let runs = world(1, 40_000, 4);
        let golds: Vec<f64> = runs
            .iter()
            .map(|run| {
                let best = run.iter().max_by(|a, b| a.proxy.total_cmp(&b.proxy));
                best.map_or(0.0, |best| best.gold)
            })
            .collect();
        let found = Pools::new(&world(2, 5_000, 8), 8).unwrap().points(&[4], 0.95).unwrap()[0];
        assert!((found.gold.mean - mean(&golds)).abs() < 0.005, "{:?} {}", found.gold, mean(&golds));
    }

    #[test]
    fn intervals_over_requests_cover_the_truth() {
        let truth = Pools::new(&world(3, 20_000, 8), 8).unwrap().points(&[4], 0.95).unwrap()[0].gold.mean;
        let covers = (0..2_000).filter(|seed| {
            let pools = Pools::new(&world(10_000 + seed, 20, 8), 8).unwrap();
            let ends = pools.points(&[4], 0.95).unwrap()[0].gold.ends.unwrap();
            (ends[0]..=ends[1]).contains(&truth)
        });
        // The standard deviation of the count is 10.
        let covers = covers.count();
        assert!((1_860..=1_940).contains(&covers), "{covers} of 2000");
    }
}
