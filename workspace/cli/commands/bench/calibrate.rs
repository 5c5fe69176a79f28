//! `editscale bench calibrate`: a reward's scores fitted to what people would say, as a file for recipes.

use std::process::ExitCode;

use anyhow::Result;
use editscale_benchmarks::measures::{Said, calibrate};
use editscale_benchmarks::report::{Part, render};
use editscale_benchmarks::{JudgedHead, JudgedReward, read_judged};
use editscale_engine::write_whole;
use editscale_schema::{list, quote};
use serde_json::json;

use super::measure::rules;
use crate::args::BenchCalibrate;
use crate::failure::{Misuse, print};
use crate::writable::{check_folder, check_place};

/// Fits, writes the file, and tells how good the fit is on sources that it was not fitted on.
pub(crate) fn run(arguments: &BenchCalibrate) -> Result<ExitCode> {
    check_folder(&arguments.output)?;
    check_place(&arguments.output, arguments.force)?;
    let (head, cases) = read_judged(&arguments.dir).map_err(|error| Misuse::new(error.to_string()))?;
    let reward = chosen(&head, arguments.reward.as_deref())?;
    let fit = calibrate(&cases, &Said::Named(reward.name.clone()), &rules(&arguments.rules))?;
    let calibration = fit.file(&head.preset, reward)?;
    write_whole(&arguments.output, calibration.to_json().as_bytes())?;
    let path = arguments.output.display().to_string();
    if arguments.json {
        let object = json!({"version": 1, "calibration": path, "reward": reward.name, "fit": fit});
        print(&serde_json::to_string_pretty(&object)?)?;
    } else {
        print(render(&[Part::Calibration(&fit)]).trim_end())?;
        print(&format!("written to {path}; in a recipe: `calibration: {path}` beside the reward's `model`"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn chosen<'a>(head: &'a JudgedHead, named: Option<&str>) -> Result<&'a JudgedReward> {
    let names = || list(head.rewards.iter().map(|reward| reward.name.as_str()));
    match (named, head.rewards.as_slice()) {
        (None, [only]) => Ok(only),
        (None, _) => {
            let misuse = Misuse::new("several rewards judged, and a calibration is of one of them");
            Err(misuse.hint(format!("name it with --reward: {}", names())).into())
        }
        (Some(name), rewards) => rewards.iter().find(|reward| reward.name == name).ok_or_else(|| {
            let misuse = Misuse::new(format!("no reward {} judged there", quote(name)));
            misuse.hint(format!("the rewards are {}", names())).into()
        }),
    }
}
