//! `editscale plugin new`: a folder with a plugin to begin with.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use editscale_plugin::skeleton::{Language, Skeleton, SkeletonError};
use editscale_sdk::protocol::PluginKind;

use crate::args::{KindWord, LangWord, PluginNew};
use crate::failure::{Misuse, print, tell};

/// Writes the folder, and says what to do in it: its path goes to standard output.
pub(crate) fn run(arguments: &PluginNew) -> Result<ExitCode> {
    let language = match arguments.lang {
        LangWord::Python => Language::Python,
        LangWord::Rust => Language::Rust,
    };
    let kind = match arguments.kind {
        KindWord::Editor => PluginKind::Editor,
        KindWord::Reward => PluginKind::Reward,
    };
    let skeleton = Skeleton::new(language, kind, &arguments.name).map_err(|error| Misuse::new(error.to_string()))?;
    let folder = skeleton.write(Path::new("")).map_err(|error| match error {
        SkeletonError::Exists(_) => anyhow::Error::from(
            Misuse::new(error.to_string()).hint("choose another name, or remove the folder yourself"),
        ),
        error => error.into(),
    })?;
    print(&folder.display().to_string())?;
    tell(&format!("next, in {}:\n{}", folder.display(), skeleton.next_steps().trim_end()));
    Ok(ExitCode::SUCCESS)
}
