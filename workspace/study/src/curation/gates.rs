//! What each row must reach: bounds on its parts, and on its score less its doubt.

use std::fmt;

use crate::StudyError;

/// Bounds on one part of a score, such as how well the instruction was followed. Both ends are inside.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// The part's name.
    pub part: String,
    /// The lowest value that passes.
    pub at_least: Option<f64>,
    /// The highest value that passes.
    pub at_most: Option<f64>,
}

/// Why a row does not pass a gate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum GateFailure<'a> {
    /// The row has no such part.
    Missing(&'a Gate),
    /// The part is too low.
    Below(&'a Gate, f64),
    /// The part is too high.
    Above(&'a Gate, f64),
}

impl<'a> GateFailure<'a> {
    /// The gate that was not passed.
    pub fn gate(&self) -> &'a Gate {
        match self {
            GateFailure::Missing(gate) | GateFailure::Below(gate, _) | GateFailure::Above(gate, _) => gate,
        }
    }
}

impl fmt::Display for GateFailure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = &self.gate().part;
        let bound = |bound: Option<f64>| bound.unwrap_or(f64::NAN);
        match self {
            GateFailure::Missing(_) => write!(f, "{part} is missing"),
            GateFailure::Below(gate, value) => write!(f, "{part} is {value}, below {}", bound(gate.at_least)),
            GateFailure::Above(gate, value) => write!(f, "{part} is {value}, above {}", bound(gate.at_most)),
        }
    }
}

impl Gate {
    /// Fails where a bound is not finite, and where none or no value can pass both.
    pub fn check(&self) -> Result<(), StudyError> {
        let bounds: Vec<f64> = self.at_least.iter().chain(&self.at_most).copied().collect();
        let can_pass = self.at_least.zip(self.at_most).is_none_or(|(low, high)| low <= high);
        if bounds.is_empty() || !can_pass || !bounds.iter().all(|bound| bound.is_finite()) {
            return Err(StudyError::Gate { part: self.part.clone() });
        }
        Ok(())
    }

    /// Why this value does not pass, if it does not. A value that is no number is missing.
    pub fn failure(&self, value: Option<f64>) -> Option<GateFailure<'_>> {
        let Some(value) = value.filter(|value| !value.is_nan()) else { return Some(GateFailure::Missing(self)) };
        if self.at_least.is_some_and(|bound| value < bound) {
            return Some(GateFailure::Below(self, value));
        }
        self.at_most.is_some_and(|bound| value > bound).then_some(GateFailure::Above(self, value))
    }
}

/// All gates that a row does not pass, in their order.
pub fn gate_failures<'a>(
    gates: &'a [Gate],
    part: impl Fn(&str) -> Option<f64> + 'a,
) -> impl Iterator<Item = GateFailure<'a>> + 'a {
    gates.iter().filter_map(move |gate| gate.failure(part(&gate.part)))
}

/// What stands for the doubt of a judge that states none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WithoutDoubt {
    /// Nothing: such a row has no bound.
    #[default]
    Unknown,
    /// No doubt: its bound is its mean.
    Certain,
}

/// The lower confidence bound μ − κσ: a score that counts only as far as its judge is sure of it. κ = 0 is the mean
/// itself, and then σ is not needed; a negative κ prefers doubt. `None` where σ is needed and not there, and where the
/// bound is not finite.
pub fn lower_bound(mean: f64, sigma: Option<f64>, kappa: f64, without: WithoutDoubt) -> Option<f64> {
    let doubt = match (sigma, without) {
        _ if kappa == 0.0 => 0.0,
        (Some(sigma), _) => kappa * sigma,
        (None, WithoutDoubt::Certain) => 0.0,
        (None, WithoutDoubt::Unknown) => return None,
    };
    Some(mean - doubt).filter(|bound| bound.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(part: &str, at_least: Option<f64>, at_most: Option<f64>) -> Gate {
        Gate { part: part.to_owned(), at_least, at_most }
    }

    #[test]
    fn rows_pass_or_say_why_not() {
        let gates = [gate("following", Some(0.5), None), gate("sharpness", Some(0.0), Some(1.0))];
        let why = |following: Option<f64>, sharpness: Option<f64>| {
            let part = move |name: &str| if name == "following" { following } else { sharpness };
            gate_failures(&gates, part).map(|failure| failure.to_string()).collect::<Vec<_>>()
        };
        assert!(why(Some(0.5), Some(1.0)).is_empty());
        assert_eq!(why(Some(0.25), Some(2.0)), ["following is 0.25, below 0.5", "sharpness is 2, above 1"]);
        assert_eq!(why(None, Some(f64::NAN)), ["following is missing", "sharpness is missing"]);
    }

    #[test]
    fn gates_that_pass_nothing_or_all_are_refused() {
        assert!(gate("a", Some(1.0), Some(1.0)).check().is_ok());
        for wrong in [gate("a", None, None), gate("a", Some(2.0), Some(1.0)), gate("a", Some(f64::NAN), None)] {
            assert_eq!(wrong.check(), Err(StudyError::Gate { part: "a".to_owned() }));
        }
    }

    #[test]
    fn doubt_lowers_the_bound() {
        assert_eq!(lower_bound(2.0, Some(0.5), 1.5, WithoutDoubt::Unknown), Some(1.25));
        assert_eq!(lower_bound(2.0, None, 1.5, WithoutDoubt::Unknown), None);
        assert_eq!(lower_bound(2.0, None, 1.5, WithoutDoubt::Certain), Some(2.0));
        assert_eq!(lower_bound(2.0, None, 0.0, WithoutDoubt::Unknown), Some(2.0));
        assert_eq!(lower_bound(2.0, Some(f64::INFINITY), 1.0, WithoutDoubt::Unknown), None);
    }
}
