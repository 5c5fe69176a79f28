//! What calls cost.

use editscale_core::Usd;

use crate::document::yaml::Yaml;
use crate::fields::Fields;
use crate::key::{Absent, Key, Keys, Section};
use crate::report::mistakes::Mistake;
use crate::rule::{Number, Whole};

/// What calls cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PriceSettings {
    /// For each call that was answered.
    pub call: Usd,
    /// For each picture that was made.
    pub picture: Usd,
    /// For a million tokens of text going in.
    pub text_tokens: Usd,
    /// For a million tokens of pictures going in.
    pub picture_tokens: Usd,
    /// For a million tokens coming out.
    pub output_tokens: Usd,
    /// The most tokens that go into one call.
    pub most_input_tokens: Option<u64>,
    /// The most tokens that come out of one call.
    pub most_output_tokens: Option<u64>,
}

/// What calls cost.
pub const PRICES: Section = Section {
    name: "prices",
    allowed: "a map",
    default: "`{}`",
    meaning: "what calls cost, in US dollars; without prices they cost nothing, as on a server of one's own",
};

const fn dollars(name: &'static str, meaning: &'static str) -> Key<Number> {
    Key { name, rule: Number::from(0.0, 1e6), absent: Absent::Default(0.0), meaning }
}

const CALL: Key<Number> = dollars("call", "dollars for each call that was answered");
const PICTURE: Key<Number> = dollars("picture", "dollars for each picture that was made");
const TEXT: Key<Number> = dollars("text_tokens", "dollars for a million tokens of text going in");
const PICTURES: Key<Number> = dollars("picture_tokens", "dollars for a million tokens of pictures going in");
const OUTPUT: Key<Number> = dollars("output_tokens", "dollars for a million tokens coming out");

const fn tokens(name: &'static str, meaning: &'static str) -> Key<Whole> {
    Key { name, rule: Whole { low: 1, high: 100_000_000 }, absent: Absent::Unset("by the dialect"), meaning }
}

const MOST_INPUT: Key<Whole> = tokens(
    "most_input_tokens",
    "the most tokens that go into one call: what a call can cost at most is set aside from the budget before it leaves",
);
const MOST_OUTPUT: Key<Whole> = tokens("most_output_tokens", "the most tokens that come out of one call, likewise");

/// Its keys.
pub const PRICE_KEYS: Keys = &[&CALL, &PICTURE, &TEXT, &PICTURES, &OUTPUT, &MOST_INPUT, &MOST_OUTPUT];

impl PriceSettings {
    /// Whether nothing costs anything.
    pub fn are_nothing(&self) -> bool {
        let Self { call, picture, text_tokens, picture_tokens, output_tokens, .. } = *self;
        [call, picture, text_tokens, picture_tokens, output_tokens].iter().all(|price| price.micros == 0)
    }

    pub(super) fn read(fields: &Fields<'_>) -> Option<Self> {
        let money = |key: &Key<Number>| {
            let dollars = fields.take(key)?;
            let micros = (dollars * 1e6).round();
            if dollars > 0.0 && micros < 1.0 {
                let mistake = Mistake::new(format!("`{}` is less than a millionth of a dollar", key.name))
                    .hint("money is counted in millionths of a dollar");
                fields.error(&fields.span_of(key.name), mistake);
            }
            Some(Usd { micros: micros as u64 })
        };
        let (call, picture) = (money(&CALL), money(&PICTURE));
        let (text_tokens, picture_tokens, output_tokens) = (money(&TEXT), money(&PICTURES), money(&OUTPUT));
        let (most_input_tokens, most_output_tokens) = (fields.take(&MOST_INPUT), fields.take(&MOST_OUTPUT));
        Some(Self {
            call: call?,
            picture: picture?,
            text_tokens: text_tokens?,
            picture_tokens: picture_tokens?,
            output_tokens: output_tokens?,
            most_input_tokens,
            most_output_tokens,
        })
    }

    pub(super) fn write(&self) -> Yaml {
        let money = |key: &Key<Number>, usd: Usd| key.write(Some(&usd.dollars()));
        let written = [
            money(&CALL, self.call),
            money(&PICTURE, self.picture),
            money(&TEXT, self.text_tokens),
            money(&PICTURES, self.picture_tokens),
            money(&OUTPUT, self.output_tokens),
            MOST_INPUT.write(self.most_input_tokens.as_ref()),
            MOST_OUTPUT.write(self.most_output_tokens.as_ref()),
        ];
        Yaml::Map(written.into_iter().flatten().collect())
    }
}
