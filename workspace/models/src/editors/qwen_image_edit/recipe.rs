//! How a recipe sets the editor `qwen_image_edit`.

use std::path::{Path, PathBuf};

use editscale_core::{EditorName, LocalEditor};
use editscale_schema::{
    Absent, EditorChoice, Fields, House, Key, Keys, MadeEditor, MakeError, Mistake, Number, Options, Scalar, Section,
    Text, Value, Whole, Word, Yaml, joined,
};

use crate::editors::diffusion::DiffusionEditor;
use crate::editors::qwen_image_edit::{self as room, Schedule, load, stored_bytes};
use crate::editors::residency::Residency;
use crate::layers::Compute;
use crate::recipe::diffusion::{DIR, LATENTS, RESIDENCY, TILE};
use crate::recipe::flow::{ADAPTER, ADAPTER_SCALE, ETA, FlowSettings, MAX_PIXELS, check_ending, check_transformer};
use crate::recipe::{check_there, editor};

/// Qwen-Image-Edit, from the folder of a pipeline.
#[derive(Debug, Clone, PartialEq)]
pub struct QwenImageEditRecipe {
    /// The pipeline's folder.
    pub dir: String,
    /// Whether the encoder and the transformer are loaded together, or in turn.
    pub residency: Residency,
    /// A quantised file with the encoder's language model in place of that of the folder.
    pub encoder: Option<String>,
    /// A file with the transformer in place of that of the folder.
    pub transformer: Option<String>,
    /// A file with the autoencoder in place of that of the folder.
    pub vae: Option<String>,
    /// An adapter of the transformer.
    pub adapter: Option<String>,
    /// How strongly the adapter counts.
    pub adapter_scale: f64,
    /// Files of further pictures that the model sees beside the source.
    pub references: Vec<String>,
    /// Denoising steps.
    pub steps: u32,
    /// Which levels of noise they go through.
    pub schedule: Schedule,
    /// The strength of guidance away from the negative prompt.
    pub guidance: f64,
    /// The negative prompt; a blank where absent.
    pub negative: Option<String>,
    /// Noise of the stochastic sampler; 0 for the plain one.
    pub eta: f64,
    /// About how many pixels a result has.
    pub max_pixels: u64,
    /// About how many pixels of a source the autoencoder sees.
    pub source_pixels: u64,
    /// The side of the tiles in which larger pictures are decoded.
    pub tile: Option<u64>,
    /// What all flow transformers are told.
    pub shared: FlowSettings,
}

const ENCODER: Key<Text> = Key {
    name: "encoder",
    rule: Text,
    absent: Absent::Unset("that of `dir`"),
    meaning: "a `.gguf` file of Qwen2.5-VL's language model in place of the folder's; the folder still has the vision tower",
};

const TRANSFORMER: Key<Text> = Key {
    name: "transformer",
    rule: Text,
    absent: Absent::Unset("that of `dir`"),
    meaning: "a file in place of the folder's transformer: `.gguf`, or `.safetensors`",
};

const VAE: Key<Text> = Key {
    name: "vae",
    rule: Text,
    absent: Absent::Unset("that of `dir`"),
    meaning: "a `.safetensors` file in place of the folder's autoencoder, with the names of Wan or of diffusers",
};

const REFERENCES: Section = Section {
    name: "references",
    allowed: "a list of files of pictures",
    default: "none",
    meaning: "further pictures that the model sees beside the source, from the folder in which the program runs; instructions \
              call the source `Picture 1` and these `Picture 2` and so on. Releases from September 2025 on take them, one or \
              two are advised",
};

const STEPS: Key<Whole> = Key {
    name: "steps",
    rule: Whole { low: 1, high: 1000 },
    absent: Absent::Default(40),
    meaning: "denoising steps; each is two passes of the transformer with guidance, else one",
};

const SCHEDULE: Key<Word<Schedule>> = Key {
    name: "schedule",
    rule: Word(&[("pipeline", Schedule::Pipeline), ("lightning", Schedule::Lightning)]),
    absent: Absent::Default(Schedule::Pipeline),
    meaning: "which levels of noise the steps go through: those of the folder's scheduler, or those that Lightning adapters for \
              4 or 8 steps were trained with",
};

const GUIDANCE: Key<Number> = Key {
    name: "guidance",
    rule: Number::from(0.0, 50.0),
    absent: Absent::Default(4.0),
    meaning: "the strength of guidance away from `negative`; none, and half the work, at 1 or below. A search may turn it",
};

const NEGATIVE: Key<Text> = Key {
    name: "negative",
    rule: Text,
    absent: Absent::Unset("a blank, as published"),
    meaning: "what guidance leads away from",
};

const SOURCE_PIXELS: Key<Whole> = Key {
    name: "source_pixels",
    rule: Whole { low: 1, high: 1 << 24 },
    absent: Absent::Default(1 << 20),
    meaning: "about how many pixels of each picture are read; the model was trained on a million",
};

impl QwenImageEditRecipe {
    /// An editor with everything else as where it is left out.
    pub fn of(dir: &str) -> Self {
        let usual = room::Options::on(Compute::cpu());
        Self {
            dir: dir.to_owned(),
            residency: usual.residency,
            encoder: None,
            transformer: None,
            vae: None,
            adapter: None,
            adapter_scale: usual.adapter_scale,
            references: Vec::new(),
            steps: usual.steps as u32,
            schedule: usual.schedule,
            guidance: usual.guidance,
            negative: None,
            eta: usual.eta,
            max_pixels: usual.max_pixels as u64,
            source_pixels: usual.source_pixels as u64,
            tile: None,
            shared: FlowSettings::default(),
        }
    }

    fn load(&self, name: EditorName) -> Result<Box<dyn LocalEditor>, MakeError> {
        check_there(self.named())?;
        let stored = |compute: &Compute| stored_bytes(Path::new(&self.dir), &self.options(compute.clone()));
        let computes = self.shared.computes(stored)?;
        let shared = self.shared.diffusion.options(&computes.pictures)?;
        let options = room::Options { text_compute: computes.texts, ..self.options(computes.pictures) };
        let (identity, pipeline) = load(Path::new(&self.dir), name, options, &shared)?;
        Ok(Box::new(DiffusionEditor::new(&identity, pipeline, shared)?))
    }

    /// The files that are named beside the folder.
    fn named(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let single = [
            (ENCODER.name, self.encoder.as_ref()),
            (TRANSFORMER.name, self.transformer.as_ref()),
            (VAE.name, self.vae.as_ref()),
            (ADAPTER.name, self.adapter.as_ref()),
            (LATENTS.name, self.shared.diffusion.latents.as_ref()),
        ];
        let single = single.into_iter().filter_map(|(key, file)| Some((key, file?)));
        single.chain(self.references.iter().map(|file| (REFERENCES.name, file)))
    }

    fn options(&self, compute: Compute) -> room::Options {
        let path = |text: &Option<String>| text.as_ref().map(PathBuf::from);
        room::Options {
            residency: self.residency,
            encoder: path(&self.encoder),
            transformer: path(&self.transformer),
            vae: path(&self.vae),
            adapter: path(&self.adapter),
            adapter_scale: self.adapter_scale,
            references: self.references.iter().map(PathBuf::from).collect(),
            steps: self.steps as usize,
            schedule: self.schedule,
            guidance: self.guidance,
            negative: self.negative.clone().unwrap_or_else(|| room::Options::NEGATIVE.to_owned()),
            eta: self.eta,
            max_pixels: self.max_pixels as usize,
            source_pixels: self.source_pixels as usize,
            tile: self.tile.map(|tile| tile as usize),
            cache_bytes: self.shared.cache_bytes(),
            ..room::Options::on(compute)
        }
    }
}

/// The files of a list; nothing where one is none, which has been reported then.
fn references(fields: &Fields<'_>) -> Option<Vec<String>> {
    let Some(entry) = fields.entry(REFERENCES.name) else { return Some(Vec::new()) };
    let mut files = Vec::new();
    let mut is_whole = true;
    for item in fields.list(entry)? {
        match &item.value {
            Value::Scalar(Scalar::Text(text)) if !text.trim().is_empty() => files.push(text.clone()),
            Value::Refused => is_whole = false,
            _ => {
                is_whole = false;
                fields.error(&item.span, Mistake::new("an item of `references` is no file: expected a text"));
            }
        }
    }
    is_whole.then_some(files)
}

impl Options for QwenImageEditRecipe {
    const NAME: &'static str = "qwen_image_edit";
    const ABOUT: &'static str = "Qwen-Image-Edit: a flow transformer that sees the pictures to edit, and reads the instruction \
                                 through a vision language model that sees them, too. It needs weights.";
    const KEYS: Keys = &joined::<27>(
        &[
            &DIR,
            &RESIDENCY,
            &ENCODER,
            &TRANSFORMER,
            &VAE,
            &ADAPTER,
            &ADAPTER_SCALE,
            &REFERENCES,
            &STEPS,
            &SCHEDULE,
            &GUIDANCE,
            &NEGATIVE,
            &ETA,
            &MAX_PIXELS,
            &SOURCE_PIXELS,
            &TILE,
        ],
        FlowSettings::KEYS,
    );

    fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (dir, residency, encoder) = (fields.take(&DIR), fields.take(&RESIDENCY), fields.take(&ENCODER));
        let (transformer, vae) = (fields.take(&TRANSFORMER), fields.take(&VAE));
        let (adapter, adapter_scale) = (fields.take(&ADAPTER), fields.take(&ADAPTER_SCALE));
        let (references, steps, schedule) = (references(fields), fields.take(&STEPS), fields.take(&SCHEDULE));
        let (guidance, negative, eta) = (fields.take(&GUIDANCE), fields.take(&NEGATIVE), fields.take(&ETA));
        let (max_pixels, source_pixels) = (fields.take(&MAX_PIXELS), fields.take(&SOURCE_PIXELS));
        let (tile, shared) = (fields.take(&TILE), FlowSettings::read(fields));
        check_ending(fields, &ENCODER, encoder.as_ref(), &["gguf"]);
        check_transformer(fields, &TRANSFORMER, transformer.as_ref());
        // A folder of diffusers does as well, and has no ending.
        let file = vae.as_ref().filter(|vae| Path::new(vae).extension().is_some());
        check_ending(fields, &VAE, file, &["safetensors"]);
        Some(Self {
            dir: dir?,
            residency: residency?,
            encoder,
            transformer,
            vae,
            adapter,
            adapter_scale: adapter_scale?,
            references: references?,
            steps: steps? as u32,
            schedule: schedule?,
            guidance: guidance?,
            negative,
            eta: eta?,
            max_pixels: max_pixels?,
            source_pixels: source_pixels?,
            tile,
            shared: shared?,
        })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let references = self.references.iter().map(|file| Yaml::text(file)).collect();
        let references = (REFERENCES.name.to_owned(), Yaml::List(references));
        let own = [
            DIR.write(Some(&self.dir)),
            RESIDENCY.write(Some(&self.residency)),
            ENCODER.write(self.encoder.as_ref()),
            TRANSFORMER.write(self.transformer.as_ref()),
            VAE.write(self.vae.as_ref()),
            ADAPTER.write(self.adapter.as_ref()),
            ADAPTER_SCALE.write(Some(&self.adapter_scale)),
            (!self.references.is_empty()).then_some(references),
            STEPS.write(Some(&self.steps.into())),
            SCHEDULE.write(Some(&self.schedule)),
            GUIDANCE.write(Some(&self.guidance)),
            NEGATIVE.write(self.negative.as_ref()),
            ETA.write(Some(&self.eta)),
            MAX_PIXELS.write(Some(&self.max_pixels)),
            SOURCE_PIXELS.write(Some(&self.source_pixels)),
            TILE.write(self.tile.as_ref()),
        ];
        own.into_iter().flatten().chain(self.shared.write()).collect()
    }
}

impl EditorChoice for QwenImageEditRecipe {
    fn make(&self, name: &EditorName, _: &House) -> Result<MadeEditor, MakeError> {
        let (recipe, name) = (self.clone(), name.clone());
        Ok(editor("Qwen-Image-Edit from", self.dir.clone(), move || recipe.load(name.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_that_are_not_there_are_told_at_once() {
        let gone = |name: &str| Some(format!("/nowhere/{name}"));
        let mut recipe = QwenImageEditRecipe {
            encoder: gone("a.gguf"),
            vae: gone("b.safetensors"),
            references: vec!["/nowhere/c.png".to_owned()],
            ..QwenImageEditRecipe::of("/nowhere")
        };
        recipe.shared.diffusion.latents = gone("d.safetensors");
        let refused = recipe.load(EditorName::new("one").unwrap()).map(drop).unwrap_err().to_string();
        let expected = "encoder `/nowhere/a.gguf`, vae `/nowhere/b.safetensors`, latents `/nowhere/d.safetensors`, references \
                        `/nowhere/c.png` are not there";
        assert_eq!(refused, expected);
    }
}
