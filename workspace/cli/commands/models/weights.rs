//! The weights of a judge, in whichever of the layouts its repository has them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use editscale_fetch::{RemoteFile, Snapshot};
use editscale_models::weights::convert_pth;
use serde::Deserialize;

use crate::commands::models::fetching::Fetching;
use crate::commands::models::place::part;
use crate::commands::models::record::{is_plain, path};
use crate::failure::tell;

const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
const PICKLES: [&str; 2] = ["model.pth", "final_model.pth"];

/// File names of an error are no more than this.
const MOST_NAMES: usize = 20;

/// How a repository holds its weights.
#[derive(Debug)]
enum Layout<'a> {
    Single(&'a RemoteFile),
    Shards(&'a RemoteFile),
    Pickle(&'a RemoteFile),
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// Says early that a repository has no weights that are known here.
pub(super) fn check(judge: &Snapshot) -> Result<()> {
    layout(judge).map(|_| ())
}

fn layout(judge: &Snapshot) -> Result<Layout<'_>> {
    let pickle = || PICKLES.into_iter().find_map(|name| judge.file(name)).map(Layout::Pickle);
    let single = judge.file(SINGLE).map(Layout::Single);
    let found = single.or_else(|| judge.file(INDEX).map(Layout::Shards)).or_else(pickle);
    found.ok_or_else(|| {
        let expected = format!("expected `{SINGLE}`, `{INDEX}` with its shards, or `{}`", PICKLES.join("` or `"));
        anyhow!(
            "{} at {} has no weights that are known here: {expected}; it holds {}",
            judge.repo,
            judge.commit,
            listing(judge)
        )
    })
}

/// The names of a repository's files, for errors.
pub(super) fn listing(snapshot: &Snapshot) -> String {
    let names: Vec<String> = snapshot.files.iter().take(MOST_NAMES).map(|file| format!("`{}`", file.path)).collect();
    let more = snapshot.files.len().saturating_sub(names.len());
    match (names.len(), more) {
        (0, _) => "no files".to_owned(),
        (_, 0) => names.join(", "),
        _ => format!("{} and {more} more", names.join(", ")),
    }
}

/// Brings them. What is there already is not fetched again; a `.pth` file is converted without running what is in it.
pub(super) async fn bring(fetching: &mut Fetching<'_>) -> Result<()> {
    let (judge, folder) = (fetching.from, fetching.folder);
    let layout = layout(judge)?;
    if !matches!(layout, Layout::Shards(_)) {
        fs::remove_file(folder.join(INDEX)).ok();
    }
    match layout {
        Layout::Single(file) => {
            make_way(fetching, &[SINGLE])?;
            fetching.large(&[file], 0).await
        }
        Layout::Shards(index) => {
            fetching.hub.fetch(judge, index, &path(folder, index), &|_| ()).await?;
            let shards = shards(judge, index, folder)?;
            make_way(fetching, &shards.iter().map(|file| file.path.as_str()).collect::<Vec<_>>())?;
            fetching.large(&shards, 0).await
        }
        Layout::Pickle(file) => {
            make_way(fetching, &[SINGLE, &file.path])?;
            let pickle = path(folder, file);
            if !fetching.record.has_made(folder, SINGLE, file) {
                // Its copy in the other format takes as much again.
                fetching.large(&[file], file.bytes.unwrap_or(0)).await?;
                tell(&format!("converting {}", pickle.display()));
                convert(&pickle, &folder.join(SINGLE))?;
                fetching.record.add_made(folder, SINGLE, file)?;
            }
            // One that was converted before a kill is still there.
            match fs::remove_file(&pickle) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    Err(error).with_context(|| format!("{}: cannot be removed", pickle.display()))
                }
                _ => Ok(()),
            }
        }
    }
}

/// Removes weights of an earlier commit that are not among these: in another layout they would be what is opened.
fn make_way(fetching: &mut Fetching<'_>, wanted: &[&str]) -> Result<()> {
    fetching.record.remove_others(fetching.folder, &wanted.iter().copied().collect())
}

/// Converts a `.pth` file. The result appears whole or not at all.
pub(super) fn convert(pickle: &Path, to: &Path) -> Result<()> {
    let part = part(to);
    convert_pth(pickle, &part)?;
    fs::rename(&part, to).with_context(|| format!("{}: cannot be written", to.display()))
}

/// The shards that an index names, which has been fetched, as files of the repository beside it.
pub(super) fn shards<'a>(from: &'a Snapshot, index: &RemoteFile, folder: &Path) -> Result<Vec<&'a RemoteFile>> {
    let file = path(folder, index);
    let text = fs::read(&file).with_context(|| format!("{}: cannot be read", file.display()))?;
    let read: Index = serde_json::from_slice(&text).with_context(|| format!("{}: is not an index", file.display()))?;
    let mut names: Vec<&String> = read.weight_map.values().collect();
    names.sort();
    names.dedup();
    let prefix = index.path.rsplit_once('/').map_or_else(String::new, |(place, _)| format!("{place}/"));
    let shard = |name: &String| {
        // Names become local paths.
        let is_good = is_plain(name) && name.ends_with(".safetensors") && !name.contains('/');
        let missing = || anyhow!("{}: the index names `{name}`; {} holds {}", from.repo, from.repo, listing(from));
        from.file(&format!("{prefix}{name}")).filter(|_| is_good).ok_or_else(missing)
    };
    names.into_iter().map(shard).collect()
}
