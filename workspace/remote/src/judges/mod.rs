//! Judges, a folder or a file a dialect.

pub(crate) mod asking;
pub(crate) mod chat;
pub(crate) mod comparing;
pub(crate) mod editscale;
pub(crate) mod flow_factory;
pub(crate) mod pickled;
pub(crate) mod recipe;
pub(crate) mod scoring;
pub(crate) mod unirl;
pub(crate) mod vllm;

use editscale_schema::RewardKind;

/// The judges behind HTTP that recipes can name.
pub const JUDGES: &[RewardKind] = &[
    RewardKind::of::<chat::ChatJudgeRecipe>(),
    RewardKind::of::<comparing::PairwiseJudgeRecipe>(),
    RewardKind::of::<comparing::ListwiseJudgeRecipe>(),
    RewardKind::of::<vllm::VllmClassifyRecipe>(),
    RewardKind::of::<vllm::VllmPoolingRecipe>(),
    RewardKind::of::<vllm::VllmPluginRecipe>(),
    RewardKind::of::<unirl::UnirlScoreRecipe>(),
    RewardKind::of::<flow_factory::FlowFactoryRecipe>(),
    RewardKind::of::<editscale::EditscaleScoreRecipe>(),
    RewardKind::of::<pickled::PickledRewardRecipe>(),
];
