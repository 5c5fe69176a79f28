//! Editors of this process.

use proptest::prelude::*;

use super::text::{option, path, tagged, word};

pub(super) fn darkroom() -> BoxedStrategy<String> {
    tagged("darkroom", vec![option("partial", any::<bool>()), option("workers", 1u32..=256)])
}

/// The options that the diffusion models share.
fn diffusion() -> Vec<BoxedStrategy<String>> {
    let on_card = (word(&["auto", "cuda"]), word(&["auto", "f32", "bf16", "f16"]));
    let on_processor = (Just("cpu"), word(&["auto", "f32"]));
    let computing = prop_oneof![on_card, on_processor];
    vec![
        option("result_size", word(&["model", "source"])),
        option("latents", path()),
        option("trajectory", any::<bool>()),
        computing.prop_map(|(device, dtype)| format!("device: {device}, dtype: {dtype}")).boxed(),
        option("activation_mib", 1u32..=1 << 20),
        option("paused_mib", 0u32..=1 << 20),
        option("batch", 1u32..=1024),
        option("cache_mib", 0u32..=1 << 20),
        option("steps", 1u32..=1000),
        option("guidance", 0.0f64..=50.0),
    ]
}

fn max_pixels() -> BoxedStrategy<String> {
    option("max_pixels", 64u32..=1 << 24)
}

/// Options of those that a vision language model tells what to do.
fn conditioned() -> Vec<BoxedStrategy<String>> {
    vec![
        option("residency", word(&["together", "in_turn"])),
        option("negative", path()),
        option("eta", 0.0f64..=10.0),
        option("text_device", word(&["same", "cpu"])),
        option("weights", word(&["auto", "converted", "stored"])),
    ]
}

pub(super) fn instruct_pix2pix() -> BoxedStrategy<String> {
    let sampling = prop_oneof![
        Just("sampler: euler_ancestral".to_owned()),
        (word(&["file", "ddim"]), 0.0f64..=1.0).prop_map(|(sampler, eta)| format!("sampler: {sampler}, eta: {eta:?}")),
        Just(String::new()),
    ];
    let own = vec![
        path().prop_map(|dir| format!("dir: {dir:?}")).boxed(),
        option("image_guidance", 0.0f64..=50.0),
        sampling.boxed(),
        max_pixels(),
    ];
    tagged("instruct_pix2pix", [own, diffusion()].concat())
}

pub(super) fn flux_kontext() -> BoxedStrategy<String> {
    let file = (path(), word(&["gguf", "safetensors"])).prop_map(|(path, ending)| format!("{path}.{ending}"));
    let own = vec![
        path().prop_map(|dir| format!("dir: {dir:?}")).boxed(),
        option("transformer", file),
        max_pixels(),
        option("eta", 0.0f64..=10.0),
        option("fit_source", any::<bool>()),
        option("text_tokens", 2u32..=4096),
        option("adapter", path()),
        option("adapter_scale", -100.0f64..=100.0),
        option("text_device", word(&["same", "cpu"])),
        option("weights", word(&["auto", "converted", "stored"])),
    ];
    tagged("flux_kontext", [own, diffusion()].concat())
}

pub(super) fn qwen_image_edit() -> BoxedStrategy<String> {
    let references = prop::collection::vec(path(), 0..4).prop_map(|all| format!("references: {all:?}"));
    let own = vec![
        path().prop_map(|dir| format!("dir: {dir:?}")).boxed(),
        references.boxed(),
        option("encoder", path().prop_map(|path| format!("{path}.gguf"))),
        option("vae", path().prop_map(|path| format!("{path}.safetensors"))),
        option("adapter", path()),
        option("schedule", word(&["pipeline", "lightning"])),
        max_pixels(),
        option("source_pixels", 1u32..=1 << 24),
        option("tile", 64u32..=1 << 14),
    ];
    tagged("qwen_image_edit", [own, conditioned(), diffusion()].concat())
}

pub(super) fn step1x_edit() -> BoxedStrategy<String> {
    let ending = || word(&["safetensors", "gguf"]);
    let file = move || (path(), ending()).prop_map(|(path, ending)| format!("{path}.{ending}"));
    let folder = path().prop_map(|dir| format!("dir: {dir:?}"));
    let in_place = (path(), file()).prop_map(|(dir, file)| format!("dir: {dir:?}, transformer: {file:?}"));
    let files = (file(), path(), path()).prop_map(|(transformer, vae, encoder)| {
        format!("transformer: {transformer:?}, vae: {vae:?}, encoder: {encoder:?}")
    });
    let own = vec![
        prop_oneof![folder, in_place, files].boxed(),
        option("version", word(&["v1.0", "v1.1", "v1.2"])),
        option("adapter", path()),
        option("guidance_rule", word(&["plain", "damped_early", "damped"])),
        option("size_level", 16u32..=4096),
        option("reference_latent", word(&["mean", "sample"])),
        option("tile", 64u32..=1 << 14),
    ];
    tagged("step1x_edit", [own, conditioned(), diffusion()].concat())
}
