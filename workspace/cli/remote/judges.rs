//! Judges behind HTTP.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use editscale_config as config;
use editscale_core::{RewardModel, RewardName};
use editscale_remote::{
    Aspect, AspectPictures, ChatJudge, ChatJudgeOptions, Combination, ComparingJudge, ComparingJudgeOptions,
    Comparison, Pairs, Rubric, SetupError, StructuredOutput,
};

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
    Ok(ChatJudgeOptions {
        revision: remote.revision.clone(),
        rubric: rubric(options)?,
        votes: options.votes,
        least_votes: options.least_votes,
        temperature: chat.temperature,
        max_tokens: max_tokens(chat, remote),
        structured: structured(chat.structured),
        sends_seed: chat.sends_seed,
        counts_reasoning: chat.counts_reasoning,
        prices: prices(&remote.prices),
        most_input_tokens: remote.prices.most_input_tokens.unwrap_or(usual.most_input_tokens),
        pixel_budget: chat.pixel_budget,
        repeat: remote.repeat.map(repeat),
        ..usual
    })
}

/// The limit on tokens; that of the prices where it is lower, so that no answer costs more than was set aside.
fn max_tokens(chat: &config::ChatSettings, remote: &config::RemoteSettings) -> NonZeroU32 {
    let most = remote.prices.most_output_tokens.and_then(|most| NonZeroU32::new(u32::try_from(most).ok()?));
    most.map_or(chat.max_tokens, |most| most.min(chat.max_tokens))
}

fn aspect(question: &config::QuestionSettings) -> Aspect {
    let pictures = if question.is_candidate_alone { AspectPictures::Edited } else { AspectPictures::Both };
    Aspect { part: question.part.clone(), pictures, scores: question.scores.clone(), prompt: String::new() }
}

fn structured(choice: config::StructuredChoice) -> StructuredOutput {
    match choice {
        config::StructuredChoice::Schema => StructuredOutput::Schema,
        config::StructuredChoice::SchemaWithoutRange => StructuredOutput::SchemaWithoutRange,
        config::StructuredChoice::Object => StructuredOutput::Object,
        config::StructuredChoice::Prompt => StructuredOutput::Prompt,
    }
}

/// The judge of pairs that a recipe describes.
pub(crate) fn pairwise_judge(
    name: &RewardName,
    options: &config::PairwiseJudgeOptions,
) -> Result<Arc<dyn RewardModel>> {
    let shared = &options.shared;
    let usual = ComparingJudgeOptions::pairwise(name.clone(), &shared.model, connection(&shared.remote));
    let pairs = Pairs::Sparse { neighbours: options.neighbours, finalists: options.finalists };
    comparing(name, shared, usual, Comparison::Pairwise { pairs, votes: options.votes })
}

/// The judge of several candidates that a recipe describes.
pub(crate) fn listwise_judge(
    name: &RewardName,
    options: &config::ListwiseJudgeOptions,
) -> Result<Arc<dyn RewardModel>> {
    let shared = &options.shared;
    let usual = ComparingJudgeOptions::listwise(name.clone(), &shared.model, connection(&shared.remote));
    let comparison = Comparison::Listwise { most_pictures: options.most_pictures, orders: options.orders };
    comparing(name, shared, usual, comparison)
}

fn comparing(
    name: &RewardName,
    shared: &config::ComparingSettings,
    usual: ComparingJudgeOptions,
    comparison: Comparison,
) -> Result<Arc<dyn RewardModel>> {
    let (chat, remote) = (&shared.chat, &shared.remote);
    let make = || {
        let usual = match &shared.prompt {
            Some(file) => usual.with_prompt_file(Path::new(file))?,
            None => usual,
        };
        ComparingJudge::new(ComparingJudgeOptions {
            revision: remote.revision.clone(),
            comparison,
            shows_source: shared.shows_source,
            most_candidates: shared.most_candidates,
            prior_sigma: shared.prior_sigma,
            temperature: chat.temperature,
            max_tokens: max_tokens(chat, remote),
            structured: structured(chat.structured),
            sends_seed: chat.sends_seed,
            counts_reasoning: chat.counts_reasoning,
            prices: prices(&remote.prices),
            most_input_tokens: remote.prices.most_input_tokens.unwrap_or(usual.most_input_tokens),
            pixel_budget: chat.pixel_budget,
            repeat: remote.repeat.map(repeat),
            ..usual
        })
    };
    let judge = make().with_context(|| format!("cannot use reward `{name}`"))?;
    Ok(Arc::new(judge))
}

fn rubric(options: &config::ChatJudgeOptions) -> Result<Rubric, SetupError> {
    let mut rubric = Rubric { low: options.low, high: options.high, ..Rubric::standard()? };
    if !options.questions.is_empty() {
        rubric.aspects = options.questions.iter().map(aspect).collect();
        for question in &options.questions {
            rubric = rubric.with_prompt_file(question.part.as_str(), Path::new(&question.prompt))?;
        }
    }
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
