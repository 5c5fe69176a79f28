//! Editors to which work is submitted, and which are then asked about it.

use std::sync::Arc;

use anyhow::{Context, Result};
use editscale_config as config;
use editscale_core::{EditBackend, EditorName};
use editscale_remote::{
    Connection, InputFields, PictureUse, PollRules, SdCppJobs, SdCppJobsOptions, SecretPlace, Service, SizePlace,
    SubmitPoll, SubmitPollOptions,
};

use super::editors::sizes;
use super::{connection, json_fields, knobs, prices, repeat};

/// The editor behind the jobs of stable-diffusion.cpp that a recipe describes.
pub(crate) fn sdcpp_jobs(name: &EditorName, options: &config::SdCppJobsOptions) -> Result<Arc<dyn EditBackend>> {
    let remote = &options.remote;
    let usual = SdCppJobsOptions::new(name.clone(), options.model.as_deref().unwrap_or_default(), connection(remote));
    let chosen = SdCppJobsOptions {
        revision: remote.revision.clone(),
        prices: prices(&remote.prices),
        nfe: options.nfe,
        picture: match options.picture {
            config::PictureChoice::Reference => PictureUse::Reference,
            config::PictureChoice::Start => PictureUse::Start,
        },
        fields: json_fields(&options.fields),
        knobs: knobs(&options.knobs),
        sizes: options.sizes.as_ref().map_or(usual.sizes, sizes),
        repeat: remote.repeat.map(repeat),
        polls: polls(options.polls),
        ..usual
    };
    let editor = SdCppJobs::new(chosen).with_context(|| format!("cannot use editor `{name}`"))?;
    Ok(Arc::new(editor))
}

/// The editor behind a service that takes jobs that a recipe describes.
pub(crate) fn submit_poll(name: &EditorName, options: &config::SubmitPollOptions) -> Result<Arc<dyn EditBackend>> {
    let remote = &options.remote;
    let connection = service_connection(options);
    let usual = SubmitPollOptions::new(name.clone(), service(options.service), &options.model, connection);
    let chosen = SubmitPollOptions {
        revision: remote.revision.clone(),
        prices: prices(&remote.prices),
        nfe: options.nfe,
        size: size(&options.inputs),
        inputs: inputs(&options.inputs, usual.inputs),
        fields: json_fields(&options.fields),
        knobs: knobs(&options.knobs),
        sizes: options.sizes.as_ref().map_or(usual.sizes, sizes),
        // A job that nobody waits for any more is not to go on for longer, nor to be ended while it is waited for.
        server_limit: options.server_limit.or(usual.server_limit.map(|_| options.polls.deadline)),
        polls: polls(options.polls),
        ..usual
    };
    let editor = SubmitPoll::new(chosen).with_context(|| format!("cannot use editor `{name}`"))?;
    Ok(Arc::new(editor))
}

/// The servers of a service, each with the secret where the service looks for it.
pub(super) fn service_connection(options: &config::SubmitPollOptions) -> Connection {
    let remote = &options.remote;
    let usual = service(options.service).secret_place();
    let mut connection = connection(remote);
    for (server, settings) in connection.servers.iter_mut().zip(&remote.servers) {
        server.secret_place = settings.secret_header.clone().map_or(usual.clone(), SecretPlace::Header);
    }
    connection
}

fn service(choice: config::ServiceChoice) -> Service {
    match choice {
        config::ServiceChoice::Bfl => Service::Bfl,
        config::ServiceChoice::Fal => Service::Fal,
        config::ServiceChoice::Replicate => Service::Replicate,
    }
}

fn inputs(settings: &config::InputSettings, usual: InputFields) -> InputFields {
    InputFields {
        prompt: settings.prompt.clone().unwrap_or(usual.prompt),
        picture: settings.picture.clone().unwrap_or(usual.picture),
        picture_is_list: settings.picture_list,
        seed: settings.seed.clone().or(usual.seed),
        mask: settings.mask.clone(),
    }
}

fn size(settings: &config::InputSettings) -> SizePlace {
    match settings {
        config::InputSettings { width: Some(width), height: Some(height), .. } => {
            SizePlace::Sides { width: width.clone(), height: height.clone() }
        }
        config::InputSettings { size: Some(size), .. } => SizePlace::Object(size.clone()),
        config::InputSettings { proportion: Some(proportion), .. } => SizePlace::Proportion(proportion.clone()),
        _ => SizePlace::Nowhere,
    }
}

pub(super) fn polls(settings: config::PollSettings) -> PollRules {
    let config::PollSettings { first_wait, longest_wait, deadline, lost_after } = settings;
    PollRules { first_wait, longest_wait, deadline, lost_after }
}
