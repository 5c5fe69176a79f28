//! `editscale curate review OUT`: people confirm or override a choice in the browser.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use editscale_curate::choice::{Overrides, choose};
use editscale_curate::drive::CurationDefinition;
use editscale_curate::results::ChoiceFolder;
use editscale_curate::review::{Desk, FILE, Fates, Item, Log, OfDataset, Selection, Settings, select, serve};
use editscale_curate::table::ScoreFiles;
use editscale_fetch::Patience;
use editscale_picture::Limits;
use editscale_rollout::Defines as _;
use editscale_rollout::dataset::{Dataset, Pictures};
use tokio::net::TcpListener;

use super::{plan, rules};
use crate::args::CurateReview;
use crate::failure::{Misuse, print, tell};
use crate::recipes::load_for_judging;
use crate::signals::{StopWords, stop_on_signal};

/// Serves the review until it is told to end.
pub(super) fn run(arguments: &CurateReview) -> Result<ExitCode> {
    if !arguments.listen.ip().is_loopback() {
        let words =
            format!("--listen {}: expected an address of this machine alone, such as 127.0.0.1:0", arguments.listen);
        return Err(Misuse::new(words).into());
    }
    let desk = Arc::new(desk(arguments)?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(arguments.listen).await;
        let listener = listener.with_context(|| format!("cannot listen at {}", arguments.listen))?;
        tell("open this address in a browser on this machine; end with Ctrl-C, every verdict is on disk at once");
        print(&desk.address(&listener)?)?;
        let mut stop = stop_on_signal(StopWords {
            first: "stopping; once more to end at once".to_owned(),
            last: "ended: every verdict is on disk".to_owned(),
        });
        serve(desk, listener, async move { stop.stopped().await }).await?;
        Ok(ExitCode::SUCCESS)
    })
}

fn desk(arguments: &CurateReview) -> Result<Desk> {
    let out = &arguments.out;
    let nothing = || {
        Misuse::new(format!(
            "{}: expected a folder that `editscale curate` wrote, found none of its scores",
            out.display()
        ))
    };
    let definition = CurationDefinition::read(out)?.ok_or_else(nothing)?;
    let files = ScoreFiles::find(out)?;
    if !files.are_complete(definition.shards, &definition.name())? {
        let words = format!("{}: not all is scored yet", out.display());
        return Err(Misuse::new(words).hint("run the same `editscale curate` again to go on").into());
    }
    let last = || ChoiceFolder::of(out).join("recipe.yaml").display().to_string();
    let loaded = load_for_judging(&arguments.recipe.clone().unwrap_or_else(last))?;
    let dataset = dataset(&definition, &plan::columns(&loaded.recipe.curate().columns))?;
    let log = Log::open(&out.join(FILE))?;
    // What the rules say by themselves, so that people see what they override.
    let chosen = choose(files.records(), &rules::rules(&loaded.recipe.curate()), &Overrides::new())?;
    let selection = Selection { most: arguments.sample as usize, near_cut: arguments.near_cut, seed: arguments.seed };
    let spoken: Vec<(u64, u32)> = log.reviews().words().map(|(at, ..)| at).collect();
    let looked = select(&chosen, &selection, spoken.into_iter());
    let fates: Fates<'_> = chosen.fated.iter().map(|fated| ((fated.row, fated.candidate), fated)).collect();
    let mut items = Vec::with_capacity(looked.len());
    for record in files.records() {
        let record = record?;
        if looked.contains(&(record.row, record.candidate)) {
            items.extend(Item::of(record, &fates, &chosen));
        }
    }
    tell(&format!("{} of {} edited pictures are in this review", items.len(), chosen.fated.len()));
    let pictures = OfDataset::new(Arc::new(dataset), Pictures::new(Limits::default(), Patience::default()));
    let settings = Settings { title: definition.dataset, who: arguments.who.clone() };
    Ok(Desk::new(settings, items, Arc::new(pictures), log)?)
}

/// The data set that was scored, and no other.
fn dataset(definition: &CurationDefinition, columns: &editscale_rollout::Columns) -> Result<Dataset> {
    let named = Path::new(&definition.dataset);
    let dataset = Dataset::open(named, columns).map_err(|error| Misuse::new(error.to_string()))?;
    if dataset.fingerprint() != definition.fingerprint {
        let words = format!("{}: not as it was scored, or the recipe chooses other columns", definition.dataset);
        return Err(Misuse::new(words).hint("give the recipe that scored it as --recipe").into());
    }
    Ok(dataset)
}
