//! How large a difference so many requests show, and how many requests a difference takes.

use crate::StudyError;
use crate::student::student_quantile;

/// How sure a comparison has to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Power {
    /// The chance to find a difference that is there, above 0 and below 1.
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
const MOST: u64 = 1 << 40;

impl Power {
    fn check(&self) -> Result<(), StudyError> {
        let is_chance = |chance: f64| chance > 0.0 && chance < 1.0;
        match [self.power, self.alpha].into_iter().find(|chance| !is_chance(*chance)) {
            Some(chance) => Err(StudyError::Chance(chance)),
            None => Ok(()),
        }
    }

    /// How many standard errors a difference must have: `t(1 − α/2) + t(power)` with n − 1 degrees of freedom.
    fn errors(&self, requests: u64) -> f64 {
        let freedom = requests.saturating_sub(1);
        student_quantile(1.0 - self.alpha / 2.0, freedom) + student_quantile(self.power, freedom)
    }
}

/// The least mean difference that so many paired requests show, where single differences have the standard deviation `spread`:
/// `(t(1 − α/2) + t(power))·s/√n`, in the unit of `spread`. Fails for fewer than two requests, for a spread that is negative or
/// not finite, and for chances that are none.
///
/// The normal approximation with Student's quantiles for its two ends; from five requests on the power it promises is kept to
/// about two points of a hundred, and below it is too careful.
pub fn minimum_detectable(requests: u64, spread: f64, power: &Power) -> Result<f64, StudyError> {
    power.check()?;
    check_spread(spread)?;
    if requests < 2 {
        return Err(StudyError::Few { found: requests as usize, needed: 2 });
    }
    Ok(power.errors(requests) * spread / (requests as f64).sqrt())
}

/// The fewest paired requests that show a mean difference of `difference`, on either side, at least two; `None` where more than
/// 2⁴⁰ would be needed, as for a difference of 0. Fails as [`minimum_detectable`] does, and for a difference that is not finite.
pub fn requests_needed(difference: f64, spread: f64, power: &Power) -> Result<Option<u64>, StudyError> {
    power.check()?;
    check_spread(spread)?;
    if !difference.is_finite() {
        return Err(StudyError::NotFinite { index: 0, value: difference });
    }
    let is_seen = |requests: u64| power.errors(requests) * spread / (requests as f64).sqrt() <= difference.abs();
    if !is_seen(MOST) || difference == 0.0 {
        return Ok(None);
    }
    // More requests always show less: the first that is enough, by halving.
    let (mut short, mut enough) = (1, MOST);
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
            let least = minimum_detectable(needed, 1.0, &Power::default()).unwrap();
            let before = minimum_detectable(needed - 1, 1.0, &Power::default()).unwrap();
            assert!(least <= difference && before > difference);
        }
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
        assert_eq!(requests_needed(0.1, 0.0, &usual), Ok(Some(2)));
        assert_eq!(minimum_detectable(1, 1.0, &usual), Err(StudyError::Few { found: 1, needed: 2 }));
        assert_eq!(minimum_detectable(2, -1.0, &usual), Err(StudyError::Spread(-1.0)));
        let certain = Power { power: 1.0, alpha: 0.05 };
        assert_eq!(requests_needed(0.1, 1.0, &certain), Err(StudyError::Chance(1.0)));
        assert!(requests_needed(f64::NAN, 1.0, &usual).is_err());
    }
}
