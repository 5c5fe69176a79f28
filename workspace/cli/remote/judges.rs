//! Judges behind HTTP.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use editscale_config as config;
use editscale_core::{RewardModel, RewardName};
use editscale_remote::{ChatJudge, ChatJudgeOptions, Combination, Rubric, SetupError, StructuredOutput};

use super::{connection, prices, repeat};

/// The judge behind `/v1/chat/completions` that a recipe describes.
pub(crate) fn chat_judge(name: &RewardName, options: &config::ChatJudgeOptions) -> Result<Arc<dyn RewardModel>> {
    let make = || ChatJudge::new(chat_options(name, options)?);
    let judge = make().with_context(|| format!("cannot use reward `{name}`"))?;
    Ok(Arc::new(judge))
}

fn chat_options(name: &RewardName, options: &config::ChatJudgeOptions) -> Result<ChatJudgeOptions, SetupError> {
    let (chat, remote) = (&options.chat, &options.remote);
    let usual = ChatJudgeOptions::new(name.clone(), &options.model, connection(remote))?;
    let least_out =
        remote.prices.most_output_tokens.and_then(|most| u32::try_from(most).ok().and_then(NonZeroU32::new));
    Ok(ChatJudgeOptions {
        revision: remote.revision.clone(),
        rubric: rubric(options)?,
        votes: options.votes,
        least_votes: options.least_votes,
        temperature: chat.temperature,
        max_tokens: least_out.map_or(chat.max_tokens, |most| most.min(chat.max_tokens)),
        structured: match chat.structured {
            config::StructuredChoice::Schema => StructuredOutput::Schema,
            config::StructuredChoice::Object => StructuredOutput::Object,
            config::StructuredChoice::Prompt => StructuredOutput::Prompt,
        },
        sends_seed: chat.sends_seed,
        counts_reasoning: chat.counts_reasoning,
        prices: prices(&remote.prices),
        most_input_tokens: remote.prices.most_input_tokens.unwrap_or(usual.most_input_tokens),
        pixel_budget: chat.pixel_budget,
        repeat: remote.repeat.map(repeat),
        ..usual
    })
}

fn rubric(options: &config::ChatJudgeOptions) -> Result<Rubric, SetupError> {
    let mut rubric = Rubric::standard()?;
    let own =
        [("instruction_following", &options.prompts.instruction_following), ("quality", &options.prompts.quality)];
    for (part, file) in own {
        if let Some(file) = file {
            rubric = rubric.with_prompt_file(part, Path::new(file))?;
        }
    }
    rubric.combination = match options.combination {
        config::CombinationChoice::GeometricMean => Combination::GeometricMean,
        config::CombinationChoice::Mean => Combination::Mean,
        config::CombinationChoice::Least => Combination::Least,
    };
    Ok(rubric)
}
