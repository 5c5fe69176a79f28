//! A server in this process with a reward that does nothing and one that sleeps.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use editscale_config::{Catalogue, Recipe};
use editscale_core::{
    BoxFuture, Cost, Counters, Failure, Judgement, LocalReward, RewardBatch, RewardCard, RewardKind, RewardName, Score,
    Watch,
};
use editscale_engine::ThreadedReward;
use editscale_server::{App, Keys, Offer, Pulse, Service, Settings, Vital, serve};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::Options;

/// A model's time without its work.
struct Sleeper {
    card: RewardCard,
    source: Duration,
    candidate: Duration,
}

impl Sleeper {
    fn new(name: &str, source: Duration, candidate: Duration) -> Result<Self> {
        let card = RewardCard {
            name: RewardName::new(name)?,
            revision: "asleep/1".into(),
            range: None,
            kind: RewardKind::Pointwise,
            gives_sigma: false,
            pixel_budget: None,
            largest_batch: NonZeroU32::new(16).unwrap_or(NonZeroU32::MIN),
            slots: NonZeroU32::MIN,
            cost: Cost::default(),
        };
        Ok(Self { card, source, candidate })
    }
}

impl LocalReward for Sleeper {
    fn card(&self) -> &RewardCard {
        &self.card
    }

    fn score(&mut self, batch: &RewardBatch, _: &dyn Watch) -> Vec<Result<Judgement, Failure>> {
        let sources: BTreeSet<_> = batch.items.iter().map(|item| item.request.source.digest()).collect();
        let time = self.source * sources.len() as u32 + self.candidate * batch.items.len() as u32;
        if !time.is_zero() {
            std::thread::sleep(time);
        }
        let score = |mean| {
            Score::new(mean).map(|score| Judgement { score, cost: Cost::default(), counters: Counters::default() })
        };
        let failed =
            |error: editscale_core::ScoreError| Failure::new(editscale_core::FailureKind::Malformed, error.to_string());
        batch.items.iter().map(|item| score(f64::from(item.candidate.digest().as_bytes()[0])).map_err(failed)).collect()
    }
}

struct Alive;

impl Pulse for Alive {
    fn feel(&self) -> BoxFuture<'_, Vec<Vital>> {
        Box::pin(async { Vec::new() })
    }
}

/// A server that ends with this.
pub(crate) struct Own {
    address: SocketAddr,
    _ended: oneshot::Sender<()>,
    _runs: tempfile::TempDir,
}

impl Own {
    pub(crate) async fn start(options: &Options) -> Result<Self> {
        let time = |name, usual| options.number(name, usual).map(Duration::from_millis);
        let times = [("nothing", [Duration::ZERO; 2]), ("sleeper", [time("source-ms", 20)?, time("candidate-ms", 5)?])];
        let mut offer = offer()?;
        for (name, [source, candidate]) in times {
            let make = move || match Sleeper::new(name, source, candidate) {
                Ok(sleeper) => Ok(Box::new(sleeper) as Box<dyn LocalReward>),
                Err(error) => Err(error.to_string()),
            };
            offer.rewards.push(Arc::new(ThreadedReward::spawn(make)?));
        }
        let runs = tempfile::tempdir()?;
        let catalogue = Catalogue::new(&[editscale_darkroom::EDITORS], &[editscale_darkroom::REWARDS]);
        let service = Service::open(vec![offer], catalogue, Settings::new(runs.path().to_owned()), 1)?;
        let app = Arc::new(App { service, keys: Keys::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, (ended, end)) = (listener.local_addr()?, oneshot::channel::<()>());
        tokio::spawn(serve(app, listener, async { drop(end.await) }));
        Ok(Self { address, _ended: ended, _runs: runs })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// A recipe that is not run.
fn offer() -> Result<Offer> {
    let catalogue = Catalogue::new(&[editscale_darkroom::EDITORS], &[editscale_darkroom::REWARDS]);
    let text = "version: 1\neditor: {darkroom: {}}\nrewards: [{model: {photometric: {}}}]\nsearch: {best_of_n: {samples: 1}}\n";
    let recipe = Recipe::parse(text.as_bytes(), &catalogue);
    let recipe = recipe.map_err(|report| anyhow::anyhow!(report.render("load", text.as_bytes())))?.0;
    let (editors, rewards, pulse) = (Vec::new(), Vec::new(), Arc::new(Alive));
    Ok(Offer {
        name: "load".into(),
        about: String::new(),
        recipe,
        text: text.into(),
        editors,
        rewards,
        critics: Vec::new(),
        pulse,
    })
}
