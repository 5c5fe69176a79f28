//! Whether a folder holds a pipeline that can be used, with all that is wrong at once.
//!
//! Every network is built as for use, from a checkpoint that is only looked at: it hands out zeros that take no memory and
//! notes what was asked for. So what is expected of a file is what the network takes, and one tensor is in memory at a time.

use std::path::Path;
use std::sync::Arc;

use candle_core::{DType, Device};

use crate::editors::class::PipelineClass;
use crate::editors::folder::PipelineFolder;
use crate::encoders::vision_language::{EncoderFacts, EncoderPlaces, Words};
use crate::layers::autoencoder_kl::{self, AutoencoderKl};
use crate::layers::clip_text::{ClipText, ClipTextConfig};
use crate::layers::qwen25_vl::{self, Decoder, VisionTower};
use crate::layers::t5::{T5Config, T5Encoder};
use crate::layers::{Compute, RopeTables, Scope};
use crate::load::LoadError;
use crate::verify::{Problems, Verified, VerifyError};
use crate::weights::{AuditNotes, Checkpoint, Storage, WeightError};

/// How closely a pipeline is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// The small files: index, scheduler, tokenizers and configurations, and whether they go together.
    Settings,
    /// Besides, every tensor's name, shape and type, from the headers of the weights.
    Headers,
    /// Besides, every value: all weights are read.
    Values,
}

/// Looks at everything in a pipeline's folder. All weights are read once, tensor by tensor, which takes as long as reading
/// the files does; of files that end behind their headers, only those are.
///
/// The error holds everything that is wrong, each with its file. A folder that passes can be loaded, but for memory.
pub fn verify(folder: &Path) -> Result<Verified, VerifyError> {
    verify_to(folder, Depth::Values)
}

/// The same as closely as is asked for.
pub fn verify_to(folder: &Path, depth: Depth) -> Result<Verified, VerifyError> {
    let (problems, verified) = (Problems::default(), Verified::nothing(folder));
    let mut look = Look { folder: PipelineFolder::of(folder), depth, problems, verified };
    let index = folder.join(PipelineClass::INDEX);
    if !folder.is_dir() {
        let reason = "is not a folder: expected that of a pipeline, with `model_index.json` and a folder a component";
        look.problems.say(folder, reason);
    } else if let Some(class) = look.problems.keep(PipelineClass::read(&index)) {
        let fit = class.verify(&mut look);
        fit.into_misfits().into_iter().for_each(|misfit| look.problems.add(misfit));
    }
    look.problems.conclude(look.verified)
}

/// One pipeline while it is looked at.
pub(super) struct Look {
    pub(super) folder: PipelineFolder,
    depth: Depth,
    problems: Problems,
    pub(super) verified: Verified,
}

/// How a network is read, opened and built.
pub(super) struct Network<C> {
    pub(super) config: fn(&Path) -> Result<C, LoadError>,
    pub(super) open: fn(&Path) -> Result<Checkpoint, WeightError>,
    pub(super) build: fn(&Arc<Checkpoint>, C) -> Result<(), LoadError>,
    /// Whether weights may hold nothing else.
    pub(super) is_all: bool,
}

pub(super) const CLIP: Network<ClipTextConfig> = Network {
    config: ClipTextConfig::read,
    open: ClipText::open,
    build: |checkpoint, config| Ok(ClipText::of(&Scope::root(checkpoint, &compute()), config).map(drop)?),
    is_all: false,
};

pub(super) const T5: Network<T5Config> = Network {
    config: T5Config::read,
    open: |folder| Checkpoint::open(folder, str::to_owned),
    build: |checkpoint, config| Ok(T5Encoder::of(&Scope::root(checkpoint, &compute()), config).map(drop)?),
    is_all: false,
};

/// The encoder of Qwen2.5-VL. Its folder also holds the matrix that leads to the next token, which is not used.
const VISION_LANGUAGE: Network<qwen25_vl::Config> = Network {
    config: qwen25_vl::Config::read_file,
    open: |folder| Checkpoint::open(folder, qwen25_vl::canonical),
    build: |checkpoint, config| {
        let compute = compute();
        let model = Scope::root(checkpoint, &compute).at("model");
        VisionTower::load(&model.at("visual"), &config.vision, RopeTables::Exact)?;
        Ok(Decoder::load(&model.at("language_model"), &config.text, RopeTables::Exact).map(drop)?)
    },
    is_all: false,
};

pub(super) const AUTOENCODER: Network<autoencoder_kl::Config> = Network {
    config: autoencoder_kl::Config::read,
    open: AutoencoderKl::open,
    build: |checkpoint, config| Ok(AutoencoderKl::of(&Scope::root(checkpoint, &compute()), config).map(drop)?),
    is_all: false,
};

/// A type in which layers of the processor pack nothing.
pub(super) fn compute() -> Compute {
    Compute { device: Device::Cpu, dtype: DType::BF16, kept: Storage::Stored }
}

impl Look {
    /// The file that describes the sampler.
    pub(super) fn scheduler<C>(&mut self, read: fn(&Path) -> Result<C, LoadError>) -> Option<C> {
        let file = self.folder.scheduler();
        self.small("scheduler", |_| read(&file))
    }

    /// A component without weights.
    pub(super) fn small<T>(&mut self, name: &str, read: impl Fn(&Path) -> Result<T, LoadError>) -> Option<T> {
        let folder = self.problems.keep(self.folder.component(name))?;
        self.problems.keep(read(&folder))
    }

    /// An encoder of texts and pictures, whose processor is a component of its own.
    pub(super) fn encoder(&mut self) -> EncoderFacts {
        let largest_id = self.encoder_words().map(|words| words.largest_id());
        self.verified.vocabulary = largest_id.map_or(0, |id| id as usize + 1);
        EncoderFacts { largest_id, rows: None, config: self.network("text_encoder", &VISION_LANGUAGE) }
    }

    /// Its tokenizer, which lies there or beside the weights.
    fn encoder_words(&mut self) -> Option<Words> {
        self.problems.keep(self.folder.component("processor"))?;
        let places = self.problems.keep(EncoderPlaces::of(self.folder.path()))?;
        self.problems.keep(Words::read(&places.tokenizer))
    }

    /// A component with weights.
    pub(super) fn network<C: Clone>(&mut self, name: &str, network: &Network<C>) -> Option<C> {
        let folder = self.problems.keep(self.folder.component(name))?;
        let config = self.problems.keep((network.config)(&folder.join("config.json")));
        if self.depth > Depth::Settings
            && let Some(checkpoint) = self.problems.keep((network.open)(&folder).map_err(LoadError::from))
            && let Some(config) = config.clone()
        {
            self.weights(name, checkpoint, config, network);
        }
        config
    }

    fn weights<C>(&mut self, name: &str, checkpoint: Checkpoint, config: C, network: &Network<C>) {
        checkpoint.facts().for_each(|(_, facts)| self.verified.count(&facts));
        if checkpoint.is_header_only() {
            let what = "the weights are headers only: a stand-in, which can be verified and not loaded";
            self.verified.notes.push(format!("{name}: {what}"));
        }
        let checkpoint = Arc::new(checkpoint.audited(self.depth == Depth::Values));
        let built = (network.build)(&checkpoint, config);
        let AuditNotes { asked, mistakes } = checkpoint.take_notes();
        for mistake in mistakes {
            match mistake {
                WeightError::NoTensor { file, name } => {
                    let shape = asked.get(&name).map(Vec::as_slice).unwrap_or_default();
                    self.problems.say(&file, format!("tensor `{name}` of shape {shape:?} is missing"));
                }
                other => self.problems.add(other),
            }
        }
        // A network that could not be built has not asked for everything.
        if self.problems.keep(built).is_some() {
            let others: Vec<_> = checkpoint.facts().filter(|(name, _)| !asked.contains_key(*name)).collect();
            if network.is_all {
                for (name, facts) in others {
                    let reason = format!("tensor `{name}` of shape {:?} is none of this model", facts.shape);
                    self.problems.say(&facts.file, reason);
                }
            } else if let Some((first, _)) = others.first() {
                let count = others.len();
                self.verified.notes.push(format!("{name}: {count} of the tensors are not used, such as `{first}`"));
            }
        }
    }
}
