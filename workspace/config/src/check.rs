//! From bytes to a checked recipe: limits, then the tree, then the sections, then what the sections are to each other.

use std::sync::Arc;

use editscale_core::{Objective, Scale};
use editscale_search::{PolicyError, Rules, StopRule};

use crate::fields::Fields;
use crate::lines::Span;
use crate::mistakes::{Mistake, Mistakes};
use crate::places::Places;
use crate::quote::quote;
use crate::recipe::{Recipe, Settings};
use crate::sections::{self, Sections};
use crate::tree::Value;
use crate::{Combine, Report, budget, reader, stop};

pub(crate) fn parse(bytes: &[u8]) -> Result<(Recipe, Report), Report> {
    if bytes.len() > Recipe::LARGEST {
        let message = format!("the file has {} bytes: a recipe has at most {}", bytes.len(), Recipe::LARGEST);
        return Err(refuse("", 0, Mistake::new(message).hint("is this the right file?")));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| not_text(bytes, error.valid_up_to()))?;
    let mistakes = Mistakes::new(text);
    let recipe = read(text, &mistakes);
    let failed = mistakes.errors() > 0;
    let report = mistakes.into_report();
    match recipe {
        Some(recipe) if !failed => Ok((recipe, report)),
        _ => Err(report),
    }
}

fn not_text(bytes: &[u8], from: usize) -> Report {
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let found = if utf16 { "UTF-16" } else { "another encoding, or no text at all" };
    let mistake = Mistake::new(format!("the file is not UTF-8 text but {found}")).hint("save it as UTF-8");
    refuse(&String::from_utf8_lossy(bytes), from, mistake)
}

fn refuse(text: &str, at: usize, mistake: Mistake) -> Report {
    let mistakes = Mistakes::new(text);
    mistakes.error(&(at..at + 1), mistake);
    mistakes.into_report()
}

fn read(text: &str, mistakes: &Mistakes<'_>) -> Option<Recipe> {
    let root = reader::read(text, mistakes)?;
    let Value::Map(entries) = &root.value else {
        if root.value != Value::Refused {
            let hint = "begin with the line `version: 1`";
            mistakes.error(&root.span, Mistake::new("a recipe is a map of keys and values").hint(hint));
        }
        return None;
    };
    let at = entries.first().map_or(root.span.clone(), |first| first.key_span.clone());
    let mut top = Fields::of("the recipe", &root, at, mistakes)?;
    if !sections::is_our_version(&mut top) {
        return None;
    }
    let sections = Sections::read(&mut top);
    top.finish();
    let places = Places::of(&root, mistakes.lines());
    assemble(sections?, places, mistakes)
}

/// Puts right sections together, if they go together.
fn assemble(sections: Sections, places: Places, mistakes: &Mistakes<'_>) -> Option<Recipe> {
    let Sections { settings, weights } = sections;
    check_ranks(&settings, &weights, &places, mistakes);
    check_budget(&settings, &places, mistakes);
    let Ok(objective) = settings.combine.objective(&settings.rewards, &settings.gates) else {
        let mistake = Mistake::new("every reward has the weight 0").hint("give one of them another weight");
        mistakes.error(&places.span("rewards"), mistake);
        return None;
    };
    let stop = stop_rule(&settings, &objective, &places, mistakes)?;
    match settings.search.factory(Rules { objective: Arc::clone(&objective), stop }) {
        Ok(factory) => Some(Recipe { settings, objective, factory, places }),
        Err(error) => {
            refuse_setting(&error, &settings, &places, mistakes);
            None
        }
    }
}

fn check_ranks(settings: &Settings, weights: &[Span], places: &Places, mistakes: &Mistakes<'_>) {
    if !matches!(settings.combine, Combine::MeanRank(_)) {
        return;
    }
    for weight in weights {
        let mistake =
            Mistake::new("`weight` has no meaning with `mean_rank`, which counts all rewards alike")
                .hint("leave `weight` out, or write `combine: {weighted: {}}`");
        mistakes.error(weight, mistake);
    }
    if settings.rewards.len() == 1 {
        let mistake = Mistake::new("`mean_rank` of one reward orders candidates as that reward does")
            .hint("leave `combine` out");
        mistakes.warn(&places.span("combine.mean_rank"), mistake);
    }
}

fn stop_rule(
    settings: &Settings,
    objective: &Arc<dyn Objective>,
    places: &Places,
    mistakes: &Mistakes<'_>,
) -> Option<StopRule> {
    if objective.scale() == Scale::Relative && settings.stop.target_score.is_some() {
        let mistake = Mistake::new("`target_score` cannot be reached with `mean_rank`: ranks are not scores")
            .hint("use `patience`, or write `combine: {weighted: {}}`");
        mistakes.error(&places.span(&format!("stop.{}", stop::TARGET_SCORE.name)), mistake);
    }
    match StopRule::new(settings.stop.target_score, settings.stop.patience) {
        Ok(rule) => Some(rule),
        Err(error) => {
            mistakes.error(&places.span("stop"), Mistake::new(error.to_string()));
            None
        }
    }
}

/// A setting that passed its own rule and yet not the policy's.
fn refuse_setting(error: &PolicyError, settings: &Settings, places: &Places, mistakes: &Mistakes<'_>) {
    let path = format!("search.{}.{}", settings.search.kind(), error.setting);
    // Rules across settings have been looked at where they are read, so that all are reported; this is for the others.
    if mistakes.errors() == 0 {
        mistakes.error(&places.span(&path), Mistake::new(error.to_string()));
    }
}

fn check_budget(settings: &Settings, places: &Places, mistakes: &Mistakes<'_>) {
    let rewards = settings.rewards.len() as u64;
    let Some(affordable) = budget::candidates(&settings.budget, rewards) else { return };
    let scarce = if settings.budget.edits.is_some_and(|edits| edits == affordable) {
        budget::EDITS.name
    } else {
        budget::REWARD_CALLS.name
    };
    let at = places.span(&format!("budget.{scarce}"));
    let round = settings.search.first_round(settings.stop.is_set());
    if affordable == 0 {
        let mistake =
            Mistake::new(format!("the budget does not allow to judge one candidate by {rewards} rewards"))
                .hint(format!("raise `{scarce}` to at least {rewards}"));
        mistakes.error(&at, mistake);
    } else if affordable < round {
        let policy = quote(settings.search.kind());
        let message =
            format!("the budget ends the first round of {policy} after {affordable} of {round} candidates");
        let enough = if scarce == budget::EDITS.name { round } else { round.saturating_mul(rewards) };
        mistakes.warn(&at, Mistake::new(message).hint(format!("raise `{scarce}` to {enough} or more")));
    }
}
