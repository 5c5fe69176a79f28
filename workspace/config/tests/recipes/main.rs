//! Tests of the crate by what its users see: one binary, a module for each matter.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod calibrations;
mod cards;
mod critics;
mod curations;
mod generate;
mod judging;
mod keys;
mod limits;
mod mistakes;
mod own_kinds;
mod properties;
mod raw;
mod valid;

use editscale_config::{Catalogue, Recipe, Report};

/// What messages that list all there is to choose from are pinned with: more kinds do not change them.
const KINDS: &[&str] = &[
    "darkroom",
    "instruct_pix2pix",
    "flux_kontext",
    "step1x_edit",
    "qwen_image_edit",
    "plugin",
    "command",
    "openai_images",
    "sdcpp_jobs",
    "submit_poll",
    "comfyui",
    "gemini",
    "ark",
    "sglang_rollout",
    "photometric",
    "editreward",
    "chat_judge",
    "pairwise_judge",
    "listwise_judge",
    "vllm_classify",
    "vllm_pooling",
    "vllm_plugin",
    "unirl_score",
    "flow_factory",
    "editscale",
    "pickled_reward",
    "weighted",
    "mean_rank",
    "lower_bound",
    "conjunctive",
    "adaptive",
    "beam",
    "best_of_n",
    "diverse_trees",
    "preview_pruning",
    "noise_search",
    "path_search",
    "reward_weighted",
    "best",
    "soft",
    "pessimistic",
    "regularised",
    "particles",
    "reflection",
    "darkroom_critic",
    "chat_critic",
    "thompson",
];

/// What recipes can name here.
fn catalogue() -> Catalogue {
    let mut catalogue = Catalogue::new(
        &[editscale_darkroom::EDITORS, editscale_models::EDITORS, editscale_plugin::EDITORS, editscale_remote::EDITORS],
        &[editscale_darkroom::REWARDS, editscale_models::REWARDS, editscale_plugin::REWARDS, editscale_remote::JUDGES],
    )
    .with_critics(&[editscale_darkroom::CRITICS, editscale_remote::CRITICS]);
    catalogue.editors.retain(|kind| KINDS.contains(&kind.name));
    catalogue.rewards.retain(|kind| KINDS.contains(&kind.name));
    catalogue.critics.retain(|kind| KINDS.contains(&kind.name));
    catalogue.objectives.retain(|kind| KINDS.contains(&kind.name));
    catalogue.policies.retain(|kind| KINDS.contains(&kind.name));
    catalogue.selections.retain(|kind| KINDS.contains(&kind.name));
    catalogue
}

fn parse(bytes: &[u8]) -> Result<(Recipe, Report), Report> {
    Recipe::parse(bytes, &catalogue())
}

/// Everything that is found in a file, as people see it.
fn report(bytes: impl AsRef<[u8]>) -> String {
    let report = parse(bytes.as_ref()).map_or_else(|errors| errors, |(_, warnings)| warnings);
    report.render("recipe.yaml", bytes.as_ref())
}

/// The recipe of a file that is right.
fn recipe(text: &str) -> Recipe {
    match parse(text.as_bytes()) {
        Ok((recipe, _)) => recipe,
        Err(report) => panic!("{}", report.render("recipe.yaml", text.as_bytes())),
    }
}

/// A right recipe with another search.
fn with_search(search: &str) -> String {
    format!("version: 1\neditor: {{darkroom: {{}}}}\nrewards: [{{model: {{photometric: {{}}}}}}]\nsearch: {search}\n")
}
