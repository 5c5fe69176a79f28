//! Options of the editor `sglang_rollout`.

use std::collections::BTreeSet;

use super::openai_images::{NFE, SizeChoice, read_sizes, write_sizes};
use crate::document::scalar::Scalar;
use crate::document::tree::Value;
use crate::document::yaml::Yaml;
use crate::remote::{
    CALLS, KNOBS, KnobSetting, PRICES, REPEAT, REVISION, RemoteSettings, SERVERS, read_knobs, write_knobs,
};
use crate::report::mistakes::Mistake;
use crate::schema::fields::Fields;
use crate::schema::key::{Absent, Key, Keys, Section};
use crate::schema::options::Options;
use crate::schema::rule::{Flag, Number, Text, Word};

/// An editor behind `SGLang` Diffusion's `/rollout/generate`.
#[derive(Debug, Clone, PartialEq)]
pub struct SgLangRolloutOptions {
    /// The model that the servers have.
    pub model: String,
    /// How a step is made.
    pub sampler: RolloutChoice,
    /// How much noise a step adds.
    pub noise_level: f64,
    /// The steps that add noise, counted from 0; `None` for all.
    pub noisy_steps: Option<BTreeSet<u32>>,
    /// Whether candidates come with their trajectory.
    pub trajectory: bool,
    /// What the picture should not show.
    pub negative_prompt: Option<String>,
    /// Whether noise is drawn on the server's card; else on its processor.
    pub is_drawn_on_card: bool,
    /// Which sizes can be asked for.
    pub sizes: Option<SizeChoice>,
    /// Denoiser evaluations that one edit counts as.
    pub nfe: u64,
    /// Fields that a search may turn.
    pub knobs: Vec<KnobSetting>,
    /// The servers and what is told of them.
    pub remote: RemoteSettings,
}

/// How a step is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RolloutChoice {
    /// Noise is added at every step.
    Sde,
    /// Noise is added so that its level stays what the schedule says.
    Cps,
    /// No noise is added.
    Ode,
}

const MODEL: Key<Text> = Key {
    name: "model",
    rule: Text,
    absent: Absent::Refused,
    meaning: "the model that the servers have; it is not sent, but a run is resumed under the same one only",
};

const SAMPLER: Key<Word<RolloutChoice>> = Key {
    name: "sampler",
    rule: Word(&[("sde", RolloutChoice::Sde), ("cps", RolloutChoice::Cps), ("ode", RolloutChoice::Ode)]),
    absent: Absent::Default(RolloutChoice::Sde),
    meaning: "how a step is made: with noise, with noise that keeps the level of the schedule, or without",
};

const NOISE_LEVEL: Key<Number> = Key {
    name: "noise_level",
    rule: Number::above(0.0, 100.0),
    absent: Absent::Default(0.7),
    meaning: "how much noise a step adds, see docs/remote.md; nothing to `ode`",
};

const NOISY_STEPS: Section = Section {
    name: "noisy_steps",
    allowed: "a list of whole numbers from 0 to 9999",
    default: "all",
    meaning: "the steps that add noise, counted from 0; the others are made as by `ode`",
};

const TRAJECTORY: Key<Flag> = Key {
    name: "trajectory",
    rule: Flag,
    absent: Absent::Default(true),
    meaning: "whether the latents of every step are written to the run's folder, for training on them",
};

const NEGATIVE_PROMPT: Key<Text> = Key {
    name: "negative_prompt",
    rule: Text,
    absent: Absent::Unset("none"),
    meaning: "what the picture should not show",
};

const GENERATOR_DEVICE: Key<Word<bool>> = Key {
    name: "generator_device",
    rule: Word(&[("cuda", true), ("cpu", false)]),
    absent: Absent::Default(true),
    meaning: "where the server draws noise; the same seed gives other noise on each",
};

const SIZES: Section = Section {
    name: "sizes",
    allowed: "`any`, a whole number from 1 to 4096, or a list of sizes such as `1024x1536`",
    default: "`16`",
    meaning: "which sizes can be asked for: any, sides that are multiples of a number, or these alone; a wish for another \
              size becomes the nearest",
};

impl Options for SgLangRolloutOptions {
    const NAME: &'static str = "sglang_rollout";
    const ABOUT: &'static str = "An editor behind SGLang Diffusion's `/rollout/generate`: pictures with their way through \
                                 the latent space.";
    const KEYS: Keys = &[
        &MODEL,
        &SERVERS,
        &SAMPLER,
        &NOISE_LEVEL,
        &NOISY_STEPS,
        &TRAJECTORY,
        &NEGATIVE_PROMPT,
        &GENERATOR_DEVICE,
        &SIZES,
        &KNOBS,
        &NFE,
        &CALLS,
        &PRICES,
        &REVISION,
        &REPEAT,
    ];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (model, sampler, noise_level) = (fields.take(&MODEL), fields.take(&SAMPLER), fields.take(&NOISE_LEVEL));
        let (noisy_steps, trajectory) = (read_steps(fields), fields.take(&TRAJECTORY));
        let (negative_prompt, drawn) = (fields.take(&NEGATIVE_PROMPT), fields.take(&GENERATOR_DEVICE));
        let (sizes, nfe, knobs) = (read_sizes(fields, &SIZES), fields.take(&NFE), read_knobs(fields));
        let remote = RemoteSettings::read(fields);
        if noisy_steps.is_some() && sampler == Some(RolloutChoice::Ode) {
            let mistake =
                Mistake::new("`noisy_steps` has no meaning with `sampler: ode`").hint("leave `noisy_steps` out");
            fields.error(&fields.span_of(NOISY_STEPS.name), mistake);
        }
        Some(Self {
            model: model?,
            sampler: sampler?,
            noise_level: noise_level?,
            noisy_steps,
            trajectory: trajectory?,
            negative_prompt,
            is_drawn_on_card: drawn?,
            sizes,
            nfe: nfe?,
            knobs: knobs?,
            remote: remote?,
        })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let steps = |steps: &BTreeSet<u32>| Yaml::List(steps.iter().map(Yaml::plain).collect());
        let own = [
            MODEL.write(Some(&self.model)),
            SAMPLER.write(Some(&self.sampler)),
            NOISE_LEVEL.write(Some(&self.noise_level)),
            self.noisy_steps.as_ref().map(|list| (NOISY_STEPS.name.to_owned(), steps(list))),
            TRAJECTORY.write(Some(&self.trajectory)),
            NEGATIVE_PROMPT.write(self.negative_prompt.as_ref()),
            GENERATOR_DEVICE.write(Some(&self.is_drawn_on_card)),
            self.sizes.as_ref().map(|sizes| (SIZES.name.to_owned(), write_sizes(sizes))),
            write_knobs(&self.knobs),
            NFE.write(Some(&self.nfe)),
        ];
        own.into_iter().flatten().chain(self.remote.write()).collect()
    }
}

/// The steps, where they are given and right.
fn read_steps(fields: &Fields<'_>) -> Option<BTreeSet<u32>> {
    let entry = fields.entry(NOISY_STEPS.name)?;
    let found = match &entry.node.value {
        Value::Refused => return None,
        Value::List(items) if items.len() <= 10_000 => {
            let step = |value: &Value| match value {
                Value::Scalar(Scalar::Whole(step @ 0..=9999)) => Some(*step as u32),
                _ => None,
            };
            items.iter().map(|item| step(&item.value)).collect()
        }
        _ => None,
    };
    if found.is_none() {
        fields.error(entry.place(), Mistake::new(format!("`noisy_steps` must be {}", NOISY_STEPS.allowed)));
    }
    found
}
