//! What `editscale curate` does with a recipe: where a data set has what, and what is kept of it.

mod columns;
mod gates;
mod keep;
mod strata;

use editscale_core::RewardName;
use editscale_schema::{
    Absent, Documented, Entry, Fields, Key, Keys, Map, Mistake, Mistakes, Number, Section, Table, Whole, Word, Yaml,
    quote, table,
};

pub use columns::CurateColumns;
pub use gates::CurateGate;
pub use keep::{Kept, Pairing, PreferencePairs, Split};
pub use strata::{Diversity, GroupBy, ShareOut, Strata};

use crate::optional::optional_map;

/// What is kept of a data set. Rules apply in the order in which they stand here.
#[derive(Debug, Clone, PartialEq)]
pub struct Curate {
    /// Where a data set has what.
    pub columns: CurateColumns,
    /// What each edited picture must reach.
    pub gates: Vec<CurateGate>,
    /// κ in μ − κσ.
    pub kappa: f64,
    /// What becomes of scores without a σ.
    pub without_sigma: WithoutSigma,
    /// How many edited pictures of a row may stay.
    pub per_row: PerRow,
    /// In how many bits hashes of near duplicates differ at most, where they are looked for.
    pub near_duplicates: Option<u32>,
    /// How many of one group may stay.
    pub diversity: Option<Diversity>,
    /// What the kept are made of.
    pub strata: Strata,
    /// How many are kept.
    pub keep: Kept,
    /// How the kept ones are split, where they are.
    pub split: Option<Split>,
    /// Which preference pairs are made.
    pub preferences: PreferencePairs,
    /// How alike instructions of one group are, above 0 and at most 1.
    pub instruction_similarity: f64,
    /// Examples of each decile in the report.
    pub examples: u32,
}

/// What becomes of scores without a σ where κ is not 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WithoutSigma {
    /// They are dropped.
    Drop,
    /// They are taken as certain.
    Certain,
}

/// How many edited pictures of a row may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PerRow {
    /// The best.
    Best,
    /// Any number.
    All,
}

/// The radius of near duplicates: hashes of 64 bits.
pub(crate) const fn radius(meaning: &'static str) -> Key<Whole> {
    Key { name: "radius", rule: Whole { low: 0, high: 15 }, absent: Absent::Default(6), meaning }
}

const COLUMNS: Section = Section {
    name: "columns",
    allowed: "a map",
    default: "`{}`",
    meaning: "which columns of the data set hold what; usual names are found by themselves",
};
const GATES: Section = Section {
    name: "gates",
    allowed: "a list of gates",
    default: "no gates",
    meaning: "bounds on scores and their parts; what fails one is dropped",
};
const KAPPA: Key<Number> = Key {
    name: "kappa",
    rule: Number::from(0.0, 100.0),
    absent: Absent::Default(0.0),
    meaning: "κ in μ − κσ, by which edited pictures are compared: how much the judge's doubt counts against them",
};
const WITHOUT_SIGMA: Key<Word<WithoutSigma>> = Key {
    name: "without_sigma",
    rule: Word(&[("drop", WithoutSigma::Drop), ("certain", WithoutSigma::Certain)]),
    absent: Absent::Default(WithoutSigma::Drop),
    meaning: "what becomes of a score without a standard deviation where `kappa` is above 0: it is dropped, or taken as certain",
};
const PER_ROW: Key<Word<PerRow>> = Key {
    name: "per_row",
    rule: Word(&[("best", PerRow::Best), ("all", PerRow::All)]),
    absent: Absent::Default(PerRow::Best),
    meaning: "which of several edited pictures of a row may stay",
};
const NEAR_DUPLICATES: Section = Section {
    name: "near_duplicates",
    allowed: "a map",
    default: "not looked for",
    meaning: "of rows with the same instruction whose source and edited picture are nearly the same, the best stays",
};
const DIVERSITY: Section = Section {
    name: "diversity",
    allowed: "a map",
    default: "no limit",
    meaning: "how many may stay of one source, of one kind of instruction, or of one value of a column",
};
const STRATA: Section = Section {
    name: "strata",
    allowed: "a map",
    default: "`{}`",
    meaning: "what the kept rows are made of, and how they are shared out among it",
};
const KEEP: Section = Section {
    name: "keep",
    allowed: "a map",
    default: "all that the other rules leave",
    meaning: "how many are kept, and from which bound",
};
const SPLIT: Section = Section {
    name: "split",
    allowed: "a map",
    default: "all is for training",
    meaning: "training and validation, with equal and nearly equal sources on one side",
};
const PREFERENCES: Section = Section {
    name: "preferences",
    allowed: "a map",
    default: "`{}`",
    meaning: "preference pairs of several edited pictures of one source",
};
const INSTRUCTION_SIMILARITY: Key<Number> = Key {
    name: "instruction_similarity",
    rule: Number::above(0.0, 1.0),
    absent: Absent::Default(0.6),
    meaning: "the least Jaccard similarity of the four-letter pieces of two instructions of one group, where groups are by instruction",
};
const EXAMPLES: Key<Whole> = Key {
    name: "examples",
    rule: Whole { low: 0, high: 100 },
    absent: Absent::Default(4),
    meaning: "examples in the report of each tenth of a stratum's scores, and of each reason to drop",
};

pub(crate) const KEYS: Keys = &[
    &COLUMNS as &dyn Documented,
    &GATES,
    &KAPPA,
    &WITHOUT_SIGMA,
    &PER_ROW,
    &NEAR_DUPLICATES,
    &DIVERSITY,
    &STRATA,
    &KEEP,
    &SPLIT,
    &PREFERENCES,
    &INSTRUCTION_SIMILARITY,
    &EXAMPLES,
];

const RADIUS: Key<Whole> = radius(
    "in how many of 64 bits the perceptual hashes of the sources may differ, and likewise those of the edited pictures; 0 finds equal hashes only",
);
const NEAR_DUPLICATES_KEYS: Keys = &[&RADIUS];

impl Default for Curate {
    fn default() -> Self {
        Self {
            columns: CurateColumns::default(),
            gates: Vec::new(),
            kappa: 0.0,
            without_sigma: WithoutSigma::Drop,
            per_row: PerRow::Best,
            near_duplicates: None,
            diversity: None,
            strata: Strata::default(),
            keep: Kept::default(),
            split: None,
            preferences: PreferencePairs::default(),
            instruction_similarity: 0.6,
            examples: 4,
        }
    }
}

impl Curate {
    /// `rewards` are the names that gates can be on, where all of them are known.
    pub(crate) fn read(entry: &Entry, rewards: Option<&[RewardName]>, mistakes: &Mistakes<'_>) -> Option<Self> {
        let fields = Map::of(entry).read(KEYS, mistakes)?;
        let columns = fields.section(&COLUMNS, columns::KEYS, CurateColumns::read);
        let gates = gates::read_gates(&fields, &GATES, rewards);
        let (kappa, without_sigma) = (fields.take(&KAPPA), fields.take(&WITHOUT_SIGMA));
        let per_row = fields.take(&PER_ROW);
        let near_duplicates =
            optional_map(&fields, &NEAR_DUPLICATES, NEAR_DUPLICATES_KEYS, |fields| fields.take(&RADIUS));
        let diversity = optional_map(&fields, &DIVERSITY, strata::DIVERSITY_KEYS, Diversity::read);
        let strata = fields.section(&STRATA, strata::KEYS, Strata::read);
        let keep = fields.section(&KEEP, keep::KEYS, Kept::read);
        let split = optional_map(&fields, &SPLIT, keep::SPLIT_KEYS, Split::read);
        let preferences = fields.section(&PREFERENCES, keep::PREFERENCES_KEYS, PreferencePairs::read);
        let (similarity, examples) = (fields.take(&INSTRUCTION_SIMILARITY), fields.take(&EXAMPLES));
        let curate = Self {
            columns: columns?,
            gates: gates?,
            kappa: kappa?,
            without_sigma: without_sigma?,
            per_row: per_row?,
            near_duplicates: near_duplicates.ok()?.map(|radius| radius as u32),
            diversity: diversity.ok()?,
            strata: strata?,
            keep: keep?,
            split: split.ok()?,
            preferences: preferences?,
            instruction_similarity: similarity?,
            examples: examples? as u32,
        };
        curate.check(&fields);
        Some(curate)
    }

    /// What its keys are to each other.
    fn check(&self, fields: &Fields<'_>) {
        let by_category = [
            (&DIVERSITY, self.diversity.as_ref().is_some_and(|diversity| diversity.by == GroupBy::Category)),
            (&STRATA, self.strata.by == GroupBy::Category),
        ];
        for (section, _) in by_category.iter().filter(|(_, is)| *is && self.columns.category.is_none()) {
            let message = format!("{} is by `category`, and `columns` names no such column", quote(section.name));
            let hint = "add `category: …` to `curate.columns`, or use `edit_category`, which needs no column";
            fields.error(&fields.span_of(section.name), Mistake::new(message).hint(hint));
        }
        if self.strata.share_out != ShareOut::Freely && self.keep.top.is_none() && self.keep.share.is_none() {
            let message = "`strata` shares out what is kept, and `keep` does not say how much that is";
            let mistake = Mistake::new(message).hint("add `keep: {top: 20000}` or `keep: {share: 0.4}`");
            fields.error(&fields.span_of(STRATA.name), mistake);
        }
    }

    pub(crate) fn write(&self) -> Yaml {
        let section = |section: &Section, map: Yaml| Some((section.name.to_owned(), map));
        let radius = |radius: u32| Yaml::Map(RADIUS.write(Some(&radius.into())).into_iter().collect());
        let keys = [
            section(&COLUMNS, self.columns.write()),
            section(&GATES, Yaml::List(self.gates.iter().map(CurateGate::write).collect())),
            KAPPA.write(Some(&self.kappa)),
            WITHOUT_SIGMA.write(Some(&self.without_sigma)),
            PER_ROW.write(Some(&self.per_row)),
            self.near_duplicates.and_then(|bits| section(&NEAR_DUPLICATES, radius(bits))),
            self.diversity.as_ref().and_then(|diversity| section(&DIVERSITY, diversity.write())),
            section(&STRATA, self.strata.write()),
            section(&KEEP, self.keep.write()),
            self.split.and_then(|split| section(&SPLIT, split.write())),
            section(&PREFERENCES, self.preferences.write()),
            INSTRUCTION_SIMILARITY.write(Some(&self.instruction_similarity)),
            EXAMPLES.write(Some(&self.examples.into())),
        ];
        Yaml::Map(keys.into_iter().flatten().collect())
    }
}

/// The tables of the section, for its documentation.
pub(crate) fn tables() -> Vec<Table> {
    vec![
        table("curate", "What is kept of a data set, by `editscale curate`. Nothing here changes a score.", KEYS),
        table("curate.columns", "Where a data set has what.", columns::KEYS),
        table("curate.gates[]", "Bounds on a score or on one of its parts. Both ends pass.", gates::KEYS),
        table("curate.near_duplicates", "When two rows are nearly the same.", NEAR_DUPLICATES_KEYS),
        table("curate.diversity", "How many may stay of one group; the best of each stay.", strata::DIVERSITY_KEYS),
        table("curate.strata", "What the kept rows are made of.", strata::KEYS),
        table("curate.keep", "How many are kept. All that the other rules leave, where nothing is said.", keep::KEYS),
        table("curate.split", "Training and validation.", keep::SPLIT_KEYS),
        table("curate.preferences", "Which preference pairs are made.", keep::PREFERENCES_KEYS),
    ]
}
