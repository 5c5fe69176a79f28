//! From a recipe to editors, rewards and critics that work.

use std::sync::Arc;

use anyhow::{Context, Error, Result, bail};
use editscale_config::{Calibration, Critic, Editor, Recipe, Reward};
use editscale_core::{Critic as CriticPort, EditBackend, Observer, RewardCard, RewardModel};
use editscale_engine::{Calibrated, Ports, ThreadedCritic, ThreadedEditor, ThreadedReward};
use editscale_picture::Looker;
use editscale_schema::{House, Load, Made, MakeError};

use crate::failure::Misuse;
use crate::progress::tell_beside_bar;
use crate::recipes::Loaded;
use crate::whole::WholePictures;

/// An editor or reward at work, and how one learns whether it is alive.
pub(crate) struct Working<P: ?Sized> {
    pub(crate) port: Arc<P>,
    /// Why it cannot work any more, where it is a model of this process or a plugin that has died.
    pub(crate) trouble: Arc<dyn Fn() -> Option<String> + Send + Sync>,
}

/// The ports that a recipe names.
pub(crate) fn build(recipe: &Recipe, house: &House, observer: Arc<dyn Observer>) -> Result<Ports> {
    let mut editors = Vec::new();
    for editor in recipe.editors() {
        editors.push(backend(editor, house)?);
    }
    let critics = recipe.critics().iter().map(|critic| working_critic(critic, house)).collect::<Result<_>>()?;
    Ok(Ports { editors, rewards: rewards(recipe.rewards(), house)?, critics, look: Arc::new(Looker), observer })
}

/// One editor that can be asked.
pub(crate) fn backend(editor: &Editor, house: &House) -> Result<Arc<dyn EditBackend>> {
    working_editor(editor, house).map(|working| working.port)
}

/// One editor that can be asked, and whether it lives.
pub(crate) fn working_editor(editor: &Editor, house: &House) -> Result<Working<dyn EditBackend>> {
    let made = editor.model.make(&editor.name, house).map_err(Error::from_boxed);
    let backend: Arc<dyn EditBackend> = match made.with_context(|| format!("cannot use editor `{}`", editor.name))? {
        Made::Ready(backend) => backend,
        Made::Local(load) => {
            let threaded = Arc::new(ThreadedEditor::spawn(told(load))?);
            let port: Arc<dyn EditBackend> = Arc::clone(&threaded) as _;
            return Ok(Working { port, trouble: Arc::new(move || threaded.trouble()) });
        }
    };
    let is_foreign = editor.model.is_foreign();
    let port: Arc<dyn EditBackend> =
        if is_foreign { Arc::new(WholePictures::new(backend, house.shared())) } else { backend };
    let asked = Arc::clone(&port);
    Ok(Working { port, trouble: Arc::new(move || asked.trouble()) })
}

/// Rewards that can be asked.
pub(crate) fn rewards(named: &[Reward], house: &House) -> Result<Vec<Arc<dyn RewardModel>>> {
    named.iter().map(|named| reward(named, house)).collect()
}

/// One reward that can be asked, on the scale that the recipe wants.
pub(crate) fn reward(reward: &Reward, house: &House) -> Result<Arc<dyn RewardModel>> {
    calibrated(reward, working_reward(reward, house)?.port)
}

/// Puts the recipe's calibration before a reward, where it has one.
pub(crate) fn calibrated(reward: &Reward, port: Arc<dyn RewardModel>) -> Result<Arc<dyn RewardModel>> {
    match &reward.calibration {
        None => Ok(port),
        Some(Calibration::Here(here)) => {
            if let Some(misfit) = misfit(reward, port.card()) {
                tell_beside_bar(&format!("warning: {misfit}"));
            }
            Ok(Arc::new(Calibrated::new(port, here.map.clone())))
        }
        Some(Calibration::File(path)) => bail!("the calibration `{path}` of reward `{}` was not read", reward.name),
    }
}

/// What to say where a calibration was fitted to scores of another reward than the one that this card is of.
pub(crate) fn misfit(reward: &Reward, card: &RewardCard) -> Option<String> {
    let Some(Calibration::Here(here)) = &reward.calibration else { return None };
    let fitted = here.revision.as_deref().filter(|fitted| *fitted != &*card.revision)?;
    let name = &reward.name;
    Some(format!(
        "the calibration of reward `{name}` was fitted to scores of `{fitted}`, and this reward is `{}`: its values may be wrong",
        card.revision
    ))
}

/// One reward that can be asked, with its scores as they are, and whether it lives.
pub(crate) fn working_reward(reward: &Reward, house: &House) -> Result<Working<dyn RewardModel>> {
    let made = reward.model.make(&reward.name, house).map_err(Error::from_boxed);
    Ok(match made.with_context(|| format!("cannot use reward `{}`", reward.name))? {
        Made::Ready(port) => {
            let asked = Arc::clone(&port);
            Working { port, trouble: Arc::new(move || asked.trouble()) }
        }
        Made::Local(load) => {
            let threaded = Arc::new(ThreadedReward::spawn(told(load))?);
            let port: Arc<dyn RewardModel> = Arc::clone(&threaded) as _;
            Working { port, trouble: Arc::new(move || threaded.trouble()) }
        }
    })
}

/// One critic that can be asked.
pub(crate) fn working_critic(critic: &Critic, house: &House) -> Result<Arc<dyn CriticPort>> {
    let made = critic.model.make(&critic.name, house).map_err(Error::from_boxed);
    Ok(match made.with_context(|| format!("cannot use critic `{}`", critic.name))? {
        Made::Ready(port) => port,
        Made::Local(load) => Arc::new(ThreadedCritic::spawn(told(load))?),
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
    tell_beside_bar(report.render(&loaded.name, loaded.text.as_bytes()).trim_end());
    if report.has_errors() {
        let message = format!("recipe `{}` cannot be used with its editors and rewards", loaded.name);
        bail!(Misuse::new(message).found(report));
    }
    Ok(())
}
