//! The words of `editscale models`.

#![expect(clippy::doc_markdown, reason = "these comments are what --help prints")]

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Get models, and look at those that are there.
#[derive(Debug, Args)]
pub(crate) struct Models {
    #[command(subcommand)]
    pub(crate) command: ModelsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    List(ModelsList),
    Pull(ModelsPull),
    Verify(ModelsVerify),
    Convert(ModelsConvert),
}

impl ModelsCommand {
    /// Whether it prints one JSON object.
    pub(crate) fn is_json(&self) -> bool {
        match self {
            Self::List(list) => list.json,
            Self::Verify(verify) => verify.json,
            Self::Pull(_) | Self::Convert(_) => false,
        }
    }
}

/// List the models that have names, and those that were pulled.
#[derive(Debug, Args)]
pub(crate) struct ModelsList {
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Download a model from the Hugging Face hub, and print its folder.
///
/// Puts weights, configuration, tokenizer and, for a judge, prompts into one folder and verifies it. A pull that was interrupted goes on
/// when it is repeated. HF_TOKEN, HF_HOME, HF_ENDPOINT and HF_HUB_OFFLINE are heeded.
#[derive(Debug, Args, Default)]
pub(crate) struct ModelsPull {
    /// A name that `editscale models list` shows, or a repository of the hub.
    #[arg(value_name = "NAME|OWNER/REPO")]
    pub(crate) name: String,
    /// The folder to put it into; one under $EDITSCALE_MODELS or the user's cache where it is not given.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// A branch, a tag or a commit of the repository.
    #[arg(long, value_name = "REV", default_value = "main")]
    pub(crate) revision: String,
    /// Of a judge: take the prompts from a folder with instruction_following.txt, visual_quality.txt and tail.txt.
    #[arg(long, value_name = "DIR")]
    pub(crate) prompts: Option<PathBuf>,
    /// Accept the licences without being asked.
    #[arg(long)]
    pub(crate) accept_license: bool,
    /// Of a judge: the model that it was trained from; tokenizer, template and configuration come from there.
    #[arg(long, value_name = "OWNER/REPO")]
    pub(crate) base: Option<String>,
}

/// Check a model's folder: lists every tensor and file that is missing or wrong.
///
/// Of a judge, headers of the weights are read; of a pipeline that edits pictures, all weights.
#[derive(Debug, Args)]
pub(crate) struct ModelsVerify {
    /// The folder, or a name that `editscale models list` shows.
    pub(crate) dir: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Convert a PyTorch file of weights into safetensors, without running what is in it.
#[derive(Debug, Args)]
pub(crate) struct ModelsConvert {
    /// The .pth file.
    pub(crate) file: PathBuf,
    /// Where to write; beside it with the ending .safetensors where it is not given.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}
