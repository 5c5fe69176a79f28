//! From a recipe to editors and rewards that work.

use std::sync::Arc;

use anyhow::{Context, Error, Result, bail};
use editscale_config::{Editor, Recipe, Reward};
use editscale_core::{EditBackend, Observer, RewardModel};
use editscale_engine::{Ports, ThreadedEditor, ThreadedReward};
use editscale_schema::{House, Load, Made, MakeError};

use crate::failure::{Misuse, tell};
use crate::recipes::Loaded;
use crate::whole::WholePictures;

/// The ports that a recipe names.
pub(crate) fn build(recipe: &Recipe, house: &House, observer: Arc<dyn Observer>) -> Result<Ports> {
    let mut editors = Vec::new();
    for editor in recipe.editors() {
        editors.push(backend(editor, house)?);
    }
    Ok(Ports { editors, rewards: rewards(recipe.rewards(), house)?, observer })
}

/// One editor that can be asked.
pub(crate) fn backend(editor: &Editor, house: &House) -> Result<Arc<dyn EditBackend>> {
    let made = editor.model.make(&editor.name, house).map_err(Error::from_boxed);
    let backend = match made.with_context(|| format!("cannot use editor `{}`", editor.name))? {
        Made::Ready(backend) => backend,
        Made::Local(load) => Arc::new(ThreadedEditor::spawn(told(load))?),
    };
    if editor.model.remote().is_none() {
        return Ok(backend);
    }
    Ok(Arc::new(WholePictures::new(backend, house.shared())))
}

/// Rewards that can be asked.
pub(crate) fn rewards(named: &[Reward], house: &House) -> Result<Vec<Arc<dyn RewardModel>>> {
    named.iter().map(|named| reward(named, house)).collect()
}

/// One reward that can be asked.
pub(crate) fn reward(reward: &Reward, house: &House) -> Result<Arc<dyn RewardModel>> {
    let made = reward.model.make(&reward.name, house).map_err(Error::from_boxed);
    Ok(match made.with_context(|| format!("cannot use reward `{}`", reward.name))? {
        Made::Ready(reward) => reward,
        Made::Local(load) => Arc::new(ThreadedReward::spawn(told(load))?),
    })
}

/// A loader whose error is told in one line.
fn told<T: ?Sized>(load: Load<T>) -> impl Fn() -> Result<Box<T>, String> + Send + Sync {
    let line = |error: MakeError| format!("{:#}", Error::from_boxed(error));
    move || load().map_err(line)
}

/// Refuses a recipe whose policy needs what its editors and rewards do not offer.
pub(crate) fn check_needs(loaded: &Loaded, ports: &Ports) -> Result<()> {
    let lacks = loaded.recipe.lacks(&ports.cards());
    if lacks.is_empty() {
        return Ok(());
    }
    let report = editscale_config::Report::new(lacks);
    tell(report.render(&loaded.name, loaded.text.as_bytes()).trim_end());
    if report.has_errors() {
        let message = format!("recipe `{}` cannot be used with its editors and rewards", loaded.name);
        bail!(Misuse::new(message).found(report));
    }
    Ok(())
}
