//! Kinds that no crate of this program lists: a catalogue takes them as it takes others.

use std::sync::Arc;

use editscale_config::Recipe;
use editscale_core::{Objective, RewardName, Scale};
use editscale_schema::{Fields, Keys, Kind, Options, Yaml};
use editscale_search::{ObjectiveChoice, PolicyError, WeightedRecipe};
use insta::assert_snapshot;

use crate::catalogue;

/// An objective without weights, whose utilities compare between rounds all the same.
#[derive(Debug, Clone)]
struct Lowest;

impl Options for Lowest {
    const NAME: &'static str = "lowest";
    const ABOUT: &'static str = "The lowest score.";
    const KEYS: Keys = &[];

    fn read(_: &Fields<'_>) -> Option<Self> {
        Some(Self)
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        Vec::new()
    }
}

impl ObjectiveChoice for Lowest {
    fn objective(&self, rewards: Vec<(RewardName, f64)>) -> Result<Arc<dyn Objective>, PolicyError> {
        WeightedRecipe {}.objective(rewards)
    }

    fn uses_weights(&self) -> bool {
        false
    }

    fn scale(&self) -> Scale {
        Scale::Absolute
    }
}

#[test]
fn weights_are_refused_by_whatever_does_not_use_them() {
    let mut catalogue = catalogue();
    catalogue.objectives.push(Kind::new::<Lowest>(|fields| Some(Box::new(Lowest::read(fields)?))));
    let recipe = b"version: 1
editor: {darkroom: {}}
rewards: [{model: {photometric: {}}, weight: 2}]
combine: {lowest: {}}
search: {best_of_n: {samples: 8}}
stop: {target_score: 0.9}
";
    let report = Recipe::parse(recipe, &catalogue).unwrap_err();
    assert_snapshot!(report.render("recipe.yaml", recipe), @r"
    error: `weight` has no meaning with `lowest`, which counts all rewards alike
     --> recipe.yaml:3:38
      |
    3 | rewards: [{model: {photometric: {}}, weight: 2}]
      |                                      ^^^^^^
      = hint: leave `weight` out, or write `combine: {weighted: {}}`
    ");
}
