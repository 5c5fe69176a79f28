//! Judges behind HTTP that answer with numbers.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use editscale_config::{
    self as config, ConversationSettings, FieldValue, PickledProfile, PicturesChoice, PoolingChoice, ScoreSettings,
};
use editscale_core::{RewardModel, RewardName};
use editscale_remote::{
    AspectPictures, EditscaleScore, EditscaleScoreOptions, FlowFactory, FlowFactoryOptions, PickledFields,
    PickledReward, PickledRewardOptions, ScoreMap, ScoringOptions, SetupError, UnirlScore, UnirlScoreOptions,
    VllmClassify, VllmClassifyOptions, VllmConversation, VllmPlugin, VllmPooling, VllmPoolingOptions, VllmPoolingTask,
};
use serde_json::{Map, Value};

use super::{connection, json, prices, repeat};

/// What every judge can be.
type Judge = Arc<dyn RewardModel>;

/// A reward model behind vLLM's `/classify`.
pub(crate) fn vllm_classify(name: &RewardName, options: &config::VllmClassifyOptions) -> Result<Judge> {
    usable(name, || {
        let conversation = conversation(&options.conversation)?;
        let usual = VllmClassifyOptions::new(name.clone(), &conversation.model, connection(&options.score.remote));
        let index = options.index.map(|index| index as usize);
        let scoring = scoring(&options.score, usual.scoring);
        VllmClassify::new(VllmClassifyOptions { scoring, conversation, index })
    })
}

/// A reward model behind vLLM's `/pooling`.
pub(crate) fn vllm_pooling(name: &RewardName, options: &config::VllmPoolingOptions) -> Result<Judge> {
    usable(name, || {
        let conversation = conversation(&options.conversation)?;
        let index = options.index.map(|index| index as usize);
        let task = match options.task {
            PoolingChoice::Classify => VllmPoolingTask::Classify { conversation, index },
            PoolingChoice::Embed => VllmPoolingTask::Embed { conversation, index: index.unwrap_or_default() },
        };
        pooling(name, task, &options.score)
    })
}

/// A reward behind an IO-processor plugin of vLLM.
pub(crate) fn vllm_plugin(name: &RewardName, options: &config::VllmPluginOptions) -> Result<Judge> {
    usable(name, || {
        let usual = VllmPlugin::new(&options.model);
        let data = if options.data.is_empty() { usual.data.clone() } else { Value::Object(object(&options.data)) };
        let (score, sigma) = (options.pointer.clone(), options.sigma.clone());
        let task = VllmPoolingTask::Plugin(VllmPlugin { data, score, sigma, ..usual });
        pooling(name, task, &options.score)
    })
}

/// A reward of `UniRL`'s reward service.
pub(crate) fn unirl_score(name: &RewardName, options: &config::UnirlScoreOptions) -> Result<Judge> {
    usable(name, || {
        let usual = UnirlScoreOptions::new(name.clone(), &options.reward, connection(&options.score.remote));
        UnirlScore::new(UnirlScoreOptions {
            scoring: scoring(&options.score, usual.scoring),
            reward: usual.reward,
            metric: options.metric.clone(),
            pictures: pictures(options.pictures),
            largest_batch: options.batch,
        })
    })
}

/// A remote reward of Flow-Factory.
pub(crate) fn flow_factory(name: &RewardName, options: &config::FlowFactoryOptions) -> Result<Judge> {
    usable(name, || {
        let usual = FlowFactoryOptions::new(name.clone(), connection(&options.score.remote));
        FlowFactory::new(FlowFactoryOptions {
            scoring: scoring(&options.score, usual.scoring),
            pictures: pictures(options.pictures),
            largest_batch: options.batch,
        })
    })
}

/// A reward of our own server.
pub(crate) fn editscale(name: &RewardName, options: &config::EditscaleOptions) -> Result<Judge> {
    usable(name, || {
        let usual = EditscaleScoreOptions::new(name.clone(), connection(&options.score.remote));
        EditscaleScore::new(EditscaleScoreOptions {
            scoring: scoring(&options.score, usual.scoring),
            reward: options.reward.clone(),
            gives_sigma: options.gives_sigma,
            largest_batch: options.batch,
        })
    })
}

/// A reward server that speaks in pickles.
pub(crate) fn pickled_reward(name: &RewardName, options: &config::PickledRewardOptions) -> Result<Judge> {
    usable(name, || {
        let mut fields = match options.profile {
            PickledProfile::Deqa => PickledFields::deqa(),
            PickledProfile::UnifiedReward => PickledFields::unified_reward(),
            PickledProfile::Geneval => PickledFields::geneval(object(&options.metadata)),
        };
        fields.only_jpeg = options.only_jpeg;
        if let Some(scores) = &options.scores {
            fields.scores.clone_from(scores);
        }
        let usual = PickledRewardOptions::new(name.clone(), fields, connection(&options.score.remote));
        let scoring = scoring(&options.score, usual.scoring);
        PickledReward::new(PickledRewardOptions { scoring, fields: usual.fields, largest_batch: options.batch })
    })
}

fn usable<J: RewardModel + 'static>(name: &RewardName, make: impl FnOnce() -> Result<J, SetupError>) -> Result<Judge> {
    let judge = make().with_context(|| format!("cannot use reward `{name}`"))?;
    Ok(Arc::new(judge))
}

/// What all share, over what the dialect usually has.
fn scoring(settings: &ScoreSettings, usual: ScoringOptions) -> ScoringOptions {
    let remote = &settings.remote;
    ScoringOptions {
        revision: remote.revision.clone(),
        map: ScoreMap { scale: settings.scale, offset: settings.offset },
        range: settings.range,
        pixel_budget: settings.pixel_budget,
        prices: prices(&remote.prices),
        most_input_tokens: remote.prices.most_input_tokens.unwrap_or(usual.most_input_tokens),
        repeat: remote.repeat.map(repeat),
        ..usual
    }
}

fn pooling(name: &RewardName, task: VllmPoolingTask, settings: &ScoreSettings) -> Result<VllmPooling, SetupError> {
    let usual = VllmPoolingOptions::new(name.clone(), task, connection(&settings.remote));
    let scoring = scoring(settings, usual.scoring);
    VllmPooling::new(VllmPoolingOptions { scoring, task: usual.task })
}

fn conversation(settings: &ConversationSettings) -> Result<VllmConversation, SetupError> {
    let conversation = VllmConversation {
        pictures: pictures(settings.pictures),
        use_activation: settings.use_activation,
        add_generation_prompt: settings.add_generation_prompt,
        extra: object(&settings.fields),
        ..VllmConversation::new(&settings.model)
    };
    match &settings.prompt {
        Some(file) => conversation.with_prompt_file(Path::new(file)),
        None => Ok(conversation),
    }
}

fn pictures(choice: PicturesChoice) -> AspectPictures {
    match choice {
        PicturesChoice::Both => AspectPictures::Both,
        PicturesChoice::Edited => AspectPictures::Edited,
    }
}

fn object(fields: &[(String, FieldValue)]) -> Map<String, Value> {
    fields.iter().map(|(name, value)| (name.clone(), json(value))).collect()
}
