//! Preview pruning: look at candidates before they are done, give most of them up, and finish the rest one by one.
//!
//! Candidates are begun together and stop at checkpoints, where rewards judge what each would become. At each checkpoint the
//! better share goes on (sequential halving, Karnin et al. 2013), and only those within a margin of the best (ADE-CoT,
//! arXiv:2603.00141). What is left is finished depth-first in the order of an index: a candidate whose preview scored p is a
//! box that costs what finishing it does, and holds a score of which p tells something ([`line`]). Its index is the fair cap
//! of that score (Weitzman 1979), and the search stops once the best is at least every index. Candidates that are not begun
//! are boxes in two stages, whose index τ solves E[(E[(v − τ)⁺ | p] − c₂)⁺] = c₁ over p, computed backwards.
//!
//! An unfinished candidate never wins. Where an editor cannot pause, drafts in few steps stand in, or nothing does ([`way`]).

mod boxes;
mod extent;
mod line;
mod recipe;
mod running;
mod way;

use std::sync::Arc;

use editscale_core::{
    Cards, EditRequest, Extent, Need, Objective, RewardName, Score, ScoreCard, Search, SearchFactory, Utility,
};

use crate::adaptive::{Adaptation, Adaptive, check_scale, version};
use crate::objective::Gate;
use crate::policy::{MOST_CANDIDATES, PolicyError, Rules, check_count};
use crate::predictive::Prior;
use crate::price::{Pieces, Price};

pub use line::Expectation;
pub use recipe::PreviewPruningRecipe;
pub use way::Checkpoint;

use running::Running;
use way::Way;

/// How candidates are looked at and given up.
#[derive(Debug, Clone, PartialEq)]
pub struct Pruning {
    /// Candidates begun together, from 1 to 100,000.
    pub samples: u32,
    /// Candidates begun in all, at most; at least `samples`.
    pub most: u32,
    /// Where they are looked at; at least one.
    pub checkpoints: Vec<Checkpoint>,
    /// The share that goes on at each checkpoint, above 0 and at most 1; at least one does.
    pub keep: f64,
    /// How far below the best preview of a checkpoint a candidate may be that goes on, at least 0.
    pub margin: Option<f64>,
    /// Candidates finished between two looks, at most, from 1 to 100,000.
    pub round: u32,
    /// What a preview tells.
    pub expected: Expectation,
    /// What work costs; nothing does where absent, and all that go on are finished.
    pub price: Option<Price>,
    /// By what previews are judged.
    pub preview: PreviewRule,
}

/// By what previews are judged.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PreviewRule {
    /// The reward whose score orders them; the recipe's objective where absent.
    pub reward: Option<RewardName>,
    /// What a preview must meet to be gone on with.
    pub gates: Vec<Gate>,
}

impl PreviewRule {
    /// What a preview is worth, whether it passes the gates or not.
    fn score(&self, card: &ScoreCard, objective: &dyn Objective) -> Option<f64> {
        match &self.reward {
            Some(reward) => card.score(reward).map(Score::mean),
            None => objective.utilities(&[card]).into_iter().next().flatten().map(Utility::get),
        }
    }

    fn passes(&self, card: &ScoreCard) -> bool {
        self.gates.iter().all(|gate| gate.passes(card))
    }

    fn revision(&self) -> String {
        let reward = self.reward.as_ref().map_or_else(String::new, |reward| format!(" by={reward}"));
        let gates: Vec<String> = self.gates.iter().map(Gate::revision).collect();
        if gates.is_empty() { reward } else { format!("{reward} preview:{}", gates.join(",")) }
    }
}

/// The policy `preview_pruning {samples, most, checkpoints, keep, margin, round, prior, cost | worth, preview}`.
#[derive(Debug, Clone)]
pub struct PreviewPruning {
    settings: Pruning,
    rules: Rules,
    /// What is done with an editor that shows nothing early.
    whole: Adaptive,
}

impl PreviewPruning {
    /// Up to `most` candidates, begun `samples` at a time.
    pub fn new(settings: Pruning, rules: Rules) -> Result<Self, PolicyError> {
        check_count("samples", settings.samples, MOST_CANDIDATES)?;
        check_count("most", settings.most, MOST_CANDIDATES)?;
        check_count("round", settings.round, MOST_CANDIDATES)?;
        settings.price.map_or(Ok(()), Price::check)?;
        settings.check_shares()?;
        check_scale(&rules)?;
        let whole = Adaptive::new(settings.whole(), rules.clone())?;
        Ok(Self { settings, rules, whole })
    }
}

impl Pruning {
    fn check_shares(&self) -> Result<(), PolicyError> {
        let Expectation { correlation, spread, strength } = self.expected;
        let is_ahead = |checkpoint: &Checkpoint| match checkpoint {
            Checkpoint::Share(share) => *share > 0.0 && *share < 1.0,
            Checkpoint::Step(step) => *step > 0,
        };
        let are_ahead = !self.checkpoints.is_empty() && self.checkpoints.iter().all(is_ahead);
        let not_negative = |value: Option<f64>| value.is_none_or(|value| value.is_finite() && value >= 0.0);
        let words = |value: Option<f64>| value.map_or_else(|| "none".to_owned(), |value| value.to_string());
        for (setting, is_good, expected, found) in [
            ("most", self.most >= self.samples, "at least `samples`", self.most.to_string()),
            (
                "checkpoints",
                are_ahead,
                "shares above 0 and below 1, or steps from 1",
                format!("{:?}", self.checkpoints),
            ),
            ("keep", self.keep > 0.0 && self.keep <= 1.0, "a number above 0, up to 1", self.keep.to_string()),
            ("margin", not_negative(self.margin), "a number of at least 0", words(self.margin)),
            ("prior", (0.0..1.0).contains(&correlation), "a correlation from 0 to below 1", correlation.to_string()),
            ("prior", not_negative(spread), "a spread of at least 0", words(spread)),
            ("prior", strength > 1.0 && strength.is_finite(), "a strength above 1", strength.to_string()),
        ] {
            if !is_good {
                return Err(PolicyError { setting, expected: expected.to_owned(), found });
            }
        }
        Ok(())
    }

    /// The same budget without previews. Where nothing costs, all candidates are made.
    fn whole(&self) -> Adaptation {
        let Expectation { spread, strength, .. } = self.expected;
        Adaptation {
            most: self.most,
            probe: if self.price.is_some() { self.most.min(4) } else { self.samples },
            round: self.samples.min(4),
            price: self.price.unwrap_or(Price::Cost(Pieces::default())),
            prior: spread.map(|spread| Prior { mean: None, spread, strength }),
            optimism: 0.0,
        }
    }
}

impl SearchFactory for PreviewPruning {
    fn revision(&self) -> String {
        let Pruning { samples, most, checkpoints, keep, margin, round, expected, price, preview } = &self.settings;
        let at: Vec<String> = checkpoints
            .iter()
            .map(|checkpoint| match checkpoint {
                Checkpoint::Share(share) => share.to_string(),
                Checkpoint::Step(step) => format!("#{step}"),
            })
            .collect();
        let optional =
            |name: &str, value: Option<f64>| value.map_or_else(String::new, |value| format!(" {name}={value}"));
        let Expectation { correlation, spread, strength } = *expected;
        format!(
            "preview_pruning/{} samples={samples} most={most} at={} keep={keep}{} round={round} \
             correlation={correlation}{} strength={strength}{}{}{}",
            // One beyond that of `adaptive`, which it is with editors that show nothing early: the first admitted other waves.
            1 + version(&self.rules),
            at.join(","),
            optional("margin", *margin),
            optional("spread", spread),
            price.map_or_else(String::new, Price::revision),
            preview.revision(),
            self.rules.revision(),
        )
    }

    fn needs(&self) -> Vec<Need> {
        vec![Need::Pointwise]
    }

    fn largest_run(&self) -> u64 {
        // Every candidate at every checkpoint, and finished.
        u64::from(self.settings.most) * (self.settings.checkpoints.len() as u64 + 1)
    }

    fn most(&self, cards: &Cards, edits: u64) -> Extent {
        self.settings.extent(cards, edits).0
    }

    fn planned(&self, cards: &Cards, edits: u64) -> Option<Extent> {
        self.settings.extent(cards, edits).1
    }

    fn start(&self, request: &EditRequest, cards: &Cards) -> Box<dyn Search> {
        match Way::of(&self.settings.checkpoints, cards) {
            Way::Whole => self.whole.start(request, cards),
            way => Box::new(Running::new(Arc::new(self.clone()), way, request, cards)),
        }
    }
}

#[cfg(test)]
mod tests;
