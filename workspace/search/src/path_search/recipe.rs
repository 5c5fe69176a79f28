//! How recipes set the policy `path_search`.

use std::sync::Arc;

use editscale_core::{Need, SearchFactory};
use editscale_schema::{Absent, Fields, Key, Keys, Mistake, Number, Options, Whole, Yaml};

use super::{LEAST_GAIN, PathSearch, PathSize, PathStops};
use crate::{PolicyChoice, PolicyError, Reason, Rules};

/// Settings of search over paths.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PathSearchRecipe {
    /// How many paths there are.
    pub size: PathSize,
    /// Where they stop.
    pub stops: PathStops,
}

const PATHS: Key<Whole> = Key {
    name: "paths",
    rule: Whole { low: 1, high: 1000 },
    absent: Absent::Refused,
    meaning: "half-made candidates that are kept at each stop, and finished at the end",
};

const CHILDREN: Key<Whole> = Key {
    name: "children",
    rule: Whole { low: 1, high: 1000 },
    absent: Absent::Refused,
    meaning: "how many go on from each of them, with noise of their own; the first round has paths × children candidates",
};

const fn share(name: &'static str, usual: f64, meaning: &'static str) -> Key<Number> {
    Key { name, rule: Number::from(0.01, 0.99), absent: Absent::Default(usual), meaning }
}

const FIRST: Key<Number> = share("first", 0.3, "where fresh candidates stop, as a share of the editor's steps");

const BACK: Key<Number> = share(
    "back",
    0.1,
    "what is taken back from a stop by adding noise, as a share of the editor's steps; at least one step",
);

const FORWARD: Key<Number> = share(
    "forward",
    0.3,
    "what is gone on from there to the next stop, as a share of the editor's steps; at least 0.01 more than `back`",
);

impl PolicyChoice for PathSearchRecipe {
    fn factory(&self, rules: Rules) -> Result<Arc<dyn SearchFactory>, PolicyError> {
        Ok(Arc::new(PathSearch::new(self.size, self.stops, rules)?))
    }

    fn first_round(&self, _: bool) -> u64 {
        u64::from(self.size.paths) * u64::from(self.size.children)
    }

    fn reason(&self, need: Need) -> Reason {
        match need {
            Need::Noise | Need::Pause(_) => Reason {
                setting: None,
                hint: "choose a diffusion model of this program without `latents`, or the policy `best_of_n`",
            },
            _ => Reason::usual(need),
        }
    }
}

impl Options for PathSearchRecipe {
    const NAME: &'static str = "path_search";
    const ABOUT: &'static str = "Chooses among half-made candidates on the way from noise to picture: the best go on, each \
                                 several times with noise of their own, and are finished at the end.";
    const KEYS: Keys = &[&PATHS, &CHILDREN, &FIRST, &BACK, &FORWARD];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        let size = (fields.take(&PATHS), fields.take(&CHILDREN));
        let stops = (fields.take(&FIRST), fields.take(&BACK), fields.take(&FORWARD));
        let size = PathSize { paths: size.0? as u32, children: size.1? as u32 };
        let stops = PathStops { first: stops.0?, back: stops.1?, forward: stops.2? };
        if stops.forward - stops.back < LEAST_GAIN - 1e-9 {
            let said = format!(
                "`forward` is {} and `back` is {}: no stop would come after another",
                stops.forward, stops.back
            );
            let mistake = Mistake::new(said).hint("make `forward` at least 0.01 more than `back`");
            let key = if fields.has(FORWARD.name) { FORWARD.name } else { BACK.name };
            fields.error(&fields.span_of(key), mistake);
        }
        Some(Self { size, stops })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let (PathSize { paths, children }, PathStops { first, back, forward }) = (self.size, &self.stops);
        [
            PATHS.write(Some(&paths.into())),
            CHILDREN.write(Some(&children.into())),
            FIRST.write(Some(first)),
            BACK.write(Some(back)),
            FORWARD.write(Some(forward)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
