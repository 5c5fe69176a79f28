//! What was measured of sources, kept for the candidates that follow.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use editscale_picture::Pixels;

use crate::mask::Scene;
use crate::photometric::SourceView;

type Key = [u8; 32];

/// The newest few of a kind of measurement, by the digest of the picture measured.
struct Newest<T> {
    kept: Mutex<VecDeque<(Key, Arc<T>)>>,
    most: usize,
}

impl<T> Newest<T> {
    fn new(most: usize) -> Self {
        Self { kept: Mutex::new(VecDeque::new()), most }
    }

    fn of(&self, key: Key, measure: impl FnOnce() -> T) -> Arc<T> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, known)) = kept.iter().find(|(known, _)| *known == key) {
            return Arc::clone(known);
        }
        // Measured under the lock: callers that want the same source wait for one measurement instead of making several.
        // So they may not be tasks of the pool that the measurement spreads its work over.
        let measured = Arc::new(measure());
        kept.push_back((key, Arc::clone(&measured)));
        if kept.len() > self.most {
            kept.pop_front();
        }
        measured
    }
}

/// Measurements of sources, shared by editors and rewards.
pub struct Scenes {
    scenes: Newest<Scene>,
    views: Newest<SourceView>,
}

impl fmt::Debug for Scenes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scenes").finish_non_exhaustive()
    }
}

impl Default for Scenes {
    fn default() -> Self {
        Self { scenes: Newest::new(16), views: Newest::new(16) }
    }
}

impl Scenes {
    /// What a source shows.
    pub(crate) fn of(&self, key: Key, pixels: &Pixels) -> Arc<Scene> {
        self.scenes.of(key, || Scene::analyse(pixels))
    }

    /// How a source measures.
    pub(crate) fn view(&self, key: Key, pixels: &Pixels) -> Arc<SourceView> {
        self.views.of(key, || SourceView::of(pixels, self.of(key, pixels)))
    }
}
