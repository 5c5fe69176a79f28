//! Options of the rewards `pairwise_judge` and `listwise_judge`.

use std::num::NonZeroU32;

use super::chat_judge::{
    COUNTS_REASONING, ChatSettings, MAX_TOKENS, MODEL, PIXEL_BUDGET, SENDS_SEED, STRUCTURED, TEMPERATURE,
};
use crate::document::yaml::Yaml;
use crate::remote::{CALLS, PRICES, REPEAT, REVISION, RemoteSettings, SERVERS};
use crate::report::mistakes::Mistake;
use crate::schema::fields::Fields;
use crate::schema::key::{Absent, Key, Keys};
use crate::schema::options::Options;
use crate::schema::rule::{Flag, Number, Text, Whole};

/// A vision-language model that is asked which of two candidates is better.
#[derive(Debug, Clone, PartialEq)]
pub struct PairwiseJudgeOptions {
    /// With how many others each candidate is compared; with all of them where it is not said otherwise by being smaller than
    /// the set.
    pub neighbours: NonZeroU32,
    /// How many of the best are compared with each other in the end.
    pub finalists: u32,
    /// How often each pair is asked in each order.
    pub votes: NonZeroU32,
    /// What is told of any judge that compares.
    pub shared: ComparingSettings,
}

/// A vision-language model that is asked for the ranking of several candidates.
#[derive(Debug, Clone, PartialEq)]
pub struct ListwiseJudgeOptions {
    /// The most candidates that one question shows.
    pub most_pictures: NonZeroU32,
    /// Shuffled orders in which each block is shown, each also backwards.
    pub orders: NonZeroU32,
    /// What is told of any judge that compares.
    pub shared: ComparingSettings,
}

/// What is told of any judge that compares candidates with each other.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparingSettings {
    /// The model's name as the server knows it.
    pub model: String,
    /// A file with a prompt that takes the place of ours.
    pub prompt: Option<String>,
    /// Whether the source is shown before the candidates.
    pub shows_source: bool,
    /// The most candidates that are compared with each other.
    pub most_candidates: NonZeroU32,
    /// What is believed of a candidate's strength before anything is asked, in log-odds.
    pub prior_sigma: f64,
    /// What is told of any chat model.
    pub chat: ChatSettings,
    /// The servers and what is told of them.
    pub remote: RemoteSettings,
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

impl ComparingSettings {
    fn read(fields: &Fields<'_>) -> Option<Self> {
        let (model, prompt, shows_source) = (fields.take(&MODEL), fields.take(&PROMPT), fields.take(&SHOWS_SOURCE));
        let (most_candidates, prior_sigma) = (count(fields, &MOST_CANDIDATES), fields.take(&PRIOR_SIGMA));
        let (chat, remote) = (ChatSettings::read(fields), RemoteSettings::read(fields));
        Some(Self {
            model: model?,
            prompt,
            shows_source: shows_source?,
            most_candidates: most_candidates?,
            prior_sigma: prior_sigma?,
            chat: chat?,
            remote: remote?,
        })
    }

    fn write(&self) -> impl Iterator<Item = (String, Yaml)> + use<> {
        let own = [
            MODEL.write(Some(&self.model)),
            PROMPT.write(self.prompt.as_ref()),
            SHOWS_SOURCE.write(Some(&self.shows_source)),
            MOST_CANDIDATES.write(Some(&self.most_candidates.get().into())),
            PRIOR_SIGMA.write(Some(&self.prior_sigma)),
        ];
        own.into_iter().flatten().chain(self.chat.write()).chain(self.remote.write())
    }
}

fn count(fields: &Fields<'_>, key: &Key<Whole>) -> Option<NonZeroU32> {
    fields.take(key).and_then(|count| NonZeroU32::new(count as u32))
}

impl Options for PairwiseJudgeOptions {
    const NAME: &'static str = "pairwise_judge";
    const ABOUT: &'static str = "A vision-language model behind `/v1/chat/completions` that says which of two candidates is \
                                 better, each pair in both orders. Scores are strengths by Bradley-Terry in log-odds, 0 for \
                                 the average candidate, and compare within one set only.";
    const KEYS: Keys = &[
        &MODEL,
        &SERVERS,
        &NEIGHBOURS,
        &FINALISTS,
        &VOTES,
        &PROMPT,
        &SHOWS_SOURCE,
        &MOST_CANDIDATES,
        &PRIOR_SIGMA,
        &TEMPERATURE,
        &MAX_TOKENS,
        &STRUCTURED,
        &SENDS_SEED,
        &COUNTS_REASONING,
        &PIXEL_BUDGET,
        &CALLS,
        &PRICES,
        &REVISION,
        &REPEAT,
    ];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (neighbours, finalists) = (count(fields, &NEIGHBOURS), fields.take(&FINALISTS));
        let (votes, shared) = (count(fields, &VOTES), ComparingSettings::read(fields));
        if neighbours.is_some_and(|count| count.get() % 2 == 1) {
            let mistake =
                Mistake::new("`neighbours` must be an even number: half of them stand on each side of a ring");
            fields.error(&fields.span_of(NEIGHBOURS.name), mistake);
        }
        Some(Self { neighbours: neighbours?, finalists: finalists? as u32, votes: votes?, shared: shared? })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [
            NEIGHBOURS.write(Some(&self.neighbours.get().into())),
            FINALISTS.write(Some(&self.finalists.into())),
            VOTES.write(Some(&self.votes.get().into())),
        ];
        own.into_iter().flatten().chain(self.shared.write()).collect()
    }
}

impl Options for ListwiseJudgeOptions {
    const NAME: &'static str = "listwise_judge";
    const ABOUT: &'static str = "A vision-language model behind `/v1/chat/completions` that ranks several candidates at once, \
                                 in shuffled orders and each also backwards. Scores are as those of `pairwise_judge`.";
    const KEYS: Keys = &[
        &MODEL,
        &SERVERS,
        &MOST_PICTURES,
        &ORDERS,
        &PROMPT,
        &SHOWS_SOURCE,
        &MOST_CANDIDATES,
        &PRIOR_SIGMA,
        &TEMPERATURE,
        &MAX_TOKENS,
        &STRUCTURED,
        &SENDS_SEED,
        &COUNTS_REASONING,
        &PIXEL_BUDGET,
        &CALLS,
        &PRICES,
        &REVISION,
        &REPEAT,
    ];

    fn read(fields: &Fields<'_>) -> Option<Self> {
        // All are read before any is missed, so that all mistakes are told.
        let (most_pictures, orders) = (count(fields, &MOST_PICTURES), count(fields, &ORDERS));
        let shared = ComparingSettings::read(fields);
        Some(Self { most_pictures: most_pictures?, orders: orders?, shared: shared? })
    }

    fn write(&self) -> Vec<(String, Yaml)> {
        let own = [
            MOST_PICTURES.write(Some(&self.most_pictures.get().into())),
            ORDERS.write(Some(&self.orders.get().into())),
        ];
        own.into_iter().flatten().chain(self.shared.write()).collect()
    }
}
