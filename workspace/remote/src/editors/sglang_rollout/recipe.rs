//! How recipes set such an editor.

use std::collections::BTreeSet;
use std::sync::Arc;

use editscale_core::EditorName;
use editscale_schema::remote::{
    CALLS, KNOBS, KnobSetting, PRICES, REPEAT, REVISION, RemoteSettings, SERVERS, read_knobs, write_knobs,
};
use editscale_schema::{
    Absent, EditorChoice, Fields, Flag, FreeQuestion, House, Key, Keys, MadeEditor, MakeError, Mistake, Number,
    Options, Scalar, Section, Text, Value, Word, Yaml,
};

use super::{GeneratorDevice, RolloutSampler, SgLangRollout, SgLangRolloutOptions};
use crate::editors::keys::{NFE, model, read_sizes, sizes, write_sizes};
use crate::editors::size::SizeRule;
use crate::recipe::{connection, knobs, prices, repeat};

/// An editor behind `SGLang` Diffusion's `/rollout/generate`.
#[derive(Debug, Clone, PartialEq)]
pub struct SgLangRolloutRecipe {
    /// The model that the servers have.
    pub model: String,
    /// How a step is made.
    pub sampler: RolloutSampler,
    /// How much noise a step adds.
    pub noise_level: f64,
    /// The steps that add noise, counted from 0; `None` for all.
    pub noisy_steps: Option<BTreeSet<u32>>,
    /// Whether candidates come with their trajectory.
    pub trajectory: bool,
    /// What the picture should not show.
    pub negative_prompt: Option<String>,
    /// Where the server draws noise.
    pub generator_device: GeneratorDevice,
    /// Which sizes can be asked for.
    pub sizes: Option<SizeRule>,
    /// Denoiser evaluations that one edit counts as.
    pub nfe: u64,
    /// Fields that a search may turn.
    pub knobs: Vec<KnobSetting>,
    /// The servers and what is told of them.
    pub remote: RemoteSettings,
}

const MODEL: Key<Text> =
    model("the model that the servers have; it is not sent, but a run is resumed under the same one only");

const SAMPLER: Key<Word<RolloutSampler>> = Key {
    name: "sampler",
    rule: Word(&[
        (RolloutSampler::Sde.word(), RolloutSampler::Sde),
        (RolloutSampler::Cps.word(), RolloutSampler::Cps),
        (RolloutSampler::Ode.word(), RolloutSampler::Ode),
    ]),
    absent: Absent::Default(RolloutSampler::Sde),
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

const GENERATOR_DEVICE: Key<Word<GeneratorDevice>> = Key {
    name: "generator_device",
    rule: Word(&[
        (GeneratorDevice::Cuda.word(), GeneratorDevice::Cuda),
        (GeneratorDevice::Cpu.word(), GeneratorDevice::Cpu),
    ]),
    absent: Absent::Default(GeneratorDevice::Cuda),
    meaning: "where the server draws noise; the same seed gives other noise on each",
};

const SIZES: Section = sizes("`16`");

impl Options for SgLangRolloutRecipe {
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
        let (negative_prompt, generator_device) = (fields.take(&NEGATIVE_PROMPT), fields.take(&GENERATOR_DEVICE));
        let (sizes, nfe, knobs) = (read_sizes(fields, &SIZES), fields.take(&NFE), read_knobs(fields));
        let remote = RemoteSettings::read(fields);
        if noisy_steps.is_some() && sampler == Some(RolloutSampler::Ode) {
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
            generator_device: generator_device?,
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
            GENERATOR_DEVICE.write(Some(&self.generator_device)),
            write_sizes(&SIZES, self.sizes.as_ref()),
            write_knobs(&self.knobs),
            NFE.write(Some(&self.nfe)),
        ];
        own.into_iter().flatten().chain(self.remote.write()).collect()
    }
}

impl EditorChoice for SgLangRolloutRecipe {
    fn make(&self, name: &EditorName, _: &House) -> Result<MadeEditor, MakeError> {
        let remote = &self.remote;
        let usual = SgLangRolloutOptions::new(name.clone(), &self.model, connection(remote));
        let options = SgLangRolloutOptions {
            revision: remote.revision.clone(),
            prices: prices(&remote.prices),
            nfe: self.nfe,
            sampler: self.sampler,
            noise_level: self.noise_level,
            noisy_steps: self.noisy_steps.clone(),
            keeps_trajectory: self.trajectory,
            negative_prompt: self.negative_prompt.clone(),
            generator_device: self.generator_device,
            knobs: knobs(&self.knobs),
            sizes: self.sizes.clone().unwrap_or(usual.sizes),
            repeat: remote.repeat.map(repeat),
            ..usual
        };
        Ok(MadeEditor::Ready(Arc::new(SgLangRollout::new(options)?)))
    }

    fn remote(&self) -> Option<&RemoteSettings> {
        Some(&self.remote)
    }

    fn remote_mut(&mut self) -> Option<&mut RemoteSettings> {
        Some(&mut self.remote)
    }

    fn free_question(&self) -> FreeQuestion<'_> {
        ("health".into(), None)
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
