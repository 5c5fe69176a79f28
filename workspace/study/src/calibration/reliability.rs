//! How near predicted values are to what was observed.

use crate::order::ascending;
use crate::{StudyError, check_both};

/// How well values fit targets.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    /// The root of the mean squared error, from 0. Of targets 0 and 1, its square is Brier's score.
    pub root_mean_square: f64,
    /// The mean of the errors' sizes, from 0.
    pub mean_absolute: f64,
    /// The mean of value less target: what is too much on the whole.
    pub bias: f64,
}

/// Compares values with targets. Fails on none, on lists of different lengths and on numbers that are not finite.
pub fn fit_of(values: &[f64], targets: &[f64]) -> Result<Fit, StudyError> {
    check_both(values, targets)?;
    let mean = |of: fn(f64) -> f64| {
        values.iter().zip(targets).map(|(value, target)| of(value - target)).sum::<f64>() / values.len() as f64
    };
    Ok(Fit {
        root_mean_square: mean(|error| error * error).sqrt(),
        mean_absolute: mean(f64::abs),
        bias: mean(|error| error),
    })
}

/// Values side by side, and what was observed of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReliabilityBin {
    /// How many there are.
    pub count: usize,
    /// Their mean value.
    pub value: f64,
    /// The mean of what was observed: the same where values are calibrated.
    pub target: f64,
}

/// The curve of calibration: values in ascending order, cut into at most `bins` bins of about equal counts, of which
/// equal values share one. The mean of `|value − target|` over bins, weighed by count, is the expected calibration
/// error. Fails as `fit_of` does; no bins are taken for one.
pub fn reliability(values: &[f64], targets: &[f64], bins: usize) -> Result<Vec<ReliabilityBin>, StudyError> {
    check_both(values, targets)?;
    let mut sorted: Vec<(f64, f64)> = values.iter().copied().zip(targets.iter().copied()).collect();
    sorted.sort_by(|a, b| ascending(a.0, b.0));
    let n = sorted.len();
    // More bins than values leave each value its own, as that many do.
    let bins = bins.clamp(1, n);
    let (mut found, mut open): (Vec<ReliabilityBin>, Vec<(f64, f64)>) = (Vec::new(), Vec::new());
    let mut seen = 0;
    for equal in sorted.chunk_by(|a, b| a.0 == b.0) {
        open.extend_from_slice(equal);
        seen += equal.len();
        // The bin ends where its share of all has been seen.
        if seen * bins >= n * (found.len() + 1) || seen == n {
            found.push(bin(&open));
            open.clear();
        }
    }
    Ok(found)
}

fn bin(items: &[(f64, f64)]) -> ReliabilityBin {
    let n = items.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| items.iter().map(of).sum::<f64>() / n;
    ReliabilityBin { count: items.len(), value: mean(|item| item.0), target: mean(|item| item.1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_worked_out_by_hand() {
        let fit = fit_of(&[1.0, 4.0], &[2.0, 1.0]).unwrap();
        assert_eq!(fit, Fit { root_mean_square: 5.0_f64.sqrt(), mean_absolute: 2.0, bias: 1.0 });
        assert_eq!(fit_of(&[1.0], &[]), Err(StudyError::Unequal { left: 1, right: 0 }));
    }

    #[test]
    fn bins_worked_out_by_hand() {
        let values = [0.1, 0.9, 0.2, 0.8];
        let found = reliability(&values, &[0.0, 1.0, 1.0, 1.0], 2).unwrap();
        assert_eq!(found.iter().map(|bin| (bin.count, bin.target)).collect::<Vec<_>>(), [(2, 0.5), (2, 1.0)]);
        assert!((found[0].value - 0.15).abs() < 1e-12 && (found[1].value - 0.85).abs() < 1e-12);
        // Equal values are not cut.
        let found = reliability(&[1.0, 1.0, 1.0, 2.0], &[0.0, 0.0, 3.0, 1.0], 2).unwrap();
        assert_eq!(found.iter().map(|bin| bin.count).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(reliability(&[1.0, 2.0], &[0.0, 1.0], 0).unwrap().len(), 1);
        assert_eq!(reliability(&[1.0, 2.0], &[0.0, 1.0], 9).unwrap().len(), 2);
    }
}
