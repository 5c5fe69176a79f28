//! The prompts that a judge was trained with. Their texts belong to its authors and are not part of this project: they are
//! taken out of the released source, at the commit that was followed here, and checked to the last byte.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use editscale_fetch::{Client, Hub, Snapshot, TextRules};
use sha2::{Digest, Sha256};

use crate::commands::models::place::write_whole;
use crate::commands::models::python::constant;
use crate::failure::{Misuse, tell};

/// The variable that names another place of the released source: a mirror, or `http://127.0.0.1:…` in tests.
const VARIABLE: &str = "EDITSCALE_PROMPTS_URL";

/// The released source at the commit that was followed.
const SOURCE: &str =
    "https://raw.githubusercontent.com/TIGER-AI-Lab/EditReward/edb027edde6080b8a9521ef8e87049b3797f8374";

/// What the licences' list says of them.
pub(super) const LICENCE: &str = "prompts of TIGER-AI-Lab/EditReward: mit";

/// The two files take 20 kB.
const MOST_BYTES: u64 = 1 << 20;

/// A prompt of a model directory, and the constant of the released source that it is.
struct Prompt {
    file: &'static str,
    module: &'static str,
    constant: &'static str,
    sha256: &'static str,
}

const PROMPTS: [Prompt; 3] = [
    Prompt {
        file: "prompts/instruction_following.txt",
        module: "EditReward/dataset/prompts.py",
        constant: "INSTRUCTION_EDIT_FOLLOWING",
        sha256: "da5bfc26898cc8e0e534a29675ad78c3462d331b7feaebf13bae5aa50195864f",
    },
    Prompt {
        file: "prompts/visual_quality.txt",
        module: "EditReward/dataset/prompts.py",
        constant: "INSTRUCTION_EDIT_QUALITY",
        sha256: "89bbc5c2ac1bbea9c45a0fde298e9a97d1c079170a30780392c577fc1cd8d286",
    },
    Prompt {
        file: "prompts/tail.txt",
        module: "EditReward/dataset/data_collator_qwen_edit.py",
        constant: "prompt_with_special_token",
        sha256: "2471faca094ae5bd6fe17b71dce20c3d7583625545e235889f7e74e7eeb69d0a",
    },
];

/// Where prompts come from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Origin<'a> {
    /// A folder of this machine that holds the three files.
    Folder(&'a Path),
    /// The judge's own repository.
    Own(&'a Snapshot),
    /// The released source.
    Released,
}

impl<'a> Origin<'a> {
    /// The user's folder, else the repository if it is complete by itself, else the released source.
    pub(super) fn of(folder: Option<&'a Path>, judge: &'a Snapshot, has_base: bool) -> Self {
        let is_complete = || PROMPTS.iter().all(|prompt| judge.file(prompt.file).is_some());
        match folder {
            Some(folder) => Self::Folder(folder),
            None if !has_base && is_complete() => Self::Own(judge),
            None => Self::Released,
        }
    }
}

/// Brings the three files into a model directory.
pub(super) async fn bring(hub: &Hub, client: &Client, origin: Origin<'_>, folder: &Path) -> Result<()> {
    match origin {
        Origin::Folder(from) => copy(from, folder),
        Origin::Own(judge) => {
            for prompt in &PROMPTS {
                let file = judge.file(prompt.file).ok_or_else(|| anyhow!("{}: no `{}`", judge.repo, prompt.file))?;
                hub.fetch(judge, file, &folder.join(prompt.file), &|_| ()).await?;
            }
            Ok(())
        }
        Origin::Released if PROMPTS.iter().all(|prompt| prompt.is_in(folder)) => Ok(()),
        Origin::Released if hub.is_offline() => {
            bail!(
                "the prompts are not in {}, and HF_HUB_OFFLINE forbids to fetch them: give a folder with --prompts",
                folder.display()
            )
        }
        Origin::Released => released(client, folder).await,
    }
}

/// Takes the constants out of the released source.
async fn released(client: &Client, folder: &Path) -> Result<()> {
    let base = env::var(VARIABLE).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| SOURCE.to_owned());
    let mut module: Option<(&str, String)> = None;
    for prompt in &PROMPTS {
        let url = format!("{}/{}", base.trim_end_matches('/'), prompt.module);
        let source = match module {
            Some((name, source)) if name == prompt.module => source,
            _ => client.text(&url, &TextRules::up_to(MOST_BYTES)).await?,
        };
        let text = constant(&source, prompt.constant).map_err(|reason| anyhow!("{url}: {reason}"))?;
        let (expected, found) = (prompt.sha256, sum(text.as_bytes()));
        if found != expected {
            bail!("{url}: `{}` has SHA-256 {found}: expected {expected}, as at commit edb027e", prompt.constant);
        }
        write_whole(&folder.join(prompt.file), text.as_bytes())?;
        module = Some((prompt.module, source));
    }
    Ok(())
}

/// Copies a user's own files, and says so if they are others than the released ones.
fn copy(from: &Path, folder: &Path) -> Result<()> {
    for prompt in &PROMPTS {
        let name = Path::new(prompt.file).file_name().unwrap_or_default();
        let path = from.join(name);
        let text = fs::read(&path).map_err(|error| {
            let hint = "a folder of prompts holds instruction_following.txt, visual_quality.txt and tail.txt";
            Misuse::new(format!("{}: {error}", path.display())).hint(hint)
        })?;
        if sum(&text) != prompt.sha256 {
            tell(&format!("note: {} is not the text that the released checkpoints were trained with", path.display()));
        }
        write_whole(&folder.join(prompt.file), &text).context("the prompts")?;
    }
    Ok(())
}

impl Prompt {
    fn is_in(&self, folder: &Path) -> bool {
        fs::read(folder.join(self.file)).is_ok_and(|text| sum(&text) == self.sha256)
    }
}

fn sum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
