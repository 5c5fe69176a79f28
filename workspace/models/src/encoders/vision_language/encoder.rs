//! The encoder: texts and pictures to tokens, and tokens to states.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use candle_core::{Result as Computed, Tensor};
use editscale_core::TowerPictures;
use editscale_picture::Rgb8;

use crate::encoders::vision_language::files::EncoderFiles;
use crate::encoders::vision_language::prompt::Plan;
use crate::encoders::vision_language::{
    EncodedPrompt, EncoderCounters, EncoderError, EncoderPicture, EncoderPlaces, EncoderPrompt, Features, PixelBounds,
    SharedDecoder, SharedTower, Words,
};
use crate::layers::Compute;
use crate::layers::qwen25_vl::{Config, Pass, Processor, target_size};
use crate::load::LoadError;
use crate::pictures::{Size, resize};

/// One loaded Qwen2.5-VL. Cheap to clone, and whoever opens the same weights, in the same type on the same device, shares
/// them; they are let go with the last who does.
#[derive(Debug, Clone)]
pub struct VisionLanguageEncoder(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    config: Config,
    compute: Compute,
    words: Words,
    processor: Processor,
    tower: Arc<SharedTower>,
    decoder: SharedDecoder,
    prompts: AtomicU64,
}

impl VisionLanguageEncoder {
    /// Loads what is not loaded yet. The matrix that leads to the next token (`lm_head`) is never needed.
    pub fn open(places: &EncoderPlaces, compute: &Compute) -> Result<Self, LoadError> {
        let files = EncoderFiles::open(places)?;
        let (checkpoint, text) = (&files.checkpoint, &files.config.text);
        let tower = SharedTower::open(checkpoint, &files.config.vision, places.tables, compute)?;
        let decoder = match &files.language {
            Some(file) => SharedDecoder::open_quantised(file, text, places.tables, compute)?,
            None => SharedDecoder::open(checkpoint, text, places.tables, compute)?,
        };
        files.check_words(places, decoder.vocabulary())?;
        // What is loaded on one thread is used on another.
        let failed = |error: candle_core::Error| LoadError::content(&places.weights, error.to_string());
        compute.device.synchronize().map_err(failed)?;
        let EncoderFiles { config, words, processor, .. } = files;
        let compute = compute.clone();
        let prompts = AtomicU64::new(0);
        Ok(Self(Arc::new(Parts { config, compute, words, processor, tower, decoder, prompts })))
    }

    /// Its shape.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// How many tokens it has embeddings for.
    pub fn vocabulary(&self) -> usize {
        self.0.decoder.vocabulary()
    }

    /// Its tokenizer.
    pub fn words(&self) -> &Words {
        &self.0.words
    }

    /// How large pictures are, as its processor's file has it.
    pub fn bounds(&self) -> PixelBounds {
        let Processor { least_pixels: least, most_pixels: most, .. } = self.0.processor;
        PixelBounds { least, most }
    }

    /// A picture in the size in which it is seen: sides are multiples of a merged token's edge (28 pixels), rounded with halves
    /// to the even multiple, its area is within the bounds, and the filter is that of the processor's file.
    pub fn picture(&self, pixels: &Rgb8, bounds: PixelBounds) -> Result<EncoderPicture, EncoderError> {
        let Processor { patching, filter, .. } = self.0.processor;
        let size = Size { height: pixels.height, width: pixels.width };
        let target = target_size(size, patching.multiple(), bounds.least, bounds.most)?;
        Ok(EncoderPicture::new(resize(pixels.clone(), target, filter), patching))
    }

    /// Tokens in which every picture's token stands as often as its picture has tokens; in `ids` it stands once a picture.
    pub fn expanded(&self, ids: &[u32], pictures: &[EncoderPicture]) -> Vec<u32> {
        let mut pictures = pictures.iter();
        let repeated = |&id: &u32| {
            let count =
                if id == self.0.words.picture() { pictures.next().map_or(1, EncoderPicture::tokens) } else { 1 };
            std::iter::repeat_n(id, count)
        };
        ids.iter().flat_map(repeated).collect()
    }

    /// The states of a prompt's tokens. Pictures that this tower has seen before are not computed again.
    pub fn encode(&self, prompt: &EncoderPrompt<'_>) -> Result<EncodedPrompt, EncoderError> {
        self.checked(prompt, self.plan(prompt)?)
    }

    /// The same where positions do not count all tokens, though all that are visible are seen.
    pub fn encode_counting(&self, prompt: &EncoderPrompt<'_>, counted: &[bool]) -> Result<EncodedPrompt, EncoderError> {
        let positions = self.plan(&EncoderPrompt { visible: Some(counted), ..*prompt })?.positions;
        self.checked(prompt, Plan { positions, ..self.plan(prompt)? })
    }

    fn plan(&self, prompt: &EncoderPrompt<'_>) -> Result<Plan, EncoderError> {
        Plan::new(prompt, self.0.words.picture(), self.0.config.vision.spatial_merge_size)
    }

    /// Runs a prompt that is not too long.
    fn checked(&self, prompt: &EncoderPrompt<'_>, plan: Plan) -> Result<EncodedPrompt, EncoderError> {
        let most = self.0.config.text.max_position_embeddings.unwrap_or(usize::MAX);
        if prompt.ids.len() > most {
            let found = prompt.ids.len();
            return Err(EncoderError::Prompt(format!(
                "it has {found} tokens with its pictures: expected at most {most}"
            )));
        }
        Ok(self.run(plan, prompt.pictures)?)
    }

    /// Runs a prompt as planned.
    pub(super) fn run(&self, plan: Plan, pictures: &[EncoderPicture]) -> Computed<EncodedPrompt> {
        let Plan { positions, segments, rows, words } = plan;
        let features = self.0.tower.features(pictures, &|| Ok(()))?;
        let pictures = counted(&features);
        let embeddings = self.embed(&words, &rows, features)?;
        let pass = Pass {
            hidden: embeddings.clone(),
            positions: positions.clone(),
            segments,
            past: Vec::new(),
            read: (0..rows.len()).collect(),
            keep_keys: false,
        };
        let states = self.0.decoder.forward(pass, &mut |_, _| Ok(()))?.read;
        self.0.prompts.fetch_add(1, Ordering::Relaxed);
        Ok(EncodedPrompt { states, embeddings, positions, pictures })
    }

    /// What goes into the decoder: words' embeddings and pictures' features, in the order of the tokens.
    fn embed(&self, words: &[u32], rows: &[u32], features: Vec<Features>) -> Computed<Tensor> {
        let mut parts = Vec::with_capacity(features.len() + 1);
        if !words.is_empty() {
            parts.push(self.0.decoder.embed(words)?);
        }
        parts.extend(features.into_iter().map(|features| features.tokens));
        Tensor::cat(&parts, 0)?.index_select(&Tensor::new(rows, &self.0.compute.device)?, 0)
    }

    /// What was computed so far. Pictures count for all who share the vision tower.
    pub fn counters(&self) -> EncoderCounters {
        let (pictures_computed, pictures_found) = self.0.tower.counts();
        EncoderCounters { pictures_computed, pictures_found, prompts: self.0.prompts.load(Ordering::Relaxed) }
    }

    /// Whether weights lie in memory once for both.
    pub fn shares_weights_with(&self, other: &Self) -> bool {
        let (own, others) = (&*self.0, &*other.0);
        own.tower.is_one_with(&others.tower) && own.decoder.is_one_with(&others.decoder)
    }
}

/// What became of pictures.
fn counted(features: &[Features]) -> TowerPictures {
    let (new, known): (Vec<_>, Vec<_>) = features.iter().partition(|features| features.are_new);
    TowerPictures { computed: new.len() as u64, found: known.len() as u64 }
}
