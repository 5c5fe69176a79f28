//! The middle of the server: what every door goes through.

use std::sync::Arc;
use std::time::SystemTime;

use editscale_config::Catalogue;
use editscale_engine::RunRecord;
use editscale_picture::{DecodeCache, Limits};
use tokio_util::sync::CancellationToken;

use crate::desks::Desks;
use crate::health::{Health, Trouble};
use crate::offer::Offer;
use crate::refusal::Refusal;
use crate::rewards::{self, Scorer};
use crate::runs::{FolderLock, Live, Owner, Records, Runs};
use crate::settings::Settings;
use crate::telemetry::{self, Telemetry};
use crate::wish::{Checker, Wish};

/// Small copies of pictures that are made at a time.
const COPIES: usize = 3;

/// Recipes at work, and the runs of all callers. Shared by every door.
#[derive(Debug)]
pub struct Service {
    offers: Vec<Arc<Offer>>,
    rewards: Vec<Scorer>,
    catalogue: Catalogue,
    settings: Settings,
    runs: Runs,
    pictures: DecodeCache,
    records: Records,
    /// For what comes in and goes out.
    desks: Desks,
    /// For small copies, of which a page asks for hundreds: they keep nothing else waiting.
    copying: Desks,
    health: Health,
    opened: SystemTime,
    secret: [u8; 32],
    closing: CancellationToken,
    _lock: FolderLock,
}

impl Service {
    /// Takes up the runs of an earlier life of the server, and is then open for more. The first offer is the one that is
    /// meant where none is named. `callers` is how many different ones there can be.
    ///
    /// Call it within a runtime: runs that go on begin at once.
    pub fn open(
        mut offers: Vec<Offer>,
        catalogue: Catalogue,
        settings: Settings,
        callers: usize,
    ) -> Result<Arc<Self>, Refusal> {
        let rewards = rewards::gather(&mut offers, settings.scorings);
        let offers: Vec<Arc<Offer>> = offers.into_iter().map(Arc::new).collect();
        check_aliases(&offers, &settings)?;
        let mut secret = [0_u8; 32];
        getrandom::fill(&mut secret).map_err(|error| Refusal::broken(format!("no random numbers: {error}")))?;
        let telemetry = Arc::new(Telemetry::new(&offers));
        rewards.iter().for_each(|scorer| scorer.meter(&telemetry));
        let runs = Runs::new(settings.clone(), callers, telemetry);
        let lock = FolderLock::take(&settings.runs_dir)?;
        let resumed = runs.recover(&offers, &catalogue)?;
        if resumed > 0 {
            tracing::info!(resumed, "runs of an earlier life go on");
        }
        runs.expire();
        let limits = Limits { pixels: settings.pixels, ..Limits::default() };
        let pictures = DecodeCache::new(limits, 256 << 20);
        let (desks, copying) = (Desks::of_this_machine(), Desks::new(COPIES));
        let (health, opened, closing) = (Health::default(), SystemTime::now(), CancellationToken::new());
        Ok(Arc::new(Self {
            offers,
            rewards,
            catalogue,
            settings,
            runs,
            pictures,
            records: Records::default(),
            desks,
            copying,
            health,
            opened,
            secret,
            closing,
            _lock: lock,
        }))
    }

    /// The recipes, the usual one first.
    pub fn offers(&self) -> &[Arc<Offer>] {
        &self.offers
    }

    /// The rewards of all recipes, each model once; runs and callers share their calls.
    pub fn rewards(&self) -> &[Scorer] {
        &self.rewards
    }

    /// The reward of this name, which may be `RECIPE/REWARD`; the first one where none is said.
    pub fn reward(&self, name: Option<&str>) -> Result<&Scorer, Refusal> {
        rewards::find(&self.rewards, name)
    }

    /// Does work for the processor beside the runtime's threads, at most as many at a time as there are processors.
    pub(crate) async fn beside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        self.desks.work(work).await
    }

    /// Where small copies of pictures are made.
    pub(crate) fn copying(&self) -> &Desks {
        &self.copying
    }

    /// Limits and places.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// All runs.
    pub fn runs(&self) -> &Runs {
        &self.runs
    }

    /// A run of this owner. One that was let go of is read from its folder, beside the runtime's threads.
    pub(crate) async fn run(&self, id: &str, owner: &Owner) -> Result<Arc<Live>, Refusal> {
        if let (_, Some(live)) = self.runs.at_hand(id, owner)? {
            return Ok(live);
        }
        let (runs, id, owner) = (self.runs.clone(), id.to_owned(), owner.clone());
        // It reads little, and does not wait for those who compute.
        tokio::task::spawn_blocking(move || runs.find(&id, &owner)).await.map_err(Refusal::broken)?
    }

    /// What is recorded of a run; nothing where it cannot be read. Reads files.
    pub(crate) fn record(&self, live: &Live) -> Option<Arc<RunRecord>> {
        self.records.of(live)
    }

    /// Ends a run for its caller. It writes a file, which no thread of the runtime waits for.
    pub(crate) async fn cancel(&self, live: &Arc<Live>) -> Result<(), Refusal> {
        let (runs, live) = (self.runs.clone(), Arc::clone(live));
        tokio::task::spawn_blocking(move || runs.cancel(&live)).await.map_err(Refusal::broken)
    }

    /// Decoded pictures, kept while there is room.
    pub fn pictures(&self) -> &DecodeCache {
        &self.pictures
    }

    /// Figures for operators.
    pub fn telemetry(&self) -> &Arc<Telemetry> {
        self.runs.telemetry()
    }

    /// What keeps the server from working, as it was some seconds ago at most.
    pub(crate) async fn troubles(&self) -> Arc<[Trouble]> {
        if self.runs.is_closing() {
            return Arc::new([Trouble::new("server", Refusal::Closing.to_string())]);
        }
        self.health.troubles(&self.offers, &self.settings).await
    }

    /// When this life of the server began.
    pub(crate) fn opened(&self) -> SystemTime {
        self.opened
    }

    /// What this life of the server signs addresses with.
    pub(crate) fn secret(&self) -> &[u8; 32] {
        &self.secret
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
        let (service, ids) = (Arc::clone(self), telemetry::current());
        self.beside(move || {
            let asked = service.checker().check(wish)?;
            telemetry::within_sync(ids, || service.runs.accept(asked))
        })
        .await?
    }
}

/// Refuses other names that mean nothing, or two things.
fn check_aliases(offers: &[Arc<Offer>], settings: &Settings) -> Result<(), Refusal> {
    let is_offered = |name: &str| offers.iter().any(|offer| offer.name == name);
    for (place, (alias, recipe)) in settings.aliases.iter().enumerate() {
        let bad = |why: &str| Err(Refusal::invalid("aliases", format!("the alias `{alias}` for `{recipe}`: {why}")));
        if !is_offered(recipe) {
            return bad("no such recipe is served");
        }
        if is_offered(alias) || settings.aliases.iter().take(place).any(|(earlier, _)| earlier == alias) {
            return bad("the name means something else already");
        }
    }
    Ok(())
}
