//! Pipelines that edit pictures: what of a repository belongs to one, and fetching it.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, anyhow, bail};
use editscale_fetch::{RemoteFile, Snapshot};
use editscale_models::editors::{Component, Depth, PipelineClass, verify_to};

use crate::commands::models::catalogue::{Wanted, WantedKind, no_judge};
use crate::commands::models::pull::Pull;
use crate::commands::models::record::path;
use crate::commands::models::weights::{listing, shards};

/// What a component needs beside its weights, where it has some.
const CONFIG: &str = "config.json";

/// What components without weights consist of.
const SMALL: [&str; 3] = [".json", ".txt", ".model"];

/// Formats of weights that are not read.
const OTHER_WEIGHTS: [&str; 5] = [".bin", ".ckpt", ".pt", ".pth", ".msgpack"];

/// Whether a repository holds a pipeline.
pub(super) fn is_one(snapshot: &Snapshot) -> bool {
    snapshot.file(PipelineClass::INDEX).is_some()
}

/// Brings a pipeline: small files first, which are checked, and then the weights.
pub(super) async fn bring(pull: &Pull<'_>, wanted: &Wanted) -> Result<()> {
    no_judge(pull.arguments)?;
    let (snapshot, folder) = (pull.snapshot, pull.folder);
    let index = snapshot.file(PipelineClass::INDEX).ok_or_else(|| lacks(snapshot, PipelineClass::INDEX))?;
    if let WantedKind::Editor { class } = wanted.kind {
        Plan::of(snapshot, class)?;
    }
    let licence = format!("{}: {}", snapshot.repo, snapshot.licence);
    let licences = std::iter::once(licence).chain(wanted.terms.map(ToOwned::to_owned)).collect();
    let mut fetching = pull.begin(None, licences)?;
    fetching.small(&[index]).await?;
    let class = PipelineClass::read(&path(folder, index))?;
    if let WantedKind::Editor { class: expected } = wanted.kind
        && class != expected
    {
        bail!("{} is a `{}`: expected a `{}`", snapshot.repo, class.name(), expected.name());
    }
    let plan = Plan::of(snapshot, class)?;
    fetching.small(&plan.small).await?;
    let large = plan.large(snapshot, folder)?;
    let all = std::iter::once(index).chain(plan.small).chain(large.iter().copied());
    fetching.record.remove_others(folder, &all.map(|file| file.path.as_str()).collect::<BTreeSet<_>>())?;
    verify_to(folder, Depth::Settings)?;
    fetching.large(&large, 0).await
}

/// Which files of a repository make up a pipeline.
struct Plan<'a> {
    /// Settings, tokenizers, and the indexes of shards.
    small: Vec<&'a RemoteFile>,
    /// The weights of each component.
    weights: Vec<Weights<'a>>,
}

/// How a component has its weights.
enum Weights<'a> {
    Single(&'a RemoteFile),
    /// The index of its shards.
    Shards(&'a RemoteFile),
}

impl<'a> Plan<'a> {
    /// Fails where a component has nothing that can be used, and names all such.
    fn of(snapshot: &'a Snapshot, class: PipelineClass) -> Result<Self> {
        let mut plan = Self { small: Vec::new(), weights: Vec::new() };
        let mut reasons = Vec::new();
        for component in class.components() {
            let small = small_files(snapshot, component);
            if small.is_empty() {
                let name = if component.stem.is_some() { CONFIG } else { "*.json" };
                reasons.push(format!("it has no `{}/{name}`", component.name));
            }
            plan.small.extend(small);
            let Some(stem) = component.stem else { continue };
            match weights(snapshot, component.name, stem) {
                Ok(weights) => {
                    plan.small.extend(weights.index());
                    plan.weights.push(weights);
                }
                Err(reason) => reasons.push(reason),
            }
        }
        if reasons.is_empty() {
            return Ok(plan);
        }
        let (repo, commit) = (&snapshot.repo, &snapshot.commit);
        Err(anyhow!("{repo} at {commit} is no `{}` that can be used:\n  {}", class.name(), reasons.join("\n  ")))
    }

    /// The files of weights. Indexes have to be there.
    fn large(&self, snapshot: &'a Snapshot, folder: &Path) -> Result<Vec<&'a RemoteFile>> {
        let files = |weights: &Weights<'a>| match weights {
            Weights::Single(file) => Ok(vec![*file]),
            Weights::Shards(index) => shards(snapshot, index, folder),
        };
        Ok(self.weights.iter().map(files).collect::<Result<Vec<_>>>()?.concat())
    }
}

impl<'a> Weights<'a> {
    fn index(&self) -> Option<&'a RemoteFile> {
        match self {
            Self::Single(_) => None,
            Self::Shards(index) => Some(index),
        }
    }
}

/// The files of a component, by their names in its folder.
fn inside<'a>(snapshot: &'a Snapshot, component: &str) -> impl Iterator<Item = (&'a str, &'a RemoteFile)> {
    let name = move |file: &'a RemoteFile| file.path.strip_prefix(component)?.strip_prefix('/');
    snapshot.files.iter().filter_map(move |file| Some((name(file)?, file)))
}

fn small_files<'a>(snapshot: &'a Snapshot, component: &Component) -> Vec<&'a RemoteFile> {
    let is_wanted = |name: &str| match component.stem {
        Some(_) => name == CONFIG,
        None => SMALL.iter().any(|ending| name.ends_with(ending)) && !name.contains('/') && !name.starts_with('.'),
    };
    inside(snapshot, component.name).filter(|(name, _)| is_wanted(name)).map(|(_, file)| file).collect()
}

/// The weights of a component in the precision that its main files have; in half precision where there is nothing else.
fn weights<'a>(snapshot: &'a Snapshot, component: &str, stem: &str) -> Result<Weights<'a>, String> {
    let file = |ending: &str| snapshot.file(&format!("{component}/{stem}{ending}"));
    let single = file(".safetensors").map(Weights::Single);
    let found = single.or_else(|| file(".safetensors.index.json").map(Weights::Shards));
    found.or_else(|| file(".fp16.safetensors").map(Weights::Single)).ok_or_else(|| {
        let expected = format!("expected `{component}/{stem}.safetensors`, or its index with shards");
        let is_other = |name: &str| OTHER_WEIGHTS.iter().any(|ending| name.ends_with(ending));
        if let Some((name, _)) = inside(snapshot, component).find(|(name, _)| is_other(name)) {
            return format!("the only weights of `{component}` are `{name}`, which is not read here: {expected}");
        }
        let names: Vec<String> = inside(snapshot, component).map(|(name, _)| format!("`{name}`")).collect();
        let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        format!("`{component}` has no weights: {expected}; it holds {names}")
    })
}

fn lacks(snapshot: &Snapshot, name: &str) -> anyhow::Error {
    anyhow!("{} at {} has no `{name}`; it holds {}", snapshot.repo, snapshot.commit, listing(snapshot))
}
