//! The judge: pairs of pictures and an instruction in, scores out.
//!
//! All that a call judges forms a tree of prompts: an opening that every prompt has, the source's picture, the edited
//! picture with what both prompts say alike, and what each says for itself. Every part of the tree is computed once, and
//! openings, sources and pictures are kept for later calls. Attention is causal, so this changes nothing but rounding.

use std::collections::HashMap;
use std::sync::Arc;

use editscale_core::{Counters, Digest, Image};

use crate::cache::Cache;
use crate::encoders::vision_language::{SharedDecoder, SharedTower};
use crate::layers::Scope;
use crate::layers::qwen25_vl::Config;
use crate::load::LoadError;
use crate::rewards::editreward::asked::{Asked, in_shared_order};
use crate::rewards::editreward::heads::Heads;
use crate::rewards::editreward::kept::{Encoded, Keys, SourceKey};
use crate::rewards::editreward::pass::Batch;
use crate::rewards::editreward::pictures::Preparation;
use crate::rewards::editreward::revision::revision;
use crate::rewards::editreward::tensors::refuse_strangers;
use crate::rewards::editreward::tokens::Prompts;
use crate::rewards::editreward::{Directory, JudgeError, Memory, Options};
use crate::weights::Checkpoint;

/// The parts of a score, in the order of prompts and heads.
pub const PARTS: [&str; 2] = ["instruction_following", "visual_quality"];

/// One edit to judge.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The picture before the edit.
    pub source: Image,
    /// The picture after it.
    pub edited: Image,
    /// What was asked for.
    pub instruction: Arc<str>,
}

/// A mean with its standard deviation, on the checkpoint's own scale: unbounded, comparable only within one checkpoint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Higher is better.
    pub mean: f64,
    /// Above 0.
    pub sigma: f64,
}

/// What the judge says of a pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Verdict {
    /// Both parts in one.
    pub fused: Estimate,
    /// By the order of [`PARTS`].
    pub parts: [Estimate; 2],
    /// What was computed for it.
    pub counters: Counters,
}

/// EditReward: Qwen2.5-VL with two reward heads.
pub struct EditReward {
    pub(super) options: Options,
    pub(super) vision: Arc<SharedTower>,
    pub(super) decoder: SharedDecoder,
    pub(super) heads: Heads,
    pub(super) prompts: Prompts,
    pub(super) preparation: Preparation,
    pub(super) openings: Cache<Vec<u32>, Keys>,
    pub(super) sources: Cache<SourceKey, Keys>,
    pub(super) pictures: Cache<Digest, Encoded>,
    /// How many tokens a batch may add.
    most_tokens: usize,
    /// How long a prompt may be with its pictures.
    longest: usize,
    pixel_budget: u64,
    revision: Arc<str>,
}

impl std::fmt::Debug for EditReward {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EditReward")
            .field("revision", &self.revision)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl EditReward {
    /// Loads a model directory.
    pub fn load(directory: &Directory, options: Options) -> Result<Self, LoadError> {
        let config = directory.config()?;
        let checkpoint = Arc::new(directory.checkpoint()?);
        refuse_strangers(&config, &checkpoint)?;
        let root = Scope::root(&checkpoint, &options.compute);
        let (vision, decoder) = networks(&checkpoint, &config, &options)?;
        let prompts = Prompts::load(directory, decoder.vocabulary())?;
        let preparation = Preparation::load(directory, &config)?;
        let memory = Memory::of(&config, options.compute.dtype);
        let judge = Self {
            vision,
            heads: Heads::load(&root.at("rm_heads"), config.text.hidden_size)?,
            revision: revision(directory, &checkpoint.sample()?, &options)?,
            prompts,
            pixel_budget: preparation.most_pixels() as u64,
            preparation,
            decoder,
            // An opening is a few tokens long, and there is one for a template.
            openings: Cache::new(64 << 20),
            sources: Cache::new(options.cache_bytes / 4 * 3),
            pictures: Cache::new(options.cache_bytes / 4),
            longest: config.text.max_position_embeddings.unwrap_or(usize::MAX),
            most_tokens: memory.tokens_within(options.activation_bytes),
            options,
        };
        // What is loaded on one thread is used on another.
        let failed = |error: candle_core::Error| directory.content("model.safetensors", error.to_string());
        judge.options.compute.device.synchronize().map_err(failed)?;
        Ok(judge)
    }

    /// What exactly answers: weights, texts and options in one name.
    pub fn revision(&self) -> Arc<str> {
        Arc::clone(&self.revision)
    }

    /// The pixels that it looks at, at most.
    pub fn pixel_budget(&self) -> u64 {
        self.pixel_budget
    }

    /// Lets go of all that was kept for later calls.
    pub fn forget(&mut self) {
        self.openings.clear();
        self.sources.clear();
        self.pictures.clear();
    }

    /// Judges pairs, each for itself; one answer a pair, in order. Answers do not depend on what else is in a call, up to
    /// rounding (1e-5 in single precision). `cancelled` is asked between layers.
    pub fn judge(&mut self, pairs: &[Pair], cancelled: &dyn Fn() -> bool) -> Vec<Result<Verdict, JudgeError>> {
        let mut answers: Vec<Option<Result<Verdict, JudgeError>>> = pairs.iter().map(|_| None).collect();
        let (mut read, mut ready) = (HashMap::new(), Vec::with_capacity(pairs.len()));
        for at in in_shared_order(pairs) {
            let pair = &pairs[at];
            let instruction = Arc::clone(&pair.instruction);
            let tokens = read.entry(instruction).or_insert_with_key(|text| self.prompts.tokens(text).map(Arc::new));
            match tokens.clone().and_then(|tokens| self.within(Asked { at, pair, tokens })) {
                Ok(asked) => ready.push(asked),
                Err(error) => answers[at] = Some(Err(error)),
            }
        }
        for batch in self.batches(ready) {
            let said = Batch::new(self, cancelled).judge(&batch);
            batch.iter().zip(said).for_each(|(asked, said)| answers[asked.at] = Some(said));
        }
        let lost = || Err(JudgeError::Compute("no answer was computed".to_owned()));
        answers.into_iter().map(|answer| answer.unwrap_or_else(lost)).collect()
    }

    /// Refuses prompts that are longer than what the model was made for.
    fn within<'a>(&self, asked: Asked<'a>) -> Result<Asked<'a>, JudgeError> {
        let pictures = [&asked.pair.source, &asked.pair.edited].map(|picture| self.preparation.tokens(picture.size()));
        for (tokens, part) in asked.tokens.iter().zip(PARTS) {
            let words = tokens.before.len() + tokens.between.len() + tokens.after.len();
            let (found, most) = (words + pictures[0] + pictures[1], self.longest);
            if found > most {
                let reason = format!("it has {found} tokens with its pictures: expected at most {most}");
                return Err(JudgeError::Prompt { part, reason });
            }
        }
        Ok(asked)
    }

    /// Cuts pairs into batches that are within the bound of memory.
    fn batches<'a>(&self, asked: Vec<Asked<'a>>) -> Vec<Vec<Asked<'a>>> {
        let (mut batches, mut batch, mut tokens) = (Vec::new(), Vec::new(), 0);
        for next in asked {
            let before = batch.last();
            let more = self.tokens_of(&next, before);
            if before.is_some() && tokens + more > self.most_tokens {
                batches.push(std::mem::take(&mut batch));
                tokens = 0;
            }
            tokens += if batch.is_empty() { self.tokens_of(&next, None) } else { more };
            batch.push(next);
        }
        batches.push(batch);
        batches.retain(|batch| !batch.is_empty());
        batches
    }

    /// How many tokens a pair adds, at most, to those of the pair before it.
    fn tokens_of(&self, asked: &Asked<'_>, before: Option<&Asked<'_>>) -> usize {
        let [first, second] = &*asked.tokens;
        let is_known = before.is_some_and(|before| before.pair.source == asked.pair.source);
        let source = if is_known {
            0
        } else {
            first.before.len() + self.preparation.tokens(asked.pair.source.size()) + first.between.len()
        };
        source + self.preparation.tokens(asked.pair.edited.size()) + first.after.len() + second.after.len()
    }
}

/// The tower and the decoder, which others may use as well where the options say so.
fn networks(
    checkpoint: &Arc<Checkpoint>,
    config: &Config,
    options: &Options,
) -> Result<(Arc<SharedTower>, SharedDecoder), LoadError> {
    let (tables, compute) = (options.rope_tables, &options.compute);
    if options.shares {
        let tower = SharedTower::open(checkpoint, &config.vision, tables, compute)?;
        return Ok((tower, SharedDecoder::open(checkpoint, &config.text, tables, compute)?));
    }
    let tower = SharedTower::alone(checkpoint, &config.vision, tables, compute)?;
    Ok((tower, SharedDecoder::alone(checkpoint, &config.text, tables, compute)?))
}
