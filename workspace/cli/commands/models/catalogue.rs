//! The models that have names here.

use anyhow::Result;
use editscale_fetch::RepoId;

use crate::args::ModelsPull;
use crate::failure::Misuse;

/// A released checkpoint.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) repo: &'static str,
    /// The model that it was trained from. The checkpoint comes without tokenizer, template and configuration: the
    /// released code takes them from here.
    pub(super) base: &'static str,
    /// What it takes on the disk, about.
    pub(super) bytes: u64,
}

pub(super) const KNOWN: [Known; 2] = [
    Known {
        name: "editreward-qwen2.5-vl-7b",
        repo: "TIGER-Lab/EditReward-Qwen2.5-VL-7B",
        base: "Qwen/Qwen2.5-VL-7B-Instruct",
        bytes: 16_600_000_000,
    },
    Known {
        name: "editreward-mimo-vl-7b",
        repo: "TIGER-Lab/EditReward-MiMo-VL-7B-SFT-2508",
        base: "XiaomiMiMo/MiMo-VL-7B-SFT-2508",
        bytes: 16_600_000_000,
    },
];

/// What to pull.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// What its folder is called.
    pub(super) name: String,
    pub(super) repo: RepoId,
    /// Where the files beside the weights come from; else from the repository itself.
    pub(super) base: Option<RepoId>,
}

/// A model by its name.
pub(super) fn known(name: &str) -> Option<Known> {
    KNOWN.into_iter().find(|known| known.name == name)
}

/// What the command line asks for: a name, or OWNER/REPO.
pub(super) fn wanted(arguments: &ModelsPull) -> Result<Wanted> {
    let repository = |text: &str| RepoId::new(text).map_err(|error| Misuse::new(error.to_string()));
    let named = arguments.base.as_deref().map(repository).transpose()?;
    let name = arguments.name.as_str();
    let known = known(name).or_else(|| KNOWN.into_iter().find(|known| known.repo == name));
    if let Some(known) = known {
        let base = named.map_or_else(|| repository(known.base), Ok)?;
        return Ok(Wanted { name: known.name.to_owned(), repo: repository(known.repo)?, base: Some(base) });
    }
    if !name.contains('/') {
        let names: Vec<&str> = KNOWN.iter().map(|known| known.name).collect();
        let misuse = Misuse::new(format!("no model is called `{name}`"));
        return Err(misuse.hint(format!("known are {}; others are pulled by OWNER/REPO", names.join(", "))).into());
    }
    Ok(Wanted { name: name.replace('/', "--"), repo: repository(name)?, base: named })
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
            assert_eq!(wanted.base.unwrap().as_str(), "Qwen/Qwen2.5-VL-7B-Instruct");
        }
        let other = asked("me/mine", None).unwrap();
        assert_eq!((other.name.as_str(), other.base), ("me--mine", None));
        assert!(asked("me/mine", Some("you/yours")).unwrap().base.is_some());
        for bad in ["mine", "me/../mine", "a/b/c"] {
            assert!(asked(bad, None).is_err(), "{bad}");
        }
    }
}
