//! Editors behind HTTP.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use editscale_config as config;
use editscale_core::{EditBackend, EditorName};
use editscale_remote::{
    Ark, ArkGeneration, ArkOptions, ComfyUi, ComfyUiOptions, FieldKnob, Gemini, GeminiOptions, MaskRule, OpenAiImages,
    OpenAiImagesOptions, Profile, RolloutSampler, SeedPlace, SgLangRollout, SgLangRolloutOptions, SizeRule,
    WorkflowBindings, WorkflowKnob,
};

use super::jobs::polls;
use crate::bounded;

use super::{bounds, connection, form_fields, json, knobs, prices, repeat};

/// The most bytes of a workflow's file.
const LARGEST_WORKFLOW: u64 = 16 << 20;

/// The editor behind `/v1/images/edits` that a recipe describes.
pub(crate) fn openai_images(name: &EditorName, options: &config::OpenAiImagesOptions) -> Result<Arc<dyn EditBackend>> {
    let model = options.model.as_deref().unwrap_or_default();
    let remote = &options.remote;
    let usual = OpenAiImagesOptions::new(name.clone(), profile(options.profile), model, connection(remote));
    let chosen = OpenAiImagesOptions {
        revision: remote.revision.clone(),
        prices: prices(&remote.prices),
        bounds: bounds(&remote.prices, usual.bounds),
        nfe: options.nfe,
        fields: form_fields(&options.fields),
        knobs: knobs(&options.knobs),
        seeds: options.seeds.map(|choice| match choice {
            config::SeedChoice::None => SeedPlace::Nowhere,
            config::SeedChoice::Field => SeedPlace::Field,
            config::SeedChoice::Prompt => SeedPlace::PromptArguments,
        }),
        masks: options.masks.map(masks),
        sizes: options.sizes.as_ref().map(sizes),
        repeat: remote.repeat.map(repeat),
        partial_images: options.partial_images,
        stream: options.stream,
        ..usual
    };
    let editor = OpenAiImages::new(chosen).with_context(|| format!("cannot use editor `{name}`"))?;
    Ok(Arc::new(editor))
}

/// The workflow of `ComfyUI` that a recipe describes.
pub(crate) fn comfyui(name: &EditorName, options: &config::ComfyUiOptions) -> Result<ComfyUi> {
    let (path, remote) = (&options.workflow, &options.remote);
    let workflow = workflow(path).with_context(|| format!("cannot use editor `{name}`"))?;
    let bindings = WorkflowBindings {
        image: options.image.clone(),
        instruction: options.instruction.clone(),
        seed: options.seed.clone(),
        mask: options.mask.clone(),
        width: options.width.clone(),
        height: options.height.clone(),
    };
    let outputs: Vec<&str> = options.outputs.iter().map(String::as_str).collect();
    let usual = ComfyUiOptions::new(name.clone(), &workflow, bindings, &outputs, connection(remote));
    let placed = |knob: FieldKnob| {
        let place = options.places.iter().find(|(name, _)| *name == knob.spec.name);
        place.map(|(_, pointer)| WorkflowKnob { knob, pointer: pointer.clone() })
    };
    let chosen = ComfyUiOptions {
        revision: remote.revision.clone(),
        fixed: options.fixed.iter().map(|(pointer, value)| (pointer.clone(), json(value))).collect(),
        knobs: knobs(&options.knobs).into_iter().filter_map(placed).collect(),
        seed_bits: options.seed_bits,
        masks: options.masks.map(masks),
        sizes: options.sizes.as_ref().map_or_else(|| usual.sizes.clone(), sizes),
        polls: polls(options.polls),
        progress: options.progress,
        prices: prices(&remote.prices),
        nfe: options.nfe,
        ..usual
    };
    ComfyUi::new(chosen).with_context(|| format!("cannot use editor `{name}` with the workflow `{path}`"))
}

/// The text of a workflow's file.
fn workflow(path: &str) -> Result<String> {
    let shown = || format!("cannot read the workflow `{path}`, a path from the folder in which the program runs");
    let bytes = bounded::read(Path::new(path), LARGEST_WORKFLOW).with_context(shown)?;
    String::from_utf8(bytes).with_context(shown)
}

fn masks(choice: config::MaskChoice) -> MaskRule {
    match choice {
        config::MaskChoice::None => MaskRule::None,
        config::MaskChoice::Transparent => MaskRule::Transparent,
        config::MaskChoice::White => MaskRule::White,
    }
}

/// The editor behind Google's `generateContent` that a recipe describes.
pub(crate) fn gemini(name: &EditorName, options: &config::GeminiOptions) -> Result<Arc<dyn EditBackend>> {
    let remote = &options.remote;
    let usual = GeminiOptions::new(name.clone(), &options.model, connection(remote));
    let chosen = GeminiOptions {
        revision: remote.revision.clone(),
        prices: prices(&remote.prices),
        bounds: bounds(&remote.prices, usual.bounds),
        nfe: options.nfe,
        knobs: knobs(&options.knobs),
        safety: options.safety.iter().cloned().collect(),
        resolutions: options.resolution.map_or(usual.resolutions, |choice| vec![choice.word().to_owned()]),
        is_reproducible: options.is_reproducible,
        repeat: remote.repeat.map_or(usual.repeat, repeat),
        ..usual
    };
    let editor = Gemini::new(chosen).with_context(|| format!("cannot use editor `{name}`"))?;
    Ok(Arc::new(editor))
}

/// The editor at Volcengine Ark or `BytePlus` `ModelArk` that a recipe describes.
pub(crate) fn ark(name: &EditorName, options: &config::ArkOptions) -> Result<Arc<dyn EditBackend>> {
    let remote = &options.remote;
    let usual = ArkOptions::new(name.clone(), &options.model, connection(remote));
    let chosen = ArkOptions {
        generation: options.generation.map(|choice| match choice {
            config::GenerationChoice::SeedEdit3 => ArkGeneration::SeedEdit3,
            config::GenerationChoice::Seedream4 => ArkGeneration::Seedream4,
            config::GenerationChoice::Seedream45 => ArkGeneration::Seedream45,
            config::GenerationChoice::Seedream5 => ArkGeneration::Seedream5,
        }),
        revision: remote.revision.clone(),
        prices: prices(&remote.prices),
        bounds: bounds(&remote.prices, usual.bounds),
        nfe: options.nfe,
        knobs: knobs(&options.knobs),
        size: options.size.map(|size| size.word().to_owned()),
        is_inline: options.is_inline,
        has_seeds: options.has_seeds,
        repeat: remote.repeat.map_or(usual.repeat, repeat),
        ..usual
    };
    let editor = Ark::new(chosen).with_context(|| format!("cannot use editor `{name}`"))?;
    Ok(Arc::new(editor))
}

/// The editor behind `/rollout/generate` that a recipe describes.
pub(crate) fn sglang_rollout(
    name: &EditorName,
    options: &config::SgLangRolloutOptions,
) -> Result<Arc<dyn EditBackend>> {
    let remote = &options.remote;
    let usual = SgLangRolloutOptions::new(name.clone(), &options.model, connection(remote));
    let chosen = SgLangRolloutOptions {
        revision: remote.revision.clone(),
        prices: prices(&remote.prices),
        nfe: options.nfe,
        sampler: match options.sampler {
            config::RolloutChoice::Sde => RolloutSampler::Sde,
            config::RolloutChoice::Cps => RolloutSampler::Cps,
            config::RolloutChoice::Ode => RolloutSampler::Ode,
        },
        noise_level: options.noise_level,
        noisy_steps: options.noisy_steps.clone(),
        keeps_trajectory: options.trajectory,
        negative_prompt: options.negative_prompt.clone(),
        generator_device: if options.is_drawn_on_card { "cuda" } else { "cpu" }.to_owned(),
        knobs: knobs(&options.knobs),
        sizes: options.sizes.as_ref().map_or(usual.sizes, sizes),
        repeat: remote.repeat.map(repeat),
        ..usual
    };
    let editor = SgLangRollout::new(chosen).with_context(|| format!("cannot use editor `{name}`"))?;
    Ok(Arc::new(editor))
}

fn profile(profile: config::ImagesProfile) -> Profile {
    match profile {
        config::ImagesProfile::OpenAi => Profile::OpenAi,
        config::ImagesProfile::VllmOmni => Profile::VllmOmni,
        config::ImagesProfile::SgLang => Profile::SgLang,
        config::ImagesProfile::SdCpp => Profile::SdCpp,
        config::ImagesProfile::LiteLlm => Profile::LiteLlm,
        config::ImagesProfile::Generic => Profile::Generic,
    }
}

pub(super) fn sizes(choice: &config::SizeChoice) -> SizeRule {
    match choice {
        config::SizeChoice::Any => SizeRule::Any,
        config::SizeChoice::MultipleOf(step) => SizeRule::MultipleOf(*step),
        config::SizeChoice::OneOf(sizes) => SizeRule::OneOf(sizes.clone()),
    }
}
