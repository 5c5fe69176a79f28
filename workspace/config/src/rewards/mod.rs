//! The rewards that recipes can name. To add one, write its options in a file here and register them below; whoever
//! builds rewards matches on the enum.

mod chat_judge;
mod comparing;
mod editreward;
mod entries;
mod photometric;
mod scores;

pub use chat_judge::{
    ChatJudgeOptions, ChatSettings, CombinationChoice, PromptFiles, QuestionSettings, StructuredChoice,
};
pub(crate) use chat_judge::{PROMPT_KEYS, QUESTION_KEYS};
pub use comparing::{ComparingSettings, ListwiseJudgeOptions, PairwiseJudgeOptions};
pub use editreward::{EditRewardOptions, Fusion, RopeTables};
pub(crate) use entries::{NAME, REWARD_KEYS, REWARDS, Rewards, WEIGHT};
pub use photometric::Photometric;
pub use scores::{
    ConversationSettings, EditscaleOptions, FlowFactoryOptions, PickledProfile, PickledRewardOptions, PicturesChoice,
    PoolingChoice, ScoreSettings, UnirlScoreOptions, VllmClassifyOptions, VllmPluginOptions, VllmPoolingOptions,
};

use crate::remote::RemoteSettings;
use crate::schema::options::alternatives;

alternatives! {
    /// Which reward, with its options.
    RewardModel, "a reward", "model":
    /// Photographic measurements.
    Photometric(Photometric),
    /// A vision language model with two reward heads.
    EditReward(EditRewardOptions),
    /// A vision-language model that is asked for scores.
    ChatJudge(ChatJudgeOptions),
    /// A vision-language model that compares two candidates at a time.
    PairwiseJudge(PairwiseJudgeOptions),
    /// A vision-language model that ranks several candidates.
    ListwiseJudge(ListwiseJudgeOptions),
    /// A reward model behind vLLM's `/classify`.
    VllmClassify(VllmClassifyOptions),
    /// A reward model behind vLLM's `/pooling`.
    VllmPooling(VllmPoolingOptions),
    /// A reward behind an IO-processor plugin of vLLM.
    VllmPlugin(VllmPluginOptions),
    /// A reward of `UniRL`'s reward service.
    UnirlScore(UnirlScoreOptions),
    /// A remote reward of Flow-Factory.
    FlowFactory(FlowFactoryOptions),
    /// A reward of our own server.
    Editscale(EditscaleOptions),
    /// A reward server that speaks in pickles.
    PickledReward(PickledRewardOptions),
}

impl RewardModel {
    /// Its servers, where it is behind HTTP.
    pub fn remote(&self) -> Option<&RemoteSettings> {
        match self {
            Self::ChatJudge(options) => Some(&options.remote),
            Self::PairwiseJudge(options) => Some(&options.shared.remote),
            Self::ListwiseJudge(options) => Some(&options.shared.remote),
            Self::VllmClassify(options) => Some(&options.score.remote),
            Self::VllmPooling(options) => Some(&options.score.remote),
            Self::VllmPlugin(options) => Some(&options.score.remote),
            Self::UnirlScore(options) => Some(&options.score.remote),
            Self::FlowFactory(options) => Some(&options.score.remote),
            Self::Editscale(options) => Some(&options.score.remote),
            Self::PickledReward(options) => Some(&options.score.remote),
            Self::Photometric(_) | Self::EditReward(_) => None,
        }
    }

    /// The same with one of its servers alone, by its place in the recipe.
    #[must_use]
    pub fn on_server(&self, place: usize) -> Self {
        let mut model = self.clone();
        if let Some(remote) = model.remote_mut() {
            remote.servers = remote.servers.get(place).cloned().into_iter().collect();
        }
        model
    }

    pub(crate) fn remote_mut(&mut self) -> Option<&mut RemoteSettings> {
        match self {
            Self::ChatJudge(options) => Some(&mut options.remote),
            Self::PairwiseJudge(options) => Some(&mut options.shared.remote),
            Self::ListwiseJudge(options) => Some(&mut options.shared.remote),
            Self::VllmClassify(options) => Some(&mut options.score.remote),
            Self::VllmPooling(options) => Some(&mut options.score.remote),
            Self::VllmPlugin(options) => Some(&mut options.score.remote),
            Self::UnirlScore(options) => Some(&mut options.score.remote),
            Self::FlowFactory(options) => Some(&mut options.score.remote),
            Self::Editscale(options) => Some(&mut options.score.remote),
            Self::PickledReward(options) => Some(&mut options.score.remote),
            Self::Photometric(_) | Self::EditReward(_) => None,
        }
    }
}
