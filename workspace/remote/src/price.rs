//! What calls cost: tokens as the server counts them, money by a table.

use editscale_core::{Cost, Usd};
use serde_json::Value;

use crate::SetupError;
use crate::trouble::retry::Repeat;

/// Prices of one model. All zero for a server of one's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prices {
    /// For each call that was answered.
    pub call: Usd,
    /// For each picture that was made.
    pub picture: Usd,
    /// For a million tokens that stand for text going in.
    pub text_tokens: Usd,
    /// For a million tokens that stand for pictures going in.
    pub picture_tokens: Usd,
    /// For a million tokens coming out.
    pub output_tokens: Usd,
}

/// What a dialect can count, and so can have a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    Call,
    Picture,
    TextTokens,
    PictureTokens,
    OutputTokens,
}

impl Counted {
    const ALL: [Self; 5] = [Self::Call, Self::Picture, Self::TextTokens, Self::PictureTokens, Self::OutputTokens];

    /// The name of its price in recipes.
    fn word(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Picture => "picture",
            Self::TextTokens => "text_tokens",
            Self::PictureTokens => "picture_tokens",
            Self::OutputTokens => "output_tokens",
        }
    }
}

/// The most tokens that one call is expected to take; what it costs at most follows from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenBounds {
    /// Going in, text and pictures.
    pub input: u64,
    /// Coming out.
    pub output: u64,
}

/// Tokens as a server counted them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Usage {
    text: u64,
    pictures: u64,
    output: u64,
}

impl Usage {
    fn tokens(&self) -> u64 {
        self.text.saturating_add(self.pictures).saturating_add(self.output)
    }

    /// Reads the `usage` of an answer, as the images API or as chat completions write it.
    pub(crate) fn of(answer: &Value) -> Option<Self> {
        let usage = answer.get("usage")?;
        let number = |names: [&str; 2]| names.iter().find_map(|name| usage[*name].as_u64());
        let input = number(["input_tokens", "prompt_tokens"])?;
        let details = usage.get("input_tokens_details").or_else(|| usage.get("prompt_tokens_details"));
        let pictures = details.and_then(|details| details["image_tokens"].as_u64()).unwrap_or_default().min(input);
        let output = number(["output_tokens", "completion_tokens"]).unwrap_or_default();
        Some(Self { text: input - pictures, pictures, output })
    }

    /// Tokens that a dialect counts in words of its own.
    pub(crate) fn counted(text: u64, pictures: u64, output: u64) -> Self {
        Self { text, pictures, output }
    }
}

/// More tokens than any call takes. A server that counts more has miscounted, and is believed as little as one that counts
/// none, which no call takes either: the one would end a budget, the other would spend nothing of it.
const MOST_TOKENS: u64 = 10_000_000;

impl Prices {
    /// Whether calls cost no money.
    pub fn are_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Nobody counts what was paid for calls whose answers got lost: sending those again is only harmless where it is free.
    pub(crate) fn check_repeat(&self, repeat: Option<Repeat>) -> Result<(), SetupError> {
        if repeat == Some(Repeat::Harmless) && !self.are_nothing() {
            return Err(SetupError::setting("repeat", "never or keyed where calls are paid for", &"harmless"));
        }
        Ok(())
    }

    fn price(&self, of: Counted) -> Usd {
        match of {
            Counted::Call => self.call,
            Counted::Picture => self.picture,
            Counted::TextTokens => self.text_tokens,
            Counted::PictureTokens => self.picture_tokens,
            Counted::OutputTokens => self.output_tokens,
        }
    }

    /// Refuses prices of what a dialect does not count: they would have no effect.
    pub(crate) fn only(&self, counted: &[Counted]) -> Result<(), SetupError> {
        let has_price = |of: &Counted| self.price(*of).micros > 0;
        let Some(other) = Counted::ALL.into_iter().filter(has_price).find(|of| !counted.contains(of)) else {
            return Ok(());
        };
        let words: Vec<&str> = counted.iter().map(|of| of.word()).collect();
        let expected = format!("a price of what is counted here: {}", words.join(", "));
        Err(SetupError::setting("prices", &expected, &other.word()))
    }

    /// Refuses prices of tokens without a bound on their number: such calls would count as nothing beforehand.
    pub(crate) fn check_bounds(&self, bounds: TokenBounds) -> Result<(), SetupError> {
        let [text, pictures, output] =
            [self.text_tokens, self.picture_tokens, self.output_tokens].map(|price| price.micros > 0);
        let missing = |key: &str, price: &str| {
            let expected = format!("a number, because {price} have a price");
            Err(SetupError::setting(&format!("prices: {key}"), &expected, &"none"))
        };
        if (text || pictures) && bounds.input == 0 {
            return missing("most_input_tokens", if text { "text_tokens" } else { "picture_tokens" });
        }
        if output && bounds.output == 0 {
            return missing("most_output_tokens", "output_tokens");
        }
        Ok(())
    }

    fn by_tokens(&self) -> bool {
        [self.text_tokens, self.picture_tokens, self.output_tokens].iter().any(|price| price.micros > 0)
    }

    /// The most that one call can cost.
    pub(crate) fn bound(&self, bounds: TokenBounds, pictures: u64, nfe: u64) -> Cost {
        let dearer = self.text_tokens.max(self.picture_tokens);
        let tokens = parts_of_a_million(bounds.input, dearer)
            .saturating_add(parts_of_a_million(bounds.output, self.output_tokens));
        let tokens_counted = bounds.input.saturating_add(bounds.output);
        Cost { nfe, tokens: tokens_counted, usd: self.fixed(pictures, tokens) }
    }

    /// What an answer cost. Without a count of tokens those count that it can have taken at most, and where they are paid for,
    /// so does the money.
    pub(crate) fn of(&self, usage: Option<Usage>, pictures: u64, bound: Cost) -> Cost {
        let is_plausible = |usage: &Usage| (1..=MOST_TOKENS.max(bound.tokens)).contains(&usage.tokens());
        let Some(usage) = usage.filter(is_plausible) else {
            return if self.by_tokens() { bound } else { Cost { usd: self.fixed(pictures, 0), ..bound } };
        };
        let money =
            [(usage.text, self.text_tokens), (usage.pictures, self.picture_tokens), (usage.output, self.output_tokens)];
        let money = money.into_iter().map(|(tokens, price)| parts_of_a_million(tokens, price));
        Cost { nfe: bound.nfe, tokens: usage.tokens(), usd: self.fixed(pictures, money.fold(0, u64::saturating_add)) }
    }

    fn fixed(&self, pictures: u64, more: u64) -> Usd {
        let made = self.picture.micros.saturating_mul(pictures);
        Usd { micros: self.call.micros.saturating_add(made).saturating_add(more) }
    }
}

/// The price of so many tokens, rounded up to the next millionth of a dollar.
fn parts_of_a_million(tokens: u64, price: Usd) -> u64 {
    let exact = u128::from(tokens) * u128::from(price.micros);
    u64::try_from(exact.div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn usd(micros: u64) -> Usd {
        Usd { micros }
    }

    fn prices() -> Prices {
        Prices {
            picture: usd(40),
            text_tokens: usd(5_000_000),
            picture_tokens: usd(10_000_000),
            output_tokens: usd(40_000_000),
            ..Prices::default()
        }
    }

    #[test]
    fn money_follows_from_what_the_server_counted() {
        let bound = prices().bound(TokenBounds { input: 1000, output: 100 }, 1, 28);
        assert_eq!(bound, Cost { nfe: 28, tokens: 1100, usd: usd(40 + 10_000 + 4000) });
        for (answer, expected) in [
            (
                json!({"usage": {"input_tokens": 300, "output_tokens": 10, "input_tokens_details": {"image_tokens": 200}}}),
                Cost { nfe: 28, tokens: 310, usd: usd(40 + 500 + 2000 + 400) },
            ),
            (
                json!({"usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}),
                Cost { nfe: 28, tokens: 2, usd: usd(40 + 5 + 40) },
            ),
            (json!({"usage": {"image_count": 1}}), bound),
            (json!({"usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}}), bound),
            (json!({"usage": {"input_tokens": 1, "output_tokens": u64::MAX >> 1}}), bound),
            (json!({}), bound),
        ] {
            assert_eq!(prices().of(Usage::of(&answer), 1, bound), expected, "{answer}");
        }
    }

    #[test]
    fn tokens_that_nobody_counted_are_those_that_it_can_have_been() {
        let by_picture = Prices { picture: usd(7), ..Prices::default() };
        let bound = by_picture.bound(TokenBounds { input: 10, output: 5 }, 2, 0);
        assert_eq!(by_picture.of(None, 1, bound), Cost { nfe: 0, tokens: 15, usd: usd(7) });
    }

    #[test]
    fn prices_without_effect_or_bound_are_refused() {
        let words = |checked: Result<(), SetupError>| checked.unwrap_err().to_string();
        let found = words(prices().only(&[Counted::Call, Counted::Picture]));
        assert!(found.contains("call, picture") && found.contains("found text_tokens"), "{found}");
        assert_eq!(prices().only(&Counted::ALL), Ok(()));
        assert_eq!(Prices::default().only(&[]), Ok(()));
        for (input, output, expected) in
            [(0, 9, Some("most_input_tokens")), (9, 0, Some("most_output_tokens")), (9, 9, None)]
        {
            let checked = prices().check_bounds(TokenBounds { input, output });
            match expected {
                Some(expected) => assert!(words(checked).contains(expected)),
                None => assert_eq!(checked, Ok(())),
            }
        }
        assert_eq!(Prices { call: usd(1), ..Prices::default() }.check_bounds(TokenBounds::default()), Ok(()));
    }

    #[test]
    fn without_prices_nothing_is_paid() {
        let bound = Prices::default().bound(TokenBounds::default(), 1, 0);
        assert_eq!(bound, Cost::default());
        assert_eq!(Prices::default().of(None, 3, bound), Cost::default());
        let each = Prices { picture: usd(7), ..Prices::default() };
        assert_eq!(each.of(None, 3, each.bound(TokenBounds::default(), 1, 0)).usd, usd(21));
    }
}
