//! The plugin's program: `InstructPix2Pix` on libtorch.

use std::process::ExitCode;

use editscale_core::{EditorName, NameError};
use editscale_diffusers_rs::load::{OpenError, open};
use editscale_diffusers_rs::pipeline::TorchPix2Pix;
use editscale_diffusers_rs::plugin::Local;
use editscale_diffusers_rs::settings::Settings;
use editscale_models::editors::diffusion::DiffusionEditor;
use editscale_sdk::protocol::{Failed, Feature, Welcome};
use editscale_sdk::serve::{About, serve_editor};

fn main() -> ExitCode {
    let features = [Feature::Cancel, Feature::Progress, Feature::Pause, Feature::Trajectories];
    let about = About::new("diffusers-rs", env!("CARGO_PKG_VERSION"));
    serve_editor(features.into_iter().fold(about, About::with), load)
}

fn load(welcome: &Welcome) -> Result<Local<DiffusionEditor<TorchPix2Pix>>, Failed> {
    let settings: Settings = welcome.settings()?;
    let name = EditorName::new(&welcome.name).map_err(|error: NameError| Failed::invalid(error.to_string()))?;
    let checked = settings.check().map_err(OpenError::from);
    let editor = checked.and_then(|()| open(&settings, name));
    Ok(Local::new(editor.map_err(|error| Failed::invalid(error.to_string()))?))
}
