//! `editscale edit IMAGE INSTRUCTION`: the main job.

mod asked;
mod begin;
mod origin;
mod output;
mod results;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use editscale_config::Recipe;
use editscale_engine::{Job, RunDirectory, StopSignal, Stopper, read_run};
use editscale_schema::House;

use self::begin::{Prepared, begin, prepare, resume};
use self::results::Results;
use crate::args::Edit;
use crate::failure::{INTERRUPTED, print};
use crate::forecast::{self, Forecast};
use crate::progress::{clear_bar, tell_beside_bar};
use crate::signals::asked_to_stop;

/// Edits one picture, or goes on with a run that was stopped.
pub(crate) fn run(arguments: &Edit) -> Result<ExitCode> {
    output::check(arguments)?;
    let house = House::default();
    if arguments.dry_run {
        return foretell(arguments, &house);
    }
    let mut work = match &arguments.resume {
        Some(path) => resume(path, &house)?,
        None => begin(arguments, &house)?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let outcome = runtime.block_on(async {
        let stop = stop_on_signal();
        editscale_engine::run(&work.job, &mut work.directory, stop).await
    });
    let outcome = outcome.with_context(|| format!("the run in {} ended early", work.directory.path().display()))?;
    let record = read_run(work.directory.path())?;
    Results { arguments, work: &work, record: &record, outcome: &outcome, pictures: &house.shared() }.finish()
}

/// Says what a run would call and spend, after all that would keep it from beginning; sends nothing and leaves nothing.
fn foretell(arguments: &Edit, house: &House) -> Result<ExitCode> {
    let Prepared { loaded, ports, .. } = prepare(arguments, house)?;
    let runs = arguments.run_dir.as_deref().and_then(Path::parent).filter(|path| !path.as_os_str().is_empty());
    let cards = ports.cards();
    let pace = forecast::pace(runs.unwrap_or(Path::new("runs")), &loaded.recipe, &cards);
    let forecast = Forecast::new(&loaded.recipe, &cards, pace);
    if arguments.json {
        print(&serde_json::to_string_pretty(&forecast.json())?)?;
    } else {
        forecast.lines().iter().try_for_each(|line| print(line))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A run made ready.
struct Work {
    job: Job,
    directory: RunDirectory,
    recipe: Recipe,
}

/// Ctrl-C and a polite kill ask the run to stop; a second one ends the program.
fn stop_on_signal() -> StopSignal {
    let (stopper, signal) = Stopper::new();
    tokio::spawn(async move {
        asked_to_stop().await;
        tell_beside_bar("stopping: the best so far will be written; once more to end at once");
        stopper.stop();
        asked_to_stop().await;
        clear_bar();
        std::process::exit(INTERRUPTED);
    });
    signal
}
