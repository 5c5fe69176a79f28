//! What is loaded once in a process, and found by whoever needs the same.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use blake3::Hash;

use crate::layers::Compute;
use crate::weights::{Checkpoint, GgufFile, WeightError};

/// What is in use, each with what it was made from. Nothing here keeps anything loaded.
#[derive(Debug)]
pub(crate) struct Shelf<T>(Mutex<Vec<Kept<T>>>);

#[derive(Debug)]
struct Kept<T> {
    origin: Origin,
    loaded: Weak<T>,
}

/// What decides how something comes out when it is loaded.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) weights: Weights,
    /// Whatever else does, spelt out.
    pub(crate) facts: String,
    pub(crate) compute: Compute,
}

/// Some tensors of a checkpoint: those whose names begin alike. Or a quantised file.
#[derive(Debug, Clone)]
pub(crate) struct Weights {
    /// The files, whatever they are called.
    files: BTreeSet<PathBuf>,
    /// Of names, types, shapes, and some bytes of each tensor.
    sample: Hash,
    /// What files of another place can be compared with.
    tensors: Option<(Arc<Checkpoint>, &'static str)>,
}

impl Weights {
    /// The tensors of a checkpoint whose names begin like this.
    pub(crate) fn below(checkpoint: &Arc<Checkpoint>, below: &'static str) -> Result<Self, WeightError> {
        let sample = blake3::hash(&checkpoint.sample_below(below)?);
        let files = checkpoint.files_below(below).into_iter().map(canonical).collect();
        Ok(Self { files, sample, tensors: Some((Arc::clone(checkpoint), below)) })
    }

    /// A quantised file, which is like no file of another place.
    pub(crate) fn quantised(file: &GgufFile) -> Result<Self, WeightError> {
        let sample = blake3::hash(&file.sample()?);
        Ok(Self { files: BTreeSet::from([canonical(file.path())]), sample, tensors: None })
    }

    /// Whether others are the same to the last byte. They are read only where a sample of them is, and the files are others.
    fn are(&self, others: &Self) -> bool {
        let have_same = || match (&self.tensors, &others.tensors) {
            (Some((own, below)), Some((other, beneath))) if below == beneath => {
                // Weights that cannot be read any more are nobody's.
                own.holds_same_below(below, other).unwrap_or(false)
            }
            _ => false,
        };
        self.sample == others.sample && (self.files == others.files || have_same())
    }
}

fn canonical(file: &Path) -> PathBuf {
    file.canonicalize().unwrap_or_else(|_| file.to_owned())
}

impl Origin {
    fn is(&self, other: &Self) -> bool {
        let (own, others) = (&self.compute, &other.compute);
        let compute_alike =
            own.dtype == others.dtype && own.kept == others.kept && own.device.same_device(&others.device);
        compute_alike && self.facts == other.facts && self.weights.are(&other.weights)
    }
}

impl<T> Shelf<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// What was loaded from the same origin and is still in use, else what is loaded now. Others wait meanwhile: what two ask
    /// for at a time is loaded once.
    pub(crate) fn get<E>(&self, origin: Origin, load: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|kept| kept.loaded.strong_count() > 0);
        let known = all.iter().filter(|kept| kept.origin.is(&origin)).find_map(|kept| kept.loaded.upgrade());
        if let Some(known) = known {
            return Ok(known);
        }
        let loaded = Arc::new(load()?);
        all.push(Kept { origin, loaded: Arc::downgrade(&loaded) });
        Ok(loaded)
    }
}
