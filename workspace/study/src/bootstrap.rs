//! Percentile bootstrap over groups.

use crate::{StudyError, check};

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

/// The mean of one number a group (an instruction, not a sample), with a percentile-bootstrap interval.
///
/// `confidence` is the share of the resamples' means inside the interval, of `resamples` in all: a thousand and more
/// give steady ends. Resampling is counted from `seed`, so that equal arguments give equal intervals.
pub fn bootstrap_mean(groups: &[f64], confidence: f64, resamples: u32, seed: u64) -> Result<Interval, StudyError> {
    check(groups)?;
    if !(confidence > 0.0 && confidence < 1.0) {
        return Err(StudyError::Confidence(confidence));
    }
    if resamples == 0 {
        return Err(StudyError::Resamples);
    }
    let mut state = seed;
    let mut means: Vec<f64> = (0..resamples).map(|_| resampled_mean(groups, &mut state)).collect();
    means.sort_by(f64::total_cmp);
    let tail = (1.0 - confidence) / 2.0;
    let at = |share: f64| means[((means.len() - 1) as f64 * share).round() as usize];
    let mean = groups.iter().sum::<f64>() / groups.len() as f64;
    Ok(Interval { low: at(tail), mean, high: at(1.0 - tail) })
}

fn resampled_mean(groups: &[f64], state: &mut u64) -> f64 {
    let sum: f64 = (0..groups.len()).map(|_| groups[(next(state) % groups.len() as u64) as usize]).sum();
    sum / groups.len() as f64
}

/// `SplitMix64` (Steele, Lea and Flood, OOPSLA 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_cover_at_about_their_confidence() {
        let mut state = 5;
        let mut uniform = || next(&mut state) as f64 / u64::MAX as f64;
        let covered = (0..400).filter(|round| {
            let groups: Vec<f64> = (0..40).map(|_| uniform()).collect();
            let interval = bootstrap_mean(&groups, 0.9, 300, *round).unwrap();
            (interval.low..=interval.high).contains(&0.5)
        });
        // 400 intervals of 90%: the standard deviation of the count is 6.
        let covered = covered.count();
        assert!((335..=385).contains(&covered), "{covered} of 400");
    }

    #[test]
    fn confidence_and_resamples_are_checked() {
        assert_eq!(bootstrap_mean(&[1.0], 0.9, 0, 0), Err(StudyError::Resamples));
        assert_eq!(bootstrap_mean(&[1.0], 1.0, 10, 0), Err(StudyError::Confidence(1.0)));
    }
}
