//! The middle of the server: what every door goes through.

use std::sync::Arc;

use editscale_config::Catalogue;
use editscale_picture::{DecodeCache, Limits};
use tokio_util::sync::CancellationToken;

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
    closing: CancellationToken,
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
        let limits = Limits { pixels: settings.pixels, ..Limits::default() };
        let pictures = DecodeCache::new(limits, 256 << 20);
        let closing = CancellationToken::new();
        Ok(Arc::new(Self { offers, catalogue, settings, runs, pictures, closing }))
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

    /// Ends when the server is about to end: what waits for news without end stops waiting.
    pub(crate) fn closing(&self) -> &CancellationToken {
        &self.closing
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
        let accepted = tokio::task::spawn_blocking(move || {
            let asked = service.checker().check(wish)?;
            service.runs.accept(asked)
        });
        accepted.await.map_err(|panic| Refusal::broken(format!("a picture could not be looked at: {panic}")))?
    }
}
