//! What is written for trainers.

use editscale_schema::{Absent, Documented, Fields, Flag, Key, Keys, Number, Section, Whole, Word, Yaml};

use crate::optional::optional_map;

/// Files and views of rollouts.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    /// Parquet as `datasets` reads it.
    pub parquet: bool,
    /// Tar files as `webdataset` reads them.
    pub webdataset: bool,
    /// The ways through the latent space, where editors keep them.
    pub trajectories: bool,
    /// Groups of one file.
    pub groups_per_shard: u64,
    /// Preference pairs.
    pub pairs: Option<Pairs>,
    /// The best and the worst of each group.
    pub best_worst: Option<BestWorst>,
    /// Candidates with weights.
    pub sft: Option<Weighted>,
}

/// Preference pairs of a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pairs {
    /// Which.
    pub choose: PairChoice,
    /// How much better the chosen one is, at least, in units of reward.
    pub margin: f64,
}

/// Which candidates of a group make pairs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairChoice {
    /// The best with the worst.
    BestWorst,
    /// Each with the next in order of reward.
    Adjacent,
    /// Each with each.
    All,
}

/// The best and the worst of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BestWorst {
    /// How many of either.
    pub count: u32,
}

/// Weights that follow rewards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weighted {
    /// β in w ∝ exp(r/β), in units of reward.
    pub temperature: f64,
}

const PARQUET: Key<Flag> = Key {
    name: "parquet",
    rule: Flag,
    absent: Absent::Default(true),
    meaning: "whether Parquet files are written, as `datasets` reads them",
};
const WEBDATASET: Key<Flag> = Key {
    name: "webdataset",
    rule: Flag,
    absent: Absent::Default(false),
    meaning: "whether tar files are written, as `webdataset` reads them",
};
const TRAJECTORIES: Key<Flag> = Key {
    name: "trajectories",
    rule: Flag,
    absent: Absent::Default(true),
    meaning: "whether latents, times and log-probabilities are written, for candidates whose editor keeps them",
};
const GROUPS_PER_SHARD: Key<Whole> = Key {
    name: "groups_per_shard",
    rule: Whole { low: 1, high: 1_000_000 },
    absent: Absent::Default(64),
    meaning: "groups of one file; a file is written when all of them have ended",
};
const PAIRS: Section = Section {
    name: "pairs",
    allowed: "a map",
    default: "not written",
    meaning: "preference pairs, for DPO and its kin",
};
const BEST_WORST: Section = Section {
    name: "best_worst",
    allowed: "a map",
    default: "not written",
    meaning: "the best and worst of each group",
};
const SFT: Section = Section {
    name: "sft",
    allowed: "a map",
    default: "not written",
    meaning: "candidates with weights, for reward-weighted fine-tuning",
};

pub(super) const KEYS: Keys =
    &[&PARQUET as &dyn Documented, &WEBDATASET, &TRAJECTORIES, &GROUPS_PER_SHARD, &PAIRS, &BEST_WORST, &SFT];

const CHOOSE: Key<Word<PairChoice>> = Key {
    name: "choose",
    rule: Word(&[("best_worst", PairChoice::BestWorst), ("adjacent", PairChoice::Adjacent), ("all", PairChoice::All)]),
    absent: Absent::Default(PairChoice::BestWorst),
    meaning: "which pairs: the best with the worst, each with the next in order, or each with each",
};
const MARGIN: Key<Number> = Key {
    name: "margin",
    rule: Number::from(0.0, 1e9),
    absent: Absent::Default(0.0),
    meaning: "how much better the chosen one is, at least, in units of reward; equal ones never make a pair",
};
pub(super) const PAIRS_KEYS: Keys = &[&CHOOSE as &dyn Documented, &MARGIN];

const COUNT: Key<Whole> = Key {
    name: "count",
    rule: Whole { low: 1, high: 10_000 },
    absent: Absent::Default(1),
    meaning: "how many of either",
};
pub(super) const BEST_WORST_KEYS: Keys = &[&COUNT];

const TEMPERATURE: Key<Number> = Key {
    name: "temperature",
    rule: Number::from(1e-9, 1e9),
    absent: Absent::Default(1.0),
    meaning: "β in w ∝ exp(reward / β); the mean weight of a group is 1",
};
pub(super) const SFT_KEYS: Keys = &[&TEMPERATURE];

impl Default for Export {
    fn default() -> Self {
        Self {
            parquet: true,
            webdataset: false,
            trajectories: true,
            groups_per_shard: 64,
            pairs: None,
            best_worst: None,
            sft: None,
        }
    }
}

impl Export {
    pub(super) fn read(fields: &Fields<'_>) -> Option<Self> {
        let (parquet, webdataset) = (fields.take(&PARQUET), fields.take(&WEBDATASET));
        let (trajectories, groups) = (fields.take(&TRAJECTORIES), fields.take(&GROUPS_PER_SHARD));
        let pairs = optional_map(fields, &PAIRS, PAIRS_KEYS, |fields| {
            let (choose, margin) = (fields.take(&CHOOSE), fields.take(&MARGIN));
            Some(Pairs { choose: choose?, margin: margin? })
        });
        let best_worst = optional_map(fields, &BEST_WORST, BEST_WORST_KEYS, |fields| {
            Some(BestWorst { count: fields.take(&COUNT)? as u32 })
        });
        let sft =
            optional_map(fields, &SFT, SFT_KEYS, |fields| Some(Weighted { temperature: fields.take(&TEMPERATURE)? }));
        Some(Self {
            parquet: parquet?,
            webdataset: webdataset?,
            trajectories: trajectories?,
            groups_per_shard: groups?,
            pairs: pairs.ok()?,
            best_worst: best_worst.ok()?,
            sft: sft.ok()?,
        })
    }

    pub(super) fn write(&self) -> Yaml {
        let map = |name: &str, entries: Vec<Option<(String, Yaml)>>| {
            (name.to_owned(), Yaml::Map(entries.into_iter().flatten().collect()))
        };
        let keys = [
            PARQUET.write(Some(&self.parquet)),
            WEBDATASET.write(Some(&self.webdataset)),
            TRAJECTORIES.write(Some(&self.trajectories)),
            GROUPS_PER_SHARD.write(Some(&self.groups_per_shard)),
            self.pairs.map(|pairs| {
                map(PAIRS.name, vec![CHOOSE.write(Some(&pairs.choose)), MARGIN.write(Some(&pairs.margin))])
            }),
            self.best_worst.map(|best| map(BEST_WORST.name, vec![COUNT.write(Some(&best.count.into()))])),
            self.sft.map(|sft| map(SFT.name, vec![TEMPERATURE.write(Some(&sft.temperature))])),
        ];
        Yaml::Map(keys.into_iter().flatten().collect())
    }
}
