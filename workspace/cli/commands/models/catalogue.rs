//! The models that have names here.

use anyhow::Result;
use editscale_fetch::RepoId;
use editscale_models::editors::{PipelineClass, flux_kontext, instruct_pix2pix, qwen_image_edit, step1x_edit};

use crate::args::ModelsPull;
use crate::failure::Misuse;

/// A released model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) repo: &'static str,
    pub(super) kind: Kind,
    /// What it takes on the disk, about.
    pub(super) bytes: u64,
    /// What its licence is best known for, where its card names it by a word only.
    terms: Option<&'static str>,
}

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A judge.
    Judge {
        /// The model that it was trained from. The checkpoint comes without tokenizer, template and configuration: the
        /// released code takes them from here.
        base: &'static str,
    },
    /// A pipeline that edits pictures.
    Editor {
        /// Its class in diffusers.
        class: PipelineClass,
    },
}

pub(super) const KNOWN: [Known; 9] = [
    Known {
        name: "editreward-qwen2.5-vl-7b",
        repo: "TIGER-Lab/EditReward-Qwen2.5-VL-7B",
        kind: Kind::Judge { base: "Qwen/Qwen2.5-VL-7B-Instruct" },
        bytes: 16_600_000_000,
        terms: None,
    },
    Known {
        name: "editreward-mimo-vl-7b",
        repo: "TIGER-Lab/EditReward-MiMo-VL-7B-SFT-2508",
        kind: Kind::Judge { base: "XiaomiMiMo/MiMo-VL-7B-SFT-2508" },
        bytes: 16_600_000_000,
        terms: None,
    },
    Known {
        name: "instruct-pix2pix",
        repo: "timbrooks/instruct-pix2pix",
        kind: Kind::Editor { class: instruct_pix2pix::CLASS },
        bytes: 4_270_000_000,
        terms: None,
    },
    Known {
        name: "flux-kontext",
        repo: "black-forest-labs/FLUX.1-Kontext-dev",
        kind: Kind::Editor { class: flux_kontext::CLASS },
        bytes: 33_740_000_000,
        terms: Some("weights of FLUX.1 [dev] models: a non-commercial licence, to be accepted on their page as well"),
    },
    qwen("qwen-image-edit", "Qwen/Qwen-Image-Edit", qwen_image_edit::EDIT),
    qwen("qwen-image-edit-2509", "Qwen/Qwen-Image-Edit-2509", qwen_image_edit::EDIT_PLUS),
    qwen("qwen-image-edit-2511", "Qwen/Qwen-Image-Edit-2511", qwen_image_edit::EDIT_PLUS),
    Known {
        name: "step1x-edit",
        repo: "stepfun-ai/Step1X-Edit-v1p1-diffusers",
        kind: Kind::Editor { class: step1x_edit::CLASSES[0] },
        bytes: 41_790_000_000,
        terms: None,
    },
    Known {
        name: "step1x-edit-v1p2",
        repo: "stepfun-ai/Step1X-Edit-v1p2",
        kind: Kind::Editor { class: step1x_edit::CLASSES[1] },
        bytes: 41_810_000_000,
        terms: None,
    },
];

/// A release of Qwen-Image-Edit: all have networks of one shape.
const fn qwen(name: &'static str, repo: &'static str, class: PipelineClass) -> Known {
    Known { name, repo, kind: Kind::Editor { class }, bytes: 57_700_000_000, terms: None }
}

/// What to pull.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// What its folder is called.
    pub(super) name: String,
    pub(super) repo: RepoId,
    pub(super) kind: WantedKind,
    /// What its licence is best known for.
    pub(super) terms: Option<&'static str>,
}

/// What is to be pulled, as far as it is known before its repository has been looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WantedKind {
    /// A judge, whose files beside the weights come from a base model.
    Judge { base: RepoId },
    /// A pipeline of this class.
    Editor { class: PipelineClass },
    /// What the repository's files say.
    Open,
}

/// A model by its name.
pub(super) fn known(name: &str) -> Option<Known> {
    KNOWN.into_iter().find(|known| known.name == name)
}

/// What the command line asks for: a name, or OWNER/REPO.
pub(super) fn wanted(arguments: &ModelsPull) -> Result<Wanted> {
    let name = arguments.name.as_str();
    let known = known(name).or_else(|| KNOWN.into_iter().find(|known| known.repo == name));
    let base = arguments.base.as_deref().map(repository).transpose()?;
    if let Some(known) = known {
        let kind = match known.kind {
            Kind::Judge { base: usual } => WantedKind::Judge { base: base.map_or_else(|| repository(usual), Ok)? },
            Kind::Editor { class } => {
                no_judge(arguments)?;
                WantedKind::Editor { class }
            }
        };
        let (name, repo) = (known.name.to_owned(), repository(known.repo)?);
        return Ok(Wanted { name, repo, kind, terms: known.terms });
    }
    if !name.contains('/') {
        let names: Vec<&str> = KNOWN.iter().map(|known| known.name).collect();
        let misuse = Misuse::new(format!("no model is called `{name}`"));
        return Err(misuse.hint(format!("known are {}; others are pulled by OWNER/REPO", names.join(", "))).into());
    }
    let kind = base.map_or(WantedKind::Open, |base| WantedKind::Judge { base });
    Ok(Wanted { name: name.replace('/', "--"), repo: repository(name)?, kind, terms: None })
}

fn repository(text: &str) -> Result<RepoId> {
    RepoId::new(text).map_err(|error| Misuse::new(error.to_string()).into())
}

/// Refuses what only judges have.
pub(super) fn no_judge(arguments: &ModelsPull) -> Result<()> {
    let given = [("--base", arguments.base.is_some()), ("--prompts", arguments.prompts.is_some())];
    match given.iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) => {
            let message = format!("`{}` is a pipeline that edits pictures: {flag} is for judges", arguments.name);
            Err(Misuse::new(message).hint(format!("leave {flag} out")).into())
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &str, base: Option<&str>) -> Result<Wanted> {
        let base = base.map(ToOwned::to_owned);
        let plain = ModelsPull { name: name.to_owned(), base, revision: "main".to_owned(), ..ModelsPull::default() };
        wanted(&plain)
    }

    #[test]
    fn names_and_repositories_are_understood() {
        for name in ["editreward-qwen2.5-vl-7b", "TIGER-Lab/EditReward-Qwen2.5-VL-7B"] {
            let wanted = asked(name, None).unwrap();
            assert_eq!(wanted.name, "editreward-qwen2.5-vl-7b");
            let base = RepoId::new("Qwen/Qwen2.5-VL-7B-Instruct").unwrap();
            assert_eq!(wanted.kind, WantedKind::Judge { base });
        }
        for name in ["flux-kontext", "black-forest-labs/FLUX.1-Kontext-dev"] {
            let wanted = asked(name, None).unwrap();
            assert_eq!(wanted.kind, WantedKind::Editor { class: flux_kontext::CLASS });
            assert!(asked(name, Some("you/yours")).is_err());
        }
        for (name, class) in [
            ("qwen-image-edit", qwen_image_edit::EDIT),
            ("qwen-image-edit-2509", qwen_image_edit::EDIT_PLUS),
            ("Qwen/Qwen-Image-Edit-2511", qwen_image_edit::EDIT_PLUS),
        ] {
            assert_eq!(asked(name, None).unwrap().kind, WantedKind::Editor { class });
        }
        let other = asked("me/mine", None).unwrap();
        assert_eq!((other.name.as_str(), other.kind), ("me--mine", WantedKind::Open));
        let base = RepoId::new("you/yours").unwrap();
        assert_eq!(asked("me/mine", Some("you/yours")).unwrap().kind, WantedKind::Judge { base });
        for bad in ["mine", "me/../mine", "a/b/c"] {
            assert!(asked(bad, None).is_err(), "{bad}");
        }
    }
}
