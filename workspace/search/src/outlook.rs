//! What another candidate may bring: what is said of it, less what is held against it for its judges' doubt.
//!
//! Lower bounds μ − κσ are no normal numbers: few candidates of which a judge is very unsure make a long lower tail, which a
//! spread fitted to the bounds takes for a chance of high ones. So the spread is fitted to the μ, and the doubts κσ of those so far
//! stand for that of the next: it has any of them alike, whatever its μ is.

use crate::predictive::Predictive;

/// Into how many groups doubts are put at most: those of a group count as their mean.
const GROUPS: usize = 16;

/// The distribution of the next utility.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outlook {
    said: Predictive,
    /// What is held against it, ascending, each with its probability.
    doubts: Vec<(f64, f64)>,
}

impl Outlook {
    /// What is said of the next, and the doubts so far; none where nobody is doubted.
    pub(crate) fn new(said: Predictive, doubts: &[f64]) -> Self {
        let mut sorted = doubts.to_vec();
        sorted.sort_by(f64::total_cmp);
        let size = sorted.len().div_ceil(GROUPS).max(1);
        let mean = |group: &[f64]| group.iter().sum::<f64>() / group.len() as f64;
        let share = |group: &[f64]| group.len() as f64 / doubts.len() as f64;
        let groups: Vec<(f64, f64)> = sorted.chunks(size).map(|group| (mean(group), share(group))).collect();
        Self { said, doubts: if groups.is_empty() { vec![(0.0, 1.0)] } else { groups } }
    }

    /// E[(v − level)⁺], by how much the next one exceeds a level on average.
    pub(crate) fn excess(&self, level: f64) -> f64 {
        self.doubts.iter().map(|(doubt, share)| share * self.said.excess(level + doubt)).sum()
    }

    /// P(v > level).
    fn above(&self, level: f64) -> f64 {
        self.doubts.iter().map(|(doubt, share)| share * self.said.above(level + doubt)).sum()
    }

    /// How many draws at once are worth `cost` each over `best`, at most `most`: the m-th adds
    /// ∫ F(v)^(m−1)·(1 − F(v)) dv above the best, which is less than one draw brings.
    pub(crate) fn worth_at_once(&self, best: f64, cost: f64, most: u32) -> u32 {
        if self.excess(best) <= cost {
            return 0;
        }
        if self.said.scale <= 0.0 || cost <= 0.0 || most <= 1 {
            return if cost <= 0.0 { most } else { 1 };
        }
        let tails = self.tails(best);
        let adds = |m: u32| tails.iter().map(|(tail, step)| (1.0 - tail).powi(m as i32) * tail * step).sum::<f64>();
        (1..most).take_while(|before| adds(*before) > cost).count() as u32 + 1
    }

    /// P(v > level) at levels from `best` up, each with the step that it stands for; the steps grow with the distance.
    fn tails(&self, best: f64) -> Vec<(f64, f64)> {
        const STEPS: i32 = 48;
        let Predictive { location, scale, .. } = self.said;
        let most_doubted = self.doubts.last().map_or(0.0, |(doubt, _)| *doubt);
        let from = best.max(location - most_doubted - 4.0 * scale);
        let at = |n: i32| from + scale * 0.25 * ((f64::from(n) * 0.1).exp() - 1.0);
        let tail = |n: i32| (self.above(f64::midpoint(at(n), at(n + 1))), at(n + 1) - at(n));
        let below = (best < from).then_some((1.0, from - best));
        below.into_iter().chain((0..STEPS).map(tail)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn doubts_shift_what_is_said() {
        let said = Predictive::new(1.0, 2.0, 9.0).unwrap();
        let level = 1.5;
        assert_eq!(Outlook::new(said, &[]).excess(level), said.excess(level));
        assert!((Outlook::new(said, &[0.5; 7]).excess(level) - said.excess(2.0)).abs() < 1e-12);
        let both = Outlook::new(said, &[0.5, 40.0]);
        assert!((both.excess(level) - 0.5 * (said.excess(2.0) + said.excess(41.5))).abs() < 1e-12);
        let many: Vec<f64> = (0..1000).map(|n| f64::from(n) / 1000.0).collect();
        let each = many.iter().map(|doubt| said.excess(level + doubt)).sum::<f64>() / 1000.0;
        let grouped = Outlook::new(said, &many);
        assert!(grouped.doubts.len() <= GROUPS && (grouped.excess(level) / each - 1.0).abs() < 1e-3);
    }

    proptest! {
        /// More at once are never worth more than one after the other.
        #[test]
        fn what_is_worth_beginning_at_once_shrinks_towards_the_fair_cap(
            location in -1e3f64..1e3, scale in 1e-6f64..1e3, freedom in 1.5f64..300.0, share in -6.0f64..2.0,
            doubt in 0.0f64..1e3
        ) {
            let said = Predictive::new(location, scale, freedom).unwrap();
            let (cost, outlook) = (scale * share.exp2(), Outlook::new(said, &[doubt]));
            let cap = said.fair_cap(cost) - doubt;
            let counts: Vec<u32> = [cap - 2.0 * scale, cap - 0.1 * scale, cap + 1e-3 * scale]
                .map(|best| outlook.worth_at_once(best, cost, 16)).to_vec();
            prop_assert!(counts[0] >= counts[1] && counts[1] >= 1 && counts[2] == 0, "{:?}", counts);
        }
    }
}
