//! The decoder, loaded once for all who use the same weights.

use std::ops::Deref;
use std::sync::Arc;

use crate::encoders::shelf::{Origin, Shelf, Weights};
use crate::encoders::vision_language::DECODER;
use crate::layers::qwen25_vl::{Decoder, TextConfig};
use crate::layers::{Compute, RopeTables, Scope};
use crate::load::LoadError;
use crate::weights::{Checkpoint, GgufFile};

static DECODERS: Shelf<Decoder> = Shelf::new();

/// A decoder whose weights others may use as well, with tables of its own.
#[derive(Debug)]
pub(crate) struct SharedDecoder {
    /// What keeps the weights findable.
    weights: Arc<Decoder>,
    own: Decoder,
}

impl SharedDecoder {
    /// The decoder of a checkpoint.
    pub(crate) fn open(
        checkpoint: &Arc<Checkpoint>,
        config: &TextConfig,
        tables: RopeTables,
        compute: &Compute,
    ) -> Result<Self, LoadError> {
        let weights = Weights::below(checkpoint, DECODER)?;
        let origin = Origin { weights, facts: format!("{config:?}"), compute: compute.clone() };
        let load = || Self::load(checkpoint, config, compute);
        Ok(Self::of(DECODERS.get(origin, load)?, tables))
    }

    /// The decoder of a quantised file.
    pub(crate) fn open_quantised(
        file: &GgufFile,
        config: &TextConfig,
        tables: RopeTables,
        compute: &Compute,
    ) -> Result<Self, LoadError> {
        refuse_tower(file)?;
        let weights = Weights::quantised(file)?;
        let origin = Origin { weights, facts: format!("{config:?}"), compute: compute.clone() };
        let load = || -> Result<Decoder, LoadError> {
            Ok(Decoder::load(&below(&Scope::root_of_gguf(file, compute)), config, RopeTables::Exact)?)
        };
        Ok(Self::of(DECODERS.get(origin, load)?, tables))
    }

    /// The decoder of a checkpoint, for nobody else.
    pub(crate) fn alone(
        checkpoint: &Checkpoint,
        config: &TextConfig,
        tables: RopeTables,
        compute: &Compute,
    ) -> Result<Self, LoadError> {
        Ok(Self::of(Arc::new(Self::load(checkpoint, config, compute)?), tables))
    }

    fn load(checkpoint: &Checkpoint, config: &TextConfig, compute: &Compute) -> Result<Decoder, LoadError> {
        Ok(Decoder::load(&below(&Scope::root(checkpoint, compute)), config, RopeTables::Exact)?)
    }

    fn of(weights: Arc<Decoder>, tables: RopeTables) -> Self {
        Self { own: weights.with_tables(tables), weights }
    }

    /// Whether the weights of both are one.
    pub(crate) fn is_one_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.weights, &other.weights)
    }
}

impl Deref for SharedDecoder {
    type Target = Decoder;

    fn deref(&self) -> &Decoder {
        &self.own
    }
}

/// Refuses what llama.cpp keeps of a vision tower beside a language model.
fn refuse_tower(file: &GgufFile) -> Result<(), LoadError> {
    let is_tower = |name: &&String| name.starts_with("v.") || name.starts_with("mm.");
    let Some(name) = file.tensors().keys().find(is_tower) else { return Ok(()) };
    let reason = format!(
        "holds `{name}`, of a vision tower (`mmproj`): expected the language model; the tower is that of the folder"
    );
    Err(LoadError::content(file.path(), reason))
}

/// Where the decoder's tensors are.
fn below<'a>(root: &Scope<'a>) -> Scope<'a> {
    root.at(DECODER.trim_end_matches('.'))
}
