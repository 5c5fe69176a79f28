//! What is computed once and used by many: pictures' tokens, and keys and values of beginnings.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use candle_core::Tensor;
use editscale_core::{Counters, Digest};

use crate::cache::bytes;
use crate::layers::qwen25_vl::LayerKeys;
use crate::rewards::editreward::PictureFault;

/// A picture's tokens, [tokens, decoder width].
#[derive(Debug)]
pub(super) struct Encoded(pub(super) Tensor);

impl Encoded {
    pub(super) fn len(&self) -> usize {
        self.0.dims().first().copied().unwrap_or_default()
    }
}

/// Keys and values of a beginning, behind those of its own beginning.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) layers: Vec<LayerKeys>,
    pub(super) rows: usize,
}

impl Keys {
    pub(super) fn bytes(&self) -> u64 {
        self.layers.iter().map(|layer| bytes(&layer.keys) + bytes(&layer.values)).sum()
    }
}

/// What tells a source's keys and values from others: the tokens around it, and the picture.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct SourceKey {
    pub(super) before: Vec<u32>,
    pub(super) picture: Digest,
    pub(super) between: Vec<u32>,
}

/// A beginning as far as the edited picture: found or newly run.
#[derive(Clone)]
pub(super) struct Beginning {
    pub(super) opening: Arc<Keys>,
    pub(super) source: Arc<Keys>,
}

/// The pictures of a batch: what each became.
pub(super) type Pictures = HashMap<Digest, Result<Arc<Encoded>, PictureFault>>;

/// What has been newly computed and is not yet on anybody's account.
#[derive(Default)]
pub(super) struct Unclaimed {
    /// Whether others share the vision tower.
    pub(super) is_shared: bool,
    pub(super) pictures: HashSet<Digest>,
    /// Pictures whose features were found in a vision tower that others share.
    pub(super) found: HashSet<Digest>,
    pub(super) openings: HashMap<Vec<u32>, usize>,
    pub(super) sources: HashMap<SourceKey, usize>,
}

impl Unclaimed {
    /// What a pair is the first to need. What the vision tower did is told apart where others share it.
    pub(super) fn claim(&mut self, sources: &[SourceKey], pictures: [Digest; 2]) -> Counters {
        let mut counters = Counters::default();
        for picture in pictures {
            counters.image_encodes += u64::from(self.pictures.remove(&picture));
            counters.pictures.found += u64::from(self.found.remove(&picture));
        }
        if self.is_shared {
            counters.pictures.computed = counters.image_encodes;
        }
        for key in sources {
            let opening = self.openings.remove(&key.before).unwrap_or_default();
            let source = self.sources.remove(key).unwrap_or_default();
            counters.decoder_tokens += (opening + source) as u64;
        }
        counters
    }
}
