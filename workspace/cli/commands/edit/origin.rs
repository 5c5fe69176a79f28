//! The candidate of an earlier run that an edit goes on from, as `--from RUN:CANDIDATE` names it.

use std::path::Path;

use anyhow::{Result, bail};
use editscale_core::{EncodedImage, Image};
use editscale_engine::{RunRecord, read_run};

use crate::failure::Misuse;

/// The most candidates that an error lists.
const MOST_LISTED: usize = 12;

/// The picture, and what it is called: the run's name and the candidate's number.
pub(super) fn origin(from: &str) -> Result<(EncodedImage, String)> {
    let shape = || {
        Misuse::new(format!("--from `{from}`: expected RUN:CANDIDATE, a number or `best`"))
            .hint("--from runs/photo-1a2b3c4d:5")
    };
    let (run, candidate) = from.rsplit_once(':').ok_or_else(shape)?;
    let number = match candidate {
        "best" => None,
        number => Some(number.parse::<u32>().map_err(|_| shape())?),
    };
    let record =
        read_run(Path::new(run)).map_err(|error| Misuse::new(format!("cannot continue from {from}: {error}")))?;
    let id = number.or_else(|| best(&record)).ok_or_else(|| {
        Misuse::new(format!("--from {from}: the run has chosen none")).hint("name a candidate by its number")
    })?;
    Ok((picture(&record, from, id)?, format!("{}:{id}", record.manifest.run)))
}

/// The candidate that the run chose; nothing while it is unfinished, or where none could be judged.
fn best(record: &RunRecord) -> Option<u32> {
    Some(record.concluded.as_ref()?.ranked.first()?.id.0)
}

fn picture(record: &RunRecord, from: &str, id: u32) -> Result<EncodedImage> {
    let Some(known) = record.candidates.get(id as usize) else {
        bail!(Misuse::new(format!("--from {from}: the run has {} candidates", record.candidates.len())));
    };
    match &known.made {
        Some(Ok(made)) => {
            let bytes = made.image.read().map_err(|error| absent(record, id, &error.to_string()))?;
            Ok(EncodedImage { media: made.image.media(), size: made.image.size(), bytes })
        }
        Some(Err(why)) => bail!("candidate {id} has no picture: {why}"),
        None => bail!("candidate {id} has no picture: the run is unfinished"),
    }
}

/// Most recipes with many candidates keep the best few alone: whoever asks for another is told which are there.
fn absent(record: &RunRecord, id: u32, why: &str) -> Misuse {
    let image = |made: &editscale_engine::MadeRecord| made.image.clone();
    let images = record.candidates.iter().map(|known| known.made.as_ref()?.as_ref().ok().map(image));
    let kept: Vec<String> =
        images.enumerate().filter(|(_, image)| is_kept(image.as_ref())).map(|(id, _)| id.to_string()).collect();
    let more = if kept.len() > MOST_LISTED { ", …" } else { "" };
    let listed = kept.iter().take(MOST_LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    Misuse::new(format!("the picture of candidate {id} is not kept: {why}")).hint(if kept.is_empty() {
        "the run keeps no picture".to_owned()
    } else {
        format!("the run keeps {listed}{more}; `retain` in a recipe says how many stay")
    })
}

fn is_kept(image: Option<&Image>) -> bool {
    image.is_some_and(|image| image.read().is_ok())
}
