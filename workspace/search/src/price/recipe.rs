//! How recipes say what work costs: `cost` or `worth`.

use editscale_schema::{Absent, Fields, Key, Keys, Map, Mistake, Number, Section, Subtable, Yaml};

use super::{Pieces, Price, Worth};

/// The key `cost`; `default` says what it is to leave it out.
pub(crate) const fn cost(default: &'static str) -> Section {
    Section { name: COST, allowed: "a map", default, meaning: "what pieces of work cost, in units of utility" }
}

/// The key `worth`; `default` says what it is to leave it out.
pub(crate) const fn worth(default: &'static str) -> Section {
    Section { name: WORTH, allowed: "a map", default, meaning: "what is spent, in units of utility" }
}

const COST: &str = "cost";
const WORTH: &str = "worth";

const COST_KEYS: Keys = &[&EDIT, &REWARD, &PREVIEW];

const fn amount(name: &'static str, meaning: &'static str) -> Key<Number> {
    Key { name, rule: Number::from(0.0, 1e9), absent: Absent::Default(0.0), meaning }
}

const EDIT: Key<Number> = amount("edit", "a whole edit; part of its steps costs that part of it");
const REWARD: Key<Number> = amount("reward", "one judgement by one reward");
const PREVIEW: Key<Number> = amount("preview", "a preview, beyond its steps and its judgements");

const WORTH_KEYS: Keys = &[&PER_NFE, &PER_USD, &PER_SECOND];

const PER_NFE: Key<Number> = amount("per_nfe", "an evaluation of the denoiser");
const PER_USD: Key<Number> = amount("per_usd", "a US dollar");
const PER_SECOND: Key<Number> =
    amount("per_second", "a second of the run's active time; it is measured, so that `budget` needs `wall_secs`");

/// For the documentation.
pub(crate) const COST_TABLE: Subtable = Subtable {
    path: "cost",
    about: "What pieces of work cost, in units of utility: how much better a candidate must become for one of them to \
            be worth it.",
    keys: COST_KEYS,
};

/// For the documentation.
pub(crate) const WORTH_TABLE: Subtable = Subtable {
    path: "worth",
    about: "What is spent, in units of utility. What the `budget` counts is measured as the run goes; the rest goes by \
            the most that editor and rewards say they cost.",
    keys: WORTH_KEYS,
};

/// Reads whichever is there; both are a mistake. `None` where there is neither.
pub(crate) fn read_price(fields: &Fields<'_>) -> Option<Price> {
    let cost = fields.entry(COST).and_then(|entry| Map::of(entry).read(COST_KEYS, fields.mistakes()));
    let worth = fields.entry(WORTH).and_then(|entry| Map::of(entry).read(WORTH_KEYS, fields.mistakes()));
    if fields.has(COST) && fields.has(WORTH) {
        let mistake = Mistake::new("`cost` and `worth` cannot both be given")
            .hint("each of them says what a candidate costs; leave one");
        fields.error(&fields.span_of(WORTH), mistake);
    }
    let cost = cost.and_then(|cost| read_cost(&cost));
    let worth = worth.and_then(|worth| read_worth(&worth));
    let price = cost.map(Price::Cost).or(worth.map(Price::Worth));
    if let Some(price) = price
        && price.values().1.iter().all(|value| *value == 0.0)
    {
        let (name, keys) = match price {
            Price::Cost(_) => (COST, "`edit`"),
            Price::Worth(_) => (WORTH, "`per_nfe`, `per_usd` or `per_second`"),
        };
        let mistake =
            Mistake::new(format!("`{name}` says that nothing costs anything")).hint(format!("set {keys} above 0"));
        fields.error(&fields.span_of(name), mistake);
    }
    price
}

fn read_cost(fields: &Fields<'_>) -> Option<Pieces> {
    let (edit, reward, preview) = (fields.take(&EDIT), fields.take(&REWARD), fields.take(&PREVIEW));
    Some(Pieces { edit: edit?, reward: reward?, preview: preview? })
}

fn read_worth(fields: &Fields<'_>) -> Option<Worth> {
    let (per_nfe, per_usd, per_second) = (fields.take(&PER_NFE), fields.take(&PER_USD), fields.take(&PER_SECOND));
    Some(Worth { per_nfe: per_nfe?, per_usd: per_usd?, per_second: per_second? })
}

/// As a resolved recipe has it.
pub(crate) fn write_price(price: Price) -> (String, Yaml) {
    let (name, keys) = match price {
        Price::Cost(Pieces { edit, reward, preview }) => {
            (COST, [EDIT.write(Some(&edit)), REWARD.write(Some(&reward)), PREVIEW.write(Some(&preview))])
        }
        Price::Worth(Worth { per_nfe, per_usd, per_second }) => {
            (WORTH, [PER_NFE.write(Some(&per_nfe)), PER_USD.write(Some(&per_usd)), PER_SECOND.write(Some(&per_second))])
        }
    };
    (name.into(), Yaml::Map(keys.into_iter().flatten().collect()))
}

/// Whether either is there.
pub(crate) fn has_price(fields: &Fields<'_>) -> bool {
    fields.has(COST) || fields.has(WORTH)
}
