//! How recipes set `pairwise_judge` and `listwise_judge`.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use editscale_core::RewardName;
use editscale_schema::{
    Absent, Fields, Flag, FreeQuestion, House, Key, Keys, Made, MadeReward, MakeError, Mistake, Number, Options,
    RewardChoice, Text, Whole, Yaml,
};

use super::{ComparingJudge, ComparingJudgeOptions, Comparison, Pairs};
use crate::judges::asking::recipe::{AskingRecipe, keys};
use crate::judges::recipe::{servers_of, take_count};
use crate::recipe::connection;

/// What a recipe says of a vision-language model that is asked which of two candidates is better.
#[derive(Debug, Clone, PartialEq)]
pub struct PairwiseJudgeRecipe {
    /// With how many others each candidate is compared; with all of them where it is not said otherwise by being smaller than
    /// the set.
    neighbours: NonZeroU32,
    /// How many of the best are compared with each other in the end.
    finalists: u32,
    /// How often each pair is asked in each order.
    votes: NonZeroU32,
    /// What is told of any judge that compares.
    comparing: ComparingRecipe,
}

/// What a recipe says of a vision-language model that is asked for the ranking of several candidates.
#[derive(Debug, Clone, PartialEq)]
pub struct ListwiseJudgeRecipe {
    /// The most candidates that one question shows.
    most_pictures: NonZeroU32,
    /// Shuffled orders in which each block is shown, each also backwards.
    orders: NonZeroU32,
    /// What is told of any judge that compares.
    comparing: ComparingRecipe,
}

/// What a recipe says of any judge that compares candidates with each other.
#[derive(Debug, Clone, PartialEq)]
struct ComparingRecipe {
    /// A file with a prompt that takes the place of ours.
    prompt: Option<String>,
    /// Whether the source is shown before the candidates.
    shows_source: bool,
    /// The most candidates that are compared with each other.
    most_candidates: NonZeroU32,
    /// What is believed of a candidate's strength before anything is asked, in log-odds.
    prior_sigma: f64,
    /// What is told of any judge that asks.
    asking: AskingRecipe,
}

const NEIGHBOURS: Key<Whole> = Key {
    name: "neighbours",
    rule: Whole { low: 2, high: 64 },
    absent: Absent::Default(6),
    meaning: "with how many others each candidate is compared, an even number; all pairs of a set that is small enough",
};

const FINALISTS: Key<Whole> = Key {
    name: "finalists",
    rule: Whole { low: 0, high: 16 },
    absent: Absent::Default(6),
    meaning: "how many of the best by that are compared with each other in the end, where not all pairs were asked",
};

const VOTES: Key<Whole> = Key {
    name: "votes",
    rule: Whole { low: 1, high: 16 },
    absent: Absent::Default(1),
    meaning: "how often each pair is asked in each of the two orders, with a seed of its own each time",
};

const MOST_PICTURES: Key<Whole> = Key {
    name: "most_pictures",
    rule: Whole { low: 2, high: 64 },
    absent: Absent::Default(4),
    meaning: "the most candidates that one question shows, beside the source; larger sets are cut into blocks that overlap",
};

const ORDERS: Key<Whole> = Key {
    name: "orders",
    rule: Whole { low: 1, high: 16 },
    absent: Absent::Default(1),
    meaning: "shuffled orders in which each block is shown, each also backwards",
};

const PROMPT: Key<Text> = Key {
    name: "prompt",
    rule: Text,
    absent: Absent::Unset("ours"),
    meaning: "a file with a prompt that takes the place of ours, with the places `{{instruction}}` and `{{count}}`; it asks for \
              JSON with `better` (`first`, `second` or `tie`), or with `ranking` (numbers from 1 on, the best first)",
};

const SHOWS_SOURCE: Key<Flag> = Key {
    name: "shows_source",
    rule: Flag,
    absent: Absent::Default(true),
    meaning: "whether the source is shown before the candidates",
};

const MOST_CANDIDATES: Key<Whole> = Key {
    name: "most_candidates",
    rule: Whole { low: 1, high: 64 },
    absent: Absent::Default(32),
    meaning: "the most candidates that are compared with each other; a search that asks for more is refused",
};

const PRIOR_SIGMA: Key<Number> = Key {
    name: "prior_sigma",
    rule: Number::from(0.1, 10.0),
    absent: Absent::Default(2.0),
    meaning: "the standard deviation of strengths before anything is asked, in log-odds; it keeps the score of a candidate \
              that never lost finite",
};

impl ComparingRecipe {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (prompt, shows_source) = (fields.take(&PROMPT), fields.take(&SHOWS_SOURCE));
        let (most_candidates, prior_sigma) = (take_count(fields, &MOST_CANDIDATES), fields.take(&PRIOR_SIGMA));
        let asking = AskingRecipe::read(fields);
        Some(Self {
            prompt,
            shows_source: shows_source?,
            most_candidates: most_candidates?,
            prior_sigma: prior_sigma?,
            asking: asking?,
        })
    }

    fn write(&self) -> impl Iterator<Item = (String, Yaml)> + use<> {
        let own = [
            self.asking.write_model(),
            PROMPT.write(self.prompt.as_ref()),
            SHOWS_SOURCE.write(Some(&self.shows_source)),
            MOST_CANDIDATES.write(Some(&self.most_candidates.get().into())),
            PRIOR_SIGMA.write(Some(&self.prior_sigma)),
        ];
        own.into_iter().flatten().chain(self.asking.write_rest())
    }

    fn make(&self, name: &RewardName, comparison: Comparison) -> Result<MadeReward, MakeError> {
        let usual = match comparison {
            Comparison::Pairwise { .. } => ComparingJudgeOptions::pairwise,
            Comparison::Listwise { .. } => ComparingJudgeOptions::listwise,
        };
        let usual = usual(name.clone(), &self.asking.model, connection(&self.asking.remote));
        let usual = match &self.prompt {
            Some(file) => usual.with_prompt_file(Path::new(file))?,
            None => usual,
        };
        let judge = ComparingJudge::new(ComparingJudgeOptions {
            asking: self.asking.options(usual.asking),
            comparison,
            shows_source: self.shows_source,
            most_candidates: self.most_candidates,
            prior_sigma: self.prior_sigma,
            pixel_budget: self.asking.pixel_budget,
            ..usual
        })?;
        Ok(Made::Ready(Arc::new(judge)))
    }
}

impl Options for PairwiseJudgeRecipe {
    const NAME: &'static str = "pairwise_judge";
    const ABOUT: &'static str = "A vision-language model behind `/v1/chat/completions` that says which of two candidates is \
                                 better, each pair in both orders. Scores are strengths by Bradley-Terry in log-odds, 0 for \
                                 the average candidate, and compare within one set only.";
    const KEYS: Keys = keys!(&NEIGHBOURS, &FINALISTS, &VOTES, &PROMPT, &SHOWS_SOURCE, &MOST_CANDIDATES, &PRIOR_SIGMA);

    fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (neighbours, finalists) = (take_count(fields, &NEIGHBOURS), fields.take(&FINALISTS));
        let (votes, comparing) = (take_count(fields, &VOTES), ComparingRecipe::read(fields));
        if neighbours.is_some_and(|count| count.get() % 2 == 1) {
            let mistake =
                Mistake::new("`neighbours` must be an even number: half of them stand on each side of a ring");
            fields.error(&fields.span_of(NEIGHBOURS.name), mistake);
        }
        Some(Self { neighbours: neighbours?, finalists: finalists? as u32, votes: votes?, comparing: comparing? })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [
            NEIGHBOURS.write(Some(&self.neighbours.get().into())),
            FINALISTS.write(Some(&self.finalists.into())),
            VOTES.write(Some(&self.votes.get().into())),
        ];
        own.into_iter().flatten().chain(self.comparing.write()).collect()
    }
}

impl RewardChoice for PairwiseJudgeRecipe {
    fn make(&self, name: &RewardName, _: &House) -> Result<MadeReward, MakeError> {
        let pairs = Pairs::Sparse { neighbours: self.neighbours, finalists: self.finalists };
        self.comparing.make(name, Comparison::Pairwise { pairs, votes: self.votes })
    }

    servers_of!(comparing.asking);

    fn free_question(&self) -> FreeQuestion<'_> {
        self.comparing.asking.free_question()
    }
}

impl Options for ListwiseJudgeRecipe {
    const NAME: &'static str = "listwise_judge";
    const ABOUT: &'static str = "A vision-language model behind `/v1/chat/completions` that ranks several candidates at once, \
                                 in shuffled orders and each also backwards. Scores are as those of `pairwise_judge`.";
    const KEYS: Keys = keys!(&MOST_PICTURES, &ORDERS, &PROMPT, &SHOWS_SOURCE, &MOST_CANDIDATES, &PRIOR_SIGMA);

    fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (most_pictures, orders) = (take_count(fields, &MOST_PICTURES), take_count(fields, &ORDERS));
        let comparing = ComparingRecipe::read(fields);
        Some(Self { most_pictures: most_pictures?, orders: orders?, comparing: comparing? })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [
            MOST_PICTURES.write(Some(&self.most_pictures.get().into())),
            ORDERS.write(Some(&self.orders.get().into())),
        ];
        own.into_iter().flatten().chain(self.comparing.write()).collect()
    }
}

impl RewardChoice for ListwiseJudgeRecipe {
    fn make(&self, name: &RewardName, _: &House) -> Result<MadeReward, MakeError> {
        let comparison = Comparison::Listwise { most_pictures: self.most_pictures, orders: self.orders };
        self.comparing.make(name, comparison)
    }

    servers_of!(comparing.asking);

    fn free_question(&self) -> FreeQuestion<'_> {
        self.comparing.asking.free_question()
    }
}
