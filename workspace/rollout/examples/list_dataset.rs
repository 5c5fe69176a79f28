//! Prints a data set's rows as lines of JSON: id, instruction, the picture's size, kept columns; or what is wrong with a row.
//!
//! usage: `list_dataset DATASET [PART=COLUMN …]`, where PART is `source`, `instruction`, `mask`, `id`, `seed` or `keep`

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "stdout is what it is for")]

use std::path::PathBuf;

use anyhow::{Context, bail};
use editscale_fetch::Patience;
use editscale_picture::Limits;
use editscale_rollout::dataset::{Dataset, Pictures};
use editscale_rollout::{Columns, Row, RowProblem};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = PathBuf::from(arguments.next().context("expected the path of a data set")?);
    let dataset = Dataset::open(&path, &columns(arguments)?)?;
    eprintln!("{}", dataset.describe());
    eprintln!("fingerprint {}", dataset.fingerprint());
    let pictures = Pictures::new(Limits::default(), Patience::default());
    for (number, listed) in (0..).zip(dataset.list()) {
        let listed = listed?;
        let row = listed.problem.map_or_else(|| dataset.fetch(&listed.place, number), Err);
        println!("{}", told(&pictures, row).await);
    }
    Ok(())
}

fn columns(pairs: impl Iterator<Item = String>) -> anyhow::Result<Columns> {
    let mut columns = Columns::default();
    for pair in pairs {
        let (part, name) = pair.split_once('=').with_context(|| format!("expected PART=COLUMN, found `{pair}`"))?;
        let name = name.to_owned();
        match part {
            "source" => columns.source = Some(name),
            "instruction" => columns.instruction = Some(name),
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
    let mask = match &row.mask {
        Some(mask) => Some(pictures.load(mask).await),
        None => None,
    };
    match (pictures.load(&row.source).await, mask.transpose()) {
        (Ok(source), Ok(mask)) => json!({
            "id": row.id,
            "instruction": row.instruction,
            "width": source.size.width,
            "height": source.size.height,
            "mask": mask.map(|mask| [mask.size.width, mask.size.height]),
            "seed": row.seed,
            "extra": row.extra,
        }),
        (Err(problem), _) | (_, Err(problem)) => json!({"id": row.id, "problem": problem.to_string()}),
    }
}
