//! Cases with what a judge says of them: plain data, a line of JSON each, so that a benchmark once judged is measured again
//! without judging.

use std::collections::BTreeMap;

use editscale_curate::{PictureFacts, Value};
use editscale_study::judges::Preference;
use serde::{Deserialize, Serialize};

use crate::Human;

/// The version of these files.
pub const FORMAT: u32 = 1;

/// What all lines of a file of judged cases were made with, in a file beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgedHead {
    /// [`FORMAT`].
    pub version: u32,
    /// Which benchmark it is, by its name on the command line, such as `genai-bench`.
    pub preset: String,
    /// A digest of the files, and of what was read of them: the same for a copy elsewhere.
    pub fingerprint: String,
    /// Who judged, in recipe order.
    pub rewards: Vec<JudgedReward>,
    /// The rules by which their scores became one, in one line.
    #[serde(default)]
    pub objective: String,
}

/// A reward that judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgedReward {
    /// Its name in the recipe.
    pub name: String,
    /// Model, weights and settings in one string. Scores of other revisions are not comparable.
    pub revision: String,
    /// What it counts in the score of the whole.
    pub weight: f64,
}

/// One source, one instruction, its edits, what people said of them and what the judge said. Where people rated single edits,
/// a case has one candidate, and `human` is [`Human::Rated`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgedCase {
    /// What the benchmark calls it; unique within its part.
    pub id: String,
    /// The part of the benchmark that it belongs to, such as `2pair`, `pairwise` or `pointwise`.
    pub part: String,
    /// Which collection the picture comes from, where the file says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// What it belongs to, where the file says it: cases of one group, or of one source, are no independent witnesses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What was asked for.
    pub instruction: String,
    /// The picture before; nothing where it cannot be read.
    pub source: Option<PictureFacts>,
    /// The edits, in the order in which people's words count them (A, B, …).
    pub candidates: Vec<JudgedCandidate>,
    /// What people said.
    pub human: Human,
}

/// One edit, and what the judge said of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgedCandidate {
    /// Who made it, where the file says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What people gave it, where they rated each by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<f64>,
    /// The picture after; nothing where it cannot be read.
    pub picture: Option<PictureFacts>,
    /// What the objective makes of the rewards' means: higher is better. Nothing where it cannot be said.
    pub score: Option<f64>,
    /// The standard deviation of `score`, where every reward gives its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigma: Option<f64>,
    /// What each reward said, by `reward` for its mean and `reward.part` for its parts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub said: BTreeMap<String, Value>,
    /// Why there is no score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Wall seconds of the call that judged it, shared evenly among the items of that call, reading and decoding of the
    /// pictures included. Nothing where an equal edit was judged before: its answer is taken over and costs nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

impl JudgedCase {
    /// The scores of all candidates in their order; nothing where one has none.
    pub fn scores(&self) -> Option<Vec<f64>> {
        self.candidates.iter().map(|candidate| candidate.score).collect()
    }
}

/// A pair that a judge of pairs was asked about in both orders, a line of JSON each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TwoOrders {
    /// The case.
    pub id: String,
    /// Its part of the benchmark.
    pub part: String,
    /// Which two of its candidates, from 0: the first is shown first in `forward`.
    pub candidates: (usize, usize),
    /// The place that won as they stand: `a` is the first place, whoever stands there. Nothing where the judge failed.
    #[serde(default, with = "perhaps")]
    pub forward: Option<Preference>,
    /// The place that won when they were shown the other way round: `a` is the first place again.
    #[serde(default, with = "perhaps")]
    pub backward: Option<Preference>,
    /// What people said of the two as they stand.
    #[serde(default, with = "perhaps")]
    pub human: Option<Preference>,
    /// Why an answer is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Wall seconds of both questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// A preference in one word: `a`, `b` or `tie`.
pub fn word_of_preference(preference: Preference) -> &'static str {
    match preference {
        Preference::First => "a",
        Preference::Tie => "tie",
        Preference::Second => "b",
    }
}

/// The preference that such a word says.
pub fn preference_of_word(word: &str) -> Option<Preference> {
    match word {
        "a" => Some(Preference::First),
        "tie" => Some(Preference::Tie),
        "b" => Some(Preference::Second),
        _ => None,
    }
}

/// A preference as JSON.
pub(crate) mod preference {
    use editscale_study::judges::Preference;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{preference_of_word, word_of_preference};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(crate) fn serialize<S: Serializer>(preference: &Preference, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(word_of_preference(*preference))
    }

    pub(crate) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Preference, D::Error> {
        let word = String::deserialize(from)?;
        preference_of_word(&word)
            .ok_or_else(|| D::Error::custom(format!("`{word}` is no preference: expected a, b or tie")))
    }
}

/// A preference or nothing as JSON.
mod perhaps {
    use editscale_study::judges::Preference;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{preference_of_word, word_of_preference};

    #[expect(clippy::trivially_copy_pass_by_ref, clippy::ref_option, reason = "serde calls it so")]
    pub(super) fn serialize<S: Serializer>(preference: &Option<Preference>, to: S) -> Result<S::Ok, S::Error> {
        preference.map(word_of_preference).serialize(to)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Option<Preference>, D::Error> {
        let Some(word) = Option::<String>::deserialize(from)? else { return Ok(None) };
        let wrong = || D::Error::custom(format!("`{word}` is no preference: expected a, b, tie or null"));
        preference_of_word(&word).map(Some).ok_or_else(wrong)
    }
}
