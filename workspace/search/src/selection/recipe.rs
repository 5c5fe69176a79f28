//! How recipes set each selection.

use editscale_schema::{Absent, Fields, Key, Keys, Mistake, Number, Options, Whole, Yaml};

use super::{Amount, Selection, SelectionChoice};
use crate::weighting::{ONE_OF_THREE, TARGET_KL, TEMPERATURE, Weighting, read_weighting, write_weighting};

/// The policy's own order; no options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BestRecipe {}

/// Settings of soft best-of-N.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoftRecipe {
    /// How sharply the draw prefers high utilities.
    pub weighting: Weighting,
    /// How many are drawn.
    pub draw: u32,
}

/// Settings of pessimistic best-of-N.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PessimisticRecipe {
    /// β.
    pub beta: Amount,
}

/// Settings of regularised best-of-N.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RegularisedRecipe {
    /// β.
    pub strength: Amount,
}

const TARGET_ESS: Key<Number> = Key {
    name: "target_ess",
    rule: Number::from(1.0, 100_000.0),
    absent: Absent::Unset(ONE_OF_THREE),
    meaning: "β such that this many candidates share the weight (effective sample size); all alike where there are fewer",
};

const DRAW: Key<Whole> = Key {
    name: "draw",
    rule: Whole { low: 1, high: 100_000 },
    absent: Absent::Default(1),
    meaning: "how many are drawn, and come first",
};

const BETA: Key<Number> = Key {
    name: "beta",
    rule: Number::above(0.0, 1e9),
    absent: Absent::Unset("told by `relative_beta`"),
    meaning: "β in w = relu((utility − λ)/β), in units of utility: near 0 the best is taken, far above the utilities' spread any",
};

const RELATIVE_BETA: Key<Number> = Key {
    name: "relative_beta",
    rule: Number::above(0.0, 1e9),
    absent: Absent::Unset("`1.0`, where `beta` is not given"),
    meaning: "β in standard deviations of the candidates' utilities, which suits any reward",
};

const STRENGTH: Key<Number> = Key {
    name: "strength",
    rule: Number::from(0.0, 1e9),
    absent: Absent::Unset("told by `relative_strength`"),
    meaning: "β in utility + β·likeness, in units of utility",
};

const RELATIVE_STRENGTH: Key<Number> = Key {
    name: "relative_strength",
    rule: Number::from(0.0, 1e9),
    absent: Absent::Unset("`1.0`, where `strength` is not given"),
    meaning: "β in standard deviations of the candidates' utilities, which suits any reward",
};

/// Reads an amount that one of two keys gives; one standard deviation where neither does.
fn read_amount(fields: &Fields<'_>, absolute: &Key<Number>, relative: &Key<Number>) -> Option<Amount> {
    let are_given = [absolute, relative].map(|key| fields.has(key.name));
    let (one, other) = (fields.take(absolute), fields.take(relative));
    match are_given {
        [false, false] => Some(Amount::Relative(1.0)),
        [true, true] => {
            let mistake = Mistake::new(format!("`{}` and `{}` cannot both be given", absolute.name, relative.name))
                .hint("they are one quantity in two units; leave one");
            fields.error(&fields.span_of(relative.name), mistake);
            None
        }
        _ => one.map(Amount::Absolute).or(other.map(Amount::Relative)),
    }
}

fn write_amount(amount: &Amount, absolute: &Key<Number>, relative: &Key<Number>) -> Vec<(String, Yaml)> {
    let key = match amount {
        Amount::Absolute(value) => absolute.write(Some(value)),
        Amount::Relative(value) => relative.write(Some(value)),
    };
    key.into_iter().collect()
}

impl Options for BestRecipe {
    const NAME: &'static str = "best";
    const ABOUT: &'static str = "Takes the candidate that the policy puts first.";
    const KEYS: Keys = &[];

    fn read(_: &Fields<'_>) -> Option<Self> {
        Some(Self {})
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        Vec::new()
    }
}

impl Options for SoftRecipe {
    const NAME: &'static str = "soft";
    const ABOUT: &'static str = "Draws a candidate with a probability in proportion to exp(utility/β).";
    const KEYS: Keys = &[&DRAW, &TEMPERATURE, &TARGET_ESS, &TARGET_KL];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (draw, weighting) = (fields.take(&DRAW), read_weighting(fields, Self::NAME, &TARGET_ESS));
        Some(Self { weighting: weighting?, draw: draw? as u32 })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let keys = [DRAW.write(Some(&self.draw.into())), write_weighting(self.weighting, &TARGET_ESS)];
        keys.into_iter().flatten().collect()
    }
}

impl Options for PessimisticRecipe {
    const NAME: &'static str = "pessimistic";
    const ABOUT: &'static str = "Draws a candidate with weights that rise in line with its utility from a level λ on, and are \
                                 1 on average, so that more candidates do not make the choice greedier.";
    const KEYS: Keys = &[&BETA, &RELATIVE_BETA];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        Some(Self { beta: read_amount(fields, &BETA, &RELATIVE_BETA)? })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        write_amount(&self.beta, &BETA, &RELATIVE_BETA)
    }
}

impl Options for RegularisedRecipe {
    const NAME: &'static str = "regularised";
    const ABOUT: &'static str = "Takes the candidate with the greatest utility plus β times its mean likeness to the others, so \
                                 that an outlier has to be better by more.";
    const KEYS: Keys = &[&STRENGTH, &RELATIVE_STRENGTH];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        Some(Self { strength: read_amount(fields, &STRENGTH, &RELATIVE_STRENGTH)? })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        write_amount(&self.strength, &STRENGTH, &RELATIVE_STRENGTH)
    }
}

impl SelectionChoice for BestRecipe {
    fn selection(&self) -> Option<Selection> {
        None
    }
}

impl SelectionChoice for SoftRecipe {
    fn selection(&self) -> Option<Selection> {
        Some(Selection::Soft { weighting: self.weighting, draw: self.draw })
    }
}

impl SelectionChoice for PessimisticRecipe {
    fn selection(&self) -> Option<Selection> {
        Some(Selection::Pessimistic { beta: self.beta })
    }
}

impl SelectionChoice for RegularisedRecipe {
    fn selection(&self) -> Option<Selection> {
        Some(Selection::Regularised { strength: self.strength })
    }
}
