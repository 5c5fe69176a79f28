//! What was spent.

use editscale_core::{Ledger, TowerPictures};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a run has spent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct LedgerForm {
    /// Edits that were made or paid for, failed ones included.
    pub edits: u64,
    /// Judgements that were asked for, one a candidate and reward, and critiques.
    pub reward_calls: u64,
    /// Denoiser evaluations.
    pub nfe: u64,
    /// Language-model tokens.
    pub tokens: u64,
    /// Money, in US dollars.
    pub usd: f64,
    /// Active time, in seconds.
    pub wall_secs: f64,
    /// What of it editors took to load networks that are not all kept loaded, in seconds; left out where they took nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_secs: Option<f64>,
    /// Pictures that were asked of vision towers which editors and judges share; left out where none is shared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pictures: Option<TowerPicturesForm>,
}

/// What became of pictures that were asked of a shared vision tower.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct TowerPicturesForm {
    /// Those that went through a tower.
    pub computed: u64,
    /// Those whose features were there already.
    pub found: u64,
}

impl From<&Ledger> for LedgerForm {
    fn from(ledger: &Ledger) -> Self {
        Self {
            edits: ledger.edits,
            reward_calls: ledger.reward_calls,
            nfe: ledger.cost.nfe,
            tokens: ledger.cost.tokens,
            usd: ledger.cost.usd.dollars(),
            wall_secs: ledger.wall.as_secs_f64(),
            load_secs: Some(ledger.loading.as_secs_f64()).filter(|secs| *secs > 0.0),
            pictures: (!ledger.pictures.is_none()).then(|| ledger.pictures.into()),
        }
    }
}

impl From<TowerPictures> for TowerPicturesForm {
    fn from(TowerPictures { computed, found }: TowerPictures) -> Self {
        Self { computed, found }
    }
}

impl From<TowerPicturesForm> for TowerPictures {
    fn from(TowerPicturesForm { computed, found }: TowerPicturesForm) -> Self {
        Self { computed, found }
    }
}
