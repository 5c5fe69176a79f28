//! The words of the scoring contract.

use std::borrow::Cow;
use std::fmt;

use editscale_core::{FailureKind, RewardCard, RewardKind};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::batching::Answer;
use crate::rewards::Scorer;

/// The most items of one request.
pub(super) const MOST_ITEMS: usize = 1024;

/// A text that is not copied where it stands plainly in the body.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// What to score.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked<'a> {
    #[serde(default)]
    pub(super) reward: Option<String>,
    #[serde(borrow)]
    pub(super) items: Items<'a>,
}

/// One candidate.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedItem<'a> {
    #[serde(borrow)]
    pub(super) instruction: Text<'a>,
    #[serde(borrow)]
    pub(super) source: Text<'a>,
    #[serde(borrow)]
    pub(super) candidate: Text<'a>,
}

/// A list of items that is not read beyond the most that there may be.
#[derive(Debug)]
pub(super) struct Items<'a>(pub(super) Vec<AskedItem<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Items<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(ItemsVisitor).map(Self)
    }
}

struct ItemsVisitor;

impl<'de> Visitor<'de> for ItemsVisitor {
    type Value = Vec<AskedItem<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of items with `instruction`, `source` and `candidate`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let at = items.len();
            match from.next_element() {
                Ok(None) => return Ok(items),
                Ok(Some(_)) if at == MOST_ITEMS => {
                    return Err(A::Error::custom(format!("expected at most {MOST_ITEMS} items, found more")));
                }
                Ok(Some(item)) => items.push(item),
                Err(error) => return Err(A::Error::custom(format!("`items[{at}]`: {error}"))),
            }
        }
    }
}

/// What to score; as JSON, or as a form whose `items` is this list as JSON and whose other fields are files.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "it is read as `Asked`, which copies nothing")]
pub(super) struct ScoreRequest {
    /// The reward's name as `/v1/rewards` has it; the first one where it is not said.
    reward: Option<String>,
    /// At most 1024.
    items: Vec<ScoreItem>,
}

/// One candidate and what it is scored against.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "it is read as `AskedItem`, which copies nothing")]
pub(super) struct ScoreItem {
    /// What was to be done.
    instruction: String,
    /// The picture that was edited: a data URL, or `file:NAME` for the file of that name in a form.
    source: String,
    /// The picture that was made of it.
    candidate: String,
}

/// One answer an item, in order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScoreReply {
    pub(super) scores: Vec<ItemReply>,
    pub(super) reward: RewardReply,
}

/// A score, or why there is none.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(super) enum ItemReply {
    /// What the reward says of the candidate.
    Score {
        /// Its estimate; higher is better.
        score: f64,
        /// The standard deviation of the estimate, where the reward gives one.
        #[serde(skip_serializing_if = "Option::is_none")]
        sigma: Option<f64>,
        /// Named components.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        parts: Vec<PartReply>,
    },
    /// This item failed; the others did not for it.
    Failed {
        /// Why.
        error: ItemError,
    },
}

/// A named component of a score.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PartReply {
    name: String,
    score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sigma: Option<f64>,
}

/// Why an item has no score.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ItemError {
    /// `refused`, `invalid`, `unavailable`, `timed_out`, `malformed` or `crashed`; `unavailable` and `timed_out` may be tried again.
    class: &'static str,
    /// A sentence for people.
    message: String,
}

/// The reward that answered.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RewardReply {
    /// Its name, as it was asked for.
    pub(super) name: String,
    /// All that decides a score beside the pictures.
    pub(super) revision: String,
    /// The least and greatest score, where there is such a thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) range: Option<[f64; 2]>,
}

/// A reward that can be asked.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RewardInfo {
    /// What to call it.
    name: String,
    /// All that decides a score beside the pictures.
    revision: String,
    /// The least and greatest score, where there is such a thing.
    range: Option<[f64; 2]>,
    /// `pointwise`; or `listwise`, where scores compare within one request only.
    kind: &'static str,
    /// Whether its scores carry a standard deviation.
    gives_sigma: bool,
    /// The most items of one call; more of them are cut into several.
    largest_batch: u32,
    /// Items that wait.
    waiting: usize,
    /// Calls under way.
    at_work: usize,
    /// Calls that were answered since the server began.
    calls: u64,
    /// Items of these calls.
    items: u64,
}

/// Rewards that can be asked, the usual one first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RewardList {
    pub(super) data: Vec<RewardInfo>,
}

fn range(card: &RewardCard) -> Option<[f64; 2]> {
    card.range.filter(|(low, high)| low.is_finite() && high.is_finite()).map(|(low, high)| [low, high])
}

impl From<&Scorer> for RewardInfo {
    fn from(scorer: &Scorer) -> Self {
        let (card, load) = (scorer.card(), scorer.load());
        Self {
            name: scorer.name().to_owned(),
            revision: card.revision.to_string(),
            range: range(card),
            kind: match card.kind {
                RewardKind::Pointwise => "pointwise",
                RewardKind::Listwise => "listwise",
            },
            gives_sigma: card.gives_sigma,
            largest_batch: card.largest_batch.get(),
            waiting: load.waiting,
            at_work: load.at_work,
            calls: load.calls,
            items: load.items,
        }
    }
}

impl RewardReply {
    /// Of this reward, under the name that it was asked for.
    pub(super) fn of(scorer: &Scorer, asked: Option<String>) -> Self {
        let card = scorer.card();
        let name = asked.unwrap_or_else(|| scorer.name().to_owned());
        Self { name, revision: card.revision.to_string(), range: range(card) }
    }
}

/// The contract's word for a class of failure: what is not of its list, and must not be tried again by itself, has crashed.
fn class(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Cancelled => FailureKind::Unavailable.word(),
        FailureKind::OverBudget => FailureKind::Refused.word(),
        FailureKind::Ambiguous => FailureKind::Crashed.word(),
        told => told.word(),
    }
}

impl From<&Answer> for ItemReply {
    fn from(answer: &Answer) -> Self {
        let score = match answer {
            Ok(judgement) => &judgement.score,
            Err(failure) => {
                let error = ItemError { class: class(failure.kind), message: failure.message.to_string() };
                return Self::Failed { error };
            }
        };
        let part = |part: &editscale_core::Part| PartReply {
            name: part.name().to_string(),
            score: part.mean(),
            sigma: part.sigma(),
        };
        Self::Score { score: score.mean(), sigma: score.sigma(), parts: score.parts().iter().map(part).collect() }
    }
}
