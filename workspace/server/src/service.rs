//! The middle of the server: what every door goes through.

use std::sync::Arc;

use editscale_config::Catalogue;
use editscale_picture::{DecodeCache, Limits};
use tokio::sync::Semaphore;

use crate::offer::Offer;
use crate::refusal::Refusal;
use crate::runs::{Live, Runs};
use crate::settings::Settings;
use crate::wish::{Checker, Wish};

/// Recipes at work, and the runs of all callers. Shared by every door.
#[derive(Debug)]
pub struct Service {
    offers: Vec<Arc<Offer>>,
    catalogue: Catalogue,
    settings: Settings,
    runs: Runs,
    pictures: DecodeCache,
    /// Pictures that are looked at or made at a time: each takes a core, and a large one a gigabyte.
    looks: Semaphore,
}

impl Service {
    /// Takes up the runs of an earlier life of the server, and is then open for more. The first offer is the one that is
    /// meant where none is named. `callers` is how many different ones there can be.
    ///
    /// Call it within a runtime: runs that go on begin at once.
    pub fn open(
        offers: Vec<Offer>,
        catalogue: Catalogue,
        settings: Settings,
        callers: usize,
    ) -> Result<Arc<Self>, Refusal> {
        let offers: Vec<Arc<Offer>> = offers.into_iter().map(Arc::new).collect();
        let runs = Runs::new(settings.clone(), callers);
        let resumed = runs.recover(&offers, &catalogue)?;
        if resumed > 0 {
            tracing::info!(resumed, "runs of an earlier life go on");
        }
        runs.expire();
        let limits = Limits { pixels: settings.pixels, ..Limits::default() };
        let pictures = DecodeCache::new(limits, 256 << 20);
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let looks = Semaphore::new(cores);
        Ok(Arc::new(Self { offers, catalogue, settings, runs, pictures, looks }))
    }

    /// The recipes, the usual one first.
    pub fn offers(&self) -> &[Arc<Offer>] {
        &self.offers
    }

    /// Limits and places.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// All runs.
    pub fn runs(&self) -> &Runs {
        &self.runs
    }

    /// Decoded pictures, kept while there is room.
    pub fn pictures(&self) -> &DecodeCache {
        &self.pictures
    }

    /// The checks that wishes go through.
    pub(crate) fn checker(&self) -> Checker<'_> {
        Checker { offers: &self.offers, catalogue: &self.catalogue, settings: &self.settings, runs: &self.runs }
    }

    /// Accepts a wish as a run: it is on disk when this returns.
    pub async fn accept(self: &Arc<Self>, wish: Wish) -> Result<Arc<Live>, Refusal> {
        // What cannot be taken is refused before its pictures are looked at.
        if wish.idempotency.is_none() {
            self.runs.check_room(&wish.owner)?;
        }
        let service = Arc::clone(self);
        self.look(move || {
            let asked = service.checker().check(wish)?;
            service.runs.accept(asked)
        })
        .await
    }

    /// Does something with pictures beside the runtime's threads, when it is its turn.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        // The semaphore is never closed.
        let _turn = self.looks.acquire().await.ok();
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|panic| Refusal::broken(format!("a picture could not be looked at: {panic}")))?
    }
}
