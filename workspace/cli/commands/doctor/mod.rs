//! `editscale doctor`: probes every editor, reward and critic of a recipe, server by server, and says what differs from what the
//! recipe assumes.

mod critic;
mod editor;
mod found;
mod judge;
mod picture;
mod reach;

use std::process::ExitCode;

use anyhow::{Context, Result};
use editscale_core::Usd;
use editscale_engine::write_whole;
use editscale_schema::House;
use serde_json::json;

use self::found::Found;
use crate::args::Doctor;
use crate::failure::{print, tell};
use crate::recipes;
use crate::writable;

/// Exits with 1 if anything cannot be used or is not as the recipe assumes.
pub(crate) fn run(arguments: &Doctor) -> Result<ExitCode> {
    if let Some(output) = &arguments.output {
        writable::check_folder(output)?;
        writable::check_place(output, arguments.force)?;
    }
    let (editors, rewards, critics) = recipes::load_models(&arguments.recipe)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let house = House::default();
    let mut money = Money { left: arguments.spend.unwrap_or_default(), may_spend: arguments.spend.is_some() };
    let mut all: Vec<Found> = Vec::new();
    for one in &editors {
        all.extend(shown(arguments, runtime.block_on(editor::examine(one, &house, &mut money)))?);
    }
    for one in &rewards {
        all.extend(shown(arguments, runtime.block_on(judge::examine(one, &house, &mut money)))?);
    }
    for one in &critics {
        all.extend(shown(arguments, runtime.block_on(critic::examine(one, &house, &mut money)))?);
    }
    let cards =
        json!({"version": 1, "recipe": arguments.recipe, "cards": all.iter().map(Found::json).collect::<Vec<_>>()});
    let cards = serde_json::to_string_pretty(&cards)?;
    if let Some(output) = &arguments.output {
        write_whole(output, cards.as_bytes()).with_context(|| format!("cannot write {}", output.display()))?;
    }
    if arguments.json {
        print(&cards)?;
    }
    let bad = all.iter().filter(|found| !found.is_good()).count();
    if bad == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    tell(&format!("{bad} of {} cannot be used, or are not as the recipe assumes", all.len()));
    Ok(ExitCode::FAILURE)
}

/// Tells people of what was found as soon as it is.
fn shown(arguments: &Doctor, found: Vec<Found>) -> Result<Vec<Found>> {
    if !arguments.json {
        found.iter().flat_map(Found::lines).try_for_each(|line| print(&line))?;
    }
    Ok(found)
}

/// What may be spent on probes.
#[derive(Debug)]
struct Money {
    left: Usd,
    may_spend: bool,
}

impl Money {
    /// Sets so much aside; or says why not. What is paid for elsewhere without a price in the recipe needs leave as well.
    fn take(&mut self, most: Usd, is_paid: bool) -> Result<(), String> {
        if most == Usd::default() && !is_paid {
            return Ok(());
        }
        if !self.may_spend {
            let price = if most == Usd::default() { "money".to_owned() } else { format!("up to {most}") };
            return Err(format!("it would cost {price}: give leave with --spend"));
        }
        let Some(left) = self.left.micros.checked_sub(most.micros) else {
            return Err(format!("it would cost up to {most}, and --spend leaves {}", self.left));
        };
        self.left = Usd { micros: left };
        Ok(())
    }
}
