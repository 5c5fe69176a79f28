//! Which of the candidates of a finished search is taken: what recipes call `select`.
//!
//! A reward stands in for what people like. The highest of many scores is the one whose errors are the most in its favour, so
//! that taking it pays less the more there is to take from (Gao et al., arXiv:2210.10760). Each way below gives some of the
//! score away for being less often fooled. All of them look at the candidates that have a utility and at nothing else: what a
//! gate bars is not there.

mod likeness;
mod pessimism;
mod recipe;

use editscale_core::{Draw, PerceptualHash, ScoreCard};
use editscale_schema::{Chosen, Kind, Options};

use crate::PolicyError;
use crate::weighting::{Weighting, drawn_order, figures, weights};

pub(crate) use likeness::mean_likeness;
pub use recipe::{BestRecipe, PessimisticRecipe, RegularisedRecipe, SoftRecipe};

/// A way to choose among the candidates of a finished search.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Selection {
    /// Drawn with `w ∝ exp(u/β)`: soft best-of-N (Verdun et al., arXiv:2505.03156).
    Soft {
        /// How β is found.
        weighting: Weighting,
        /// How many are drawn, at least 1.
        draw: u32,
    },
    /// Drawn with `w ∝ relu(u − λ)/β`, where λ makes the mean weight 1: the χ² pessimism of Huang et al.
    /// (arXiv:2503.21878).
    Pessimistic {
        /// β, above 0.
        beta: Amount,
    },
    /// The greatest `u + β·s`, where s is how much the candidate looks like all others: minimum Bayes risk and proximity
    /// regularised best-of-N (Jinnai et al., arXiv:2404.01054).
    Regularised {
        /// β, at least 0.
        strength: Amount,
    },
}

/// A quantity in units of utility, or in units of how far the utilities are spread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// In units of utility.
    Absolute(f64),
    /// In standard deviations of the utilities of all candidates: free of the reward's scale.
    Relative(f64),
}

/// A kind of selection.
pub type SelectionKind = Kind<dyn SelectionChoice>;

/// What a recipe says of how to choose among the candidates.
pub trait SelectionChoice: Chosen {
    /// The selection; nothing where the policy's own order stands.
    fn selection(&self) -> Option<Selection>;
}

dyn_clone::clone_trait_object!(SelectionChoice);

const fn selection<O: Options + SelectionChoice>() -> SelectionKind {
    Kind::new::<O>(|fields| Some(Box::new(O::read(fields)?)))
}

/// The selections that recipes can name.
pub const SELECTIONS: &[SelectionKind] = &[
    selection::<BestRecipe>(),
    selection::<SoftRecipe>(),
    selection::<PessimisticRecipe>(),
    selection::<RegularisedRecipe>(),
];

/// What is known of a candidate beside its utility.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) card: ScoreCard,
    pub(crate) hash: Option<PerceptualHash>,
}

/// An order of preference over candidates, by their places.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Preference {
    /// Every place once, the preferred first.
    pub(crate) order: Vec<usize>,
    /// The chance of each place that one draw falls on it, where the order was drawn.
    pub(crate) chances: Option<Vec<f64>>,
    /// The figures of the draw.
    pub(crate) draw: Option<Draw>,
    /// What is added to a utility before it is compared, by place.
    pub(crate) bonus: Vec<f64>,
}

/// How many are drawn, and the uniform number that places the pointers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lot {
    pub(crate) draw: u32,
    pub(crate) unit: f64,
}

impl Preference {
    /// The order in which they stand.
    pub(crate) fn as_they_stand(count: usize) -> Self {
        Self { order: (0..count).collect(), chances: None, draw: None, bonus: vec![0.0; count] }
    }

    fn drawn(weights: Vec<f64>, temperature: f64, lot: Lot) -> Self {
        let (order, drawn) = drawn_order(&weights, lot.draw, lot.unit);
        Self {
            order,
            draw: Some(figures(&weights, temperature, drawn)),
            bonus: vec![0.0; weights.len()],
            chances: Some(weights),
        }
    }
}

impl Selection {
    /// How many are drawn for their own sake.
    pub(crate) fn draws(self) -> u32 {
        if let Self::Soft { draw, .. } = self { draw } else { 1 }
    }

    /// The preference among candidates with these utilities, which stand in the policy's own order. `seen` is what is known
    /// of each, in the same order.
    pub(crate) fn prefer(self, utilities: &[f64], seen: &[&Seen], lot: Lot) -> Preference {
        match self {
            Self::Soft { weighting, .. } => {
                let temperature = weighting.temperature(utilities);
                Preference::drawn(weights(utilities, temperature), temperature, lot)
            }
            Self::Pessimistic { beta } => {
                let beta = beta.of(utilities);
                Preference::drawn(pessimism::weights(utilities, beta), beta, lot)
            }
            Self::Regularised { strength } => {
                let strength = strength.of(utilities);
                let bonus: Vec<f64> = mean_likeness(seen).into_iter().map(|likeness| strength * likeness).collect();
                let value = |place: &usize| utilities[*place] + bonus[*place];
                let mut order: Vec<usize> = (0..utilities.len()).collect();
                order.sort_by(|a, b| value(b).total_cmp(&value(a)));
                Preference { order, chances: None, draw: None, bonus }
            }
        }
    }

    /// Refuses what cannot be computed with.
    pub(crate) fn check(self) -> Result<(), PolicyError> {
        match self {
            Self::Soft { weighting, draw } => {
                crate::policy::check_count("draw", draw, crate::policy::MOST_CANDIDATES)?;
                weighting.check(crate::policy::MOST_CANDIDATES as u32)
            }
            Self::Pessimistic { beta } => beta.check(["beta", "relative_beta"], f64::MIN_POSITIVE),
            Self::Regularised { strength } => strength.check(["strength", "relative_strength"], 0.0),
        }
    }

    /// The words in a policy's revision.
    pub(crate) fn revision(self) -> String {
        match self {
            Self::Soft { weighting, draw } => format!("soft/1 draw={draw} {}", weighting.revision()),
            Self::Pessimistic { beta } => format!("pessimistic/1 {}", beta.revision()),
            Self::Regularised { strength } => format!("regularised/1 {}", strength.revision()),
        }
    }
}

impl Amount {
    /// As revisions of selections say it.
    fn revision(self) -> String {
        match self {
            Self::Absolute(amount) => format!("Absolute({amount:?})"),
            Self::Relative(amount) => format!("Relative({amount:?})"),
        }
    }

    /// In units of utility.
    fn of(self, utilities: &[f64]) -> f64 {
        match self {
            Self::Absolute(amount) => amount,
            // Beyond the range of numbers, the largest number says the same, and can be written down.
            Self::Relative(share) => (share * standard_deviation(utilities)).min(f64::MAX),
        }
    }

    fn check(self, [absolute, relative]: [&'static str; 2], least: f64) -> Result<(), PolicyError> {
        let (setting, value) = match self {
            Self::Absolute(value) => (absolute, value),
            Self::Relative(value) => (relative, value),
        };
        if value.is_finite() && value >= least {
            return Ok(());
        }
        let expected = if least > 0.0 { "a finite number above 0" } else { "a finite number of at least 0" };
        Err(PolicyError { setting, expected: expected.to_owned(), found: value.to_string() })
    }
}

/// Over all values, not a sample of more. Computed in units of the largest, so that no square is beyond the range of numbers.
fn standard_deviation(values: &[f64]) -> f64 {
    let largest = values.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
    if largest == 0.0 {
        return 0.0;
    }
    let count = values.len() as f64;
    let mean = values.iter().map(|value| value / largest).sum::<f64>() / count;
    let square = values.iter().map(|value| (value / largest - mean).powi(2)).sum::<f64>() / count;
    largest * square.sqrt()
}
