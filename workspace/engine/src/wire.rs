//! The forms that core values take in a run directory's files.
//!
//! These types are the file format: a change here is a change of [`FORMAT_VERSION`]. They are converted by hand, so
//! that a renamed field in core cannot change what old files mean.

use std::time::Duration;

use editscale_core::{
    Budget, Cost, Digest, Failure, FailureKind, Image, ImageSize, Ledger, MediaType, Part, PartName, PerceptualHash,
    Remaining, Score, TowerPictures, Usd,
};
use serde::{Deserialize, Serialize};

mod critique;
mod decision;

pub(crate) use critique::WrittenWire;
pub(crate) use decision::{DecisionWire, VerdictWire};

/// The version of every file in a run directory that this program writes.
///
/// Version 2 has the journal entries `judging` and `judging_failed`; a journal of version 1 is one without them. Version 3 has
/// steered noise, looks and features of pictures, the entries `critiquing`, `critiquing_failed` and `critiqued`, and the
/// decision `rewrite`, to which such entries without an `id` belong; a journal of version 2 is one without them.
pub(crate) const FORMAT_VERSION: u32 = 3;

/// The oldest version that this program reads.
pub(crate) const OLDEST_FORMAT_VERSION: u32 = 1;

/// Why a stored value is not what its field says: the field, what was expected, what was found.
pub(crate) type WireError = String;

fn bad<E: std::fmt::Display>(error: E) -> WireError {
    error.to_string()
}

/// A picture: `{"digest": …, "format": "png", "width": …, "height": …}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImageWire {
    pub(crate) digest: String,
    pub(crate) format: String,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl From<&Image> for ImageWire {
    fn from(image: &Image) -> Self {
        let ImageSize { width, height } = image.size();
        let format = image.media().extension().to_owned();
        Self { digest: image.digest().to_string(), format, width, height }
    }
}

impl ImageWire {
    pub(crate) fn parts(&self) -> Result<(Digest, MediaType, ImageSize), WireError> {
        let media = MediaType::from_extension(&self.format)
            .ok_or_else(|| format!("`format` is `{}`: expected an image format", self.format))?;
        if self.width == 0 || self.height == 0 {
            return Err(format!("the picture is {}x{}: expected at least one pixel", self.width, self.height));
        }
        Ok((self.digest.parse().map_err(bad)?, media, ImageSize { width: self.width, height: self.height }))
    }
}

/// A perceptual hash as text: 16 hexadecimal digits, the highest bits first.
pub(crate) fn hash_text(hash: PerceptualHash) -> String {
    format!("{:016x}", hash.0)
}

/// A perceptual hash from its text, where there is one.
pub(crate) fn hash(text: Option<&str>) -> Result<Option<PerceptualHash>, WireError> {
    let Some(text) = text else { return Ok(None) };
    let is_plain = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let bits = u64::from_str_radix(text, 16).ok().filter(|_| is_plain);
    bits.map(|bits| Some(PerceptualHash(bits)))
        .ok_or_else(|| format!("`perceptual_hash` is `{text}`: expected 16 hexadecimal digits"))
}

/// `{"nfe": 28, "tokens": 900, "usd_micros": 40000}`, what is 0 left out; money in millionths of a dollar.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CostWire {
    #[serde(skip_serializing_if = "is_zero")]
    nfe: u64,
    #[serde(skip_serializing_if = "is_zero")]
    tokens: u64,
    #[serde(skip_serializing_if = "is_zero")]
    usd_micros: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
pub(crate) fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl CostWire {
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl From<Cost> for CostWire {
    fn from(cost: Cost) -> Self {
        Self { nfe: cost.nfe, tokens: cost.tokens, usd_micros: cost.usd.micros }
    }
}

impl From<CostWire> for Cost {
    fn from(wire: CostWire) -> Self {
        Self { nfe: wire.nfe, tokens: wire.tokens, usd: Usd { micros: wire.usd_micros } }
    }
}

/// `{"computed": 5, "found": 2}`: pictures that were asked of shared vision towers.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct TowerPicturesWire {
    computed: u64,
    found: u64,
}

impl TowerPicturesWire {
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl From<TowerPictures> for TowerPicturesWire {
    fn from(TowerPictures { computed, found }: TowerPictures) -> Self {
        Self { computed, found }
    }
}

impl From<TowerPicturesWire> for TowerPictures {
    fn from(TowerPicturesWire { computed, found }: TowerPicturesWire) -> Self {
        Self { computed, found }
    }
}

/// What was spent, in `outcome.json`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct LedgerWire {
    edits: u64,
    reward_calls: u64,
    nfe: u64,
    tokens: u64,
    usd: f64,
    wall_secs: f64,
    /// Left out where nothing was loaded in turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    load_secs: Option<f64>,
    /// Left out where no vision tower is shared.
    #[serde(default, skip_serializing_if = "TowerPicturesWire::is_nothing")]
    pictures: TowerPicturesWire,
}

impl From<&Ledger> for LedgerWire {
    fn from(ledger: &Ledger) -> Self {
        Self {
            edits: ledger.edits,
            reward_calls: ledger.reward_calls,
            nfe: ledger.cost.nfe,
            tokens: ledger.cost.tokens,
            usd: ledger.cost.usd.dollars(),
            wall_secs: ledger.wall.as_secs_f64(),
            load_secs: Some(ledger.loading.as_secs_f64()).filter(|secs| *secs > 0.0),
            pictures: ledger.pictures.into(),
        }
    }
}

impl LedgerWire {
    pub(crate) fn ledger(self) -> Result<Ledger, WireError> {
        let amounts = [("usd", self.usd), ("wall_secs", self.wall_secs)];
        if let Some((name, amount)) = amounts.into_iter().find(|(_, amount)| *amount < 0.0) {
            return Err(format!("`{name}` is {amount}: expected a number of at least 0"));
        }
        let usd = Usd { micros: (self.usd * 1e6).round() as u64 };
        Ok(Ledger {
            edits: self.edits,
            reward_calls: self.reward_calls,
            cost: Cost { nfe: self.nfe, tokens: self.tokens, usd },
            wall: seconds(self.wall_secs),
            loading: seconds(self.load_secs.unwrap_or_default()),
            pictures: self.pictures.into(),
        })
    }
}

/// Seconds from a file; what cannot be a duration counts as none.
pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// A budget or what is left of one; absent is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BudgetWire {
    #[serde(skip_serializing_if = "Option::is_none")]
    edits: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reward_calls: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nfe: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usd_micros: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wall_nanos: Option<u64>,
}

impl From<&Budget> for BudgetWire {
    fn from(budget: &Budget) -> Self {
        Self {
            edits: budget.edits,
            reward_calls: budget.reward_calls,
            nfe: budget.nfe,
            tokens: budget.tokens,
            usd_micros: budget.usd.map(|usd| usd.micros),
            // A limit of more than 584 years is one of 584 years.
            wall_nanos: budget.wall.map(|wall| u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX)),
        }
    }
}

impl BudgetWire {
    pub(crate) fn budget(self) -> Budget {
        Budget {
            edits: self.edits,
            reward_calls: self.reward_calls,
            nfe: self.nfe,
            tokens: self.tokens,
            usd: self.usd_micros.map(|micros| Usd { micros }),
            wall: self.wall_nanos.map(Duration::from_nanos),
        }
    }

    pub(crate) fn remaining(self) -> Remaining {
        Remaining::new(self.budget())
    }
}

/// A failure: `{"kind": "refused", "message": …}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct FailureWire {
    kind: String,
    message: String,
    #[serde(default, skip_serializing_if = "CostWire::is_nothing")]
    cost: CostWire,
}

impl From<&Failure> for FailureWire {
    fn from(failure: &Failure) -> Self {
        Self { kind: failure.kind.word().to_owned(), message: failure.message.to_string(), cost: failure.cost.into() }
    }
}

impl FailureWire {
    pub(crate) fn failure(&self) -> Result<Failure, WireError> {
        let known = FailureKind::ALL.into_iter().find(|kind| kind.word() == self.kind);
        let kind = known.ok_or_else(|| format!("`kind` is `{}`: expected a class of failure", self.kind))?;
        Ok(Failure { kind, message: self.message.as_str().into(), cost: self.cost.into() })
    }
}

/// A score with its parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScoreWire {
    pub(crate) mean: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sigma: Option<f64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) parts: Vec<PartWire>,
    /// What the reward saw, as the shortest decimals that are read as the same numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    features: Vec<f32>,
}

/// One part of a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PartWire {
    name: String,
    mean: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sigma: Option<f64>,
}

impl From<&Score> for ScoreWire {
    fn from(score: &Score) -> Self {
        let part = |part: &Part| PartWire { name: part.name().to_string(), mean: part.mean(), sigma: part.sigma() };
        Self {
            mean: score.mean(),
            sigma: score.sigma(),
            parts: score.parts().iter().map(part).collect(),
            features: score.features().map(|features| features.to_vec()).unwrap_or_default(),
        }
    }
}

impl ScoreWire {
    pub(crate) fn score(&self) -> Result<Score, WireError> {
        let part =
            |part: &PartWire| Part::new(PartName::new(&part.name).map_err(bad)?, part.mean, part.sigma).map_err(bad);
        let parts = self.parts.iter().map(part).collect::<Result<_, _>>()?;
        let score = Score::with_sigma(self.mean, self.sigma).map_err(bad)?.with_parts(parts);
        Ok(score.with_features(self.features.as_slice().into()))
    }
}

/// What a reward said: `{"score": …}` or `{"failed": …}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SaidWire {
    Score(ScoreWire),
    Failed(FailureWire),
}

impl From<&Result<Score, Failure>> for SaidWire {
    fn from(said: &Result<Score, Failure>) -> Self {
        match said {
            Ok(score) => Self::Score(score.into()),
            Err(failure) => Self::Failed(failure.into()),
        }
    }
}

impl SaidWire {
    pub(crate) fn said(&self) -> Result<Result<Score, Failure>, WireError> {
        match self {
            Self::Score(score) => score.score().map(Ok),
            Self::Failed(failure) => failure.failure().map(Err),
        }
    }
}
