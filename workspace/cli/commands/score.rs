//! `editscale score SOURCE EDITED INSTRUCTION`

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};
use editscale_core::{EditRequest, Instruction, NobodyWatches, RewardBatch, RewardItem, Seed};
use serde_json::{Map, Value, json};

use crate::args::Score;
use crate::failure::{Misuse, print};
use crate::photograph::{handle, read};
use crate::recipes;
use crate::words::score_json;
use crate::world::{Shared, rewards};

/// Asks every reward of the recipe once.
pub(crate) fn run(arguments: &Score) -> Result<ExitCode> {
    let instruction = Instruction::new(&arguments.instruction).map_err(|error| Misuse::new(error.to_string()))?;
    let source = handle(&read(&arguments.source)?);
    let candidate = handle(&read(&arguments.edited)?);
    let loaded = recipes::load(&arguments.recipe)?;
    let rewards = rewards(&loaded.recipe, &Shared::new())?;
    let request = EditRequest { source, instruction, mask: None, output_size: None, seed: Seed::new(0)? };
    let request = Arc::new(request);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut said = Map::new();
    for reward in rewards {
        let item = RewardItem { request: Arc::clone(&request), candidate: candidate.clone() };
        let answers = runtime.block_on(reward.score(RewardBatch { items: vec![item] }, &NobodyWatches));
        match answers.into_iter().next() {
            Some(Ok(judgement)) => said.insert(reward.card().name.to_string(), score_json(&judgement.score)),
            Some(Err(failure)) => bail!("`{}` cannot score this: {failure}", reward.card().name),
            None => bail!("`{}` gave no answer", reward.card().name),
        };
    }
    if arguments.json {
        print(&serde_json::to_string_pretty(&json!({"version": 1, "scores": said}))?)?;
    } else {
        said.iter().try_for_each(|(name, score)| print(&line(name, score)))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn line(name: &str, score: &Value) -> String {
    let number = |value: &Value| value.get("mean").and_then(Value::as_f64).unwrap_or(0.0);
    let parts = score.get("parts").and_then(Value::as_object).into_iter().flatten();
    let parts: Vec<String> = parts.map(|(part, value)| format!("  {part} {:.3}", number(value))).collect();
    format!("{name} {:.3}{}", number(score), parts.concat())
}
