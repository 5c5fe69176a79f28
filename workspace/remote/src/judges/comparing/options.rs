//! What a recipe says of a judge that compares.

use std::num::NonZeroU32;
use std::path::Path;

use editscale_core::RewardName;

use super::design::{Cut, Plan};
use crate::SetupError;
use crate::fleet::Connection;
use crate::judges::asking::AskingOptions;
use crate::judges::asking::prompt::{Prompt, prompt_file};

/// The most candidates of one set, and of one question.
const MOST: u32 = 64;

/// What one question compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// Two candidates: which one is better? Every pair is asked in both orders.
    Pairwise {
        /// Which pairs of a set are asked.
        pairs: Pairs,
        /// How often each pair is asked in each order, with a seed of its own each time; from 1 to 16.
        votes: NonZeroU32,
    },
    /// Several candidates: what is their ranking? Every shuffled order is asked backwards too.
    Listwise {
        /// The most candidates that one question shows, from 2 to 64; the source comes beside them. Larger sets are cut into
        /// blocks that overlap by half, and the best of them are shown together in the end.
        most_pictures: NonZeroU32,
        /// Shuffled orders in which each block is shown, each forwards and backwards; from 1 to 16.
        orders: NonZeroU32,
    },
}

/// Which pairs of a set are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pairs {
    /// All of them: `n (n - 1) / 2`.
    All,
    /// Some of them; all where the set is small enough.
    Sparse {
        /// With how many others each candidate is compared, an even number from 2 to 64: the nearest ones on a ring that is
        /// shuffled by the request's seed.
        neighbours: NonZeroU32,
        /// How many of the best by that are compared with each other in the end; from 0 to 16. Without this the winner may be one
        /// that met only weak ones.
        finalists: u32,
    },
}

/// What a recipe says of a judge that compares candidates behind `/chat/completions`.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparingJudgeOptions {
    /// What the recipe calls it.
    pub name: RewardName,
    /// How it is asked.
    pub asking: AskingOptions,
    /// What one question compares.
    pub comparison: Comparison,
    /// The prompt's text, with the places `{{instruction}}` and `{{count}}`. Its answer holds `better` (`first`, `second` or
    /// `tie`) or `ranking` (numbers from 1 on, the best first).
    pub prompt: String,
    /// Whether the source is shown before the candidates.
    pub shows_source: bool,
    /// The most candidates that are compared with each other, from 1 to 64.
    pub most_candidates: NonZeroU32,
    /// What is believed of a candidate before anything is asked: the standard deviation of its strength around that of the
    /// average one, in log-odds; from 0.1 to 10. It keeps the strength of a candidate that never lost finite.
    pub prior_sigma: f64,
    /// The pixels that the model looks at, at most, where that is known.
    pub pixel_budget: Option<u64>,
}

impl ComparingJudgeOptions {
    /// Asks about pairs, each once in each order: six of them a candidate, and all among the six best.
    pub fn pairwise(name: RewardName, model: &str, connection: Connection) -> Self {
        let pairs = Pairs::Sparse { neighbours: count(6), finalists: 6 };
        let comparison = Comparison::Pairwise { pairs, votes: NonZeroU32::MIN };
        Self::new(name, model, connection, comparison)
    }

    /// Asks for rankings of up to four candidates, in one order and backwards.
    pub fn listwise(name: RewardName, model: &str, connection: Connection) -> Self {
        let comparison = Comparison::Listwise { most_pictures: count(4), orders: NonZeroU32::MIN };
        Self::new(name, model, connection, comparison)
    }

    fn new(name: RewardName, model: &str, connection: Connection, comparison: Comparison) -> Self {
        let prompt = match comparison {
            Comparison::Pairwise { .. } => include_str!("../../../prompts/pairwise.txt"),
            Comparison::Listwise { .. } => include_str!("../../../prompts/listwise.txt"),
        };
        Self {
            name,
            asking: AskingOptions::new(model, connection, 32_000),
            comparison,
            prompt: prompt.to_owned(),
            shows_source: true,
            most_candidates: count(32),
            prior_sigma: 2.0,
            pixel_budget: None,
        }
    }

    /// Replaces the prompt by a file's text.
    pub fn with_prompt_file(self, file: &Path) -> Result<Self, SetupError> {
        Ok(Self { prompt: prompt_file(self.comparison.word(), file)?, ..self })
    }

    pub(crate) fn check(&self) -> Result<(), SetupError> {
        self.comparison.check()?;
        within("most_candidates", self.most_candidates, 1, MOST)?;
        if (0.1..=10.0).contains(&self.prior_sigma) {
            Ok(())
        } else {
            Err(SetupError::setting("prior_sigma", "0.1 to 10", &self.prior_sigma))
        }
    }

    /// Checks the prompt and cuts it.
    pub(crate) fn cut_prompt(&self) -> Result<Prompt, SetupError> {
        let bad = |reason| SetupError::Prompt { aspect: self.comparison.word().to_owned(), reason };
        Prompt::new(&self.prompt, &["instruction", "count"]).map_err(bad)
    }
}

impl Comparison {
    /// The mode's name in recipes and revisions.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Pairwise { .. } => "pairwise",
            Self::Listwise { .. } => "listwise",
        }
    }

    pub(crate) fn plan(self) -> Plan {
        match self {
            Self::Pairwise { pairs, votes } => {
                let cut = match pairs {
                    Pairs::All => Cut::Pairs,
                    Pairs::Sparse { neighbours, finalists } => {
                        Cut::Ring { neighbours: neighbours.get() as usize, finalists: finalists as usize }
                    }
                };
                Plan { cut, again: votes.get() }
            }
            Self::Listwise { most_pictures, orders } => {
                Plan { cut: Cut::Blocks { size: most_pictures.get() as usize }, again: orders.get() }
            }
        }
    }

    fn check(self) -> Result<(), SetupError> {
        match self {
            Self::Pairwise { pairs, votes } => {
                within("votes", votes, 1, 16)?;
                match pairs {
                    Pairs::Sparse { neighbours, .. } if neighbours.get() % 2 == 1 || neighbours.get() > MOST => {
                        Err(SetupError::setting("neighbours", "an even number from 2 to 64", &neighbours))
                    }
                    Pairs::Sparse { finalists, .. } if finalists > 16 => {
                        Err(SetupError::setting("finalists", "0 to 16", &finalists))
                    }
                    _ => Ok(()),
                }
            }
            Self::Listwise { most_pictures, orders } => {
                within("most_pictures", most_pictures, 2, MOST)?;
                within("orders", orders, 1, 16)
            }
        }
    }
}

fn count(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

fn within(name: &str, value: NonZeroU32, low: u32, high: u32) -> Result<(), SetupError> {
    if (low..=high).contains(&value.get()) {
        return Ok(());
    }
    Err(SetupError::setting(name, &format!("{low} to {high}"), &value))
}
