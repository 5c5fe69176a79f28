//! Settings of an editor that a search may turn.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::KnobName;

/// How a knob's values are spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnobScale {
    /// Equal differences matter equally.
    Linear,
    /// Equal ratios matter equally; `low` is above zero.
    Logarithmic,
}

/// A setting that an editor offers: its range, and where it stands when nobody turns it.
#[derive(Debug, Clone, PartialEq)]
pub struct KnobSpec {
    /// The setting.
    pub name: KnobName,
    /// The least value, inclusive.
    pub low: f64,
    /// The greatest value, inclusive.
    pub high: f64,
    /// The value when a proposal does not set it.
    pub default: f64,
    /// How the values between are spaced.
    pub scale: KnobScale,
}

impl KnobSpec {
    /// The value a given share of the range away from `from`, kept inside the range.
    ///
    /// `share` is in −1..=1; on a logarithmic knob the range is that of the logarithms. A range that is none, such as a
    /// logarithmic one from 0, gives its lower end.
    pub fn turned(&self, from: f64, share: f64) -> f64 {
        let value = match self.scale {
            KnobScale::Linear => from + share * (self.high - self.low),
            KnobScale::Logarithmic => (from.ln() + share * (self.high.ln() - self.low.ln())).exp(),
        };
        // Not `clamp`, which panics where the ends are the wrong way round: a card comes from outside.
        value.max(self.low).min(self.high)
    }
}

/// Why a value cannot be a knob's.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("knob `{name}` cannot be {found}: expected a finite number")]
pub struct KnobError {
    name: KnobName,
    found: f64,
}

/// The knobs that a proposal sets, by name. Every value is finite.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Knobs(BTreeMap<KnobName, f64>);

impl Knobs {
    /// Sets a knob, replacing what it was.
    pub fn set(&mut self, name: KnobName, value: f64) -> Result<(), KnobError> {
        if !value.is_finite() {
            return Err(KnobError { name, found: value });
        }
        self.0.insert(name, value);
        Ok(())
    }

    /// The value of a knob, where the proposal sets it.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(known, _)| known.as_str() == name).map(|(_, value)| *value)
    }

    /// Every knob that is set, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&KnobName, f64)> {
        self.0.iter().map(|(name, value)| (name, *value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knobs_turn_within_their_range() {
        use KnobScale::{Linear, Logarithmic};
        for (scale, low, high, from, share, expected) in [
            (Linear, 0.0, 2.0, 1.0, 0.25, 1.5),
            (Linear, 0.0, 2.0, 1.0, -1.0, 0.0),
            (Linear, 0.0, 2.0, 1.9, 1.0, 2.0),
            (Logarithmic, 0.25, 4.0, 1.0, 0.5, 4.0),
            (Logarithmic, 0.25, 4.0, 1.0, -0.25, 0.5),
            (Logarithmic, 0.0, 4.0, 1.0, 0.5, 4.0),
            (Logarithmic, 0.0, 4.0, 0.0, 0.5, 0.0),
            (Linear, 2.0, 0.0, 1.0, 0.1, 0.0),
        ] {
            let spec = KnobSpec { name: KnobName::new("strength").unwrap(), low, high, default: from, scale };
            let turned = spec.turned(from, share);
            assert!((turned - expected).abs() < 1e-12, "{turned} for {spec:?} by {share}");
        }
    }

    #[test]
    fn values_are_finite() {
        let mut knobs = Knobs::default();
        let name = || KnobName::new("strength").unwrap();
        assert!(knobs.set(name(), f64::NAN).is_err() && knobs.get("strength").is_none());
        assert!(knobs.set(name(), 0.5).is_ok() && knobs.get("strength") == Some(0.5));
    }
}
