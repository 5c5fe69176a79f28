//! `editscale edit IMAGE INSTRUCTION`: the main job.

mod again;
mod asked;
mod begin;
mod origin;
mod output;
mod results;
mod understood;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use editscale_config::Recipe;
use editscale_engine::{Job, RunDirectory, read_run};
use editscale_schema::House;

use self::again::again;
use self::begin::{Prepared, begin, prepare, resume};
use self::results::Results;
use crate::args::Edit;
use crate::failure::print;
use crate::forecast::{self, Forecast};
use crate::signals::{StopWords, stop_on_signal};

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
    let again = again(arguments, work.directory.path());
    let stop = stop_on_signal(StopWords {
        first: "stopping: the best so far will be written; once more to end at once".to_owned(),
        last: format!("ended; go on with: {again}"),
    });
    let outcome = runtime.block_on(editscale_engine::run(&work.job, &mut work.directory, stop));
    let ended_early = || {
        let shown = work.directory.path().display();
        format!("the run in {shown} ended early, and can be gone on with by `{again}`")
    };
    let outcome = outcome.with_context(ended_early)?;
    let record = read_run(work.directory.path())?;
    Results { arguments, work: &work, record: &record, outcome: &outcome, pictures: &house.shared() }.finish()
}

/// Says what a run would call and spend, and what is understood of the instruction, after all that would keep it from beginning; sends nothing and leaves nothing.
fn foretell(arguments: &Edit, house: &House) -> Result<ExitCode> {
    let Prepared { loaded, ports, understood, .. } = prepare(arguments, house)?;
    let runs = arguments.run_dir.as_deref().and_then(Path::parent).filter(|path| !path.as_os_str().is_empty());
    let cards = ports.cards();
    let pace = forecast::pace(runs.unwrap_or(Path::new("runs")), &loaded.recipe, &cards);
    let forecast = Forecast::new(&loaded.recipe, &cards, pace);
    if arguments.json {
        let mut forecast = forecast.json();
        forecast["forecast"]["readings"] = understood.json();
        print(&serde_json::to_string_pretty(&forecast)?)?;
    } else {
        forecast.lines().iter().chain(&understood.lines()).try_for_each(|line| print(line))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A run made ready.
struct Work {
    job: Job,
    directory: RunDirectory,
    recipe: Recipe,
}
