//! The embedded editor and reward as a recipe that is served, for the tests and examples of the server.

use std::sync::Arc;

use anyhow::Result;
use editscale_config::{Catalogue, Recipe};
use editscale_core::{BoxFuture, EditBackend, RewardModel};
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

/// The editors and rewards that the recipes name.
pub(crate) fn catalogue() -> Catalogue {
    Catalogue::new(&[editscale_darkroom::EDITORS], &[editscale_darkroom::REWARDS])
}

fn told<T: ?Sized>(load: Load<T>) -> impl Fn() -> Result<Box<T>, String> + Send + Sync {
    move || load().map_err(|error| error.to_string())
}

/// A recipe of these sections beside editor and reward, such as `search: {best_of_n: {samples: 4}}`.
pub(crate) fn offer(name: &str, sections: &str) -> Result<Offer> {
    let text =
        format!("version: 1\neditor: {{darkroom: {{}}}}\nrewards: [{{model: {{photometric: {{}}}}}}]\n{sections}\n");
    let parsed = Recipe::parse(text.as_bytes(), &catalogue());
    let recipe = parsed.map_err(|report| anyhow::anyhow!(report.render(name, text.as_bytes())))?.0;
    let house = House::default();
    let mut editors: Vec<Arc<dyn EditBackend>> = Vec::new();
    for editor in recipe.editors() {
        editors.push(match editor.model.make(&editor.name, &house).map_err(anyhow::Error::from_boxed)? {
            Made::Ready(editor) => editor,
            Made::Local(load) => Arc::new(ThreadedEditor::spawn(told(load))?),
        });
    }
    let mut rewards: Vec<Arc<dyn RewardModel>> = Vec::new();
    for reward in recipe.rewards() {
        rewards.push(match reward.model.make(&reward.name, &house).map_err(anyhow::Error::from_boxed)? {
            Made::Ready(reward) => reward,
            Made::Local(load) => Arc::new(ThreadedReward::spawn(told(load))?),
        });
    }
    let about = format!("the embedded editor, {sections}");
    let (critics, pulse) = (Vec::new(), Arc::new(Alive));
    Ok(Offer { name: name.to_owned(), about, recipe, text, editors, rewards, critics, pulse })
}
