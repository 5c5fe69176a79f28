//! From a recipe to editors and rewards that work: the only place that makes them.

use std::num::NonZeroU32;
use std::sync::Arc;

use anyhow::{Result, bail};
use editscale_config::{Editor, EditorModel, Recipe, Reward, RewardModel};
use editscale_core::{EditBackend, LocalEditor, LocalReward, Observer};
use editscale_darkroom::{DarkroomEditor, DarkroomOptions, PhotometricReward, Scenes};
use editscale_engine::{Ports, ThreadedEditor, ThreadedReward};
use editscale_models::rewards::editreward::EditRewardModel;
use editscale_picture::{DecodeCache, Limits};

use crate::failure::{Misuse, tell};
use crate::judge;
use crate::local;
use crate::recipes::Loaded;
use crate::remote;
use crate::whole::WholePictures;

/// What is decoded is kept up to this: three photographs of twelve megapixels, the source and two candidates.
const CACHE_BYTES: usize = 512 << 20;

/// What editors and rewards of one process share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) pictures: Arc<DecodeCache>,
    scenes: Arc<Scenes>,
}

impl Shared {
    pub(crate) fn new() -> Self {
        let pictures = Arc::new(DecodeCache::new(Limits::default(), CACHE_BYTES));
        Self { pictures, scenes: Arc::new(Scenes::default()) }
    }
}

/// The ports that a recipe names.
pub(crate) fn build(recipe: &Recipe, shared: &Shared, observer: Arc<dyn Observer>) -> Result<Ports> {
    let mut editors = Vec::new();
    for editor in recipe.editors() {
        editors.push(backend(editor, shared)?);
    }
    Ok(Ports { editors, rewards: rewards(recipe.rewards(), shared)?, observer })
}

/// One editor that can be asked.
pub(crate) fn backend(editor: &Editor, shared: &Shared) -> Result<Arc<dyn EditBackend>> {
    let backend = made(editor, shared)?;
    if editor.model.remote().is_none() {
        return Ok(backend);
    }
    Ok(Arc::new(WholePictures::new(backend, Arc::clone(&shared.pictures))))
}

fn made(editor: &Editor, shared: &Shared) -> Result<Arc<dyn EditBackend>> {
    let name = editor.name.clone();
    let backend = match &editor.model {
        EditorModel::Darkroom(options) => {
            let shared = shared.clone();
            let workers = options.workers.unwrap_or_else(default_workers);
            let options = DarkroomOptions { partial: options.partial, workers };
            ThreadedEditor::spawn(move || {
                let (pictures, scenes) = (Arc::clone(&shared.pictures), Arc::clone(&shared.scenes));
                DarkroomEditor::new(name.clone(), options, pictures, scenes)
                    .map(|editor| Box::new(editor) as Box<dyn LocalEditor>)
                    .map_err(|error| error.to_string())
            })?
        }
        EditorModel::InstructPix2Pix(options) => {
            let options = options.clone();
            let load = move || local::load_instruct_pix2pix(&name, &options);
            ThreadedEditor::spawn(move || load().map_err(|error| format!("{error:#}")))?
        }
        EditorModel::FluxKontext(options) => {
            let options = options.clone();
            let load = move || local::load_flux_kontext(&name, &options);
            ThreadedEditor::spawn(move || load().map_err(|error| format!("{error:#}")))?
        }
        EditorModel::OpenAiImages(options) => return remote::openai_images(&name, options),
        EditorModel::ComfyUi(options) => return Ok(Arc::new(remote::comfyui(&name, options)?)),
        EditorModel::SdCppJobs(options) => return remote::sdcpp_jobs(&name, options),
        EditorModel::SubmitPoll(options) => return remote::submit_poll(&name, options),
        EditorModel::Gemini(options) => return remote::gemini(&name, options),
        EditorModel::Ark(options) => return remote::ark(&name, options),
        EditorModel::SgLangRollout(options) => return remote::sglang_rollout(&name, options),
    };
    Ok(Arc::new(backend))
}

/// Rewards that can be asked.
pub(crate) fn rewards(named: &[Reward], shared: &Shared) -> Result<Vec<Arc<dyn editscale_core::RewardModel>>> {
    named.iter().map(|named| reward(named, shared)).collect()
}

/// One reward that can be asked.
pub(crate) fn reward(reward: &Reward, shared: &Shared) -> Result<Arc<dyn editscale_core::RewardModel>> {
    let name = reward.name.clone();
    Ok(match &reward.model {
        RewardModel::Photometric(_) => {
            let shared = shared.clone();
            Arc::new(ThreadedReward::spawn(move || {
                let (pictures, scenes) = (Arc::clone(&shared.pictures), Arc::clone(&shared.scenes));
                Ok(Box::new(PhotometricReward::new(name.clone(), pictures, scenes)) as Box<dyn LocalReward>)
            })?)
        }
        RewardModel::EditReward(options) => {
            let options = options.clone();
            Arc::new(ThreadedReward::spawn(move || {
                let judge = judge::load(&options).map_err(|error| format!("{error:#}"))?;
                Ok(Box::new(EditRewardModel::new(name.clone(), judge)) as Box<dyn LocalReward>)
            })?)
        }
        RewardModel::ChatJudge(options) => remote::chat_judge(&name, options)?,
        RewardModel::PairwiseJudge(options) => remote::pairwise_judge(&name, options)?,
        RewardModel::ListwiseJudge(options) => remote::listwise_judge(&name, options)?,
        RewardModel::VllmClassify(options) => remote::vllm_classify(&name, options)?,
        RewardModel::VllmPooling(options) => remote::vllm_pooling(&name, options)?,
        RewardModel::VllmPlugin(options) => remote::vllm_plugin(&name, options)?,
        RewardModel::UnirlScore(options) => remote::unirl_score(&name, options)?,
        RewardModel::FlowFactory(options) => remote::flow_factory(&name, options)?,
        RewardModel::Editscale(options) => remote::editscale(&name, options)?,
        RewardModel::PickledReward(options) => remote::pickled_reward(&name, options)?,
    })
}

/// Two at a time keep the cores busy while one of them is encoded; more would only take memory.
fn default_workers() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(1)
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
        bail!(Misuse::new(format!("recipe `{}` cannot be used with its editors and rewards", loaded.name)));
    }
    Ok(())
}
