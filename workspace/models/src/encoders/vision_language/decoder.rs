//! The decoder, loaded once for all who use the same weights.

use std::ops::Deref;
use std::sync::Arc;

use crate::encoders::shelf::{Origin, Shelf, Weights};
use crate::encoders::vision_language::DECODER;
use crate::layers::qwen25_vl::{Decoder, TextConfig};
use crate::layers::{Compute, RopeTables, Scope};
use crate::load::LoadError;
use crate::weights::Checkpoint;

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

    /// One that nobody else finds.
    pub(crate) fn alone(decoder: Decoder) -> Self {
        Self { own: decoder.clone(), weights: Arc::new(decoder) }
    }

    fn load(checkpoint: &Checkpoint, config: &TextConfig, compute: &Compute) -> Result<Decoder, LoadError> {
        let scope = Scope::root(checkpoint, compute).at(DECODER.trim_end_matches('.'));
        Ok(Decoder::load(&scope, config, RopeTables::Exact)?)
    }

    fn of(weights: Arc<Decoder>, tables: RopeTables) -> Self {
        Self { own: weights.with_tables(tables), weights }
    }

    /// Whether the weights of both are one.
    #[cfg(test)]
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
