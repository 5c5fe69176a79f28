//! What no candidate can reach by what its rewards say of their scores: gates that bar everybody, and targets that end no search.

use editscale_core::{Cards, RewardName, Score, ScoreCard};
use editscale_schema::{Diagnostic, Severity, list, nearest, quote};
use editscale_search::Gate;

use crate::{Recipe, Reward};

/// What scores are taken to be within where nobody says it.
const ANY: (f64, f64) = (-1e300, 1e300);

/// The most rewards whose ends are tried with each other.
const MOST_REWARDS: usize = 10;

impl Recipe {
    /// Every gate and target that is out of reach of the rewards, as far as their cards are there, each as a warning at its key.
    pub fn unreachable(&self, cards: &Cards) -> Vec<Diagnostic> {
        let gates = self.settings.gates.iter().enumerate();
        let gates = gates.filter_map(|(place, gate)| self.barring_all(place, gate, cards));
        gates.chain(self.target_beyond(cards)).collect()
    }

    /// What is to be said of a gate that no candidate passes.
    fn barring_all(&self, place: usize, gate: &Gate, cards: &Cards) -> Option<Diagnostic> {
        let reward = self.rewards().iter().find(|reward| reward.name == gate.reward)?;
        let name = quote(reward.name.as_str());
        let (key, why, hint) = if let Some(part) = &gate.part {
            ("part", no_part(reward, part.as_str())?, hint_of_part(reward, part.as_str()))
        } else {
            let (_, high) = range(reward, cards);
            let why = format!("scores of {name} are at most {high}");
            ("at_least", (high < gate.at_least).then_some(why)?, "lower `at_least`".to_owned())
        };
        let message = format!("no candidate passes this gate: {why}");
        Some(self.warning(&format!("gates.{place}.{key}"), message, hint))
    }

    /// What is to be said of a target that no candidate reaches.
    fn target_beyond(&self, cards: &Cards) -> Option<Diagnostic> {
        let (target, most) = (self.settings.stop.target_score?, self.greatest(cards)?);
        let combine = quote(self.settings.combine.kind());
        let message =
            format!("`target_score` cannot be {target} with {combine} of these rewards: they come to {most} at most");
        let hint = "lower it, or leave it out to use the whole budget".to_owned();
        (most < target).then(|| self.warning("stop.target_score", message, hint))
    }

    /// The greatest utility: no objective has it anywhere but where each reward is at an end of its range, and nobody in doubt.
    fn greatest(&self, cards: &Cards) -> Option<f64> {
        let rewards = self.rewards();
        if rewards.len() > MOST_REWARDS {
            return None;
        }
        let weights = rewards.iter().map(|reward| (reward.name.clone(), reward.weight)).collect();
        let objective = self.settings.combine.objective(weights).ok()?;
        let ranges: Vec<_> = rewards.iter().map(|reward| (&reward.name, range(reward, cards))).collect();
        let corners: Vec<ScoreCard> = (0..1 << ranges.len()).map(|corner| at(&ranges, corner)).collect();
        let utilities = objective.utilities(&corners.iter().collect::<Vec<_>>());
        // Where one of them is beyond the range of numbers, so may be the greatest.
        let utilities = utilities.into_iter().map(|utility| Some(utility?.get())).collect::<Option<Vec<f64>>>()?;
        utilities.into_iter().reduce(f64::max)
    }

    fn warning(&self, path: &str, message: String, hint: String) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, message, place: self.places.at(path), hint: Some(hint) }
    }
}

/// What the scores of a reward are within. A calibration makes other scores of them.
fn range(reward: &Reward, cards: &Cards) -> (f64, f64) {
    let card = cards.rewards.iter().find(|card| card.name == reward.name && reward.calibration.is_none());
    card.and_then(|card| card.range).unwrap_or(ANY)
}

/// The scores at one of the corners of all ranges: a bit a reward says which end.
fn at(ranges: &[(&RewardName, (f64, f64))], corner: usize) -> ScoreCard {
    let mut card = ScoreCard::default();
    for (place, (name, (low, high))) in ranges.iter().enumerate() {
        let end = if (corner >> place) & 1 == 0 { *low } else { *high };
        if let Ok(score) = Score::with_sigma(end, Some(0.0)) {
            card.enter(RewardName::clone(name), Ok(score));
        }
    }
    card
}

/// That a reward has no such part, where that is known.
fn no_part(reward: &Reward, part: &str) -> Option<String> {
    let parts = reward.model.parts().filter(|parts| reward.calibration.is_none() && !parts.contains(&part))?;
    let name = quote(reward.name.as_str());
    (!parts.is_empty()).then(|| format!("{name} has no part {}", quote(part)))
}

fn hint_of_part(reward: &Reward, part: &str) -> String {
    let parts = || reward.model.parts().unwrap_or_default().iter().copied();
    match nearest(part, parts()) {
        Some(meant) => format!("did you mean {}?", quote(meant)),
        None => format!("its parts are {}", list(parts())),
    }
}
