//! How a recipe sets the editor `flux_kontext`.

use std::path::Path;

use editscale_core::{EditorName, LocalEditor};
use editscale_schema::{
    Absent, EditorChoice, Fields, Flag, House, Key, Keys, MadeEditor, MakeError, Number, Options, Text, Whole, Yaml,
    joined,
};

use crate::editors::diffusion::DiffusionEditor;
use crate::editors::flux_kontext::{self, load, stored_bytes};
use crate::layers::Compute;
use crate::recipe::diffusion::DIR;
use crate::recipe::editor;
use crate::recipe::flow::{ADAPTER, ADAPTER_SCALE, ETA, FlowSettings, MAX_PIXELS, check_transformer};

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
    /// What all flow transformers are told.
    pub shared: FlowSettings,
}

const TRANSFORMER: Key<Text> = Key {
    name: "transformer",
    rule: Text,
    absent: Absent::Unset("that of `dir`"),
    meaning: "a file in place of the folder's transformer: `.gguf`, or `.safetensors` with the names of Black Forest Labs",
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

impl FluxKontextRecipe {
    /// An editor with everything else as where it is left out.
    pub fn of(dir: &str) -> Self {
        let usual = flux_kontext::Options::on(Compute::cpu());
        Self {
            dir: dir.to_owned(),
            transformer: None,
            adapter: None,
            adapter_scale: usual.adapter_scale,
            steps: usual.steps as u32,
            guidance: usual.guidance,
            eta: usual.eta,
            max_pixels: usual.max_pixels as u64,
            fit_source: usual.is_source_fitted,
            text_tokens: usual.text_tokens as u32,
            shared: FlowSettings::default(),
        }
    }

    fn load(&self, name: EditorName) -> Result<Box<dyn LocalEditor>, MakeError> {
        let file = self.transformer.as_ref().map(Path::new);
        let computes = self.shared.computes(|_| stored_bytes(Path::new(&self.dir), file))?;
        let shared = self.shared.diffusion.options(&computes.pictures)?;
        let options = flux_kontext::Options {
            compute: computes.pictures,
            text_compute: computes.texts,
            transformer: file.map(Into::into),
            adapter: self.adapter.as_ref().map(Into::into),
            adapter_scale: self.adapter_scale,
            steps: self.steps as usize,
            guidance: self.guidance,
            eta: self.eta,
            max_pixels: self.max_pixels as usize,
            is_source_fitted: self.fit_source,
            text_tokens: self.text_tokens as usize,
            cache_bytes: self.shared.cache_bytes(),
        };
        let (identity, pipeline) = load(Path::new(&self.dir), name, options, &shared)?;
        Ok(Box::new(DiffusionEditor::new(&identity, pipeline, shared)?))
    }
}

impl Options for FluxKontextRecipe {
    const NAME: &'static str = "flux_kontext";
    const ABOUT: &'static str = "FLUX.1 Kontext: a flow transformer that reads the picture to edit beside the instruction. \
                                 It needs weights.";
    const KEYS: Keys = &joined::<21>(
        &[
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
        ],
        FlowSettings::KEYS,
    );

    fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (dir, transformer, steps) = (fields.take(&DIR), fields.take(&TRANSFORMER), fields.take(&STEPS));
        let (adapter, adapter_scale) = (fields.take(&ADAPTER), fields.take(&ADAPTER_SCALE));
        let (guidance, eta, max_pixels) = (fields.take(&GUIDANCE), fields.take(&ETA), fields.take(&MAX_PIXELS));
        let (fit_source, text_tokens) = (fields.take(&FIT_SOURCE), fields.take(&TEXT_TOKENS));
        let shared = FlowSettings::read(fields);
        check_transformer(fields, &TRANSFORMER, transformer.as_ref());
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
        own.into_iter().flatten().chain(self.shared.write()).collect()
    }
}

impl EditorChoice for FluxKontextRecipe {
    fn make(&self, name: &EditorName, _: &House) -> Result<MadeEditor, MakeError> {
        let (recipe, name) = (self.clone(), name.clone());
        Ok(editor("FLUX.1 Kontext from", self.dir.clone(), move || recipe.load(name.clone())))
    }
}
