//! A resolved recipe as serde reads it: an independent second definition of the format.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Raw {
    pub(crate) version: u64,
    pub(crate) editor: Option<BTreeMap<String, Darkroom>>,
    pub(crate) editors: Option<BTreeMap<String, BTreeMap<String, Darkroom>>>,
    pub(crate) rewards: Vec<RawReward>,
    #[serde(rename = "combine")]
    pub(crate) _combine: BTreeMap<String, BTreeMap<String, u32>>,
    pub(crate) gates: Vec<RawGate>,
    pub(crate) search: RawSearch,
    pub(crate) stop: RawStop,
    pub(crate) budget: RawBudget,
    #[serde(rename = "retain")]
    pub(crate) _retain: BTreeMap<String, BTreeMap<String, u32>>,
    #[serde(rename = "retry")]
    pub(crate) _retry: BTreeMap<String, f64>,
    pub(crate) output: RawOutput,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Darkroom {
    #[serde(rename = "partial")]
    pub(crate) _partial: bool,
    #[serde(rename = "workers")]
    pub(crate) _workers: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawReward {
    #[serde(rename = "model")]
    pub(crate) _model: BTreeMap<String, BTreeMap<String, u32>>,
    pub(crate) weight: Option<f64>,
    pub(crate) name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawGate {
    pub(crate) reward: String,
    pub(crate) part: Option<String>,
    pub(crate) at_least: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum RawSearch {
    BestOfN(BTreeMap<String, u32>),
    Beam { width: u32, children: u32, depth: u32, edges: BTreeMap<String, f64> },
    RewardWeighted(BTreeMap<String, f64>),
}

impl RawSearch {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::BestOfN(counts) => {
                assert!(counts.contains_key("samples"));
                "best_of_n"
            }
            Self::Beam { width, children, depth, edges } => {
                assert!(width * children * depth > 0 && edges.len() == 3);
                "beam"
            }
            Self::RewardWeighted(settings) => {
                assert_eq!(settings.len(), 3);
                "reward_weighted"
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawStop {
    pub(crate) target_score: Option<f64>,
    pub(crate) patience: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawBudget {
    pub(crate) edits: Option<u64>,
    #[serde(rename = "nfe")]
    pub(crate) _nfe: Option<u64>,
    #[serde(rename = "reward_calls")]
    pub(crate) _reward_calls: Option<u64>,
    #[serde(rename = "tokens")]
    pub(crate) _tokens: Option<u64>,
    #[serde(rename = "usd")]
    pub(crate) _usd: Option<f64>,
    pub(crate) wall_secs: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawOutput {
    #[serde(rename = "format")]
    pub(crate) _format: String,
    pub(crate) quality: u64,
    pub(crate) keep_metadata: bool,
}
