//! Recipes of the embedded editor and reward for tests and examples of the server: quick ones, and one that takes its time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use editscale_config::{Catalogue, Recipe};
use editscale_core::{
    BoxFuture, Candidate, CandidateId, EditBackend, EditBatch, EditorCard, Failure, FailureKind, RewardModel, RunId,
    Watch,
};
use editscale_engine::{ThreadedEditor, ThreadedReward};
use editscale_schema::{House, Load, Made};
use editscale_server::{Offer, Pulse, Vital};

/// Nothing here can be dead while the program lives.
struct Alive;

impl Pulse for Alive {
    fn feel(&self) -> BoxFuture<'_, Vec<Vital>> {
        Box::pin(async { vec![Vital { name: "darkroom".to_owned(), trouble: None }] })
    }
}

/// An editor that waits before each call, and stops waiting when it is cancelled.
struct Slow {
    editor: Arc<dyn EditBackend>,
    wait: Duration,
}

impl EditBackend for Slow {
    fn card(&self) -> &EditorCard {
        self.editor.card()
    }

    fn edit<'a>(&'a self, batch: EditBatch, watch: &'a dyn Watch) -> BoxFuture<'a, Vec<Result<Candidate, Failure>>> {
        Box::pin(async move {
            let until = tokio::time::Instant::now() + self.wait;
            while tokio::time::Instant::now() < until {
                if watch.cancelled() {
                    let gone = || Err(Failure::new(FailureKind::Cancelled, "not wanted any more"));
                    return batch.items.iter().map(|_| gone()).collect();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            self.editor.edit(batch, watch).await
        })
    }

    fn release(&self, paused: &[(RunId, CandidateId)]) {
        self.editor.release(paused);
    }
}

fn told<T: ?Sized>(load: Load<T>) -> impl Fn() -> Result<Box<T>, String> + Send + Sync {
    move || load().map_err(|error| error.to_string())
}

/// The editors and rewards that the recipes name.
pub(crate) fn catalogue() -> Catalogue {
    Catalogue::new(&[editscale_darkroom::EDITORS], &[editscale_darkroom::REWARDS])
}

fn offer(name: &str, search: &str, wait: Duration) -> Result<Offer> {
    let text = format!(
        "version: 1\neditor: {{darkroom: {{}}}}\nrewards: [{{model: {{photometric: {{}}}}}}]\nsearch: {search}\n"
    );
    let parsed = Recipe::parse(text.as_bytes(), &catalogue());
    let recipe = parsed.map_err(|report| anyhow::anyhow!(report.render(name, text.as_bytes())))?.0;
    let house = House::default();
    let mut editors: Vec<Arc<dyn EditBackend>> = Vec::new();
    for editor in recipe.editors() {
        let editor: Arc<dyn EditBackend> =
            match editor.model.make(&editor.name, &house).map_err(anyhow::Error::from_boxed)? {
                Made::Ready(editor) => editor,
                Made::Local(load) => Arc::new(ThreadedEditor::spawn(told(load))?),
            };
        editors.push(if wait.is_zero() { editor } else { Arc::new(Slow { editor, wait }) });
    }
    let mut rewards: Vec<Arc<dyn RewardModel>> = Vec::new();
    for reward in recipe.rewards() {
        rewards.push(match reward.model.make(&reward.name, &house).map_err(anyhow::Error::from_boxed)? {
            Made::Ready(reward) => reward,
            Made::Local(load) => Arc::new(ThreadedReward::spawn(told(load))?),
        });
    }
    let about = format!("the embedded editor, {search}");
    Ok(Offer {
        name: name.to_owned(),
        about,
        recipe,
        text,
        editors,
        rewards,
        critics: Vec::new(),
        pulse: Arc::new(Alive),
    })
}

/// `quick`, `one` and `slow`; the last takes a tenth of a second for each candidate, one after the other.
pub(crate) fn offers() -> Result<Vec<Offer>> {
    Ok(vec![
        offer("quick", "{best_of_n: {samples: 4}}", Duration::ZERO)?,
        offer("one", "{best_of_n: {samples: 1}}", Duration::ZERO)?,
        offer("slow", "{best_of_n: {samples: 40}}", Duration::from_millis(100))?,
    ])
}
