//! Scaling curves of a group: what more independent candidates would bring.

use std::collections::BTreeMap;

use anyhow::Result;
use editscale_study::compare::{Comparing, Paired};
use editscale_study::scaling::{Candidate, Estimate, Peak, Pools};
use editscale_study::{FEWEST, Interval, Resampling, StudyError};
use serde::Serialize;

use super::scores::Scored;
use crate::args::CostWord;

/// A mean over requests with its interval, as files have it.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Mean {
    pub(super) mean: f64,
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
}

impl From<Estimate> for Mean {
    fn from(estimate: Estimate) -> Self {
        let [low, high] = estimate.ends.map_or([None; 2], |ends| ends.map(Some));
        Self { mean: estimate.mean, low, high }.plain()
    }
}

impl Mean {
    /// The mean difference of a comparison; its interval where there are enough requests for one.
    pub(super) fn of(found: &Paired) -> Self {
        let Interval { low, mean, high } = found.difference;
        let end = |end: f64| (found.requests >= FEWEST).then_some(end);
        Self { mean, low: end(low), high: end(high) }.plain()
    }

    /// Without what sums leave by rounding: it is 0 that is meant.
    fn plain(self) -> Self {
        let plain = |value: f64| if value.abs() < 1e-12 { 0.0 } else { value };
        Self { mean: plain(self.mean), low: self.low.map(plain), high: self.high.map(plain) }
    }

    /// Both ends.
    pub(super) fn ends(&self) -> Option<[f64; 2]> {
        self.low.zip(self.high).map(|(low, high)| [low, high])
    }
}

/// The curves of one group.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Scaling {
    pub(super) group: String,
    /// Requests with enough candidates, and those without.
    pub(super) requests: usize,
    pub(super) left_out: usize,
    /// Typical standard deviations among the candidates of one request.
    pub(super) proxy_spread: f64,
    pub(super) gold_spread: f64,
    pub(super) points: Vec<Size>,
    pub(super) peak: Highest,
    /// How the gold changes from its peak to the largest size; null where the peak is there.
    pub(super) fall: Option<Change>,
}

/// The best of k by proxy.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Size {
    pub(super) k: usize,
    pub(super) cost: f64,
    pub(super) proxy: Mean,
    pub(super) gold: Mean,
    /// What a perfect proxy would get.
    pub(super) best: Mean,
    /// What the proxy gains over no choice, less what the gold gains.
    pub(super) gap: Mean,
    /// The same in units of their spreads.
    pub(super) gap_in_spreads: Option<Mean>,
}

/// Where the gold curve is highest.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Highest {
    pub(super) k: usize,
    pub(super) low: usize,
    pub(super) high: usize,
    pub(super) rising: f64,
}

/// The gold at one size less that at another.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Change {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) difference: Mean,
    pub(super) p: f64,
}

/// How curves are made.
pub(super) struct Rules<'a> {
    pub(super) sizes: &'a [u32],
    pub(super) cost: CostWord,
    pub(super) resampling: Resampling,
    pub(super) comparing: Comparing,
}

/// The curves of one group, or why there are none.
pub(super) fn scaling(name: &str, runs: &[&Scored], rules: &Rules<'_>) -> Result<Result<Scaling, String>> {
    let pools = pools(runs, rules.cost);
    let sizes = sizes(&pools, rules.sizes);
    let Some(most) = sizes.last().copied().filter(|most| *most > 1) else {
        return Ok(Err(format!("{name}: too few independent candidates a request for a scaling curve")));
    };
    let read = match Pools::new(&pools, most) {
        Ok(read) => read,
        Err(StudyError::Few { found, needed }) => {
            return Ok(Err(format!("{name}: no request has {needed} independent candidates; the most is {found}")));
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Ok(curve(name, (&read, pools.len()), &sizes, rules)?))
}

fn curve(
    name: &str,
    (read, requests): (&Pools, usize),
    sizes: &[usize],
    rules: &Rules<'_>,
) -> Result<Scaling, StudyError> {
    let mut points = Vec::with_capacity(sizes.len());
    for point in read.points(sizes, rules.resampling.confidence)? {
        let gap = read.gap(point.k, &rules.resampling)?;
        points.push(Size {
            k: point.k,
            cost: point.cost,
            proxy: point.proxy.into(),
            gold: point.gold.into(),
            best: point.best.into(),
            gap: gap.raw.into(),
            gap_in_spreads: gap.in_spreads.map(Into::into),
        });
    }
    let Peak { k, low, high, rising } = read.peak(&rules.resampling)?;
    let fall = if k < read.most() && read.kept().len() > 1 {
        let found = read.change(k, read.most(), &rules.comparing)?;
        Some(Change { from: k, to: read.most(), difference: Mean::of(&found), p: found.test.p })
    } else {
        None
    };
    let [proxy_spread, gold_spread] = read.spreads();
    Ok(Scaling {
        group: name.to_owned(),
        requests: read.kept().len(),
        left_out: requests - read.kept().len(),
        proxy_spread,
        gold_spread,
        points,
        peak: Highest { k, low, high, rising },
        fall,
    })
}

/// The independent candidates of each request that have both scores. Runs with equal seeds make equal candidates: one of them is
/// taken.
fn pools(runs: &[&Scored], cost: CostWord) -> Vec<Vec<Candidate>> {
    let mut by_request: BTreeMap<&str, BTreeMap<u64, &Scored>> = BTreeMap::new();
    for run in runs {
        by_request.entry(&run.request).or_default().entry(run.seed).or_insert(run);
    }
    let pool = |runs: BTreeMap<u64, &Scored>| runs.into_values().flat_map(|run| fresh(run, cost)).collect();
    by_request.into_values().map(pool).collect()
}

fn fresh(run: &Scored, cost: CostWord) -> Vec<Candidate> {
    // All that a run spends is for its candidates.
    let each = cost.of(&run.spent) / run.candidates.len().max(1) as f64;
    let fresh = run.candidates.iter().filter(|candidate| candidate.is_fresh);
    fresh.filter_map(|one| Some(Candidate { proxy: one.proxy?, gold: one.gold?, cost: each })).collect()
}

/// The sizes asked for in order, or powers of two up to what nine of ten requests have, and that.
fn sizes(pools: &[Vec<Candidate>], asked: &[u32]) -> Vec<usize> {
    let mut sizes: Vec<usize> = asked.iter().map(|k| *k as usize).collect();
    if asked.is_empty() {
        let mut counts: Vec<usize> = pools.iter().map(Vec::len).collect();
        counts.sort_unstable();
        let most = counts.get(counts.len() / 10).copied().unwrap_or(0);
        sizes = (0..usize::BITS - 1).map(|power| 1 << power).take_while(|k| *k < most).collect();
        sizes.extend((most > 0).then_some(most));
    }
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_go_up_to_what_nine_of_ten_requests_have() {
        let one = Candidate { proxy: 0.0, gold: 0.0, cost: 1.0 };
        let pools = |counts: &[usize]| counts.iter().map(|count| vec![one; *count]).collect::<Vec<_>>();
        let many: Vec<usize> = [3].into_iter().chain([12; 9]).collect();
        for (counts, asked, expected) in [
            (&many[..], &[][..], &[1, 2, 4, 8, 12][..]),
            (&[16, 16], &[], &[1, 2, 4, 8, 16]),
            (&[16, 1], &[], &[1]),
            (&[0], &[], &[]),
            (&[5], &[4, 1, 4], &[1, 4]),
        ] {
            assert_eq!(sizes(&pools(counts), asked), expected, "{counts:?}");
        }
    }
}
