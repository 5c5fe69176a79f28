//! Bootstrap intervals over clusters: percentile, and bias-corrected and accelerated.

use crate::counted::Counted;
use crate::normal::{normal_below, normal_quantile};
use crate::{Clusters, StudyError, check, check_confidence};

/// An estimate and the interval around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The estimate itself.
    pub mean: f64,
    /// The upper end.
    pub high: f64,
}

/// How the ends of an interval come of the resampled statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ends {
    /// The quantiles of the resampled statistics as they are.
    #[default]
    Percentile,
    /// Bias-corrected and accelerated (Efron 1987): quantiles moved for a statistic that is biased or whose spread
    /// depends on its value. Computes the statistic once more for each cluster left out.
    BiasCorrected,
}

/// How to resample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resampling {
    /// The share of resampled statistics inside the interval, above 0 and below 1.
    pub confidence: f64,
    /// How many resamples: a thousand and more give steady ends.
    pub resamples: u32,
    /// What is counted from: equal seeds give equal intervals.
    pub seed: u64,
    /// How the ends are found.
    pub ends: Ends,
}

impl Default for Resampling {
    fn default() -> Resampling {
        Resampling { confidence: 0.95, resamples: 2_000, seed: 0, ends: Ends::Percentile }
    }
}

/// What resampling found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrapped {
    /// The statistic of all rows, and its interval.
    pub interval: Interval,
    /// In how many resamples the statistic was not defined, such as a correlation of one distinct value. They are left
    /// out; many of them make the interval doubtful.
    pub undefined: u32,
}

/// The interval of any statistic of rows, by resampling whole clusters with replacement.
///
/// `statistic` gets the numbers of rows, with repeats, and answers `None` where it is not defined. `Ok(None)` where it
/// is not defined on all rows, or on no resample. Fails without clusters, without resamples and on a confidence that is
/// none. Time is that of `resamples` statistics, memory that of the rows and one number a resample.
pub fn bootstrap(
    clusters: &Clusters,
    plan: &Resampling,
    mut statistic: impl FnMut(&[usize]) -> Option<f64>,
) -> Result<Option<Bootstrapped>, StudyError> {
    plan.check(clusters)?;
    let mut rows = Vec::with_capacity(clusters.rows());
    clusters.gather(0..clusters.len(), &mut rows);
    let Some(estimate) = statistic(&rows) else { return Ok(None) };
    let mut counted = Counted::new(plan.seed);
    let mut resampled = Vec::with_capacity(plan.resamples as usize);
    for _ in 0..plan.resamples {
        clusters.gather((0..clusters.len()).map(|_| counted.below(clusters.len())), &mut rows);
        resampled.extend(statistic(&rows));
    }
    if resampled.is_empty() {
        return Ok(None);
    }
    resampled.sort_by(f64::total_cmp);
    let tails = match plan.ends {
        Ends::Percentile => plan.tails(),
        Ends::BiasCorrected => corrected(plan, below(&resampled, estimate), acceleration(clusters, statistic)),
    };
    let [low, high] = tails.map(|share| quantile(&resampled, share));
    let undefined = plan.resamples - resampled.len() as u32;
    Ok(Some(Bootstrapped { interval: Interval { low, mean: estimate, high }, undefined }))
}

/// The mean of one number a group (an instruction, not a sample), with a percentile-bootstrap interval.
///
/// `confidence` is the share of the resamples' means inside the interval, of `resamples` in all: a thousand and more
/// give steady ends. Resampling is counted from `seed`, so that equal arguments give equal intervals.
pub fn bootstrap_mean(groups: &[f64], confidence: f64, resamples: u32, seed: u64) -> Result<Interval, StudyError> {
    check(groups)?;
    let plan = Resampling { confidence, resamples, seed, ends: Ends::Percentile };
    let mean = |rows: &[usize]| Some(rows.iter().map(|row| groups[*row]).sum::<f64>() / rows.len() as f64);
    let found = bootstrap(&Clusters::singles(groups.len()), &plan, mean)?;
    found.map(|found| found.interval).ok_or(StudyError::Empty)
}

impl Resampling {
    fn check(&self, clusters: &Clusters) -> Result<(), StudyError> {
        check_confidence(self.confidence)?;
        if clusters.is_empty() {
            return Err(StudyError::Empty);
        }
        if self.resamples == 0 {
            return Err(StudyError::Resamples);
        }
        Ok(())
    }

    /// The shares of resamples below each end.
    fn tails(&self) -> [f64; 2] {
        let tail = (1.0 - self.confidence) / 2.0;
        [tail, 1.0 - tail]
    }
}

fn quantile(ascending: &[f64], share: f64) -> f64 {
    ascending[((ascending.len() - 1) as f64 * share).round() as usize]
}

/// The share of resampled statistics below the estimate, those equal to it counting half.
fn below(ascending: &[f64], estimate: f64) -> f64 {
    let less = ascending.partition_point(|value| *value < estimate);
    let at_most = ascending.partition_point(|value| *value <= estimate);
    (less + at_most) as f64 / (2 * ascending.len()) as f64
}

/// The shares of resamples below each end, with bias z₀ and acceleration a: `Φ(z₀ + (z₀ + z)/(1 − a(z₀ + z)))`.
fn corrected(plan: &Resampling, below: f64, acceleration: f64) -> [f64; 2] {
    let bias = normal_quantile(below);
    plan.tails().map(|tail| {
        let reach = bias + normal_quantile(tail);
        let scale = 1.0 - acceleration * reach;
        // At 0 the quotient has no end on that side: all resamples are inside.
        if scale <= 0.0 { f64::from(u8::from(reach > 0.0)) } else { normal_below(bias + reach / scale) }
    })
}

/// `Σd³/(6·(Σd²)^1.5)`, where d is how far the statistic without one cluster lies below the mean of them all; 0 where
/// leaving a cluster out changes nothing.
fn acceleration(clusters: &Clusters, mut statistic: impl FnMut(&[usize]) -> Option<f64>) -> f64 {
    let mut rows = Vec::with_capacity(clusters.rows());
    let mut without = |left_out: usize| {
        clusters.gather((0..clusters.len()).filter(|cluster| *cluster != left_out), &mut rows);
        if rows.is_empty() { None } else { statistic(&rows) }
    };
    let each: Vec<f64> = (0..clusters.len()).filter_map(&mut without).collect();
    let mean = each.iter().sum::<f64>() / each.len() as f64;
    let power = |power: i32| each.iter().map(|value| (mean - value).powi(power)).sum::<f64>();
    let spread = power(2);
    if spread > 0.0 { power(3) / (6.0 * spread.powf(1.5)) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_of(values: &[f64]) -> impl Fn(&[usize]) -> Option<f64> {
        |rows| Some(rows.iter().map(|row| values[*row]).sum::<f64>() / rows.len() as f64)
    }

    #[test]
    fn intervals_cover_at_about_their_confidence() {
        let mut counted = Counted::new(5);
        let covered = (0..400).filter(|round| {
            let groups: Vec<f64> = (0..40).map(|_| counted.unit()).collect();
            let interval = bootstrap_mean(&groups, 0.9, 300, *round).unwrap();
            (interval.low..=interval.high).contains(&0.5)
        });
        // 400 intervals of 90%: the standard deviation of the count is 6.
        let covered = covered.count();
        assert!((335..=385).contains(&covered), "{covered} of 400");
    }

    #[test]
    fn skewed_samples_move_corrected_ends_up() {
        // Squares of even steps have a long upper tail: the corrected interval of their mean lies higher.
        let values: Vec<f64> = (0..30).map(|step| f64::from(step).powi(4)).collect();
        let clusters = Clusters::singles(values.len());
        let plain = Resampling { confidence: 0.9, ..Resampling::default() };
        let corrected = Resampling { ends: Ends::BiasCorrected, ..plain };
        let [plain, corrected] =
            [plain, corrected].map(|plan| bootstrap(&clusters, &plan, mean_of(&values)).unwrap().unwrap().interval);
        assert_eq!(plain.mean, corrected.mean);
        assert!(corrected.low > plain.low && corrected.high > plain.high, "{plain:?} {corrected:?}");
    }

    #[test]
    fn acceleration_worked_out_by_hand() {
        // Without 0: 4.5; without 3: 3; without 6: 1.5. The deviations (−1.5, 0, 1.5) are even: no acceleration.
        assert_eq!(acceleration(&Clusters::singles(3), mean_of(&[0.0, 3.0, 6.0])), 0.0);
        // Without each of 0, 0, 3: 1.5, 1.5, 0, mean 1: Σd³ = −0.125·2 + 1 = 0.75, Σd² = 1.5.
        let found = acceleration(&Clusters::singles(3), mean_of(&[0.0, 0.0, 3.0]));
        assert!((found - 0.75 / (6.0 * 1.5_f64.powf(1.5))).abs() < 1e-12);
    }

    #[test]
    fn clusters_are_taken_whole() {
        // Two clusters of equal rows: resampled means are those of one, of the other, or of both.
        let values = [1.0, 1.0, 1.0, 5.0, 5.0, 5.0];
        let clusters = Clusters::by_key([0, 0, 0, 1, 1, 1]);
        let seen = std::cell::RefCell::new(std::collections::BTreeSet::new());
        let statistic = |rows: &[usize]| {
            let mean = mean_of(&values)(rows)?;
            seen.borrow_mut().insert(mean as u32);
            Some(mean)
        };
        let found = bootstrap(&clusters, &Resampling::default(), statistic).unwrap().unwrap();
        assert_eq!(found.interval, Interval { low: 1.0, mean: 3.0, high: 5.0 });
        assert_eq!(seen.into_inner().into_iter().collect::<Vec<_>>(), [1, 3, 5]);
    }

    #[test]
    fn undefined_statistics_are_counted() {
        let clusters = Clusters::singles(3);
        let needs_first = |rows: &[usize]| rows.contains(&0).then_some(1.0);
        let found = bootstrap(&clusters, &Resampling::default(), needs_first).unwrap().unwrap();
        // (2/3)³ = 0.296 of 2,000 resamples lack the first row: 593, give or take 20.
        assert!((530..655).contains(&found.undefined), "{}", found.undefined);
        assert_eq!(bootstrap(&clusters, &Resampling::default(), |_| None), Ok(None));
    }

    #[test]
    fn plans_are_checked() {
        assert_eq!(bootstrap_mean(&[1.0], 0.9, 0, 0), Err(StudyError::Resamples));
        assert_eq!(bootstrap_mean(&[1.0], 1.0, 10, 0), Err(StudyError::Confidence(1.0)));
        let found = bootstrap(&Clusters::singles(0), &Resampling::default(), |_| Some(1.0));
        assert_eq!(found, Err(StudyError::Empty));
    }
}
