//! The editors of a recipe.

use proptest::prelude::*;

use super::apart::{command_editor, plugin};
use super::local::{darkroom, flux_kontext, instruct_pix2pix, qwen_image_edit, step1x_edit};
use super::remote_editors::{ark, comfyui, gemini, openai_images, sdcpp_jobs, sglang_rollout, submit_poll};
use super::text::name;

pub(super) fn editors() -> impl Strategy<Value = String> {
    let remote =
        prop_oneof![openai_images(), sdcpp_jobs(), submit_poll(), gemini(), ark(), sglang_rollout(), comfyui()];
    let apart = prop_oneof![plugin(), command_editor()];
    let local = prop_oneof![darkroom(), instruct_pix2pix(), flux_kontext(), qwen_image_edit(), step1x_edit()];
    let one = prop_oneof![local, apart, remote].boxed();
    prop_oneof![
        one.clone().prop_map(|one| format!("editor: {one}\n")),
        prop::collection::btree_map(name(), one, 1..4).prop_map(|several| {
            let lines: Vec<String> = several.iter().map(|(name, one)| format!("  {name:?}: {one}\n")).collect();
            format!("editors:\n{}", lines.concat())
        }),
    ]
}
