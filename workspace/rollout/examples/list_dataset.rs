//! Prints a data set's rows as lines of JSON: id, instruction, the pictures' sizes, kept columns; or what is wrong with a row.
//!
//! usage: `list_dataset DATASET [PART=COLUMN …] [subset=FOLDER]`, where PART is `source`, `instruction`, `edited`, `mask`, `id`,
//! `seed` or `keep`; `edited=usual` looks for usual names. With `subset`, every second row is written there as a data set, and
//! the last line says what was written.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "stdout is what it is for")]

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use editscale_fetch::Patience;
use editscale_picture::Limits;
use editscale_rollout::dataset::{Dataset, PictureProblem, Pictures};
use editscale_rollout::{Columns, Edited, Row, RowPicture, RowProblem};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = PathBuf::from(arguments.next().context("expected the path of a data set")?);
    let (subset, pairs): (Vec<String>, Vec<String>) = arguments.partition(|pair| pair.starts_with("subset="));
    let dataset = Dataset::open(&path, &columns(pairs.into_iter())?)?;
    eprintln!("{}", dataset.describe());
    eprintln!("fingerprint {}", dataset.fingerprint());
    let pictures = Pictures::new(Limits::default(), Patience::default());
    for (number, listed) in (0..).zip(dataset.list()) {
        let listed = listed?;
        let row = listed.problem.map_or_else(|| dataset.fetch(&listed.place, number), Err);
        println!("{}", told(&pictures, row).await);
    }
    if let Some(folder) = subset.first().and_then(|pair| pair.strip_prefix("subset=")) {
        println!("{}", every_second(&dataset, Path::new(folder))?);
    }
    Ok(())
}

fn every_second(dataset: &Dataset, folder: &Path) -> anyhow::Result<Value> {
    let mut subset = dataset.subset(folder)?;
    for listed in dataset.list().step_by(2) {
        subset.keep(&listed?.place)?;
    }
    let done = subset.finish()?;
    let pictures = json!({"linked": done.linked, "copied": done.copied, "left": done.left});
    Ok(json!({"subset": {"rows": done.rows, "files": done.files, "pictures": pictures}}))
}

fn columns(pairs: impl Iterator<Item = String>) -> anyhow::Result<Columns> {
    let mut columns = Columns::default();
    for pair in pairs {
        let (part, name) = pair.split_once('=').with_context(|| format!("expected PART=COLUMN, found `{pair}`"))?;
        let name = name.to_owned();
        match part {
            "source" => columns.source = Some(name),
            "instruction" => columns.instruction = Some(name),
            "edited" => match &mut columns.edited {
                _ if name == "usual" => columns.edited = Edited::Usual,
                Edited::Named(names) => names.push(name),
                _ => columns.edited = Edited::Named(vec![name]),
            },
            "mask" => columns.mask = Some(name),
            "id" => columns.id = Some(name),
            "seed" => columns.seed = Some(name),
            "keep" => columns.keep.push(name),
            _ => bail!("`{part}` is no part of a row"),
        }
    }
    Ok(columns)
}

async fn told(pictures: &Pictures, row: Result<Row, RowProblem>) -> Value {
    let row = match row {
        Ok(row) => row,
        Err(problem) => return json!({"problem": problem.to_string()}),
    };
    let sizes = async || {
        let mut sizes = Vec::new();
        for picture in [&row.source].into_iter().chain(&row.mask).chain(&row.edited) {
            sizes.push(size(pictures, picture).await?);
        }
        Ok::<_, PictureProblem>(sizes)
    };
    let mut sizes = match sizes().await {
        Ok(sizes) => sizes.into_iter(),
        Err(problem) => return json!({"id": row.id, "problem": problem.to_string()}),
    };
    let [width, height] = sizes.next().unwrap_or_default();
    let mask = row.mask.as_ref().and_then(|_| sizes.next());
    json!({
        "id": row.id,
        "instruction": row.instruction,
        "width": width,
        "height": height,
        "mask": mask,
        "edited": sizes.collect::<Vec<_>>(),
        "seed": row.seed,
        "extra": row.extra,
    })
}

async fn size(pictures: &Pictures, picture: &RowPicture) -> Result<[u32; 2], PictureProblem> {
    let loaded = pictures.load(picture).await?;
    Ok([loaded.size.width, loaded.size.height])
}
