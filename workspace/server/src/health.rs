//! Whether the server can work: looked at seldom, however often it is asked.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::offer::Offer;
use crate::settings::Settings;

/// How long an answer is good.
const FRESH: Duration = Duration::from_secs(5);

/// The longest that an editor or reward may take to say that it is alive.
const PATIENCE: Duration = Duration::from_secs(5);

/// Something that cannot work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// What: `recipe/name` of an editor or reward, `runs`, `disk` or `server`.
    pub(crate) thing: String,
    /// Why.
    pub(crate) message: String,
}

impl Trouble {
    pub(crate) fn new(thing: impl Into<String>, message: impl Into<String>) -> Self {
        Self { thing: thing.into(), message: message.into() }
    }
}

/// The last answer, and when it was found.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<Option<(Instant, Arc<[Trouble]>)>>);

impl Health {
    /// What cannot work, as it was some seconds ago at most. Many who ask at a time are told what one look finds.
    pub(crate) async fn troubles(&self, offers: &[Arc<Offer>], settings: &Settings) -> Arc<[Trouble]> {
        let mut last = self.0.lock().await;
        if let Some((_, troubles)) = last.as_ref().filter(|(found, _)| found.elapsed() < FRESH) {
            return Arc::clone(troubles);
        }
        let (of_offers, of_folder) =
            tokio::join!(join_all(offers.iter().map(|offer| of_offer(offer))), folder(settings));
        let troubles: Arc<[Trouble]> = of_offers.into_iter().flatten().chain(of_folder).collect();
        for trouble in troubles.iter() {
            tracing::warn!(thing = trouble.thing, message = trouble.message, "the server cannot work");
        }
        *last = Some((Instant::now(), Arc::clone(&troubles)));
        troubles
    }
}

/// The editors and rewards of an offer that are not alive.
async fn of_offer(offer: &Offer) -> Vec<Trouble> {
    let Ok(vitals) = timeout(PATIENCE, offer.pulse.feel()).await else {
        return vec![Trouble::new(offer.name.as_str(), format!("no sign of life within {} s", PATIENCE.as_secs()))];
    };
    let dead =
        |vital: crate::offer::Vital| Some(Trouble::new(format!("{}/{}", offer.name, vital.name), vital.trouble?));
    vitals.into_iter().filter_map(dead).collect()
}

/// What is wrong with the folder of runs.
async fn folder(settings: &Settings) -> Vec<Trouble> {
    let (path, room) = (settings.runs_dir.clone(), settings.disk_room);
    let looked = tokio::task::spawn_blocking(move || [writable(&path).err(), roomy(&path, room).err()]);
    match timeout(PATIENCE, looked).await {
        Ok(Ok(troubles)) => troubles.into_iter().flatten().collect(),
        Ok(Err(_)) | Err(_) => vec![Trouble::new("disk", "the folder of runs does not answer")],
    }
}

fn writable(folder: &Path) -> Result<(), Trouble> {
    // Names that begin with a dot are no runs.
    let probe = folder.join(".writable");
    let trouble = |error: std::io::Error| Trouble::new("runs", format!("{}: {error}", folder.display()));
    fs::write(&probe, b"").map_err(trouble)?;
    fs::remove_file(&probe).map_err(trouble)
}

fn roomy(folder: &Path, room: u64) -> Result<(), Trouble> {
    let trouble = |message: String| Trouble::new("disk", format!("{}: {message}", folder.display()));
    let left = fs4::available_space(folder).map_err(|error| trouble(error.to_string()))?;
    if left >= room { Ok(()) } else { Err(trouble(format!("{left} bytes are free: expected at least {room}"))) }
}
