//! Where particles are weighed on their way.

use crate::policy::PolicyError;

/// At which steps particles are weighed.
#[derive(Debug, Clone, PartialEq)]
pub enum Schedule {
    /// After these shares of the steps, each above 0 and below 1, ascending.
    Shares(Vec<f64>),
    /// After every so many steps, between two steps, ends included.
    Every {
        /// How many steps lie between two checkpoints.
        every: u32,
        /// The first one, at least 1.
        from: u32,
        /// None is later.
        to: u32,
    },
}

impl Schedule {
    /// How many checkpoints there are at most.
    pub(super) fn most(&self) -> u64 {
        match self {
            Self::Shares(shares) => shares.len() as u64,
            Self::Every { every, from, to } => u64::from((to.saturating_sub(*from)) / (*every).max(1)) + 1,
        }
    }

    pub(super) fn check(&self) -> Result<(), PolicyError> {
        let wrong = |expected: &str, found: String| {
            Err(PolicyError { setting: "resample_at", expected: expected.to_owned(), found })
        };
        match self {
            Self::Shares(shares) => {
                let is_share = |share: &f64| *share > 0.0 && *share < 1.0;
                if !shares.is_empty() && shares.iter().all(is_share) && shares.is_sorted_by(|a, b| a < b) {
                    return Ok(());
                }
                wrong("ascending numbers above 0 and below 1", format!("{shares:?}"))
            }
            Self::Every { every, from, to } if *every > 0 && *from > 0 && from <= to => Ok(()),
            Self::Every { every, from, to } => {
                wrong("counts of at least 1, `from` at most `to`", format!("every {every} from {from} to {to}"))
            }
        }
    }

    /// The steps at which an editor of so many steps stops, ascending: each once, none before the first or after the last.
    pub(super) fn checkpoints(&self, steps: u32) -> Vec<u32> {
        let mut at: Vec<u32> = match self {
            Self::Shares(shares) => shares.iter().map(|share| (share * f64::from(steps)).round() as u32).collect(),
            Self::Every { every, from, to } => (*from..=(*to).min(steps)).step_by((*every).max(1) as usize).collect(),
        };
        at.retain(|step| (1..steps).contains(step));
        at.dedup();
        at
    }

    /// The words in a policy's revision.
    pub(super) fn revision(&self) -> String {
        match self {
            Self::Shares(shares) => {
                let shares: Vec<String> = shares.iter().map(f64::to_string).collect();
                shares.join(",")
            }
            Self::Every { every, from, to } => format!("every{every}from{from}to{to}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_lie_on_the_way() {
        let shares = |shares: &[f64]| Schedule::Shares(shares.to_vec());
        let every = |every, from, to| Schedule::Every { every, from, to };
        for (schedule, steps, expected) in [
            (shares(&[0.2, 0.4, 0.6, 0.8]), 20, vec![4, 8, 12, 16]),
            (shares(&[0.2, 0.4, 0.6, 0.8]), 3, vec![1, 2]),
            (shares(&[0.01, 0.99]), 10, vec![]),
            (shares(&[0.5]), 1, vec![]),
            (shares(&[0.5]), 0, vec![]),
            (every(20, 20, 80), 100, vec![20, 40, 60, 80]),
            (every(20, 20, 80), 50, vec![20, 40]),
            (every(1, 1, u32::MAX), 4, vec![1, 2, 3]),
        ] {
            assert_eq!(schedule.checkpoints(steps), expected, "{schedule:?} of {steps}");
            assert!(schedule.check().is_ok() && schedule.most() >= expected.len() as u64, "{schedule:?}");
        }
        for wrong in [shares(&[]), shares(&[0.0]), shares(&[1.0]), shares(&[0.5, 0.5]), shares(&[f64::NAN])] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
        assert!([every(0, 1, 2), every(1, 0, 2), every(1, 3, 2)].iter().all(|wrong| wrong.check().is_err()));
    }
}
