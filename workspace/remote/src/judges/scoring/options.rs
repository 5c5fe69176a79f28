//! What a recipe says of any judge that answers with numbers.

use editscale_core::RewardName;

use crate::SetupError;
use crate::fleet::Connection;
use crate::price::{Counted, Prices, TokenBounds};
use crate::trouble::retry::Repeat;

/// From a server's scale to the one that the recipe means: `scale · score + offset`.
///
/// A negative scale turns a server's "less is better" round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreMap {
    /// What scores are multiplied by, never 0; standard deviations are multiplied by its amount.
    pub scale: f64,
    /// What is added then.
    pub offset: f64,
}

impl Default for ScoreMap {
    /// Scores as the server gives them.
    fn default() -> Self {
        Self { scale: 1.0, offset: 0.0 }
    }
}

/// What a recipe says of any judge that answers with numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoringOptions {
    /// What the recipe calls it.
    pub name: RewardName,
    /// The servers, and how they are spoken to.
    pub connection: Connection,
    /// What else tells one revision of the scores from another, such as the commit of the weights.
    pub revision: Option<String>,
    /// From the server's scale to the recipe's.
    pub map: ScoreMap,
    /// The least and greatest score after the map, where there is such a thing. A score outside of it is a failure.
    pub range: Option<(f64, f64)>,
    /// The pixels that the model looks at, at most, where that is known.
    pub pixel_budget: Option<u64>,
    /// What calls cost. What one call for several pictures costs is counted with the first of them.
    pub prices: Prices,
    /// The most tokens that go into one call, where the server counts them.
    pub most_input_tokens: u64,
    /// Whether a call that may have been answered is sent again; where calls are paid for, not.
    pub repeat: Option<Repeat>,
}

impl ScoringOptions {
    /// A judge on these servers, free of charge, whose scores are taken as they come.
    pub fn new(name: RewardName, connection: Connection) -> Self {
        Self {
            name,
            connection,
            revision: None,
            map: ScoreMap::default(),
            range: None,
            pixel_budget: None,
            prices: Prices::default(),
            most_input_tokens: 0,
            repeat: None,
        }
    }

    pub(crate) fn check(&self) -> Result<(), SetupError> {
        let ScoreMap { scale, offset } = self.map;
        if !scale.is_finite() || scale == 0.0 || !offset.is_finite() {
            let found = format!("{scale} · score + {offset}");
            return Err(SetupError::setting("map", "finite numbers and a scale other than 0", &found));
        }
        match self.range {
            Some((low, high)) if !(low.is_finite() && high.is_finite() && low < high) => {
                Err(SetupError::setting("range", "two finite numbers, the less first", &format!("{low} to {high}")))
            }
            _ => self.check_calls(),
        }
    }

    fn check_calls(&self) -> Result<(), SetupError> {
        self.prices.check_repeat(self.repeat)?;
        Repeat::check_unkeyed(self.repeat, "judges have")?;
        self.prices.only(&[Counted::Call, Counted::TextTokens, Counted::PictureTokens])?;
        self.prices.check_bounds(self.bounds())
    }

    pub(crate) fn bounds(&self) -> TokenBounds {
        TokenBounds { input: self.most_input_tokens, output: 0 }
    }

    /// Sends again what got lost, unless somebody pays for it.
    pub(crate) fn repeat(&self) -> Repeat {
        let usual = if self.prices.are_nothing() { Repeat::Harmless } else { Repeat::Never };
        self.repeat.unwrap_or(usual)
    }
}
