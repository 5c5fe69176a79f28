//! The temperature at which weights are as far from equal ones as is wanted.
//!
//! With `x_i = (u_i − max u)/spread` from −1 to 0 and `t = spread/β`, everything comes of sums of `e_i = exp(t·x_i)`, one
//! exponential a candidate:
//!
//! * `KL = t·Σxe/Σe − ln Σe + ln n`, whose derivative by t is `t·(Σx²e/Σe − (Σxe/Σe)²)`;
//! * `ln(n/ESS) = ln n + ln Σe² − 2 ln Σe`, whose derivative by t is `2·(Σxe²/Σe² − Σxe/Σe)`.
//!
//! These are the Rényi divergences of the weights from equal ones, of order 1 and 2: 0 at t = 0, as `t²·variance` times a
//! constant near it, and growing. So Newton's method finds t, on logarithms of both, from that first term, within a bracket
//! that is halved where a step would leave it.

/// The ends of the bracket: ln t of 2⁻⁶⁰ and 2⁶⁰.
const REACH: f64 = 60.0 * std::f64::consts::LN_2;

/// A step below this one ends the search: the error left is about its square.
const SMALL: f64 = 1e-9;

/// More steps than halving the bracket to that takes.
const MOST_STEPS: u32 = 64;

/// A divergence at some t, and its derivative by ln t.
pub(super) struct Sharpness {
    value: f64,
    slope: f64,
}

/// The β for which the divergence of the weights is `target`; the sharpest or the flattest where no β is sharp or flat enough.
pub(super) fn temperature(utilities: &[f64], target: f64, divergence: fn(&[f64], f64) -> Sharpness) -> f64 {
    let high = utilities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let low = utilities.iter().copied().fold(f64::INFINITY, f64::min);
    let spread = high - low;
    // With equal utilities every temperature gives equal weights.
    if spread <= 0.0 || !spread.is_finite() {
        return 1.0;
    }
    let scaled: Vec<f64> = utilities.iter().map(|utility| (utility - high) / spread).collect();
    spread * (-solved(target, |at| divergence(&scaled, at.exp()))).exp()
}

/// The place at which a growing function reaches its target.
fn solved(target: f64, sharpness: impl Fn(f64) -> Sharpness) -> f64 {
    let (mut low, mut high) = (-REACH, REACH);
    if target <= 0.0 {
        return low;
    }
    if sharpness(high).value <= target {
        return high;
    }
    let mut at = 0.0;
    for _ in 0..MOST_STEPS {
        let Sharpness { value, slope } = sharpness(at);
        *(if value <= target { &mut low } else { &mut high }) = at;
        let newton = at + (target / value).ln() * value / slope;
        // What is no number is in no bracket.
        let next = if newton > low && newton < high { newton } else { f64::midpoint(low, high) };
        if (next - at).abs() < SMALL {
            return next;
        }
        at = next;
    }
    at
}

/// `KL(w‖uniform)`.
pub(super) fn plain(scaled: &[f64], t: f64) -> Sharpness {
    let (mut zeroth, mut first, mut second) = (0.0, 0.0, 0.0);
    for x in scaled {
        let weight = (t * x).exp();
        zeroth += weight;
        first += x * weight;
        second += x * x * weight;
    }
    let (mean, square) = (first / zeroth, second / zeroth);
    let value = t * mean - zeroth.ln() + (scaled.len() as f64).ln();
    Sharpness { value, slope: t * t * (square - mean * mean) }
}

/// `ln(n/ESS)`.
pub(super) fn squared(scaled: &[f64], t: f64) -> Sharpness {
    let (mut zeroth, mut first, mut squares, mut first_squared) = (0.0, 0.0, 0.0, 0.0);
    for x in scaled {
        let weight = (t * x).exp();
        zeroth += weight;
        first += x * weight;
        squares += weight * weight;
        first_squared += x * weight * weight;
    }
    let value = (scaled.len() as f64).ln() + squares.ln() - 2.0 * zeroth.ln();
    Sharpness { value, slope: 2.0 * t * (first_squared / squares - first / zeroth) }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use editscale_core::Seed;

    use super::*;

    /// Each at most as many evaluations as a decision has time for.
    #[test]
    fn few_steps_reach_a_target() {
        let seed = Seed::new(9).unwrap();
        let utilities: Vec<f64> = (0..1000).map(|n| seed.mix(n).unit().powi(3)).collect();
        let low = utilities.iter().copied().fold(1.0, f64::min);
        let high = utilities.iter().copied().fold(0.0, f64::max);
        let scaled: Vec<f64> = utilities.iter().map(|value| (value - high) / (high - low)).collect();
        for target in [1e-6, 0.01, 0.3, 1.0, 3.0, 6.0] {
            for divergence in [plain, squared] {
                let steps = Cell::new(0);
                let counted = |at: f64| {
                    steps.set(steps.get() + 1);
                    divergence(&scaled, at.exp())
                };
                let found = solved(target, counted);
                assert!((divergence(&scaled, found.exp()).value - target).abs() < 1e-9, "{target}");
                assert!(steps.get() <= 16, "{target}: {}", steps.get());
            }
        }
    }

    #[test]
    fn what_no_temperature_reaches_is_the_nearest_end() {
        for divergence in [plain, squared] {
            let sharpest = temperature(&[0.0, 1.0, 2.0, 2.0], 3.0, divergence);
            assert!(sharpest < 1e-15, "{sharpest}");
            let flattest = temperature(&[0.0, 1.0, 2.0, 2.0], -0.1, divergence);
            assert!(flattest > 1e15, "{flattest}");
        }
    }
}
