//! How large a difference so many requests show, and how many requests a difference takes.

use crate::StudyError;
use crate::normal::normal_quantile;
use crate::student::student_quantile;

/// How sure a comparison has to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Power {
    /// The chance to find a difference that is there, above `alpha` and below 1.
    pub power: f64,
    /// The chance to find one that is not there, on either side, above 0 and below 1.
    pub alpha: f64,
}

impl Default for Power {
    fn default() -> Self {
        Self { power: 0.8, alpha: 0.05 }
    }
}

/// More requests are not looked for.
pub const MOST_REQUESTS: u64 = 1 << 40;

impl Power {
    fn check(&self) -> Result<(), StudyError> {
        let is_chance = |chance: f64| chance > 0.0 && chance < 1.0;
        match [self.power, self.alpha].into_iter().find(|chance| !is_chance(*chance)) {
            Some(chance) => Err(StudyError::Chance(chance)),
            None if self.power <= self.alpha => Err(StudyError::Power { power: self.power, alpha: self.alpha }),
            None => Ok(()),
        }
    }

    /// The fewest pairs of which the sign-flip test can find anything: with n of them no p is below 2¹⁻ⁿ. At least two.
    fn fewest(&self) -> u64 {
        (2..=MOST_REQUESTS).find(|requests| least_p(*requests) <= self.alpha).unwrap_or(MOST_REQUESTS)
    }

    /// How many standard errors a difference must have: `t(1 − α/2) + t(power)` with n − 1 degrees of freedom. Where only pairs that
    /// are all on one side are found, at least so many that they are, as often as `power`: `√n·z(power^(1/n))`.
    fn errors(&self, requests: u64) -> f64 {
        let freedom = requests.saturating_sub(1);
        let usual = student_quantile(1.0 - self.alpha / 2.0, freedom) + student_quantile(self.power, freedom);
        let pairs = requests as f64;
        let is_all_or_nothing = 2.0 * least_p(requests) > self.alpha;
        if is_all_or_nothing { usual.max(pairs.sqrt() * normal_quantile(self.power.powf(1.0 / pairs))) } else { usual }
    }

    /// The least mean difference that so many pairs show.
    fn seen(&self, requests: u64, spread: f64) -> Option<f64> {
        (requests >= self.fewest()).then(|| self.errors(requests) * spread / (requests as f64).sqrt())
    }
}

/// The least p of the sign-flip test over so many pairs: 2¹⁻ⁿ.
fn least_p(requests: u64) -> f64 {
    2_f64.powi(1 - requests.min(2_000) as i32)
}

/// The least mean difference that so many paired requests show, where single differences have the standard deviation `spread`:
/// `(t(1 − α/2) + t(power))·s/√n`, in the unit of `spread`. `None` where so few show none, however large: the sign-flip test over n
/// has no p below 2¹⁻ⁿ, so at 5% it takes six. Fails for fewer than two requests, for a spread that is negative or not finite, for
/// chances that are none, and for a power of at most `alpha`.
///
/// The normal approximation with Student's quantiles for its two ends, which keeps the power it promises to about three points of a
/// hundred where differences are normal. With the fewest requests, of which only those all on one side show anything, it would
/// promise 0.8 and keep 0.63; there the difference is that of which all are on one side as often as wanted.
pub fn minimum_detectable(requests: u64, spread: f64, power: &Power) -> Result<Option<f64>, StudyError> {
    power.check()?;
    check_spread(spread)?;
    if requests < 2 {
        return Err(StudyError::Few { found: requests as usize, needed: 2 });
    }
    Ok(power.seen(requests, spread))
}

/// The fewest paired requests that show a mean difference of `difference`, on either side; `None` where more than
/// [`MOST_REQUESTS`] would be needed, as for a difference of 0. Fails as [`minimum_detectable`] does, and for a difference that is not finite.
pub fn requests_needed(difference: f64, spread: f64, power: &Power) -> Result<Option<u64>, StudyError> {
    power.check()?;
    check_spread(spread)?;
    if !difference.is_finite() {
        return Err(StudyError::Difference(difference));
    }
    let is_seen = |requests: u64| power.seen(requests, spread).is_some_and(|seen| seen <= difference.abs());
    if !is_seen(MOST_REQUESTS) || difference == 0.0 {
        return Ok(None);
    }
    // More requests always show less: the first that is enough, by halving.
    let (mut short, mut enough) = (1, MOST_REQUESTS);
    while enough - short > 1 {
        let middle = u64::midpoint(short, enough);
        if is_seen(middle) {
            enough = middle;
        } else {
            short = middle;
        }
    }
    Ok(Some(enough))
}

fn check_spread(spread: f64) -> Result<(), StudyError> {
    if spread.is_finite() && spread >= 0.0 { Ok(()) } else { Err(StudyError::Spread(spread)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Counted;
    use crate::compare::permutation;

    fn normal(counted: &mut Counted) -> f64 {
        let (radius, angle) = (1.0 - counted.unit(), counted.unit());
        (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    }

    /// How often a test at 5% finds a difference.
    fn found(requests: u64, difference: f64, spread: f64, rounds: u32) -> f64 {
        let mut counted = Counted::new(4);
        let seen = (0..rounds).filter(|round| {
            let values: Vec<f64> = (0..requests).map(|_| difference + spread * normal(&mut counted)).collect();
            permutation(&values, 999, u64::from(*round)).unwrap().p <= 0.05
        });
        seen.count() as f64 / f64::from(rounds)
    }

    #[test]
    fn as_many_requests_find_the_difference_as_often_as_promised() {
        for (difference, rounds) in [(0.9, 2_000), (0.5, 2_000), (0.3, 1_000)] {
            let needed = requests_needed(difference, 1.0, &Power::default()).unwrap().unwrap();
            let share = found(needed, difference, 1.0, rounds);
            // The standard deviation of the share is 0.009 and 0.013.
            assert!((0.77..=0.84).contains(&share), "{needed} requests for {difference}: {share}");
            let least = minimum_detectable(needed, 1.0, &Power::default()).unwrap().unwrap();
            let before = minimum_detectable(needed - 1, 1.0, &Power::default()).unwrap().unwrap();
            assert!(least <= difference && before > difference);
        }
    }

    #[test]
    fn no_more_is_promised_of_few_requests_than_the_test_finds() {
        for requests in 6..=9 {
            let least = minimum_detectable(requests, 1.0, &Power::default()).unwrap().unwrap();
            let share = found(requests, least, 1.0, 4_000);
            // The standard deviation of the share is 0.006.
            assert!((0.75..=0.84).contains(&share), "{requests} requests for {least}: {share}");
            // Twice the difference is found nearly always, and five requests never show any.
            assert!(found(requests, 2.0 * least, 1.0, 400) > 0.97);
        }
        assert_eq!(found(5, 100.0, 1.0, 100), 0.0);
        // What the formula alone would promise 0.8 of.
        let alone = found(6, 3.490 / 6_f64.sqrt(), 1.0, 4_000);
        assert!((0.60..=0.66).contains(&alone), "{alone}");
        let usual = Power::default();
        assert_eq!(minimum_detectable(5, 0.0, &usual), Ok(None));
        assert_eq!(minimum_detectable(5, 0.3, &Power { alpha: 0.1, ..usual }).map(|seen| seen.is_some()), Ok(true));
        assert_eq!(requests_needed(0.8, 0.3, &usual), Ok(Some(6)));
        assert_eq!(requests_needed(100.0, 0.3, &Power { alpha: 0.001, ..usual }), Ok(Some(11)));
    }

    #[test]
    fn values_of_printed_tables() {
        // Cohen's d = 0.5, two-sided 5%, power 80%: 34 pairs. d = 0.2: 199. Power 90%, d = 0.5: 44.
        for (difference, power, expected) in [(0.5, 0.8, 34), (0.2, 0.8, 199), (0.5, 0.9, 44)] {
            let power = Power { power, alpha: 0.05 };
            let needed = requests_needed(-difference * 3.0, 3.0, &power).unwrap().unwrap();
            assert!(needed.abs_diff(expected) <= 1, "{difference}: {needed}");
        }
    }

    #[test]
    fn ends_and_mistakes() {
        let usual = Power::default();
        assert_eq!(requests_needed(0.0, 1.0, &usual), Ok(None));
        assert_eq!(requests_needed(1e-9, 1.0, &usual), Ok(None));
        assert_eq!(requests_needed(0.1, 0.0, &usual), Ok(Some(6)));
        assert_eq!(minimum_detectable(1, 1.0, &usual), Err(StudyError::Few { found: 1, needed: 2 }));
        assert_eq!(minimum_detectable(2, -1.0, &usual), Err(StudyError::Spread(-1.0)));
        let certain = Power { power: 1.0, alpha: 0.05 };
        assert_eq!(requests_needed(0.1, 1.0, &certain), Err(StudyError::Chance(1.0)));
        let weak = Power { power: 0.01, alpha: 0.05 };
        assert_eq!(minimum_detectable(10, 1.0, &weak), Err(StudyError::Power { power: 0.01, alpha: 0.05 }));
        assert_eq!(
            requests_needed(f64::NAN, 1.0, &usual).unwrap_err().to_string(),
            "a difference of NaN: expected a finite number"
        );
    }
}
