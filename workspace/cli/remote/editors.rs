//! Editors behind HTTP.

use std::sync::Arc;

use anyhow::{Context, Result};
use editscale_config as config;
use editscale_core::{EditBackend, EditorName};
use editscale_remote::{MaskRule, OpenAiImages, OpenAiImagesOptions, Profile, SeedPlace, SizeRule};

use super::{bounds, connection, form_fields, knobs, prices, repeat};

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
        masks: options.masks.map(|choice| match choice {
            config::MaskChoice::None => MaskRule::None,
            config::MaskChoice::Transparent => MaskRule::Transparent,
            config::MaskChoice::White => MaskRule::White,
        }),
        sizes: options.sizes.as_ref().map(sizes),
        repeat: remote.repeat.map(repeat),
        partial_images: options.partial_images,
        ..usual
    };
    let editor = OpenAiImages::new(chosen).with_context(|| format!("cannot use editor `{name}`"))?;
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

fn sizes(choice: &config::SizeChoice) -> SizeRule {
    match choice {
        config::SizeChoice::Any => SizeRule::Any,
        config::SizeChoice::MultipleOf(step) => SizeRule::MultipleOf(*step),
        config::SizeChoice::OneOf(sizes) => SizeRule::OneOf(sizes.clone()),
    }
}
