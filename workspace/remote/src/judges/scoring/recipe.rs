//! How recipes set a judge that answers with numbers.

use editscale_schema::remote::RemoteSettings;
use editscale_schema::{Absent, Fields, Key, Mistake, Number, Whole, Word, Yaml};

use super::options::{ScoreMap, ScoringOptions};
use crate::fleet::Connection;
use crate::judges::chat::AspectPictures;
use crate::judges::recipe::PIXEL_BUDGET;
use crate::recipe::{connection, prices, repeat};

/// What a recipe says of any judge that answers with numbers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScoringRecipe {
    /// From the server's scale to the recipe's.
    map: ScoreMap,
    /// The least and greatest score after that.
    range: Option<(f64, f64)>,
    /// The pixels that the model looks at, at most.
    pixel_budget: Option<u64>,
    /// The servers and what is told of them.
    pub(crate) remote: RemoteSettings,
}

pub(crate) const SCALE: Key<Number> = Key {
    name: "scale",
    rule: Number::from(-1e9, 1e9),
    absent: Absent::Default(1.0),
    meaning: "what the server's scores are multiplied by; below 0 where its lower scores are better, and never 0",
};

pub(crate) const OFFSET: Key<Number> = Key {
    name: "offset",
    rule: Number::from(-1e9, 1e9),
    absent: Absent::Default(0.0),
    meaning: "what is added to scores once they are multiplied by `scale`",
};

pub(crate) const LOW: Key<Number> = Key {
    name: "low",
    rule: Number::from(-1e9, 1e9),
    absent: Absent::Unset("not known"),
    meaning: "the least score, after `scale` and `offset`; a score below it is a failure",
};

pub(crate) const HIGH: Key<Number> = Key {
    name: "high",
    rule: Number::from(-1e9, 1e9),
    absent: Absent::Unset("not known"),
    meaning: "the greatest score, likewise; given with `low` or not at all",
};

pub(crate) const PICTURES: Key<Word<AspectPictures>> = Key {
    name: "pictures",
    rule: Word(&[("both", AspectPictures::Both), ("edited", AspectPictures::Edited)]),
    absent: Absent::Default(AspectPictures::Both),
    meaning: "which pictures are shown: the source and the candidate, or the candidate alone",
};

/// The key `batch` with what the dialect's servers usually take.
pub(crate) const fn batch(default: u64) -> Key<Whole> {
    Key {
        name: "batch",
        rule: Whole { low: 1, high: 1024 },
        absent: Absent::Default(default),
        meaning: "the most candidates of one call",
    }
}

impl ScoringRecipe {
    pub(crate) fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (scale, offset, low, high) =
            (fields.take(&SCALE), fields.take(&OFFSET), fields.take(&LOW), fields.take(&HIGH));
        let (pixel_budget, remote) = (fields.take(&PIXEL_BUDGET), RemoteSettings::read(fields));
        if scale == Some(0.0) {
            let mistake = Mistake::new("`scale` cannot be 0: all scores would be the same").hint("leave `scale` out");
            fields.error(&fields.span_of(SCALE.name), mistake);
        }
        Self::check(fields, low, high);
        let map = ScoreMap { scale: scale?, offset: offset? };
        Some(Self { map, range: low.zip(high), pixel_budget, remote: remote? })
    }

    fn check(fields: &Fields<'_>, low: Option<f64>, high: Option<f64>) {
        for (key, other) in [(LOW.name, HIGH.name), (HIGH.name, LOW.name)] {
            if fields.has(key) && !fields.has(other) {
                let mistake = Mistake::new(format!("`{key}` has no meaning without `{other}`"))
                    .hint(format!("add `{other}`, or leave `{key}` out"));
                fields.error(&fields.span_of(key), mistake);
            }
        }
        if let (Some(low), Some(high)) = (low, high)
            && low >= high
        {
            let mistake = Mistake::new(format!("`high` is {high}, and `low` {low}: expected more"));
            fields.error(&fields.span_of(HIGH.name), mistake);
        }
    }

    pub(crate) fn write(&self) -> impl Iterator<Item = (String, Yaml)> + use<> {
        let (low, high) = self.range.unzip();
        let written = [
            SCALE.write(Some(&self.map.scale)),
            OFFSET.write(Some(&self.map.offset)),
            LOW.write(low.as_ref()),
            HIGH.write(high.as_ref()),
            PIXEL_BUDGET.write(self.pixel_budget.as_ref()),
        ];
        written.into_iter().flatten().chain(self.remote.write())
    }

    pub(crate) fn connection(&self) -> Connection {
        connection(&self.remote)
    }

    /// As the dialect has it, over what is usual there.
    pub(crate) fn options(&self, usual: ScoringOptions) -> ScoringOptions {
        let remote = &self.remote;
        ScoringOptions {
            revision: remote.revision.clone(),
            map: self.map,
            range: self.range,
            pixel_budget: self.pixel_budget,
            prices: prices(&remote.prices),
            most_input_tokens: remote.prices.most_input_tokens.unwrap_or(usual.most_input_tokens),
            repeat: remote.repeat.map(repeat),
            ..usual
        }
    }
}

/// A table of keys: a dialect's own, then those of every judge that answers with numbers.
macro_rules! keys {
    ($($own:expr),* $(,)?) => {
        &[
            $($own,)*
            &$crate::judges::scoring::recipe::SCALE,
            &$crate::judges::scoring::recipe::OFFSET,
            &$crate::judges::scoring::recipe::LOW,
            &$crate::judges::scoring::recipe::HIGH,
            &$crate::judges::recipe::PIXEL_BUDGET,
            &::editscale_schema::remote::SERVERS,
            &::editscale_schema::remote::CALLS,
            &::editscale_schema::remote::PRICES,
            &::editscale_schema::remote::REVISION,
            &::editscale_schema::remote::REPEAT,
        ]
    };
}
pub(crate) use keys;
