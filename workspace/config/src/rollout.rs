//! What `editscale run` does with a recipe beyond single runs: data set, repeats, advantages, exports, weights.

mod advantage;
pub(crate) mod columns;
mod export;
mod policy;

use editscale_schema::{
    Absent, Documented, Entry, Key, Keys, Map, Mistakes, Number, Section, Table, Whole, Yaml, table,
};

pub use advantage::{Advantage, Grpo, LeaveOneOut, Rank};
pub use columns::DataColumns;
pub use export::{BestWorst, Export, PairChoice, Pairs, Weighted};
pub use policy::Policy;

use crate::optional::optional_map;

/// What is set for whole data sets.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollout {
    /// Where a data set has what.
    pub columns: DataColumns,
    /// How often each row is edited.
    pub repeats: u32,
    /// What a reward is worth within its group.
    pub advantage: Advantage,
    /// Rewards whose standard deviation is at most this do not differ.
    pub flat_below: f64,
    /// How often a group without differing rewards is sampled again, with other seeds.
    pub resample: u32,
    /// What is written.
    pub export: Export,
    /// The weights that edit, where the recipe names them.
    pub policy: Option<Policy>,
}

const COLUMNS: Section = Section {
    name: "columns",
    allowed: "a map",
    default: "`{}`",
    meaning: "which columns of the data set hold what; usual names are found by themselves",
};
const REPEATS: Key<Whole> = Key {
    name: "repeats",
    rule: Whole { low: 1, high: 1_000_000 },
    absent: Absent::Default(1),
    meaning: "how often each row is edited, each time with seeds of its own",
};
const ADVANTAGE: Section = Section {
    name: "advantage",
    allowed: "one way",
    default: "`{grpo: {}}`",
    meaning: "what a reward is worth within its group",
};
const FLAT_BELOW: Key<Number> = Key {
    name: "flat_below",
    rule: Number::from(0.0, 1e6),
    absent: Absent::Default(1e-6),
    meaning: "a group whose rewards have a standard deviation of at most this is marked as flat: there is nothing to learn from it",
};
const RESAMPLE: Key<Whole> = Key {
    name: "resample",
    rule: Whole { low: 0, high: 100 },
    absent: Absent::Default(0),
    meaning: "how often a flat group is sampled again, with other seeds, before it is kept as flat",
};
const EXPORT: Section =
    Section { name: "export", allowed: "a map", default: "`{}`", meaning: "what is written for trainers" };
const POLICY: Section = Section {
    name: "policy",
    allowed: "a map",
    default: "the editor's own weights, without a name",
    meaning: "which weights edit: written into every row, and taken up between groups",
};

pub(crate) const KEYS: Keys =
    &[&COLUMNS as &dyn Documented, &REPEATS, &ADVANTAGE, &FLAT_BELOW, &RESAMPLE, &EXPORT, &POLICY];

impl Default for Rollout {
    fn default() -> Self {
        Self {
            columns: DataColumns::default(),
            repeats: 1,
            advantage: Advantage::Grpo(Grpo::default()),
            flat_below: 1e-6,
            resample: 0,
            export: Export::default(),
            policy: None,
        }
    }
}

impl Rollout {
    pub(crate) fn read(entry: &Entry, mistakes: &Mistakes<'_>) -> Option<Self> {
        let fields = Map::of(entry).read(KEYS, mistakes)?;
        let columns = fields.section(&COLUMNS, columns::KEYS, DataColumns::read);
        let advantage = fields.entry(ADVANTAGE.name).map_or(Some(Advantage::Grpo(Grpo::default())), |entry| {
            advantage::KINDS.read(&entry.node, &entry.key_span, mistakes).map(|chosen| *chosen)
        });
        let export = fields.section(&EXPORT, export::KEYS, Export::read);
        let policy = optional_map(&fields, &POLICY, policy::KEYS, Policy::read);
        let (repeats, flat_below, resample) = (fields.take(&REPEATS), fields.take(&FLAT_BELOW), fields.take(&RESAMPLE));
        Some(Self {
            columns: columns?,
            repeats: repeats? as u32,
            advantage: advantage?,
            flat_below: flat_below?,
            resample: resample? as u32,
            export: export?,
            policy: policy.ok()?,
        })
    }

    pub(crate) fn write(&self) -> Yaml {
        let keys = [
            Some((COLUMNS.name.to_owned(), self.columns.write())),
            REPEATS.write(Some(&self.repeats.into())),
            Some((ADVANTAGE.name.to_owned(), self.advantage.write())),
            FLAT_BELOW.write(Some(&self.flat_below)),
            RESAMPLE.write(Some(&self.resample.into())),
            Some((EXPORT.name.to_owned(), self.export.write())),
            self.policy.as_ref().map(|policy| (POLICY.name.to_owned(), policy.write())),
        ];
        Yaml::Map(keys.into_iter().flatten().collect())
    }
}

/// The tables of the section, for its documentation.
pub(crate) fn tables() -> Vec<Table> {
    let mut tables = vec![
        table("rollout", "Whole data sets, by `editscale run`. Single edits do not look at it.", KEYS),
        table("rollout.columns", "Where a data set has what.", columns::KEYS),
    ];
    let ways = advantage::KINDS.tables().into_iter();
    tables.extend(ways.map(|way| Table { path: format!("rollout.{}", way.path), ..way }));
    tables.push(table("rollout.export", "What is written for trainers.", export::KEYS));
    tables.push(table("rollout.export.pairs", "Preference pairs of each group, as `views/pairs`.", export::PAIRS_KEYS));
    tables.push(table(
        "rollout.export.best_worst",
        "The best and the worst candidates of each group, as `views/best_worst`.",
        export::BEST_WORST_KEYS,
    ));
    tables.push(table(
        "rollout.export.sft",
        "Candidates with weights that follow their rewards, as `views/sft`.",
        export::SFT_KEYS,
    ));
    tables.push(table("rollout.policy", "Which weights edit.", policy::KEYS));
    tables
}
