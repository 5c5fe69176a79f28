//! `editscale score SOURCE EDITED INSTRUCTION`, and `editscale score --pairs FILE`

mod judges;
mod pairs;
mod results;

pub(crate) use pairs::{Pair, Pairs};

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};
use editscale_core::{EditRequest, Image, Instruction, RewardItem, Seed};
use serde_json::{Map, Value, json};

use crate::args::Score;
use crate::commands::score::judges::Judges;
use crate::commands::score::results::scored;
use crate::failure::{Misuse, print};
use crate::photograph::{handle, read};

/// Asks every reward once for a pair, or for every pair of a file.
pub(crate) fn run(arguments: &Score) -> Result<ExitCode> {
    if let Some(pairs) = &arguments.pairs {
        return pairs::run(arguments, pairs);
    }
    let [source, edited, instruction] = arguments.words.as_slice() else {
        return Err(Misuse::new("expected SOURCE EDITED INSTRUCTION, or --pairs FILE").into());
    };
    let names = format!("{} → {}", source.display(), edited.display());
    let instruction = instruction.to_str().ok_or_else(|| Misuse::new("the instruction is not UTF-8 text"))?;
    let source = handle(&read(source.as_ref())?);
    let edited = handle(&read(edited.as_ref())?);
    let item = item(source, edited, instruction).map_err(Misuse::new)?;
    let judges = Judges::load(arguments)?;
    let mut said = Map::new();
    for (name, mut answers) in judges.score(&[item]) {
        match answers.pop() {
            Some(Ok(judgement)) => said.insert(name.to_string(), scored(&judgement)),
            Some(Err(failure)) => bail!("`{name}` cannot score {names}: {failure}"),
            None => bail!("`{name}` gave no answer"),
        };
    }
    show(arguments, &judges, &said)?;
    Ok(ExitCode::SUCCESS)
}

/// One judgement to ask for; or what is wrong with the instruction.
pub(crate) fn item(source: Image, candidate: Image, instruction: &str) -> Result<RewardItem, String> {
    let instruction = Instruction::new(instruction).map_err(|error| error.to_string())?;
    let seed = Seed::new(0).map_err(|error| error.to_string())?;
    let request = Arc::new(EditRequest { source, instruction, mask: None, output_size: None, seed });
    Ok(RewardItem { request, candidate })
}

fn show(arguments: &Score, judges: &Judges, said: &Map<String, Value>) -> Result<()> {
    if !arguments.json {
        said.iter().try_for_each(|(name, score)| print(&line(name, score)))?;
        return Ok(());
    }
    let object = match (judges.is_single(), said.iter().next()) {
        (true, Some((name, score))) => results::with_head(&[("version", json!(1)), ("reward", json!(name))], score),
        _ => json!({"version": 1, "scores": said}),
    };
    print(&serde_json::to_string_pretty(&object)?)?;
    Ok(())
}

fn line(name: &str, score: &Value) -> String {
    let estimate = |value: &Value| {
        let number = |key: &str| value.get(key).and_then(Value::as_f64);
        let sigma = number("sigma").map_or(String::new(), |sigma| format!(" ± {sigma:.3}"));
        format!("{:.3}{sigma}", number("mean").unwrap_or_default())
    };
    let parts = score.get("parts").and_then(Value::as_object).into_iter().flatten();
    let parts: Vec<String> = parts.map(|(part, value)| format!("  {part} {}", estimate(value))).collect();
    format!("{name} {}{}", estimate(score), parts.concat())
}
