//! `editscale bench agreement`: two judges on the same cases.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use editscale_benchmarks::measures::agreement;
use editscale_benchmarks::report::{Part, render};
use editscale_benchmarks::{JudgedCase, is_judged, read_judged};
use editscale_engine::StopSignal;

use super::judging::{Asked, judge};
use super::measure::rules;
use crate::args::{BenchAgreement, BenchData, BenchJudges};
use crate::failure::{Misuse, STOPPED, print, tell};
use crate::signals::{StopWords, stop_on_signal};

/// Reads what two judges said, or asks them, and compares.
pub(crate) fn run(arguments: &BenchAgreement) -> Result<ExitCode> {
    let names = [arguments.first.as_str(), arguments.second.as_str()];
    // A folder that cannot be read is found before hours of work.
    let folders: Vec<Option<Side>> = names.iter().map(|name| of_folder(name)).collect::<Result<_>>()?;
    let stop = stop_on_signal(StopWords {
        first: "stopping; once more to end at once".to_owned(),
        last: "ended: nothing of it is kept".to_owned(),
    });
    let mut sides = Vec::with_capacity(2);
    for (name, known) in names.iter().zip(folders) {
        let side = if known.is_some() { known } else { of_recipe(name, arguments, &stop)? };
        let Some(side) = side else {
            tell("stopped: nothing of it is kept; `bench PRESET --out DIR` judges so that it can be gone on with");
            return Ok(ExitCode::from(STOPPED));
        };
        sides.push(side);
    }
    let [first, second] = <[Side; 2]>::try_from(sides).map_err(|_| anyhow::anyhow!("a judge was lost"))?;
    check_same(&first, &second)?;
    let agreement = agreement(&first.cases, &second.cases, &rules(&arguments.rules))?;
    if arguments.json {
        print(&serde_json::to_string_pretty(&agreement)?)?;
    } else {
        print(render(&[Part::Agreement(&agreement, names)]).trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What one judge said.
struct Side {
    /// The name of the benchmark.
    preset: String,
    cases: Vec<JudgedCase>,
}

/// Cases of different benchmarks may have the same names and nothing else in common.
fn check_same(first: &Side, second: &Side) -> Result<()> {
    let (expected, found) = (&first.preset, &second.preset);
    if expected == found {
        return Ok(());
    }
    let misuse = Misuse::new(format!("the judges judged different benchmarks: {expected} and {found}"));
    Err(misuse.hint("judge one benchmark with both").into())
}

/// What a folder holds; nothing where the name is not that of a folder.
fn of_folder(name: &str) -> Result<Option<Side>> {
    let path = Path::new(name);
    if !path.is_dir() {
        return Ok(None);
    }
    if !is_judged(path) {
        return Err(Misuse::new(format!("{name} is no folder that `bench` wrote: expected judged.jsonl in it")).into());
    }
    let (head, cases) = read_judged(path).map_err(|error| Misuse::new(error.to_string()))?;
    Ok(Some(Side { preset: head.preset, cases }))
}

fn of_recipe(name: &str, arguments: &BenchAgreement, stop: &StopSignal) -> Result<Option<Side>> {
    let (Some(preset), Some(data)) = (arguments.preset, &arguments.data) else {
        let misuse = Misuse::new(format!("{name} is no folder: a recipe judges a benchmark, which is not named"));
        return Err(misuse.hint("name it with --preset NAME --data PATH").into());
    };
    tell(&format!("judging with {name}"));
    let data = BenchData { path: data.clone(), column: Vec::new(), images: None, limit: None };
    let judges = BenchJudges { recipe: name.to_owned(), reward: Vec::new() };
    let judged = judge(Asked { preset, data: &data, judges: &judges, out: None }, stop)?;
    Ok(judged.map(|judged| Side { preset: judged.head.preset, cases: judged.cases }))
}
