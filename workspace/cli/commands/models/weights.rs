//! The weights of a judge, in whichever of the layouts its repository has them, and fetching of large files.

use std::collections::BTreeMap;
use std::fs;
use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use editscale_fetch::{Hub, RemoteFile, Snapshot, ensure_room};
use editscale_models::weights::convert_pth;
use indicatif::{DecimalBytes, ProgressBar, ProgressStyle};
use serde::Deserialize;

use crate::commands::models::place::part;
use crate::commands::models::record::{Record, is_plain, path};
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
pub(super) async fn bring(hub: &Hub, judge: &Snapshot, folder: &Path, record: &mut Record) -> Result<()> {
    match layout(judge)? {
        Layout::Single(file) => files(hub, judge, &[file], 0, folder, record).await,
        Layout::Shards(index) => {
            hub.fetch(judge, index, &path(folder, index), &|_| ()).await?;
            let shards = shards(judge, index, folder)?;
            files(hub, judge, &shards, 0, folder, record).await
        }
        Layout::Pickle(file) if record.has_made(folder, SINGLE, file) => Ok(()),
        Layout::Pickle(file) => {
            // Its copy in the other format takes as much again.
            files(hub, judge, &[file], file.bytes.unwrap_or(0), folder, record).await?;
            let pickle = path(folder, file);
            tell(&format!("converting {}", pickle.display()));
            convert(&pickle, &folder.join(SINGLE))?;
            record.add_made(folder, SINGLE, file)?;
            fs::remove_file(&pickle).with_context(|| format!("{}: cannot be removed", pickle.display()))
        }
    }
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

/// Fetches files that are not there yet, after a look at the free space: `more` is what will be needed besides.
pub(super) async fn files(
    hub: &Hub,
    from: &Snapshot,
    wanted: &[&RemoteFile],
    more: u64,
    folder: &Path,
    record: &mut Record,
) -> Result<()> {
    let missing: Vec<&RemoteFile> = wanted.iter().copied().filter(|file| !record.has(folder, file)).collect();
    let needed = missing.iter().map(|file| hub.to_fetch(file, &path(folder, file))).sum::<u64>() + more;
    ensure_room(folder, needed)?;
    for file in missing {
        one(hub, from, file, folder).await?;
        record.add(folder, file)?;
    }
    Ok(())
}

async fn one(hub: &Hub, from: &Snapshot, file: &RemoteFile, folder: &Path) -> Result<()> {
    if !is_plain(&file.path) {
        bail!("{}: `{}` is no name of a file of a model", from.repo, file.path);
    }
    let size = file.bytes.map(|bytes| format!(" ({})", DecimalBytes(bytes))).unwrap_or_default();
    tell(&format!("fetching {}{size}", file.path));
    let bar = bar(file.bytes);
    let fetched = hub.fetch(from, file, &path(folder, file), &|bytes| bar.set_position(bytes)).await;
    bar.finish_and_clear();
    Ok(fetched?)
}

fn bar(bytes: Option<u64>) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = bytes.map_or_else(ProgressBar::no_length, ProgressBar::new);
    let style = ProgressStyle::with_template(
        "{bar:28} {decimal_bytes} of {decimal_total_bytes} · {decimal_bytes_per_sec} · about {eta} left",
    );
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}
