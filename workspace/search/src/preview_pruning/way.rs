//! How an editor lets its candidates be looked at before they are done.

use editscale_core::{Cards, EditorCard, KnobName, KnobSpec, PauseSupport, SeedRule};

/// Where a candidate is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Checkpoint {
    /// After this share of its steps, above 0 and below 1.
    Share(f64),
    /// After this step, from 1.
    Step(u32),
}

impl Checkpoint {
    fn step(self, of: u32) -> u32 {
        match self {
            Self::Share(share) => (share * f64::from(of)).round() as u32,
            Self::Step(step) => step,
        }
    }
}

/// What editors call the number of their steps where it can be set.
const STEP_KNOBS: [&str; 5] = ["steps", "num_inference_steps", "num_steps", "sampling_steps", "sample_steps"];

/// How the candidates of an editor are looked at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Way {
    /// They stop at these steps and go on from there.
    Pause { at: Vec<u32>, of: u32 },
    /// They are made in few steps first, and then anew in all of them.
    Draft { knob: KnobName, steps: f64, of: f64 },
    /// They are not.
    Whole,
}

impl Way {
    pub(crate) fn of(checkpoints: &[Checkpoint], cards: &Cards) -> Self {
        let Some(card) = cards.editors.first() else { return Self::Whole };
        Self::pausing(checkpoints, card).or_else(|| Self::drafting(checkpoints, card)).unwrap_or(Self::Whole)
    }

    fn pausing(checkpoints: &[Checkpoint], card: &EditorCard) -> Option<Self> {
        let of = card.steps.filter(|_| card.pause >= PauseSupport::Resume)?;
        let mut at: Vec<u32> = checkpoints.iter().map(|checkpoint| checkpoint.step(of)).collect();
        at.retain(|step| (1..of).contains(step));
        at.sort_unstable();
        at.dedup();
        (!at.is_empty()).then_some(Self::Pause { at, of })
    }

    /// A draft tells of what comes of more steps only where the seed decides the rest. Only the last checkpoint counts: one
    /// draft does not go on to the next.
    fn drafting(checkpoints: &[Checkpoint], card: &EditorCard) -> Option<Self> {
        if card.seeds == SeedRule::Ignored {
            return None;
        }
        let spec: &KnobSpec = card.knobs.iter().find(|knob| STEP_KNOBS.contains(&knob.name.as_str()))?;
        let of = spec.default.round();
        let last = checkpoints.iter().map(|checkpoint| checkpoint.step(of as u32)).max()?;
        let steps = f64::from(last).max(spec.low.ceil()).max(1.0);
        (steps < of && steps <= spec.high).then(|| Self::Draft { knob: spec.name.clone(), steps, of })
    }

    /// Whether a candidate goes on from where it was looked at.
    pub(crate) fn pauses(&self) -> bool {
        matches!(self, Self::Pause { .. })
    }

    /// How many times a candidate is looked at before it is finished.
    pub(crate) fn looks(&self) -> usize {
        match self {
            Self::Pause { at, .. } => at.len(),
            Self::Draft { .. } => 1,
            Self::Whole => 0,
        }
    }

    /// The part of an edit that is made when a candidate is looked at for the `look`-th time, from 0.
    pub(crate) fn share(&self, look: usize) -> f64 {
        match self {
            Self::Pause { at, of } => at.get(look).map_or(1.0, |step| f64::from(*step) / f64::from(*of)),
            Self::Draft { steps, of, .. } => steps / of,
            Self::Whole => 1.0,
        }
    }

    /// The part of an edit that finishing takes after the `look`-th look.
    pub(crate) fn rest(&self, look: usize) -> f64 {
        if self.pauses() { 1.0 - self.share(look) } else { 1.0 }
    }

    /// For people.
    pub(crate) fn note(&self, cards: &Cards) -> Option<String> {
        let card = cards.editors.first()?;
        let name = &card.name;
        Some(match self {
            Self::Pause { at, of } => {
                let steps: Vec<String> = at.iter().map(ToString::to_string).collect();
                format!("`preview_pruning` stops the candidates of `{name}` at step {} of {of}", steps.join(" and "))
            }
            Self::Draft { knob, steps, of } => format!(
                "editor `{name}` cannot pause: `preview_pruning` looks at drafts of {steps} instead of {of} `{knob}` and \
                 makes the best ones anew"
            ),
            Self::Whole => format!(
                "editor `{name}` {}: `preview_pruning` makes whole candidates, as `adaptive` does",
                shortcoming(card)
            ),
        })
    }
}

fn shortcoming(card: &EditorCard) -> &'static str {
    match (card.pause, card.steps) {
        (PauseSupport::None, _) => "cannot pause, and has no knob for steps whose seeds tell what becomes of a draft",
        (_, None) => "does not say in how many steps it edits",
        _ => "has no step at any of the checkpoints",
    }
}

#[cfg(test)]
mod tests {
    use editscale_core::KnobScale;
    use editscale_testkit::{editor_card, reward_card};

    use super::*;

    #[test]
    fn what_an_editor_offers_decides() {
        let checkpoints = [Checkpoint::Share(0.25), Checkpoint::Step(10)];
        let knob = |name: &str, low: f64| KnobSpec {
            name: KnobName::new(name).unwrap(),
            low,
            high: 50.0,
            default: 20.0,
            scale: KnobScale::Linear,
        };
        let pausing = |steps| {
            let mut card = editor_card("fake");
            (card.pause, card.steps) = (PauseSupport::Resume, steps);
            card
        };
        let turning = |name: &str, low| {
            let mut card = editor_card("fake");
            card.knobs.push(knob(name, low));
            card
        };
        let mut unseeded = turning("steps", 1.0);
        unseeded.seeds = SeedRule::Ignored;
        for (card, note) in [
            (pausing(Some(20)), "`preview_pruning` stops the candidates of `fake` at step 5 and 10 of 20"),
            (pausing(Some(8)), "`preview_pruning` stops the candidates of `fake` at step 2 of 8"),
            (
                pausing(None),
                "editor `fake` does not say in how many steps it edits: `preview_pruning` makes whole \
                             candidates, as `adaptive` does",
            ),
            (
                pausing(Some(1)),
                "editor `fake` has no step at any of the checkpoints: `preview_pruning` makes whole \
                                candidates, as `adaptive` does",
            ),
            (
                turning("num_inference_steps", 1.0),
                "editor `fake` cannot pause: `preview_pruning` looks at drafts of 10 \
                                                   instead of 20 `num_inference_steps` and makes the best ones anew",
            ),
            (
                turning("steps", 30.0),
                "editor `fake` cannot pause, and has no knob for steps whose seeds tell what \
                                      becomes of a draft: `preview_pruning` makes whole candidates, as `adaptive` does",
            ),
            (
                unseeded,
                "editor `fake` cannot pause, and has no knob for steps whose seeds tell what becomes of a draft: \
                        `preview_pruning` makes whole candidates, as `adaptive` does",
            ),
        ] {
            let cards = Cards { editors: vec![card], rewards: vec![reward_card("judge")], critics: Vec::new() };
            assert_eq!(Way::of(&checkpoints, &cards).note(&cards).as_deref(), Some(note));
        }
    }
}
