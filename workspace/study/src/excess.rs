//! Student's t distribution: its upper tail, and how far it can be expected to exceed a level.

use std::f64::consts::PI;

use crate::normal::normal_below;

/// Beyond this many degrees of freedom the normal distribution stands in; its tail is off by less than 3·10⁻⁶ there.
const NORMAL: f64 = 1e5;

/// Student's t distribution of some degrees of freedom, centred at 0 with scale 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Student {
    freedom: f64,
    /// ln of the density at 0.
    peak: f64,
}

impl Student {
    /// The distribution of `freedom` degrees, a number above 0; infinity gives the normal distribution. `None` for any
    /// other number.
    pub fn new(freedom: f64) -> Option<Self> {
        let is_one = freedom > 0.0;
        let peak = if freedom > NORMAL {
            -0.5 * (2.0 * PI).ln()
        } else {
            ln_gamma(f64::midpoint(freedom, 1.0)) - ln_gamma(freedom / 2.0) - 0.5 * (freedom * PI).ln()
        };
        is_one.then_some(Self { freedom, peak })
    }

    fn is_normal(self) -> bool {
        self.freedom > NORMAL
    }

    fn density(self, t: f64) -> f64 {
        let fall = if self.is_normal() {
            -t * t / 2.0
        } else {
            -f64::midpoint(self.freedom, 1.0) * (t * t / self.freedom).ln_1p()
        };
        (self.peak + fall).exp()
    }

    /// The probability of a number above `t`, from 0 to 1.
    pub fn above(self, t: f64) -> f64 {
        if t < 0.0 {
            return 1.0 - self.above(-t);
        }
        if self.is_normal() {
            return normal_below(-t);
        }
        let all = self.freedom + t * t;
        let tail = incomplete_beta(self.freedom / 2.0, 0.5, (self.freedom / all, t * t / all));
        (tail / 2.0).clamp(0.0, 1.0)
    }

    /// E[(T − t)⁺], by how much a draw exceeds `t` on average, where one that does not counts as 0; infinite with at most
    /// one degree of freedom.
    ///
    /// `(ν + t²)/(ν − 1)·f(t) − t·P(T > t)`, by parts; `φ(t) − t·(1 − Φ(t))` in the normal limit.
    pub fn excess(self, t: f64) -> f64 {
        if self.freedom <= 1.0 {
            return f64::INFINITY;
        }
        if t < 0.0 {
            // By symmetry, and without the difference of large numbers.
            return self.excess(-t) - t;
        }
        let spread = if self.is_normal() { 1.0 } else { (self.freedom + t * t) / (self.freedom - 1.0) };
        (spread * self.density(t) - t * self.above(t)).max(0.0)
    }
}

/// The regularised incomplete beta function of a and b at x, which is given with its complement, so that neither loses digits.
fn incomplete_beta(a: f64, b: f64, (x, rest): (f64, f64)) -> f64 {
    if x <= 0.0 || rest <= 0.0 {
        return if x <= 0.0 { 0.0 } else { 1.0 };
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(b, a, (rest, x));
    }
    let front = ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * rest.ln();
    front.exp() * fraction(a, b, x) / a
}

/// The continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8), by Lentz's method.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let (mut above, mut below) = (1.0, 1.0 / away(1.0 - (a + b) * x / (a + 1.0)));
    let mut value = below;
    for m in 1..1000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        below = 1.0 / away(1.0 + even * below);
        above = away(1.0 + even / above);
        value *= above * below;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        below = 1.0 / away(1.0 + odd * below);
        above = away(1.0 + odd / above);
        value *= above * below;
        if (above * below - 1.0).abs() < 1e-14 {
            break;
        }
    }
    value
}

/// ln Γ(x) for x above 0, to about 10⁻¹³: Stirling's series, after stepping up to where it is good.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut product) = (x, 1.0_f64);
    while x < 12.0 {
        product *= x;
        x += 1.0;
    }
    let inverse = 1.0 / (x * x);
    let series = (1.0 / 12.0 - inverse * (1.0 / 360.0 - inverse * (1.0 / 1260.0 - inverse / 1680.0))) / x;
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * PI).ln() + series - product.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_of_printed_tables() {
        for (freedom, t, above) in [
            (1.0, 1.0, 0.25),
            (1.0, 6.313_751_514_675_043, 0.05),
            (2.0, 2.919_985_580_353_725_6, 0.05),
            (3.0, 2.353_363_434_801_823_7, 0.05),
            (10.0, 2.228_138_851_964_938_7, 0.025),
            (30.0, 3.645_958_635_104_83, 0.0005),
            (3.0, 0.0, 0.5),
            (f64::INFINITY, 1.959_963_984_540_054, 0.025),
        ] {
            let student = Student::new(freedom).unwrap();
            let found = student.above(t);
            assert!((found - above).abs() < 1e-9, "{found} above {t} with {freedom}");
            assert!((student.above(-t) - (1.0 - above)).abs() < 1e-9);
        }
        assert!([0.0, -1.0, f64::NAN].into_iter().all(|freedom| Student::new(freedom).is_none()));
    }

    /// The excess is the integral of the tail.
    #[test]
    fn excess_is_the_integral_of_the_tail() {
        for freedom in [2.5, 4.0, 17.0, 1000.0, 9e4, 1e6] {
            let student = Student::new(freedom).unwrap();
            for t in [-3.0, -0.5, 0.0, 0.7, 2.0, 4.0] {
                let step = 4e-3;
                let part = |n: u32| student.above(t + step * (f64::from(n) + 0.5)) * step;
                let near: f64 = (0..10_000).map(part).sum();
                // What lies behind the end of the sum is the excess over it.
                let expected = near + student.excess(t + 40.0);
                assert!((student.excess(t) - expected).abs() < 1e-5, "{freedom} {t}: {expected}");
            }
        }
        assert_eq!(Student::new(1.0).unwrap().excess(3.0), f64::INFINITY);
        let normal = Student::new(f64::INFINITY).unwrap();
        for (t, excess) in [(0.0, 0.398_942_280_401_432_7), (1.0, 0.083_315_470_587_699_76), (40.0, 0.0)] {
            assert!((normal.excess(t) - excess).abs() < 1e-12, "{t}");
        }
    }
}
