//! Whether a folder holds a pipeline that can be used, with all that is wrong at once.
//!
//! Every network is built as for use, from a checkpoint that is only looked at: it hands out zeros that take no memory and
//! notes what was asked for. So what is expected of a file is what the network takes, and one tensor is in memory at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{DType, Device};

use crate::editors::class::PipelineClass;
use crate::editors::fit::Fit;
use crate::editors::flux_kontext::{self, transformer::FluxConfig, transformer::FluxTransformer};
use crate::editors::folder::PipelineFolder;
use crate::editors::instruct_pix2pix::{self, unet, unet::UNet};
use crate::editors::samplers::{DiffusionConfig, FlowConfig};
use crate::layers::autoencoder_kl::{self, AutoencoderKl};
use crate::layers::clip_text::{ClipText, ClipTextConfig};
use crate::layers::t5::{T5Config, T5Encoder};
use crate::layers::{Compute, Scope};
use crate::load::LoadError;
use crate::text::{ClipTokens, T5Tokens};
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
        let fit = match class {
            PipelineClass::InstructPix2Pix => look.instruct_pix2pix(folder),
            PipelineClass::FluxKontext => look.flux_kontext(folder),
        };
        fit.into_misfits().into_iter().for_each(|misfit| look.problems.add(misfit));
    }
    look.problems.conclude(look.verified)
}

/// One pipeline while it is looked at.
struct Look {
    folder: PipelineFolder,
    depth: Depth,
    problems: Problems,
    verified: Verified,
}

/// How a network is read, opened and built.
struct Network<C> {
    config: fn(&Path) -> Result<C, LoadError>,
    open: fn(&Path) -> Result<Checkpoint, WeightError>,
    build: fn(&Arc<Checkpoint>, C) -> Result<(), LoadError>,
    /// Whether weights may hold nothing else.
    is_all: bool,
}

const CLIP: Network<ClipTextConfig> = Network {
    config: ClipTextConfig::read,
    open: ClipText::open,
    build: |checkpoint, config| Ok(ClipText::of(&Scope::root(checkpoint, &compute()), config).map(drop)?),
    is_all: false,
};

const T5: Network<T5Config> = Network {
    config: T5Config::read,
    open: |folder| Checkpoint::open(folder, str::to_owned),
    build: |checkpoint, config| Ok(T5Encoder::of(&Scope::root(checkpoint, &compute()), config).map(drop)?),
    is_all: false,
};

const AUTOENCODER: Network<autoencoder_kl::Config> = Network {
    config: autoencoder_kl::Config::read,
    open: AutoencoderKl::open,
    build: |checkpoint, config| Ok(AutoencoderKl::of(&Scope::root(checkpoint, &compute()), config).map(drop)?),
    is_all: false,
};

const UNET: Network<unet::Config> = Network {
    config: unet::Config::read,
    open: UNet::open,
    build: |checkpoint, config| Ok(UNet::of(&Scope::root(checkpoint, &compute()), config).map(drop)?),
    is_all: false,
};

const TRANSFORMER: Network<FluxConfig> = Network {
    config: FluxConfig::read,
    open: FluxTransformer::open,
    build: |checkpoint, config| FluxTransformer::of_checkpoint(Arc::clone(checkpoint), config, &compute()).map(drop),
    is_all: true,
};

/// A type in which layers of the processor pack nothing.
fn compute() -> Compute {
    Compute { device: Device::Cpu, dtype: DType::BF16, kept: Storage::Stored }
}

impl Look {
    fn instruct_pix2pix(&mut self, folder: &Path) -> Fit {
        if let Some(config) = self.scheduler(DiffusionConfig::read)
            && config.kind.is_none()
        {
            let note = format!("names the scheduler `{}`: recipes have to set another `sampler`", config.class);
            self.verified.notes.push(format!("{}: {note}", self.folder.scheduler().display()));
        }
        let tokens = self.small("tokenizer", ClipTokens::load);
        let text = self.network("text_encoder", &CLIP);
        let autoencoder = self.network("vae", &AUTOENCODER);
        let unet = self.network("unet", &UNET);
        self.verified.vocabulary = text.as_ref().map_or(0, |config| config.vocab_size);
        let parts = instruct_pix2pix::fit::Parts {
            largest_id: tokens.map(|tokens| tokens.largest_id()),
            text: text.as_ref(),
            autoencoder: autoencoder.as_ref(),
            unet: unet.as_ref(),
        };
        instruct_pix2pix::fit::fit(&folder.join("tokenizer"), &folder.join("unet"), &parts)
    }

    fn flux_kontext(&mut self, folder: &Path) -> Fit {
        self.scheduler(FlowConfig::read);
        let clip_tokens = self.small("tokenizer", ClipTokens::load);
        let t5_tokens = self.small("tokenizer_2", T5Tokens::load);
        let clip = self.network("text_encoder", &CLIP);
        let t5 = self.network("text_encoder_2", &T5);
        let autoencoder = self.network("vae", &AUTOENCODER);
        let transformer = self.network("transformer", &TRANSFORMER);
        self.verified.vocabulary = clip.as_ref().map_or(0, |config| config.vocab_size);
        let largest_ids = [clip_tokens.map(|tokens| tokens.largest_id()), t5_tokens.map(|tokens| tokens.largest_id())];
        let parts = flux_kontext::fit::Parts {
            largest_ids,
            clip: clip.as_ref(),
            t5: t5.as_ref(),
            autoencoder: autoencoder.as_ref(),
            transformer: transformer.as_ref(),
        };
        let tokenizers = [folder.join("tokenizer"), folder.join("tokenizer_2")];
        let file = folder.join("transformer").join("config.json");
        flux_kontext::fit::fit(tokenizers.each_ref().map(PathBuf::as_path), &file, &parts)
    }

    fn scheduler<C>(&mut self, read: fn(&Path) -> Result<C, LoadError>) -> Option<C> {
        let file = self.folder.scheduler();
        self.small("scheduler", |_| read(&file))
    }

    /// A component without weights.
    fn small<T>(&mut self, name: &str, read: impl Fn(&Path) -> Result<T, LoadError>) -> Option<T> {
        let folder = self.problems.keep(self.folder.component(name))?;
        self.problems.keep(read(&folder))
    }

    /// A component with weights.
    fn network<C: Clone>(&mut self, name: &str, network: &Network<C>) -> Option<C> {
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
