//! How a recipe sets the editor `instruct_pix2pix`.

use std::path::Path;

use editscale_core::{EditorName, LocalEditor};
use editscale_schema::{
    Absent, EditorChoice, Fields, House, Key, Keys, MadeEditor, MakeError, Mistake, Number, Options, Whole, Word, Yaml,
    joined,
};

use crate::editors::diffusion::DiffusionEditor;
use crate::editors::instruct_pix2pix::{self, load};
use crate::editors::samplers::SamplerKind;
use crate::layers::Compute;
use crate::recipe::diffusion::{DIR, DiffusionSettings, cache};
use crate::recipe::editor;

/// `InstructPix2Pix`, from the folder of a pipeline.
#[derive(Debug, Clone, PartialEq)]
pub struct InstructPix2PixRecipe {
    /// The pipeline's folder.
    pub dir: String,
    /// Denoising steps.
    pub steps: u32,
    /// How strongly the instruction counts.
    pub guidance: f64,
    /// How strongly the source counts.
    pub image_guidance: f64,
    /// The sampler; that of the pipeline's file where absent.
    pub sampler: Option<SamplerKind>,
    /// Noise of the sampler `ddim`.
    pub eta: f64,
    /// The most pixels that are worked on.
    pub max_pixels: u64,
    /// What all diffusion models are told.
    pub shared: DiffusionSettings,
    /// The most memory for encoded texts and sources, in MiB.
    pub cache_mib: u64,
}

const STEPS: Key<Whole> = Key {
    name: "steps",
    rule: Whole { low: 1, high: 1000 },
    absent: Absent::Default(20),
    meaning: "denoising steps; each is three passes of the network with guidance, one without",
};

const GUIDANCE: Key<Number> = Key {
    name: "guidance",
    rule: Number::from(0.0, 50.0),
    absent: Absent::Default(7.5),
    meaning: "how strongly the instruction counts; at 1 or below there is no guidance of either kind. A search may turn it",
};

const IMAGE_GUIDANCE: Key<Number> = Key {
    name: "image_guidance",
    rule: Number::from(0.0, 50.0),
    absent: Absent::Default(1.5),
    meaning: "how strongly the source counts; below 1 there is no guidance of either kind. A search may turn it",
};

const SAMPLER: Key<Word<Option<SamplerKind>>> = Key {
    name: "sampler",
    rule: Word(&[
        ("file", None),
        ("euler_ancestral", Some(SamplerKind::EulerAncestral)),
        ("ddim", Some(SamplerKind::Ddim)),
    ]),
    absent: Absent::Default(None),
    meaning: "what leads from noise to picture; `file` is what the pipeline's folder names",
};

const ETA: Key<Number> = Key {
    name: "eta",
    rule: Number::from(0.0, 1.0),
    absent: Absent::Default(0.0),
    meaning: "noise that `ddim` adds at each step, from none to that of the original diffusion; other samplers have none",
};

const MAX_PIXELS: Key<Whole> = Key {
    name: "max_pixels",
    rule: Whole { low: 1, high: 1 << 24 },
    absent: Absent::Default(768 * 512),
    meaning: "the most pixels that are worked on; larger sources are brought down, smaller ones keep their size",
};

const CACHE: Key<Whole> = cache(256);

/// The keys that other models have as well.
const COMMON: Keys = &joined::<{ DiffusionSettings::KEYS.len() + 1 }>(DiffusionSettings::KEYS, &[&CACHE]);

impl InstructPix2PixRecipe {
    /// An editor with everything else as where it is left out.
    pub fn of(dir: &str) -> Self {
        let usual = instruct_pix2pix::Options::on(Compute::cpu());
        Self {
            dir: dir.to_owned(),
            steps: usual.steps as u32,
            guidance: usual.guidance,
            image_guidance: usual.image_guidance,
            sampler: usual.sampler,
            eta: usual.eta,
            max_pixels: usual.max_pixels as u64,
            shared: DiffusionSettings::default(),
            cache_mib: usual.cache_bytes >> 20,
        }
    }

    fn load(&self, name: EditorName) -> Result<Box<dyn LocalEditor>, MakeError> {
        let compute = self.shared.compute()?;
        let shared = self.shared.options(&compute)?;
        let options = instruct_pix2pix::Options {
            compute,
            steps: self.steps as usize,
            guidance: self.guidance,
            image_guidance: self.image_guidance,
            sampler: self.sampler,
            eta: self.eta,
            max_pixels: self.max_pixels as usize,
            cache_bytes: self.cache_mib << 20,
        };
        let (identity, pipeline) = load(Path::new(&self.dir), name, options, &shared)?;
        Ok(Box::new(DiffusionEditor::new(&identity, pipeline, shared)?))
    }
}

impl Options for InstructPix2PixRecipe {
    const NAME: &'static str = "instruct_pix2pix";
    const ABOUT: &'static str =
        "InstructPix2Pix: a Stable Diffusion that also sees the picture to edit. It needs weights.";
    const KEYS: Keys = &joined::<16>(&[&DIR, &STEPS, &GUIDANCE, &IMAGE_GUIDANCE, &SAMPLER, &ETA, &MAX_PIXELS], COMMON);

    fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (dir, steps, guidance) = (fields.take(&DIR), fields.take(&STEPS), fields.take(&GUIDANCE));
        let (image_guidance, sampler, eta) = (fields.take(&IMAGE_GUIDANCE), fields.take(&SAMPLER), fields.take(&ETA));
        let (max_pixels, cache_mib) = (fields.take(&MAX_PIXELS), fields.take(&CACHE));
        let shared = DiffusionSettings::read(fields);
        if sampler == Some(Some(SamplerKind::EulerAncestral)) && eta.is_some_and(|eta| eta > 0.0) {
            let mistake = Mistake::new("`eta` has no meaning with `sampler: euler_ancestral`, whose noise is fixed")
                .hint("leave `eta` out, or write `sampler: ddim`");
            fields.error(&fields.span_of(ETA.name), mistake);
        }
        Some(Self {
            dir: dir?,
            steps: steps? as u32,
            guidance: guidance?,
            image_guidance: image_guidance?,
            sampler: sampler?,
            eta: eta?,
            max_pixels: max_pixels?,
            shared: shared?,
            cache_mib: cache_mib?,
        })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [
            DIR.write(Some(&self.dir)),
            STEPS.write(Some(&self.steps.into())),
            GUIDANCE.write(Some(&self.guidance)),
            IMAGE_GUIDANCE.write(Some(&self.image_guidance)),
            SAMPLER.write(Some(&self.sampler)),
            ETA.write(Some(&self.eta)),
            MAX_PIXELS.write(Some(&self.max_pixels)),
        ];
        own.into_iter().flatten().chain(self.shared.write()).chain(CACHE.write(Some(&self.cache_mib))).collect()
    }
}

impl EditorChoice for InstructPix2PixRecipe {
    fn make(&self, name: &EditorName, _: &House) -> Result<MadeEditor, MakeError> {
        let (recipe, name) = (self.clone(), name.clone());
        Ok(editor("InstructPix2Pix from", self.dir.clone(), move || recipe.load(name.clone())))
    }
}
