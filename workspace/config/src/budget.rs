//! What a run may spend.

use std::time::Duration;

use editscale_core::{Budget, Usd};
use editscale_schema::{Absent, Fields, Key, Keys, Number, Whole, Yaml};

/// The largest count that JSON and JavaScript carry exactly.
const MOST: u64 = (1 << 53) - 1;

const NO_LIMIT: &str = "no limit";

const fn count(name: &'static str, meaning: &'static str) -> Key<Whole> {
    Key { name, rule: Whole { low: 1, high: MOST }, absent: Absent::Unset(NO_LIMIT), meaning }
}

pub(crate) const EDITS: Key<Whole> =
    count("edits", "candidates made, failed ones included; one that goes on from a pause is no further one");
pub(crate) const REWARD_CALLS: Key<Whole> =
    count("reward_calls", "judgements, one for each candidate and reward, and critiques");
pub(crate) const NFE: Key<Whole> = count("nfe", "denoiser evaluations");
pub(crate) const TOKENS: Key<Whole> = count("tokens", "language-model tokens, in and out");

pub(crate) const USD: Key<Number> = Key {
    name: "usd",
    // One millionth is the unit that money is counted in.
    rule: Number::from(0.000_001, 1e6),
    absent: Absent::Unset(NO_LIMIT),
    meaning: "US dollars, counted in millionths",
};

const WALL_SECS: Key<Number> = Key {
    name: "wall_secs",
    // Below 2^53 nanoseconds (104 days), seconds read back as the same duration.
    rule: Number::from(0.001, 2_592_000.0),
    absent: Absent::Unset(NO_LIMIT),
    meaning: "seconds of active time: a deadline at which edits under way are cancelled; judgements under way, and free \
              ones of pictures that are there, have ten seconds more",
};

pub(crate) const KEYS: Keys = &[&EDITS, &NFE, &REWARD_CALLS, &TOKENS, &USD, &WALL_SECS];

pub(crate) fn read(fields: &Fields<'_>) -> Budget {
    Budget {
        edits: fields.take(&EDITS),
        nfe: fields.take(&NFE),
        reward_calls: fields.take(&REWARD_CALLS),
        tokens: fields.take(&TOKENS),
        usd: fields.take(&USD).map(|usd| Usd { micros: (usd * 1e6).round() as u64 }),
        wall: fields.take(&WALL_SECS).map(Duration::from_secs_f64),
    }
}

pub(crate) fn write(budget: &Budget) -> Yaml {
    let Budget { edits, reward_calls, nfe, tokens, usd, wall } = budget;
    let keys = [
        EDITS.write(edits.as_ref()),
        NFE.write(nfe.as_ref()),
        REWARD_CALLS.write(reward_calls.as_ref()),
        TOKENS.write(tokens.as_ref()),
        USD.write(usd.map(Usd::dollars).as_ref()),
        WALL_SECS.write(wall.map(|wall| wall.as_secs_f64()).as_ref()),
    ];
    Yaml::Map(keys.into_iter().flatten().collect())
}

/// How many candidates the counts of a budget allow.
pub(crate) struct Limit {
    pub(crate) candidates: u64,
    /// The setting that allows no more.
    pub(crate) setting: &'static str,
}

impl Limit {
    /// Where the setting stands in a recipe.
    pub(crate) fn path(&self) -> String {
        format!("budget.{}", self.setting)
    }
}

/// The limit with this many rewards.
pub(crate) fn limit(budget: &Budget, rewards: u64) -> Option<Limit> {
    let judged = budget.reward_calls.and_then(|calls| calls.checked_div(rewards));
    let limits = [(budget.edits, EDITS.name), (judged, REWARD_CALLS.name)];
    let limits =
        limits.into_iter().filter_map(|(candidates, setting)| Some(Limit { candidates: candidates?, setting }));
    limits.min_by_key(|limit| limit.candidates)
}
