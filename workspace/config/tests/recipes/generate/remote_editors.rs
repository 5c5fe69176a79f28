//! Editors behind HTTP.

use proptest::prelude::*;

use super::remote::{polls, remote, remote_editor};
use super::text::{field_value, map, option, path, tagged, word};

pub(super) fn openai_images() -> BoxedStrategy<String> {
    let own = vec![
        word(&["openai", "vllm_omni", "sglang", "sdcpp", "litellm", "generic"])
            .prop_map(|profile| format!("profile: {profile}"))
            .boxed(),
        option("model", path()),
        option("seeds", word(&["none", "field", "prompt"])),
        option("masks", word(&["none", "transparent", "white"])),
        option("partial_images", 0u32..=3),
        option("stream", any::<bool>()),
    ];
    tagged("openai_images", [own, remote_editor(), remote(true)].concat())
}

pub(super) fn sdcpp_jobs() -> BoxedStrategy<String> {
    let own = vec![option("model", path()), option("picture", word(&["reference", "start"])), polls()];
    tagged("sdcpp_jobs", [own, remote_editor(), remote(true)].concat())
}

pub(super) fn submit_poll() -> BoxedStrategy<String> {
    let size = prop_oneof![
        Just(String::new()),
        (path(), path()).prop_map(|(width, height)| format!(", width: {width:?}, height: {height:?}")),
        path().prop_map(|size| format!(", size: {size:?}")),
        path().prop_map(|proportion| format!(", proportion: {proportion:?}")),
    ];
    let inputs = (any::<bool>(), prop::option::of(path()), size).prop_map(|(list, seed, size)| {
        let seed = seed.map_or(String::new(), |seed| format!(", seed: {seed:?}"));
        format!("inputs: {{picture_list: {list}{seed}{size}}}")
    });
    let own = vec![
        word(&["bfl", "fal", "replicate"]).prop_map(|service| format!("service: {service}")).boxed(),
        path().prop_map(|model| format!("model: {model:?}")).boxed(),
        option("server_limit_secs", 5.0f64..=604_800.0),
        inputs.boxed(),
        polls(),
    ];
    tagged("submit_poll", [own, remote_editor(), remote(false)].concat())
}

pub(super) fn comfyui() -> BoxedStrategy<String> {
    let fixed = prop::collection::btree_map("/[0-9]{1,3}/inputs/[a-z]{1,8}", field_value(), 0..3);
    let knobs = (0u32..10, 10u32..20).prop_map(|(low, high)| {
        format!("knobs: {{a: {{low: {low}, high: {high}, default: {high}}}}}, knob_places: {{a: /9/inputs/a}}")
    });
    let outputs = prop::collection::vec(prop_oneof![(0u32..1000).prop_map(|id| id.to_string()), path()], 1..4);
    let text = |key: &'static str| path().prop_map(move |value| format!("{key}: {value:?}")).boxed();
    let sides = prop::option::of((path(), path())).prop_map(|sides| {
        sides.map_or(String::new(), |(width, height)| format!("width: {width:?}, height: {height:?}"))
    });
    let own = vec![
        text("workflow"),
        text("image"),
        text("instruction"),
        text("seed"),
        option("mask", path()),
        sides.boxed(),
        outputs.prop_map(|outputs| format!("outputs: {outputs:?}")).boxed(),
        fixed.prop_map(|fixed| format!("fixed: {}", map(&fixed))).boxed(),
        knobs.boxed(),
        option("seed_bits", 1u32..=53),
        option("masks", word(&["transparent", "white"])),
        option("sizes", 1u32..=4096),
        option("progress", any::<bool>()),
        polls(),
    ];
    tagged("comfyui", [own, remote(false)].concat())
}

pub(super) fn gemini() -> BoxedStrategy<String> {
    let own = vec![
        path().prop_map(|model| format!("model: {model:?}")).boxed(),
        option("resolution", word(&["512", "1K", "2K", "4K"])),
        option("reproducible", any::<bool>()),
        path().prop_map(|threshold| format!("safety: {{HARM: {threshold:?}}}")).boxed(),
        option("nfe", 0u32..=1_000_000),
    ];
    tagged("gemini", [own, remote(true)].concat())
}

pub(super) fn ark() -> BoxedStrategy<String> {
    let own = vec![
        path().prop_map(|model| format!("model: {model:?}")).boxed(),
        option("generation", word(&["seededit_3", "seedream_4", "seedream_4_5", "seedream_5"])),
        option("size", word(&["1K", "2K", "3K", "4K"])),
        option("inline", any::<bool>()),
        option("seeds", any::<bool>()),
    ];
    tagged("ark", [own, remote(true)].concat())
}

pub(super) fn sglang_rollout() -> BoxedStrategy<String> {
    // In order: a resolved recipe sorts them.
    let steps = prop::collection::btree_set(0u32..=9999, 0..4).prop_map(|steps| steps.into_iter().collect::<Vec<_>>());
    let steps = prop::option::of(steps);
    let own = vec![
        path().prop_map(|model| format!("model: {model:?}")).boxed(),
        option("sampler", word(&["sde", "cps"])),
        option("noise_level", 0.001f64..=100.0),
        steps.prop_map(|steps| steps.map_or(String::new(), |steps| format!("noisy_steps: {steps:?}"))).boxed(),
        option("trajectory", any::<bool>()),
        option("negative_prompt", path()),
        option("generator_device", word(&["cuda", "cpu"])),
        word(&["any", "16", "[64x48]"]).prop_map(|sizes| format!("sizes: {sizes}")).boxed(),
    ];
    tagged("sglang_rollout", [own, remote(true)].concat())
}
