//! How a recipe sets the editor `step1x_edit`.

use editscale_core::{EditorName, LocalEditor};
use editscale_schema::{
    Absent, EditorChoice, Fields, House, Key, Keys, MadeEditor, MakeError, Mistake, Number, Options, Text, Whole, Word,
    Yaml, joined,
};

use crate::editors::diffusion::DiffusionEditor;
use crate::editors::residency::Residency;
use crate::editors::step1x_edit::files::Files;
use crate::editors::step1x_edit::options::ReferenceLatent;
use crate::editors::step1x_edit::{self, GuidanceRule, Version, load, stored_bytes};
use crate::layers::Compute;
use crate::recipe::diffusion::{LATENTS, RESIDENCY, TILE};
use crate::recipe::flow::{ADAPTER, ADAPTER_SCALE, ETA, FlowSettings, check_transformer};
use crate::recipe::{check_there, editor};

/// Step1X-Edit, from a pipeline's folder or the authors' files.
#[derive(Debug, Clone, PartialEq)]
pub struct Step1xEditRecipe {
    /// The pipeline's folder.
    pub dir: Option<String>,
    /// Whether the encoder and the denoiser are loaded together, or in turn.
    pub residency: Residency,
    /// A file with the denoiser.
    pub transformer: Option<String>,
    /// An autoencoder.
    pub vae: Option<String>,
    /// An encoder's folder.
    pub encoder: Option<String>,
    /// The version of the checkpoint; told by its tensors where absent.
    pub version: Option<Version>,
    /// An adapter of the denoiser's transformer.
    pub adapter: Option<String>,
    /// How strongly the adapter counts.
    pub adapter_scale: f64,
    /// Denoising steps.
    pub steps: u32,
    /// The strength of guidance.
    pub guidance: f64,
    /// How answers are put together; the authors' rule for the checkpoint where absent.
    pub guidance_rule: Option<GuidanceRule>,
    /// The instruction that guidance leads away from.
    pub negative: Option<String>,
    /// Noise of the stochastic sampler; 0 for the plain one.
    pub eta: f64,
    /// Edge of a square with about as many pixels as a picture is worked on in.
    pub size_level: u64,
    /// What the denoiser is given of the source.
    pub reference_latent: ReferenceLatent,
    /// The side of the tiles in which larger pictures are decoded.
    pub tile: Option<u64>,
    /// What all flow transformers are told.
    pub shared: FlowSettings,
}

const DIR: Key<Text> = Key {
    name: "dir",
    rule: Text,
    absent: Absent::Unset("none"),
    meaning: "the pipeline's folder as the authors' fork of diffusers writes it; `editscale models pull step1x-edit` makes one. \
              Without one `transformer`, `vae` and `encoder` are needed",
};

const TRANSFORMER: Key<Text> = Key {
    name: "transformer",
    rule: Text,
    absent: Absent::Unset("that of `dir`"),
    meaning: "the denoiser as one file under the authors' names, in place of the folder's: `.safetensors`, or quantised as `.gguf`",
};

const VAE: Key<Text> = Key {
    name: "vae",
    rule: Text,
    absent: Absent::Unset("that of `dir`"),
    meaning: "an autoencoder in place of the folder's: a folder of diffusers, or a `.safetensors` file with the names of Black \
              Forest Labs",
};

const ENCODER: Key<Text> = Key {
    name: "encoder",
    rule: Text,
    absent: Absent::Unset("that of `dir`"),
    meaning: "the folder of a Qwen2.5-VL in place of the pipeline's; the same folder as a judge's is loaded once for both",
};

const VERSION: Key<Word<Version>> = Key {
    name: "version",
    rule: Word(&[("v1.0", Version::V1_0), ("v1.1", Version::V1_1), ("v1.2", Version::V1_2)]),
    absent: Absent::Unset("told by the checkpoint's tensors"),
    meaning: "the version that the checkpoint is of: it decides prompt, sizes, and where the source lies for the denoiser",
};

const STEPS: Key<Whole> = Key {
    name: "steps",
    rule: Whole { low: 1, high: 1000 },
    absent: Absent::Default(28),
    meaning: "denoising steps; each is two passes of the denoiser, or one without guidance",
};

const GUIDANCE: Key<Number> = Key {
    name: "guidance",
    rule: Number::from(0.0, 50.0),
    absent: Absent::Default(6.0),
    meaning: "how strongly the instruction counts; up to 1 it is not compared with `negative`, which halves the work. A search \
              may turn it",
};

const RULE: Key<Word<GuidanceRule>> = Key {
    name: "guidance_rule",
    rule: Word(&[
        ("plain", GuidanceRule::Plain),
        ("damped_early", GuidanceRule::DampedEarly),
        ("damped", GuidanceRule::Damped),
    ]),
    absent: Absent::Unset("`damped_early` for the authors' files of v1.0 and v1.1, else `damped`"),
    meaning: "how answers with and without the instruction are put together: `plain` as the authors' code of v1.0 does; \
              `damped_early` as it does since v1.1, with long differences shortened while the noise level is above 0.93; `damped` as \
              their fork of diffusers does, which shortens them at every step",
};

const NEGATIVE: Key<Text> = Key {
    name: "negative",
    rule: Text,
    absent: Absent::Unset("the empty text"),
    meaning: "the instruction that guidance leads away from",
};

const SIZE_LEVEL: Key<Whole> = Key {
    name: "size_level",
    rule: Whole { low: 16, high: 4096 },
    absent: Absent::Default(1024),
    meaning: "edge in pixels of a square with about as many pixels as a picture is worked on in; the authors use 512, 786 and \
              1024",
};

const REFERENCE: Key<Word<ReferenceLatent>> = Key {
    name: "reference_latent",
    rule: Word(&[("mean", ReferenceLatent::Mean), ("sample", ReferenceLatent::Sample)]),
    absent: Absent::Default(ReferenceLatent::Mean),
    meaning: "what the denoiser is given of the source: the mean that the autoencoder tells, or a draw around it as the authors' \
              code takes, one a picture",
};

impl Step1xEditRecipe {
    /// An editor from a pipeline's folder, with everything else as where it is left out.
    pub fn of(dir: &str) -> Self {
        let usual = step1x_edit::Options::on(Compute::cpu());
        Self {
            dir: Some(dir.to_owned()),
            residency: usual.residency,
            transformer: None,
            vae: None,
            encoder: None,
            version: usual.version,
            adapter: None,
            adapter_scale: 1.0,
            steps: usual.steps as u32,
            guidance: usual.guidance,
            guidance_rule: usual.rule,
            negative: None,
            eta: usual.eta,
            size_level: usual.size_level as u64,
            reference_latent: usual.reference_latent,
            tile: None,
            shared: FlowSettings::default(),
        }
    }

    fn files(&self) -> Files {
        let path = |text: &Option<String>| text.as_ref().map(Into::into);
        Files {
            dir: path(&self.dir),
            transformer: path(&self.transformer),
            vae: path(&self.vae),
            encoder: path(&self.encoder),
        }
    }

    /// The files and folders that are named beside the pipeline's.
    fn named(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let all = [
            (TRANSFORMER.name, self.transformer.as_ref()),
            (VAE.name, self.vae.as_ref()),
            (ENCODER.name, self.encoder.as_ref()),
            (ADAPTER.name, self.adapter.as_ref()),
            (LATENTS.name, self.shared.diffusion.latents.as_ref()),
        ];
        all.into_iter().filter_map(|(key, file)| Some((key, file?)))
    }

    fn load(&self, name: EditorName) -> Result<Box<dyn LocalEditor>, MakeError> {
        check_there(self.named())?;
        let computes = self.shared.computes(|_| stored_bytes(&self.files()))?;
        let shared = self.shared.diffusion.options(&computes.pictures)?;
        let options = step1x_edit::Options {
            compute: computes.pictures,
            text_compute: computes.texts,
            residency: self.residency,
            version: self.version,
            adapter: self.adapter.as_ref().map(Into::into),
            adapter_scale: self.adapter_scale,
            steps: self.steps as usize,
            guidance: self.guidance,
            rule: self.guidance_rule,
            negative: self.negative.clone().unwrap_or_default(),
            eta: self.eta,
            size_level: self.size_level as usize,
            reference_latent: self.reference_latent,
            tile: self.tile.map(|tile| tile as usize),
            cache_bytes: self.shared.cache_bytes(),
        };
        let (identity, pipeline) = load(&self.files(), name, options, &shared)?;
        Ok(Box::new(DiffusionEditor::new(&identity, pipeline, shared)?))
    }

    /// What errors about loading name.
    fn place(&self) -> String {
        self.dir.clone().or_else(|| self.transformer.clone()).unwrap_or_default()
    }
}

/// Reports parts that are named nowhere, and a denoiser that is called otherwise than it has to be.
fn check_files(fields: &Fields<'_>, dir: Option<&String>, files: [Option<&String>; 3]) {
    let parts = [&TRANSFORMER, &VAE, &ENCODER];
    if dir.is_none() && files.contains(&None) {
        let missing = parts.iter().zip(files).filter(|(_, file)| file.is_none());
        let missing: String = missing.map(|(key, _)| format!(" nor `{}`", key.name)).collect();
        let mistake = Mistake::new(format!("neither `dir`{missing} is there"))
            .hint("name the pipeline's folder with `dir`, or all of `transformer`, `vae` and `encoder`");
        fields.error(&fields.span_of(DIR.name), mistake);
    }
    check_transformer(fields, &TRANSFORMER, files[0]);
}

impl Options for Step1xEditRecipe {
    const NAME: &'static str = "step1x_edit";
    const ABOUT: &'static str = "Step1X-Edit: a flow transformer that is told by Qwen2.5-VL what to do with the picture, beside \
                                 the picture itself. It needs weights.";
    const KEYS: Keys = &joined::<27>(
        &[
            &DIR,
            &RESIDENCY,
            &TRANSFORMER,
            &VAE,
            &ENCODER,
            &VERSION,
            &ADAPTER,
            &ADAPTER_SCALE,
            &STEPS,
            &GUIDANCE,
            &RULE,
            &NEGATIVE,
            &ETA,
            &SIZE_LEVEL,
            &REFERENCE,
            &TILE,
        ],
        FlowSettings::KEYS,
    );

    fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (dir, residency, transformer) = (fields.take(&DIR), fields.take(&RESIDENCY), fields.take(&TRANSFORMER));
        let (vae, encoder, version) = (fields.take(&VAE), fields.take(&ENCODER), fields.take(&VERSION));
        let (adapter, adapter_scale) = (fields.take(&ADAPTER), fields.take(&ADAPTER_SCALE));
        let (steps, guidance, guidance_rule) = (fields.take(&STEPS), fields.take(&GUIDANCE), fields.take(&RULE));
        let (negative, eta, size_level) = (fields.take(&NEGATIVE), fields.take(&ETA), fields.take(&SIZE_LEVEL));
        let (reference_latent, tile) = (fields.take(&REFERENCE), fields.take(&TILE));
        let shared = FlowSettings::read(fields);
        check_files(fields, dir.as_ref(), [transformer.as_ref(), vae.as_ref(), encoder.as_ref()]);
        Some(Self {
            dir,
            residency: residency?,
            transformer,
            vae,
            encoder,
            version,
            adapter,
            adapter_scale: adapter_scale?,
            steps: steps? as u32,
            guidance: guidance?,
            guidance_rule,
            negative,
            eta: eta?,
            size_level: size_level?,
            reference_latent: reference_latent?,
            tile,
            shared: shared?,
        })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [
            DIR.write(self.dir.as_ref()),
            RESIDENCY.write(Some(&self.residency)),
            TRANSFORMER.write(self.transformer.as_ref()),
            VAE.write(self.vae.as_ref()),
            ENCODER.write(self.encoder.as_ref()),
            VERSION.write(self.version.as_ref()),
            ADAPTER.write(self.adapter.as_ref()),
            ADAPTER_SCALE.write(Some(&self.adapter_scale)),
            STEPS.write(Some(&self.steps.into())),
            GUIDANCE.write(Some(&self.guidance)),
            RULE.write(self.guidance_rule.as_ref()),
            NEGATIVE.write(self.negative.as_ref()),
            ETA.write(Some(&self.eta)),
            SIZE_LEVEL.write(Some(&self.size_level)),
            REFERENCE.write(Some(&self.reference_latent)),
            TILE.write(self.tile.as_ref()),
        ];
        own.into_iter().flatten().chain(self.shared.write()).collect()
    }
}

impl EditorChoice for Step1xEditRecipe {
    fn make(&self, name: &EditorName, _: &House) -> Result<MadeEditor, MakeError> {
        let (recipe, name) = (self.clone(), name.clone());
        Ok(editor("Step1X-Edit from", self.place(), move || recipe.load(name.clone())))
    }
}
