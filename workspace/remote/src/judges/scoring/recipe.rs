//! Options of the rewards behind HTTP that answer with numbers; here is what they share.

mod pickled;
mod servers;
mod vllm;

pub use pickled::{PickledProfile, PickledRewardOptions};
pub use servers::{EditscaleOptions, FlowFactoryOptions, UnirlScoreOptions};
pub use vllm::{ConversationSettings, PoolingChoice, VllmClassifyOptions, VllmPluginOptions, VllmPoolingOptions};

use std::num::NonZeroU32;

use super::chat_judge::PIXEL_BUDGET;
use crate::document::yaml::Yaml;
use crate::remote::RemoteSettings;
use crate::report::mistakes::Mistake;
use crate::schema::fields::Fields;
use crate::schema::key::{Absent, Key};
use crate::schema::rule::{Number, Whole, Word};

/// What every reward of numbers is told.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreSettings {
    /// What the server's scores are multiplied by; never 0.
    pub scale: f64,
    /// What is added then.
    pub offset: f64,
    /// The least and greatest score after that.
    pub range: Option<(f64, f64)>,
    /// The pixels that the model looks at, at most.
    pub pixel_budget: Option<u64>,
    /// The servers and what is told of them.
    pub remote: RemoteSettings,
}

/// Which pictures are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PicturesChoice {
    /// The source, then the candidate.
    Both,
    /// The candidate alone.
    Edited,
}

const SCALE: Key<Number> = Key {
    name: "scale",
    rule: Number::from(-1e9, 1e9),
    absent: Absent::Default(1.0),
    meaning: "what the server's scores are multiplied by; below 0 where its lower scores are better, and never 0",
};

const OFFSET: Key<Number> = Key {
    name: "offset",
    rule: Number::from(-1e9, 1e9),
    absent: Absent::Default(0.0),
    meaning: "what is added to scores once they are multiplied by `scale`",
};

const LOW: Key<Number> = Key {
    name: "low",
    rule: Number::from(-1e9, 1e9),
    absent: Absent::Unset("not known"),
    meaning: "the least score, after `scale` and `offset`; a score below it is a failure",
};

const HIGH: Key<Number> = Key {
    name: "high",
    rule: Number::from(-1e9, 1e9),
    absent: Absent::Unset("not known"),
    meaning: "the greatest score, likewise; given with `low` or not at all",
};

const PICTURES: Key<Word<PicturesChoice>> = Key {
    name: "pictures",
    rule: Word(&[("both", PicturesChoice::Both), ("edited", PicturesChoice::Edited)]),
    absent: Absent::Default(PicturesChoice::Both),
    meaning: "which pictures are shown: the source and the candidate, or the candidate alone",
};

/// The key `batch` with what the dialect's servers usually take.
const fn batch(default: u64) -> Key<Whole> {
    Key {
        name: "batch",
        rule: Whole { low: 1, high: 1024 },
        absent: Absent::Default(default),
        meaning: "the most candidates of one call",
    }
}

fn take_batch(fields: &Fields<'_>, key: &Key<Whole>) -> Option<NonZeroU32> {
    fields.take(key).and_then(|count| NonZeroU32::new(count as u32))
}

impl ScoreSettings {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (scale, offset, low, high) =
            (fields.take(&SCALE), fields.take(&OFFSET), fields.take(&LOW), fields.take(&HIGH));
        let (pixel_budget, remote) = (fields.take(&PIXEL_BUDGET), RemoteSettings::read(fields));
        if scale == Some(0.0) {
            let mistake = Mistake::new("`scale` cannot be 0: all scores would be the same").hint("leave `scale` out");
            fields.error(&fields.span_of(SCALE.name), mistake);
        }
        Self::check(fields, low, high);
        Some(Self { scale: scale?, offset: offset?, range: low.zip(high), pixel_budget, remote: remote? })
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

    fn write(&self) -> impl Iterator<Item = (String, Yaml)> + use<> {
        let (low, high) = self.range.unzip();
        let written = [
            SCALE.write(Some(&self.scale)),
            OFFSET.write(Some(&self.offset)),
            LOW.write(low.as_ref()),
            HIGH.write(high.as_ref()),
            PIXEL_BUDGET.write(self.pixel_budget.as_ref()),
        ];
        written.into_iter().flatten().chain(self.remote.write())
    }
}

/// A table of keys: a dialect's own, then what all share.
macro_rules! keys {
    ($($own:expr),* $(,)?) => {
        &[
            $($own,)*
            &$crate::rewards::scores::SCALE,
            &$crate::rewards::scores::OFFSET,
            &$crate::rewards::scores::LOW,
            &$crate::rewards::scores::HIGH,
            &$crate::rewards::chat_judge::PIXEL_BUDGET,
            &$crate::remote::SERVERS,
            &$crate::remote::CALLS,
            &$crate::remote::PRICES,
            &$crate::remote::REVISION,
            &$crate::remote::REPEAT,
        ]
    };
}
use keys;
