//! How a recipe sets the editor `flux_kontext`.

use std::path::Path;

use editscale_core::{EditorName, LocalEditor};
use editscale_schema::{
    Absent, EditorChoice, Fields, Flag, House, Key, Keys, Made, MadeEditor, MakeError, Mistake, Number, Options, Text,
    Whole, Word, Yaml,
};

use crate::device::{self, DeviceChoice, DtypeChoice};
use crate::editors::diffusion::DiffusionEditor;
use crate::editors::flux_kontext::{self, load, stored_bytes};
use crate::layers::Compute;
use crate::load::LoadError;
use crate::recipe::CannotLoad;
use crate::recipe::compute::{DEVICE, WeightChoice, weights};
use crate::recipe::diffusion::{
    ACTIVATIONS, BATCH, DIR, DTYPE, DiffusionSettings, LATENTS, PAUSED, RESULT_SIZE, TRAJECTORY,
};

/// FLUX.1 Kontext, from the folder of a pipeline.
#[derive(Debug, Clone, PartialEq)]
pub struct FluxKontextRecipe {
    /// The pipeline's folder.
    pub dir: String,
    /// A file with the transformer in place of that of the folder.
    pub transformer: Option<String>,
    /// An adapter of the transformer.
    pub adapter: Option<String>,
    /// How strongly the adapter counts.
    pub adapter_scale: f64,
    /// Denoising steps.
    pub steps: u32,
    /// The strength of guidance that the transformer is told.
    pub guidance: f64,
    /// Noise of the stochastic sampler; 0 for the plain one.
    pub eta: f64,
    /// About how many pixels a result has.
    pub max_pixels: u64,
    /// Whether the source is read in a size that the model was trained on.
    pub fit_source: bool,
    /// How many tokens of the instruction are read.
    pub text_tokens: u32,
    /// What all diffusion models are told.
    pub shared: DiffusionSettings,
    /// Where the text encoders compute.
    pub text_device: TextDevice,
    /// In which type weights lie in memory.
    pub weights: WeightChoice,
    /// The most memory for encoded texts and sources, in MiB.
    pub cache_mib: u64,
}

/// Where the text encoders compute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TextDevice {
    /// Where everything else does.
    #[default]
    Same,
    /// On the processor.
    Cpu,
}

const TRANSFORMER: Key<Text> = Key {
    name: "transformer",
    rule: Text,
    absent: Absent::Unset("that of `dir`"),
    meaning: "a file in place of the folder's transformer: `.gguf`, or `.safetensors` with the names of Black Forest Labs",
};

pub(in crate::editors) const ADAPTER: Key<Text> = Key {
    name: "adapter",
    rule: Text,
    absent: Absent::Unset("none"),
    meaning: "a low-rank adapter of the transformer (LoRA): a `.safetensors` file, or a folder, as diffusers or PEFT writes \
              it",
};

pub(in crate::editors) const ADAPTER_SCALE: Key<Number> = Key {
    name: "adapter_scale",
    rule: Number::from(-100.0, 100.0),
    absent: Absent::Default(1.0),
    meaning: "how strongly the adapter counts; 1 is as it was trained",
};

const STEPS: Key<Whole> = Key {
    name: "steps",
    rule: Whole { low: 1, high: 1000 },
    absent: Absent::Default(28),
    meaning: "denoising steps; each is one pass of the transformer",
};

const GUIDANCE: Key<Number> = Key {
    name: "guidance",
    rule: Number::from(0.0, 50.0),
    absent: Absent::Default(2.5),
    meaning: "the strength of guidance that the transformer is told, where it was trained with one. A search may turn it",
};

pub(in crate::editors) const ETA: Key<Number> = Key {
    name: "eta",
    rule: Number::from(0.0, 10.0),
    absent: Absent::Default(0.0),
    meaning: "noise of each step, as in Flow-GRPO; 0 is the plain sampler, with which a seed decides the start alone",
};

pub(in crate::editors) const MAX_PIXELS: Key<Whole> = Key {
    name: "max_pixels",
    rule: Whole { low: 1, high: 1 << 24 },
    absent: Absent::Default(1 << 20),
    meaning: "about how many pixels a result has; the model was trained on a million",
};

const FIT_SOURCE: Key<Flag> = Key {
    name: "fit_source",
    rule: Flag,
    absent: Absent::Default(true),
    meaning: "whether the source is read in the nearest of the sizes that the model was trained on, a million pixels each, \
              instead of in its own",
};

const TEXT_TOKENS: Key<Whole> = Key {
    name: "text_tokens",
    rule: Whole { low: 2, high: 4096 },
    absent: Absent::Default(512),
    meaning: "how many tokens of the instruction are read, padding included; the model was trained with 512",
};

const TEXT_DEVICE: Key<Word<TextDevice>> = Key {
    name: "text_device",
    rule: Word(&[("same", TextDevice::Same), ("cpu", TextDevice::Cpu)]),
    absent: Absent::Default(TextDevice::Same),
    meaning: "where the two text encoders compute; `cpu` leaves a card to the transformer",
};

pub(in crate::editors) const WEIGHTS: Key<Word<WeightChoice>> = weights(
    "in which type weights lie in memory: that of computing, or that of the files, which is smaller and slower; `auto` is \
     `stored` on the processor where the files are larger than 4 GiB; pictures are the same",
);

pub(in crate::editors) const CACHE: Key<Whole> = Key {
    name: "cache_mib",
    rule: Whole { low: 0, high: 1 << 20 },
    absent: Absent::Default(512),
    meaning: "the most memory for encoded texts and sources that are kept for later calls, in MiB",
};

impl FluxKontextRecipe {
    /// An editor with everything else as where it is left out.
    pub fn of(dir: &str) -> Self {
        Self {
            dir: dir.to_owned(),
            transformer: None,
            adapter: None,
            adapter_scale: 1.0,
            steps: 28,
            guidance: 2.5,
            eta: 0.0,
            max_pixels: 1 << 20,
            fit_source: true,
            text_tokens: 512,
            shared: DiffusionSettings::default(),
            text_device: TextDevice::default(),
            weights: WeightChoice::default(),
            cache_mib: 512,
        }
    }

    fn load(&self, name: EditorName) -> Result<Box<dyn LocalEditor>, MakeError> {
        let compute = self.shared.compute()?;
        let text_compute = match self.text_device {
            TextDevice::Same => compute.clone(),
            TextDevice::Cpu => device::compute(DeviceChoice::Cpu, DtypeChoice::Auto)?,
        };
        let (compute, text_compute) = (self.with_weights(compute)?, self.with_weights(text_compute)?);
        let shared = self.shared.options(&compute)?;
        let options = flux_kontext::Options {
            compute,
            text_compute,
            transformer: self.transformer.as_ref().map(Into::into),
            adapter: self.adapter.as_ref().map(Into::into),
            adapter_scale: self.adapter_scale,
            steps: self.steps as usize,
            guidance: self.guidance,
            eta: self.eta,
            max_pixels: self.max_pixels as usize,
            is_source_fitted: self.fit_source,
            text_tokens: self.text_tokens as usize,
            cache_bytes: self.cache_mib << 20,
        };
        let (identity, pipeline) = load(Path::new(&self.dir), name, options, &shared)?;
        Ok(Box::new(DiffusionEditor::new(&identity, pipeline, shared)?))
    }

    /// The same way to compute, with the weights as chosen.
    fn with_weights(&self, compute: Compute) -> Result<Compute, LoadError> {
        let transformer = self.transformer.as_ref().map(Path::new);
        self.weights.applied(compute, || stored_bytes(Path::new(&self.dir), transformer))
    }
}

/// Reports a file of the transformer that is called otherwise than the two kinds there are.
pub(in crate::editors) fn check_transformer(fields: &Fields<'_>, transformer: Option<&String>) {
    let Some(file) = transformer else { return };
    let ending = file.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    if !matches!(ending.as_deref(), Some("gguf" | "safetensors")) {
        let mistake = Mistake::new("`transformer` does not end in `.gguf` or `.safetensors`")
            .hint("name a file; leave the key out to use the transformer in `dir`");
        fields.error(&fields.span_of(TRANSFORMER.name), mistake);
    }
}

impl Options for FluxKontextRecipe {
    const NAME: &'static str = "flux_kontext";
    const ABOUT: &'static str = "FLUX.1 Kontext: a flow transformer that reads the picture to edit beside the instruction. \
                                 It needs weights.";
    const KEYS: Keys = &[
        &DIR,
        &TRANSFORMER,
        &ADAPTER,
        &ADAPTER_SCALE,
        &STEPS,
        &GUIDANCE,
        &ETA,
        &MAX_PIXELS,
        &FIT_SOURCE,
        &TEXT_TOKENS,
        &RESULT_SIZE,
        &LATENTS,
        &TRAJECTORY,
        &DEVICE,
        &DTYPE,
        &ACTIVATIONS,
        &PAUSED,
        &BATCH,
        &TEXT_DEVICE,
        &WEIGHTS,
        &CACHE,
    ];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (dir, transformer, steps) = (fields.take(&DIR), fields.take(&TRANSFORMER), fields.take(&STEPS));
        let (adapter, adapter_scale) = (fields.take(&ADAPTER), fields.take(&ADAPTER_SCALE));
        let (guidance, eta, max_pixels) = (fields.take(&GUIDANCE), fields.take(&ETA), fields.take(&MAX_PIXELS));
        let (fit_source, text_tokens) = (fields.take(&FIT_SOURCE), fields.take(&TEXT_TOKENS));
        let shared = DiffusionSettings::read(fields);
        let (text_device, weights, cache_mib) = (fields.take(&TEXT_DEVICE), fields.take(&WEIGHTS), fields.take(&CACHE));
        check_transformer(fields, transformer.as_ref());
        Some(Self {
            dir: dir?,
            transformer,
            adapter,
            adapter_scale: adapter_scale?,
            steps: steps? as u32,
            guidance: guidance?,
            eta: eta?,
            max_pixels: max_pixels?,
            fit_source: fit_source?,
            text_tokens: text_tokens? as u32,
            shared: shared?,
            text_device: text_device?,
            weights: weights?,
            cache_mib: cache_mib?,
        })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [
            DIR.write(Some(&self.dir)),
            TRANSFORMER.write(self.transformer.as_ref()),
            ADAPTER.write(self.adapter.as_ref()),
            ADAPTER_SCALE.write(Some(&self.adapter_scale)),
            STEPS.write(Some(&self.steps.into())),
            GUIDANCE.write(Some(&self.guidance)),
            ETA.write(Some(&self.eta)),
            MAX_PIXELS.write(Some(&self.max_pixels)),
            FIT_SOURCE.write(Some(&self.fit_source)),
            TEXT_TOKENS.write(Some(&self.text_tokens.into())),
        ];
        let rest = [
            TEXT_DEVICE.write(Some(&self.text_device)),
            WEIGHTS.write(Some(&self.weights)),
            CACHE.write(Some(&self.cache_mib)),
        ];
        own.into_iter().flatten().chain(self.shared.write()).chain(rest.into_iter().flatten()).collect()
    }
}

impl EditorChoice for FluxKontextRecipe {
    fn make(&self, name: &EditorName, _: &House) -> Result<MadeEditor, MakeError> {
        let (recipe, name) = (self.clone(), name.clone());
        Ok(Made::local(move || {
            recipe
                .load(name.clone())
                .map_err(|source| CannotLoad { model: "FLUX.1 Kontext from", dir: recipe.dir.clone(), source }.into())
        }))
    }
}
